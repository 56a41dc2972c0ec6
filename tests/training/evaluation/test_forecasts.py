"""Laws of the rows of a backtest: how they are grouped, numbered, ordered and refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from attainments import WEEKS, mixed, quota_backtest

from features.errors import InputError
from training.evaluation.lead_forecasts import MODEL, UNKNOWN, Predictions, codes, rows_by_value
from training.evaluation.quota_forecasts import COMPANY, QuotaPredictions

START = pd.Timestamp("2024-01-01")


def leads(days: list[int], horizon: int = 14) -> Predictions:
    """Return one lead at cutoffs some days after the start."""
    return Predictions(
        pd.DataFrame(
            {
                "lead_id": "L1",
                "cutoff": START + pd.to_timedelta(days, unit="D"),
                "horizon_days": horizon,
                "p": 0.3,
                "y": 0.0,
                "fold": 1,
            }
        )
    )


def test_values_are_grouped_largest_first_and_by_name_where_equal() -> None:
    """The rows of each value, and `unknown` for missing ones."""
    rows = rows_by_value(pd.Series(["b", "a", None, "c", "a", "b"]), most=9)
    assert list(rows) == ["a", "b", "c", UNKNOWN]
    assert {name: at.tolist() for name, at in rows.items()} == {
        "a": [1, 4],
        "b": [0, 5],
        "c": [3],
        UNKNOWN: [2],
    }


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_pooled_values_hold_every_row_once(most: int) -> None:
    """There are at most as many entries as asked for, and together they are all rows."""
    column = pd.Series(list("aaaabbbccd"))
    rows = rows_by_value(column, most)
    assert len(rows) == min(most, 4)
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(10))
    if most < 4:
        assert list(rows)[-1] == f"{5 - most} smaller ones"


def test_an_order_comes_first_and_keeps_only_what_is_there() -> None:
    """Named values lead in their order; a name without rows is left out, others follow."""
    rows = rows_by_value(pd.Series(["old", "old", "new", "odd"]), 9, ["new", "middle", "old"])
    assert list(rows) == ["new", "old", "odd"]


def test_values_are_numbered_in_their_own_order() -> None:
    """From 0, whatever the order of the rows."""
    assert codes(pd.Series(["b", "a", "c", "a"])).tolist() == [1, 0, 2, 0]


def test_overlapping_outcome_windows_are_one_block() -> None:
    """Cutoffs within one horizon share a block: days 0, 7 and 13 do, day 14 begins the next."""
    assert leads([0, 7, 13, 14, 27, 28]).outcome_blocks.tolist() == [0, 0, 0, 1, 1, 2]


def test_folds_and_cutoffs_come_in_the_order_of_time() -> None:
    """Whatever they are called and however rows are ordered."""
    predictions = leads([14, 0, 7])
    named = replace(predictions, frame=predictions.frame.assign(fold=["a", "z", "b"]))
    assert {name: at.tolist() for name, at in named.folds().items()} == {
        "z": [1],
        "b": [2],
        "a": [0],
    }
    assert list(named.cutoffs()) == ["2024-01-01", "2024-01-08", "2024-01-15"]


def test_mature_rows_keep_their_baselines_and_segments() -> None:
    """Rows without an outcome go, and what belongs to the others goes with them."""
    predictions = leads([14, 0, 7])
    frame = predictions.frame.assign(y=[1.0, np.nan, 0.0])
    known = Predictions(
        frame, {"rule": np.array([0.1, 0.2, 0.3])}, {"source": ["web", "fair", "call"]}
    ).mature()
    assert known.frame["y"].tolist() == [0.0, 1.0]
    assert known.named["rule"].tolist() == [0.3, 0.1]
    assert list(known.segments["source"]) == ["call", "web"]
    assert list(known.named) == [MODEL, "rule"]


def test_weeks_and_quarters_of_a_period_by_hand() -> None:
    """A period of 13 weeks: quarters begin in weeks 0, 4, 7 and 10."""
    known = quota_backtest(reps=1, periods=1).mature()
    assert known.weeks.tolist() == list(range(WEEKS))
    assert known.quarters.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert known.share_gone == pytest.approx(np.arange(WEEKS) / WEEKS)


def test_a_rep_in_two_periods_is_two_rep_periods() -> None:
    """And one rep-period is one, however many cutoffs see it."""
    known = quota_backtest(reps=3, periods=2)
    assert len(np.unique(known.rep_periods)) == 6
    assert np.bincount(known.rep_periods).tolist() == [WEEKS] * 6
    assert (known.clusters == known.rep_periods).all()


def test_the_same_rep_in_two_companies_is_two_reps() -> None:
    """Pooled companies are told apart, and clusters are their periods."""
    frame = quota_backtest(reps=3, periods=2).frame
    pooled = QuotaPredictions(
        pd.concat([frame.assign(**{COMPANY: name}) for name in "ab"], ignore_index=True)
    )
    assert len(np.unique(pooled.rep_periods)) == 12
    assert len(np.unique(pooled.clusters)) == 4
    assert len(np.unique(pooled.lists)) == 2 * 2 * WEEKS


def test_a_rule_has_its_quantiles_as_range_and_the_model_its_own() -> None:
    """The 80 % range of a simple rule is p10 to p90."""
    known = quota_backtest(reps=2, periods=1)
    rule = known.range("linear pacing")
    assert (known.likely("linear pacing") == rule[:, [0, 2]]).all()
    assert (known.likely(MODEL) != known.range(MODEL)[:, [0, 2]]).all()


@pytest.mark.parametrize("seed", range(3))
def test_mature_rows_have_an_order_of_their_own(seed: int) -> None:
    """However rows were ordered, scoring meets them in the same order."""
    predictions = quota_backtest(reps=4, periods=2)
    first, second = predictions.mature(), mixed(predictions, seed).mature()
    pd.testing.assert_frame_equal(first.frame, second.frame)
    for name in first.names[1:]:
        pd.testing.assert_frame_equal(first.baselines[name], second.baselines[name])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"segments": {"role": pd.Series(["x"])}}, "'role' has 1 rows, there are 13 forecasts"),
        ({"rollups": pd.DataFrame({"level": []})}, "roll-ups lack the columns group"),
    ],
    ids=["a short segment", "no columns"],
)
def test_quota_forecasts_that_do_not_fit_are_refused(change: dict[str, Any], says: str) -> None:
    """The error says what does not fit."""
    with pytest.raises(InputError, match=says):
        replace(quota_backtest(reps=1, periods=1), **change)


def test_a_baseline_cannot_take_the_name_of_the_model() -> None:
    """Figures of two forecasts of one name could not be told apart."""
    predictions = quota_backtest(reps=1, periods=1)
    with pytest.raises(InputError, match="cannot be named 'model'"):
        replace(predictions, baselines={MODEL: predictions.baselines["linear pacing"]})


@pytest.mark.parametrize(("column", "value"), [("range_low", 9.0), ("range_high", np.nan)])
def test_a_range_of_the_model_must_be_numbers_that_rise(column: str, value: float) -> None:
    """A range that ends before it begins, or nowhere, is refused."""
    predictions = quota_backtest(reps=1, periods=1)
    with pytest.raises(InputError, match="range_low and range_high must be numbers that rise"):
        replace(predictions, frame=predictions.frame.assign(**{column: value}))
