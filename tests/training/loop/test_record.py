"""Laws of the recipes: the same calls for both kinds, and nothing is printed or written unasked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import quota_company
import sellers
from markupsafe import escape

from features.clock import midnight
from features.errors import InputError
from features.storage.warehouse import Warehouse
from training.evaluation.lead_forecasts import MODEL
from training.leads.dataset import TrainingSet
from training.loop import record
from training.loop.kinds import KINDS, LEADS, QUOTA, Kind
from training.loop.results import Graded, Recipe
from training.params import TrainingParams
from training.rolling import Range


@dataclass(frozen=True)
class Company:
    """A small company that supports one kind of model.

    Attributes:
        kind: what can be forecast of it.
        warehouse: its extract.
        recipe: small settings that fit it.
        asked: a few cutoffs, some of them mature.
    """

    kind: Kind
    warehouse: Warehouse
    recipe: Recipe
    asked: Range

    @property
    def moment(self) -> datetime:
        """The midnight two months before the extract's end."""
        return midnight(self.warehouse.data_until - timedelta(days=60))


@pytest.fixture(scope="module", params=list(KINDS))
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """One company for each kind."""
    if request.param == "leads":
        training = sellers.without(
            set(_names(request.getfixturevalue("training_set"))) - sellers.FEW
        )
        history: Warehouse = request.getfixturevalue("history")
        asked = Range(sellers.UNTIL - timedelta(days=40), sellers.UNTIL - timedelta(days=5), 7)
        return Company(LEADS, history, Recipe(sellers.FEATURES, training, "sellers"), asked)
    rows = quota_company.sellers(datetime(2024, 11, 20))
    history = quota_company.opened(rows, tmp_path_factory.mktemp("quota"))
    start = history.data_until - timedelta(days=100)
    asked = Range(start, history.data_until - timedelta(days=4), 28)
    recipe = Recipe(quota_company.FEATURES, quota_company.TRAINING, "sellers")
    return Company(QUOTA, history, recipe, asked)


def _names(training_set: object) -> list[str]:
    return list(training_set.examples.feature_set.names)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def trained(company: Company) -> record.TrainingRecord:
    """One training of each kind, on what was known two months before the extract's end."""
    return record.train(company.kind, company.warehouse, company.recipe, company.moment)


@pytest.fixture(scope="module")
def backtested(company: Company) -> record.BacktestRecord:
    """One backtest of each kind."""
    return record.backtest(company.kind, company.warehouse, company.asked, company.recipe)


def test_a_training_is_a_record(company: Company, trained: record.TrainingRecord) -> None:
    """It holds the model, its test, its figures and its report, ready to be registered."""
    assert trained.run.kind == company.kind.name
    assert trained.run.data_fingerprint == company.warehouse.fingerprint
    assert set(trained.run.settings) == {"features", "training"}
    assert json.loads(str(trained.run.files["notes.json"])) == list(trained.trained.notes)
    grade = trained.trained.grade
    assert grade is not None
    assert trained.run.metrics.get("auc") == grade.overall.model["auc"].value
    assert json.loads(str(trained.run.files["metrics.json"])) == plain(grade.to_json())
    assert "<html" in str(trained.run.files["report.html"])


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_first_model_gives_way_unless_it_is_asked_for(
    trained: record.TrainingRecord, *, is_first: bool, is_asked_for: bool
) -> None:
    """The fallback is registered only in place of a first model that nobody asked for."""
    shown = replace(trained, fallback=None)
    assert shown.to_register(is_first=is_first, is_asked_for=is_asked_for) is trained.run
    fallback = replace(trained.run, metrics={})
    doubted = replace(trained, fallback=fallback)
    taken = doubted.to_register(is_first=is_first, is_asked_for=is_asked_for)
    assert taken is (fallback if is_first and not is_asked_for else trained.run)


def test_figures_of_a_fallback_are_those_of_its_baseline(trained: record.TrainingRecord) -> None:
    """Its own stand without a name, those of the model it stands in for with one."""
    grade = trained.trained.grade
    assert grade is not None
    rival = next(iter(grade.overall.differences))
    prefix = rival.replace(" ", "_")
    plainly, instead = record.flat(grade.overall), record.flat(grade.overall, rival)
    for figure in ("auc", "brier_low", "mean_forecast"):
        assert instead.get(figure) == plainly.get(f"{prefix}.{figure}")
        assert instead.get(f"{MODEL}.{figure}") == plainly.get(figure)
    assert len(instead) == len(plainly)


def test_a_model_knows_only_what_was_known(
    company: Company, trained: record.TrainingRecord
) -> None:
    """`until` cuts the history before anything is learned, and before anything is tested."""
    assert trained.trained.bundle.until == company.moment
    assert trained.trained.test is not None
    assert all(cutoff < company.moment for cutoff in trained.trained.test.asked.cutoffs)


def plain(values: object) -> object:
    """Return values as JSON gives them back: tuples are lists there."""
    return json.loads(json.dumps(values, allow_nan=False))


def test_a_backtest_is_written_as_the_contract_names_it(
    backtested: record.BacktestRecord, tmp_path: Path
) -> None:
    """Three files: the predictions, the figures without any NaN, and a page that stands alone."""
    predictions, metrics, report = backtested.write(tmp_path)
    assert predictions.name == backtested.kind.files.predictions
    pd.testing.assert_frame_equal(pd.read_parquet(predictions), backtested.backtested.frame)
    assert json.loads(metrics.read_text(), parse_constant=_refuse) == plain(
        backtested.graded.to_json()
    )
    assert "http://" not in report.read_text().replace("http://www.w3.org", "")
    assert "<script" not in report.read_text()


def _refuse(constant: str) -> None:
    raise AssertionError(f"metrics.json holds {constant}")


def test_every_forecast_stands_beside_simple_ones(backtested: record.BacktestRecord) -> None:
    """A model without baselines could not be told from luck."""
    names = list(backtested.graded.overall.scores)
    assert names[0] == MODEL
    assert len(names) >= 3
    assert set(backtested.graded.overall.differences) == set(names) - {MODEL}


def test_cutoffs_are_those_asked_for(company: Company, backtested: record.BacktestRecord) -> None:
    """Nothing is forecast at another moment, whatever was known there."""
    cutoffs = {moment.to_pydatetime() for moment in backtested.backtested.frame["cutoff"].unique()}
    assert cutoffs <= set(company.asked.cutoffs)
    assert cutoffs


def test_a_backtest_beyond_the_data_is_refused(company: Company) -> None:
    """It is said where the extract ends, before anything is learned."""
    late = company.warehouse.data_until + timedelta(days=1)
    asked = Range(late, late + timedelta(days=7))
    with pytest.raises(InputError, match=f"lies after the extract's end.*{_day(company)}"):
        record.backtest(company.kind, company.warehouse, asked, company.recipe)


def _day(company: Company) -> str:
    return f"{company.warehouse.data_until:%Y-%m-%d}"


def test_forecasts_of_one_kind_are_no_others(
    company: Company, backtested: record.BacktestRecord
) -> None:
    """Mixing the kinds up is an error in words, never a wrong figure."""
    (other,) = (kind for kind in KINDS.values() if kind is not company.kind)
    with pytest.raises(InputError, match="cannot be graded as forecasts of"):
        other.steps.grade(backtested.backtested, TrainingParams(), None, record.silent)
    with pytest.raises(InputError, match="no report about"):
        other.steps.report(
            Graded(backtested.graded.evaluation),
            record.report_context(backtested.backtested, company.recipe),
        )


def test_flat_names_tell_models_from_rules(backtested: record.BacktestRecord) -> None:
    """The model's figures have plain names, a baseline's begin with its own; none is empty."""
    overall = backtested.graded.overall
    figures = record.flat(overall)
    for name, scores in overall.scores.items():
        prefix = "" if name == MODEL else f"{name.replace(' ', '_')}."
        for metric, estimate in scores.items():
            assert figures.get(f"{prefix}{metric}") == estimate.value
            assert figures.get(f"{prefix}{metric}_low") == estimate.low
    assert None not in figures.values()


def test_scores_are_of_the_moment_asked_for(
    company: Company, trained: record.TrainingRecord
) -> None:
    """`score` forecasts what is open or running then, each row as of that moment."""
    scores = company.kind.steps.score(
        company.warehouse, trained.trained.bundle, "7", company.moment, company.recipe.training
    )
    assert len(scores)
    assert set(scores["as_of"]) == {pd.Timestamp(company.moment)}
    assert set(scores["model_version"]) == {"7"}


def test_recipes_print_nothing(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever calls a recipe decides what people see."""
    late = company.warehouse.data_until + timedelta(days=1)
    with pytest.raises(InputError):
        record.require_start(Range(late, late), company.warehouse)
    assert capsys.readouterr() == ("", "")


def test_effects_that_did_not_hold_reach_notes_and_report(
    waved_history: Warehouse, training_set: TrainingSet
) -> None:
    """A training says them before its verdict, and the page shows them."""
    few = sellers.without(set(_names(training_set)) - sellers.FEW)
    trained = record.train(LEADS, waved_history, Recipe(sellers.FEATURES, few, "sellers"))
    result = trained.trained
    bundle, test, notes = result.bundle, result.test, result.notes
    shifts = bundle.about["unsteady"]
    assert shifts
    assert test is not None
    assert {item.says for item in test.unsteady} <= {shift["says"] for shift in shifts}
    assert test.unsteady[0].says in notes[:-1]
    page = str(trained.run.files["report.html"])
    for item in test.unsteady:
        assert f"<h3>{escape(item.label)}: {escape(item.group)}</h3>" in page
