"""Laws of commits beside what came of them: what is judged, and what is known by when."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from features.labels.attainment import final_deals
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.commits import (
    bias_of,
    commit_periods,
    judged_of,
    period_starts,
    running_period,
)
from serving.store.commits import KeptCommit

JUNE, JULY, AUGUST = (datetime(2025, month, 1) for month in (6, 7, 8))
MIDDLE = JUNE + timedelta(days=15)
UNTIL = datetime(2025, 7, 20)


def said(day: float, amount: float = 100.0, start: datetime = JUNE, rep: str = "r1") -> KeptCommit:
    """A number that was said so many days into a period."""
    at = start + timedelta(days=day)
    return KeptCommit(
        key=f"{rep}{at}", rep_id=rep, period_start=start, amount=amount, said_at=at, by="Ann"
    )


@pytest.fixture(scope="module")
def warehouse(sales: Path) -> Warehouse:
    """The company with deals and quotas."""
    return Warehouse.duckdb(current(sales))


@pytest.mark.parametrize(
    ("days", "judged"), [((3, 9, 20), 9), ((15,), 15), ((20, 25), 20), ((-4, 29), -4)]
)
def test_the_last_number_by_the_middle_is_judged(days: tuple[int, ...], judged: int) -> None:
    """What is said at the end is no forecast; without an early one the first late one counts."""
    rows = [said(day, amount=float(day)) for day in days]
    assert judged_of(rows, MIDDLE).amount == judged


def test_what_came_of_it_is_counted_by_hand(warehouse: Warehouse) -> None:
    """The amounts of the rep's won deals that closed in the period, over the quota."""
    (row,) = commit_periods(warehouse, [said(2, 5000.0), said(28, 1.0)], UNTIL)
    deals = final_deals(warehouse)
    own = deals[(deals["rep_id"] == "r1") & deals["won"]]
    closed = own[(own["closed_at"] >= JUNE) & (own["closed_at"] < JULY)]["amount"].sum()
    assert row.attained == pytest.approx(closed)
    assert closed > 0
    assert row.error == pytest.approx((5000.0 - closed) / 9000.0)
    assert [one.amount for one in row.said] == [5000.0, 1.0]


def test_a_period_that_has_not_ended_by_then_is_running(warehouse: Warehouse) -> None:
    """As of its last moment but one nothing is said of what came of it; at its end there is."""
    rows = [said(2)]
    before = JULY - timedelta(microseconds=1)
    assert commit_periods(warehouse, rows, before)[0].attained is None
    assert commit_periods(warehouse, rows, JULY)[0].attained is not None
    assert commit_periods(warehouse, [said(2, start=JULY)], UNTIL)[0].error is None


def test_a_number_without_a_quota_has_no_period(warehouse: Warehouse) -> None:
    """Neither for a day on which none begins, nor for a rep without one; a quota of 0 no error."""
    odd = [said(2, start=JUNE + timedelta(days=1)), said(2, rep="r9")]
    assert commit_periods(warehouse, odd, UNTIL) == []
    (none,) = commit_periods(warehouse, [said(2, rep="r5")], UNTIL)
    assert (none.quota, none.error) == (0.0, None)


def test_bias_is_told_of_whoever_has_an_ended_period(warehouse: Warehouse) -> None:
    """Running periods do not count."""
    rows = [said(2), said(2, rep="r2"), said(2, start=JULY, rep="r3"), said(2, start=JULY)]
    bias = bias_of(commit_periods(warehouse, rows, UNTIL), 0.9)
    assert {rep: row.periods for rep, row in bias.items()} == {"r1": 1, "r2": 1}


def test_periods_of_a_rep_are_known(warehouse: Warehouse) -> None:
    """Half-open: at the first moment of a period it runs, at its end the next one does."""
    assert running_period(warehouse, "r1", UNTIL) == JULY
    assert running_period(warehouse, "r1", JULY) == JULY
    assert running_period(warehouse, "r1", JULY - timedelta(microseconds=1)) == JUNE
    assert running_period(warehouse, "r9", UNTIL) is None
    assert period_starts(warehouse, "r9") == []
    assert {JUNE, JULY} <= set(period_starts(warehouse, "r1"))
    assert AUGUST not in period_starts(warehouse, "r1")
