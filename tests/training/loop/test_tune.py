"""Laws of tuning: folds are the past as it was, built once, and the test is never searched."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from quota_company import FEATURES as QUOTA_FEATURES
from quota_company import QUARTERS, opened
from quota_company import TRAINING as QUOTA_TRAINING
from quota_company import sellers as quota_sellers
from sellers import FEATURES, HORIZON

from features.errors import NotReady
from features.storage.warehouse import Warehouse
from training.evaluation.metrics import log_loss
from training.leads.fit import learn_leads
from training.loop.kinds import LEADS, QUOTA, Kind
from training.loop.results import Recipe
from training.loop.tune import Plan, Tuned, fold_loss, plan_tuning, tune
from training.loop.tuning_files import params_yaml, to_json, trials_csv, tuning_page
from training.params import GateParams, RetrainParams, TrainingParams, TuneParams
from training.quota.fit import learn_quota

DAYS = 21


def few(params: TrainingParams, **sections: object) -> TrainingParams:
    """Return settings of a short search on short folds."""
    return params.model_copy(
        update={
            "tune": TuneParams(trials=3, folds=2),
            "retrain": RetrainParams(window_days=DAYS),
            "gate": GateParams(draws=40, minimum_rows=20),
            **sections,
        }
    )


@pytest.fixture(scope="module")
def plan(history: Warehouse, quick: TrainingParams) -> Plan:
    """A search for lead settings, its folds built."""
    return plan_tuning(LEADS, history, Recipe(FEATURES, few(quick), "sellers"))


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A company after its sixth quarter."""
    end = QUARTERS[6] + timedelta(days=10)
    return opened(quota_sellers(end), tmp_path_factory.mktemp("sold"))


def test_every_part_learns_from_the_past_alone(plan: Plan, history: Warehouse) -> None:
    """A fold's outcomes are known before the next part begins; the last part is the test."""
    starts = [*(fold.start for fold in plan.folds), plan.test_from]
    assert len(plan.folds) == 2
    for fold, following in zip(plan.folds, starts[1:], strict=True):
        assert fold.start <= fold.cutoffs[0]
        assert fold.cutoffs[-1] + timedelta(days=HORIZON) <= following
        assert not np.isnan(fold.y).any()
    assert plan.test_from + timedelta(days=HORIZON + DAYS) <= history.data_until


@pytest.mark.parametrize("values", [{}, {"booster.num_leaves": 4, "leads.inverse_ridge": 0.5}])
def test_a_fold_built_once_is_the_model_made_then(
    plan: Plan, history: Warehouse, values: dict[str, float]
) -> None:
    """To the bit, with whatever settings: what `train` made then, and scoring said."""
    from training.loop.search_space import with_values  # noqa: PLC0415 - beside its use

    params = with_values(plan.recipe.training, values)
    fold, known = plan.folds[0], history.until(plan.folds[1].start)
    model = learn_leads(history.until(fold.start), HORIZON, FEATURES, params)
    assert fold.fit(params).version == model.version
    then = LEADS.steps.forecast(known, model, fold.cutoffs)
    assert np.array_equal(fold.y, then.y)
    assert fold_loss(fold, params) == float(log_loss(then.y, then.p).mean())


def test_a_quota_fold_is_the_model_made_then(sold: Warehouse) -> None:
    """The same of attainment: a fold is a quota period that has ended, forecast from its start."""
    params = few(QUOTA_TRAINING)
    plan = plan_tuning(QUOTA, sold, Recipe(QUOTA_FEATURES, params, "quotas"))
    assert plan.test_from == QUARTERS[5]
    assert [fold.start for fold in plan.folds][-1] == QUARTERS[4]
    fold = plan.folds[-1]
    assert all(QUARTERS[4] <= cutoff < QUARTERS[5] for cutoff in fold.cutoffs)
    model = learn_quota(sold.until(fold.start), QUOTA_FEATURES, params)
    assert fold.fit(params).version == model.version
    then = QUOTA.steps.forecast(sold.until(plan.test_from), model, fold.cutoffs)
    known = ~np.isnan(then.y)
    assert fold_loss(fold, params) == float(log_loss(then.y[known], then.p[known]).mean())


def test_what_comes_after_the_search_changes_nothing_in_it(
    history: Warehouse, quick: TrainingParams
) -> None:
    """An extract that ends where the test begins has the same last folds, to the bit."""
    training = few(quick, tune=TuneParams(trials=3, folds=3))
    longer = plan_tuning(LEADS, history.until(None), Recipe(FEATURES, training, "sellers"))
    cut = plan_tuning(
        LEADS,
        history.until(longer.test_from),
        Recipe(FEATURES, few(quick, tune=TuneParams(trials=3, folds=2)), "sellers"),
    )
    assert cut.test_from == longer.folds[-1].start
    assert [f.start for f in cut.folds] == [f.start for f in longer.folds[:-1]]
    assert cut.present == longer.present[:-1]


def test_trial_0_is_the_present_loss(plan: Plan) -> None:
    """The present settings lose in the search what they lose by themselves."""
    losses = list(plan.losses({r.name: r.default for r in plan.ranges}))
    own = [fold_loss(fold, plan.recipe.training) for fold in plan.folds]
    assert losses == [own[0], float(np.mean(own))]


def test_unlike_settings_and_data_are_unlike_searches(
    plan: Plan, history: Warehouse, quick: TrainingParams
) -> None:
    """The number of trials is no part of the name; whatever changes a loss is."""

    def name(**sections: object) -> str:
        return plan_tuning(LEADS, history, Recipe(FEATURES, few(quick, **sections))).name

    assert name(tune=TuneParams(trials=99, folds=2)) == plan.name
    assert name(tune=TuneParams(folds=1)) != plan.name
    calibration = quick.calibration.model_copy(update={"ridge": 5.0})
    assert name(calibration=calibration) != plan.name


def bad(quick: TrainingParams) -> TrainingParams:
    """Return settings that nobody would choose."""
    booster = quick.booster.model_copy(
        update={"learning_rate": 0.5, "num_leaves": 60, "min_data_in_leaf": 2, "lambda_l2": 0.1}
    )
    leads = quick.leads.model_copy(update={"inverse_ridge": 100.0})
    tuning = TuneParams(trials=8, folds=2, every_days=3)
    return few(quick, booster=booster, leads=leads, tune=tuning)


@pytest.fixture(scope="module")
def tuned(
    history: Warehouse, quick: TrainingParams, tmp_path_factory: pytest.TempPathFactory
) -> Tuned:
    """A search that begins with bad settings."""
    begun = plan_tuning(LEADS, history, Recipe(FEATURES, bad(quick), "sellers"))
    folder = tmp_path_factory.mktemp("search")
    return tune(begun, history, begun.search(folder / "trials.sqlite"))


def test_bad_settings_are_bettered_on_unseen_data(tuned: Tuned) -> None:
    """The gain holds in the search and in the test, and is said with its interval."""
    assert tuned.best.number > 0
    assert tuned.search_gain > 0
    assert tuned.comparison is not None
    assert tuned.comparison.since == tuned.plan.test_from
    assert tuned.comparison.verdict.gain.value is not None
    assert tuned.comparison.verdict.gain.value > 0
    assert tuned.improves == tuned.comparison.verdict.promotes
    assert tuned.says.startswith("better settings were found" if tuned.improves else "no improve")
    used = tuned.training if tuned.improves else None
    if used is not None:
        assert used.booster != tuned.plan.recipe.training.booster


def test_no_improvement_is_an_answer(plan: Plan, history: Warehouse, tmp_path: Path) -> None:
    """Where nothing can be varied, the present settings stay, and it says so."""
    from dataclasses import replace  # noqa: PLC0415 - beside its use

    stuck = tuple(replace(r, low=r.default, high=r.default) for r in plan.ranges)
    same = replace(plan, ranges=stuck, name="stuck")
    found = tune(same, history, same.search(tmp_path / "trials.sqlite"))
    assert not found.improves
    assert found.comparison is None
    assert found.says.startswith("no improvement: of")
    assert found.training == plan.recipe.training


def test_what_is_written_can_be_used(tuned: Tuned) -> None:
    """The settings file holds the settings to use, the table every trial, the page both."""
    differing = {"training": tuned.training.model_dump(mode="json", exclude_defaults=True)}
    text = params_yaml(tuned, differing)
    read = yaml.safe_load(text)
    assert TrainingParams.model_validate(read["training"]) == tuned.training
    assert " ".join(tuned.says.split()) in text
    rows = trials_csv(tuned).splitlines()
    assert len(rows) == 1 + len(tuned.trials)
    assert rows[0].startswith("trial,state,loss,loss_after_fold_1,loss_after_fold_2,leads.")
    page = tuning_page(tuned).render()
    for words in ("training.booster.num_leaves", tuned.plan.name, "Parts of the past"):
        assert words in page
    plain = to_json(tuned)
    assert plain["best"]["loss"] == tuned.best.loss
    assert plain["settings"]["booster.num_leaves"]["present"] == 60


@pytest.mark.parametrize("kind", [LEADS, QUOTA], ids=lambda kind: kind.name)
def test_a_short_history_cannot_be_tuned(
    kind: Kind, history: Warehouse, sold: Warehouse, quick: TrainingParams
) -> None:
    """It is said what a search needs, and where the extract ends."""
    place = history.until(datetime(2024, 2, 10)) if kind is LEADS else sold.until(QUARTERS[1])
    params, features = (few(quick), FEATURES) if kind is LEADS else (few(QUOTA_TRAINING), FEATURES)
    with pytest.raises(NotReady, match="history is too short to tune"):
        plan_tuning(kind, place, Recipe(features, params))
