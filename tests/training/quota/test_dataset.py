"""What a quota model learns from: ended periods, and deadlines of which the outcome is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract
from quota_company import FEATURES, QUARTERS, START, TRAINING, TYPES, opened, sellers

from features.build import Examples
from features.feature import FeatureSet
from features.labels.attainment import final_deals
from training.cutoffs import deal_log_begins, log_note
from training.quota.dataset import (
    DealDeadlines,
    QuotaTrainingSet,
    build_or_empty,
    build_quota_training_set,
    deadlines_of,
    other_deadlines,
    quota_cutoffs,
)

NOTHING = FeatureSet("rep", (), {})


def test_cutoffs_are_taken_further_apart_where_there_are_too_many_rows(tmp_path: Path) -> None:
    """Half as many rows as there are: every second cutoff, from the last one backwards."""
    history = opened(sellers(datetime(2024, 4, 1)), tmp_path)
    quota = TRAINING.quota.model_copy(update={"every_days": 1})

    def seen(most: int) -> tuple[int, list[pd.Timestamp]]:
        params = quota.model_copy(update={"max_snapshots": most})
        training_set = build_quota_training_set(
            history, FEATURES, TRAINING.model_copy(update={"quota": params})
        )
        return len(training_set.deals), sorted(training_set.reps.keys["cutoff"].unique())

    rows, daily = seen(10**9)
    assert seen(rows) == (rows, daily)
    fewer, thin = seen(rows - 1)
    assert thin == daily[::-1][::2][::-1]
    assert fewer == pytest.approx(rows / 2, rel=0.05)


def weekly(count: int) -> tuple[Examples, DealDeadlines]:
    """Make open deals of reps at weekly cutoffs of three quarters."""
    cutoffs = pd.date_range("2024-01-01", "2024-09-23", freq="7D")
    starts = pd.to_datetime(cutoffs.to_period("Q").start_time)
    ends = starts + pd.DateOffset(months=3)
    reps = pd.DataFrame(
        {"rep_id": "r", "cutoff": cutoffs, "period_start": starts, "period_end": ends}
    )
    deals = pd.DataFrame({"owner": "r", "cutoff": cutoffs.repeat(count)})
    rep_rows, deal_rows = (
        Examples(keys, pd.DataFrame(index=keys.index), NOTHING) for keys in (reps, deals)
    )
    return rep_rows, deadlines_of(rep_rows, deal_rows)


@pytest.mark.parametrize("seed", range(3))
def test_other_deadlines_lie_ahead_and_within_what_is_known(seed: int) -> None:
    """About half of the deadlines, each after its cutoff, none after the end of what is known."""
    reps, deadlines = weekly(40)
    until = pd.Timestamp(datetime(2024, 9, 20))
    others = other_deadlines(reps, deadlines, until, seed=seed)
    cutoff = reps.keys["cutoff"].to_numpy("datetime64[us]")[others.rep]
    days = (others.deadline - cutoff) / np.timedelta64(1, "D")
    assert days.min() >= 1
    assert days.max() <= 92
    assert (others.deadline <= until.to_datetime64()).all()
    assert len(others) == pytest.approx(len(deadlines) / 2, rel=0.12)
    # Other days than the period's end, spread over its length.
    assert (others.deadline == others.period_end).mean() < 0.05
    assert np.quantile(days[cutoff < np.datetime64("2024-06-01")], 0.5) == pytest.approx(45, abs=7)
    again = other_deadlines(reps, deadlines, until, seed=seed)
    assert (again.deadline == others.deadline).all()


def examples(keys: pd.DataFrame) -> Examples:
    """Make examples of which nothing is known but their keys."""
    return Examples(keys, pd.DataFrame(index=keys.index), NOTHING)


def test_a_deal_counts_for_each_running_period_of_its_owner() -> None:
    """A month and a year are two; a rep without a quota, no owner or another cutoff are none."""
    first, second = pd.Timestamp("2024-01-08"), pd.Timestamp("2024-01-15")
    month, year = pd.Timestamp("2024-02-01"), pd.Timestamp("2025-01-01")
    reps = pd.DataFrame(
        {
            "rep_id": ["a", "a", "b", "b"],
            "cutoff": [first, first, first, second],
            "period_end": [month, year, month, month],
        }
    )
    deals = pd.DataFrame({"owner": ["b", "a", "c", None, "a"], "cutoff": [first] * 4 + [second]})
    pairs = deadlines_of(examples(reps), examples(deals))
    assert list(zip(pairs.rep.tolist(), pairs.deal.tolist(), strict=True)) == [
        (0, 1),
        (1, 1),
        (2, 0),
    ]
    ends = pd.DatetimeIndex(pairs.deadline)
    assert ends.tolist() == [month, year, month]
    np.testing.assert_array_equal(pairs.deadline, pairs.period_end)
    assert len(pairs.take(pairs.rep == 1)) == 1


def test_ends_are_those_that_have_come(sold: QuotaTrainingSet) -> None:
    """Four quarters have ended; the running one is known and its attainment is not."""
    ends = sold.mature_ends()
    assert ends == [pd.Timestamp(quarter) for quarter in QUARTERS[1:5]]
    is_running = (sold.reps.keys["period_end"] > sold.until).to_numpy()
    assert is_running.any()
    np.testing.assert_array_equal(np.isnan(sold.attainment), is_running)


def test_the_last_end_is_that_of_most_reps(sold: QuotaTrainingSet) -> None:
    """One rep whose period ends three days later does not make the last period that rep's own."""
    keys = sold.reps.keys
    odd = (keys["rep_id"] == "r0") & (keys["period_end"] == pd.Timestamp(QUARTERS[4]))
    late = keys["period_end"].where(~odd, pd.Timestamp(QUARTERS[4] + timedelta(days=3)))
    bent = replace(sold, reps=replace(sold.reps, keys=keys.assign(period_end=late)))
    ends = bent.mature_ends()
    assert ends[-1] == pd.Timestamp(QUARTERS[4] + timedelta(days=3))
    assert bent.last_end(ends) == pd.Timestamp(QUARTERS[4])
    assert sold.last_end(sold.mature_ends()) == pd.Timestamp(QUARTERS[4])


def test_the_past_of_a_period_ended_before_its_first_cutoff(sold: QuotaTrainingSet) -> None:
    """Of quarters, the past of each is all before it; the first has none."""
    ends = sold.mature_ends()
    assert sold.ended_before(ends[0]) == []
    for place, end in enumerate(ends[1:], start=1):
        assert sold.ended_before(end) == ends[:place]


def test_without_a_cutoff_there_are_empty_examples_of_the_same_form(sold: QuotaTrainingSet) -> None:
    """Columns and types are those of examples with rows, so that whatever follows can go on."""
    for full, vocabulary in (
        (sold.reps, sold.rep_vocabulary),
        (sold.deals, sold.deal_vocabulary),
    ):
        empty = build_or_empty(None, full.feature_set, vocabulary, [], FEATURES)
        assert len(empty) == 0
        assert list(empty.X.columns) == list(full.X.columns)
        types = {name: str(empty.keys[name].dtype) for name in empty.keys}
        assert types == {name: str(full.keys[name].dtype) for name in empty.keys}


def with_log(extract: Extract, begins: datetime) -> Extract:
    """Log the owner of each deal that is open at a moment, and of each that is opened later."""
    rows = [
        {
            "entity_type": "deal",
            "entity_id": deal["deal_id"],
            "changed_at": max(deal["created_at"], begins),
            "field": "rep_id",
            "value": deal["rep_id"],
        }
        for deal in extract.rows("deals")
        if deal["closed_at"] is None or deal["closed_at"] >= begins
    ]
    tables = {name: list(extract.rows(name)) for name in TYPES}
    return Extract({**tables, "changes": [*tables["changes"], *rows]}, extract.data_until)


@pytest.mark.parametrize("begins", [datetime(2023, 4, 1), datetime(2023, 7, 9, 12)])
def test_learning_begins_after_the_log_of_deals(tmp_path: Path, begins: datetime) -> None:
    """Where deals show no owner before their log begins, no cutoff lies at or before that."""
    history = opened(with_log(sellers(datetime(2023, 10, 1)), begins), tmp_path)
    quota = TRAINING.quota.model_copy(update={"every_days": 1})
    first = quota_cutoffs(history, final_deals(history), quota)[0]
    assert begins < first <= begins + timedelta(days=1)
    assert f"begins on {begins:%Y-%m-%d}" in log_note(history)[0]


def test_a_log_that_is_there_from_the_beginning_moves_nothing(tmp_path: Path) -> None:
    """It may even miss the creation of a few deals: learning begins with the first deal."""
    logged = with_log(sellers(datetime(2023, 10, 1)), START)
    changes = list(logged.rows("changes"))
    owners = [place for place, row in enumerate(changes) if row["field"] == "rep_id"]
    for place in owners[:: len(owners) // 5]:
        late = changes[place]["changed_at"] + timedelta(days=3)
        changes[place] = {**changes[place], "changed_at": late}
    history = opened(Extract({**logged.tables, "changes": changes}, logged.data_until), tmp_path)
    assert deal_log_begins(history) is None
    assert log_note(history) == ()


def test_rows_shown_later_do_not_move_the_beginning(tmp_path: Path) -> None:
    """A row of the day before, shown only after the training, is not the log's first row."""
    until, begins = datetime(2024, 1, 1), datetime(2023, 4, 1)
    logged = with_log(sellers(datetime(2024, 4, 1)), begins)
    tables = {name: list(logged.rows(name)) for name in TYPES}
    row = next(r for r in tables["changes"] if r["changed_at"] == begins)
    day_before = {**row, "changed_at": begins - timedelta(days=1)}
    tables["changes"].append({**day_before, "known_at": datetime(2024, 2, 1)})
    history = opened(Extract(tables, logged.data_until), tmp_path)
    assert deal_log_begins(history.until(until)) == begins
    assert deal_log_begins(history) == day_before["changed_at"]
