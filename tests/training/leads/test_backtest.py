"""A backtest forecasts every open lead with what was known at its moment, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract
from sellers import FEATURES, HORIZON, START, TRAINING, UNTIL, open_at, open_warehouse

from features.errors import InputError
from features.storage.warehouse import Warehouse
from training.evaluation.splitting import POOLED
from training.files import LEAD_PREDICTIONS, checked
from training.leads.backtest import Backtest, backtest_leads
from training.params import LeadParams, TrainingParams
from training.report.lead_glossary import RIVALS
from training.rolling import Range, folds_of

FIRST = UNTIL - timedelta(days=47)
AHEAD = timedelta(days=HORIZON)


def changed(params: TrainingParams, **values: object) -> TrainingParams:
    """Change how leads are forecast."""
    leads = LeadParams.model_validate({**params.leads.model_dump(), **values})
    return params.model_copy(update={"leads": leads})


def test_cutoffs_are_the_grid_to_the_day(tested: Backtest) -> None:
    """From + k * every, midnight, inclusive, whatever the folds are."""
    cutoffs = sorted(tested.predictions.frame["cutoff"].unique())
    assert cutoffs == [pd.Timestamp(FIRST + timedelta(days=7 * k)) for k in range(7)]
    asked = Range(datetime(2024, 3, 1, 17, 30), datetime(2024, 3, 15, 0, 0))
    assert [moment.day for moment in asked.cutoffs] == [1, 8, 15]


def test_a_range_that_runs_backwards_is_refused() -> None:
    """The error names both days."""
    with pytest.raises(InputError, match="2024-03-01 lies before the first 2024-03-02"):
        _ = Range(datetime(2024, 3, 2), datetime(2024, 3, 1)).cutoffs


def test_every_open_lead_is_forecast_once(tested: Backtest, extract: Extract) -> None:
    """Each cutoff holds the leads open then, counted anew, none twice and none left out."""
    frame = checked(tested.predictions.frame, LEAD_PREDICTIONS)
    for cutoff, rows in frame.groupby("cutoff"):
        assert sorted(rows["lead_id"]) == sorted(open_at(extract.rows("leads"), cutoff))
    assert frame["p"].between(0, 1, inclusive="neither").all()
    assert set(frame["horizon_days"]) == {HORIZON}


def test_labels_are_what_happened_and_empty_while_immature(
    tested: Backtest, extract: Extract
) -> None:
    """1 is a conversion in [cutoff, cutoff + horizon); what is not mature is empty."""
    ends = {row["lead_id"]: row.get("converted_at") for row in extract.rows("leads")}
    frame = tested.predictions.frame
    is_mature = frame["cutoff"] + AHEAD <= UNTIL
    assert 0 < is_mature.sum() < len(frame)
    assert frame.loc[~is_mature, "y"].isna().all()
    for row in frame[is_mature].itertuples():
        end = ends[row.lead_id]
        assert row.y == float(end is not None and row.cutoff <= end < row.cutoff + AHEAD)


def test_folds_are_neighbours_and_refit_as_asked(tested: Backtest) -> None:
    """Two refits divide seven cutoffs; rows carry the number of the model that forecast them."""
    assert [len(fold.cutoffs) for fold in tested.folds] == [4, 3]
    for fold in tested.folds:
        rows = tested.predictions.frame["cutoff"].isin(fold.cutoffs)
        assert set(tested.predictions.frame.loc[rows, "fold"]) == {fold.number}


@pytest.mark.parametrize(("refit_days", "folds"), [(1, 7), (7, 7), (8, 4), (21, 3), (400, 1)])
def test_folds_begin_when_the_model_is_old(refit_days: int, folds: int) -> None:
    """A model serves cutoffs less than `refit_days` after its own, and every cutoff has one."""
    cutoffs = Range(FIRST, FIRST + timedelta(days=45)).cutoffs
    parts = folds_of(cutoffs, refit_days)
    assert [cutoff for fold in parts for cutoff in fold] == cutoffs
    assert len(parts) == folds
    assert all(fold[-1] - fold[0] < timedelta(days=refit_days) for fold in parts)
    for earlier, later in pairwise(parts):
        assert later[0] - earlier[0] >= timedelta(days=refit_days)


def test_a_folds_model_saw_only_mature_labels(tested: Backtest) -> None:
    """All parts of its training end a horizon before the first cutoff it forecasts."""
    for fold in tested.folds:
        parts = [ends for ends in fold.about["parts"].values() if ends]
        assert parts
        for _, last in parts:
            assert datetime.fromisoformat(last) + AHEAD <= fold.cutoffs[0]
    assert tested.last.until == tested.folds[-1].cutoffs[0]


def test_what_comes_later_changes_no_forecast(
    tested: Backtest, extract: Extract, tmp_path: Path
) -> None:
    """The extract as it was at a fold's first cutoff gives the same bits: model, features, all."""
    moment = tested.folds[-1].cutoffs[0]
    then = open_warehouse(extract.cut(moment), tmp_path)
    cut = backtest_leads(then, Range(moment, moment), HORIZON, FEATURES, TRAINING)
    whole = tested.predictions.frame
    at = (whole["cutoff"] == moment).to_numpy()
    np.testing.assert_array_equal(cut.predictions.frame["lead_id"], whole.loc[at, "lead_id"])
    np.testing.assert_array_equal(cut.predictions.frame["p"], whole.loc[at, "p"])
    assert cut.predictions.frame["y"].isna().all()
    assert cut.last.version == tested.last.version
    for name, p in cut.predictions.baselines.items():
        np.testing.assert_array_equal(p, tested.predictions.baselines[name][at], err_msg=name)


def test_the_report_has_words_for_every_simple_forecast(tested: Backtest) -> None:
    """A name on the page is explained there, the pooled model's beside segments too."""
    assert list(RIVALS) == [*tested.predictions.baselines, POOLED]


def test_simple_forecasts_stand_beside(tested: Backtest) -> None:
    """Six baselines forecast the same rows, and the company's reasons are worth a model."""
    assert list(tested.predictions.baselines) == [
        "base rate",
        "age alone",
        "stage alone",
        "recency rule",
        "naive Bayes on closing values",
        "logistic regression",
    ]
    for p in tested.predictions.baselines.values():
        assert len(p) == len(tested.predictions.frame)
        assert ((p > 0) & (p < 1)).all()


def test_segments_say_where_a_lead_stood(tested: Backtest, extract: Extract) -> None:
    """Age and source of every row are those of its cutoff."""
    frame, segments = tested.predictions.frame, tested.predictions.segments
    born = {row["lead_id"]: row["created_at"] for row in extract.rows("leads")}
    source = {row["lead_id"]: row["source"] for row in extract.rows("leads")}
    days = (frame["cutoff"] - frame["lead_id"].map(born)) / pd.Timedelta(days=1)
    week = pd.Series(segments["age"]) == "first week"
    assert (days[week] <= 7).all()
    assert (days[~week] > 7).all()
    part = pd.Series(segments["source"])
    known = part != "another"
    np.testing.assert_array_equal(part[known], frame["lead_id"].map(source)[known])


def test_importance_is_in_points_the_strongest_first(tested: Backtest) -> None:
    """Mean absolute points fall; directions are correlations, or none for words."""
    points = [item.points for item in tested.importance]
    assert points == sorted(points, reverse=True)
    assert points[0] > 0.5
    directions = np.array([item.direction for item in tested.importance])
    assert (np.abs(directions[~np.isnan(directions)]) <= 1 + 1e-12).all()


def test_a_start_too_early_to_learn_still_forecasts_all(
    history: Warehouse, extract: Extract, quick: TrainingParams
) -> None:
    """From before the first lead on, every open lead has a chance, from the base rate."""
    asked = Range(START - timedelta(days=7), START + timedelta(days=14))
    twice = changed(quick, refit_days=14, most_refits=8)
    early = backtest_leads(history, asked, HORIZON, FEATURES, twice)
    frame = early.predictions.frame
    expected = sum(len(open_at(extract.rows("leads"), moment)) for moment in asked.cutoffs)
    assert len(frame) == expected > 0
    assert frame["p"].between(0, 1, inclusive="neither").all()
    assert early.last.evidence.state == "none"
    assert set(pd.Series(early.predictions.segments.get("evidence", ["none"]))) == {"none"}
    assert early.importance == ()


def test_a_range_without_open_leads_is_empty(history: Warehouse, quick: TrainingParams) -> None:
    """Before the company had a lead there is nothing to forecast, and no error."""
    asked = Range(START - timedelta(days=20), START - timedelta(days=10))
    none = backtest_leads(history, asked, HORIZON, FEATURES, quick)
    assert len(checked(none.predictions.frame, LEAD_PREDICTIONS)) == 0


def test_cutoffs_past_the_end_are_forecast_too(
    history: Warehouse, extract: Extract, quick: TrainingParams
) -> None:
    """Whoever is open at the end gets a chance and no label; age may be left out."""
    asked = Range(UNTIL - timedelta(days=1), UNTIL + timedelta(days=30), 31)
    without_age = changed(quick, leave_out=(*quick.leads.leave_out, "age_days"))
    late = backtest_leads(history, asked, HORIZON, FEATURES, without_age)
    frame = late.predictions.frame
    assert frame["cutoff"].nunique() == 2
    assert frame["y"].isna().all()
    last = frame.loc[frame["cutoff"] == frame["cutoff"].max(), "lead_id"]
    assert sorted(last) == sorted(open_at(extract.rows("leads"), UNTIL))
    assert "age" not in late.predictions.segments
