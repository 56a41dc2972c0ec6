"""Sums over deals by hand: windows, ownership as of the cutoff, what is due and what is overdue."""

from __future__ import annotations

from typing import Any

import pytest
from by_hand import MICRO, Opened, answer, day, deal, snapshots
from extract import Row, change

from features.as_of.deal_totals import MEDIAN, deal_totals, period_totals
from features.history.versions import deal_versions

CUTOFF = 200
TAKEN = snapshots((CUTOFF, "a"), (CUTOFF, "b"), rep_id="string")


def totals(opened: Opened, deals: list[Row], *columns: str, **tables: Any) -> list[Any]:
    """Sum up deals of reps `a` and `b` at the cutoff."""
    with opened(deals=deals, **tables) as warehouse:
        rows = deal_totals(TAKEN, deal_versions(warehouse), "rep_id")
        return answer(warehouse, rows, "snapshot", *columns)


def test_won_and_lost_deals_count_in_windows_and_ever(opened: Opened) -> None:
    """90 days back from day 200 is day 110, to the moment; amounts are in thousandths."""
    deals = [
        deal("a day ago", closed=199, amount=1.5),
        deal("90 days ago", closed=110, amount=10.0),
        deal("a microsecond more", closed=110 - MICRO, amount=100.0),
        deal("half a year ago", closed=15, amount=1000.0),
        deal("lost", closed=150, won=False, amount=7.0),
        deal("at the cutoff", closed=200, amount=5.0),
    ]
    columns = ("won_90d", "won_amount_90d", "lost_90d", "won_180d", "won_ever", "lost_ever")
    assert totals(opened, deals, *columns)[0] == (0, 2, 11_500, 1, 3, 4, 1)
    assert totals(opened, deals, "won_amount_ever", "open", "open_amount")[0] == (
        0,
        1_111_500,
        1,
        5000,
    )


def test_who_has_no_deals_has_sums_of_nothing(opened: Opened) -> None:
    """0 throughout, and no median."""
    columns = ("won_ever", "won_amount_ever", "open", "open_amount", "oldest_us", "created_30d")
    rows = totals(opened, [deal("x", closed=150)], *columns, MEDIAN)
    assert rows[1] == (1, 0, 0, 0, 0, 0, 0, None)


def test_a_deal_counts_for_its_owner_as_of_the_cutoff(opened: Opened) -> None:
    """Handed over before it, to the new one; at it, still to the old one."""
    changes = [
        change("early", day(CUTOFF - MICRO), "rep_id", "b", "deal"),
        change("late", day(CUTOFF), "rep_id", "b", "deal"),
    ]
    rows = totals(opened, [deal("early"), deal("late")], "open", changes=changes)
    assert rows == [(0, 1), (1, 1)]


def test_the_median_is_over_filled_amounts_of_won_deals(opened: Opened) -> None:
    """Of 1, 3 and 10 it is 3; a won deal without an amount and a lost one are not among them."""
    deals = [
        *(deal(f"won {amount}", closed=9, amount=amount) for amount in (10.0, 1.0, 3.0, None)),
        deal("lost", closed=9, won=False, amount=999.0),
        deal("open", amount=999.0),
    ]
    assert totals(opened, deals, "won_ever", MEDIAN)[0] == (0, 4, 3000.0)


def test_new_deals_count_by_their_creation_and_the_first_one_by_its_age(opened: Opened) -> None:
    """30 days back to the moment; whether they are still open is of no matter."""
    deals = [
        deal("now", 199),
        deal("30 days ago", 170, 180),
        deal("a microsecond more", 170 - MICRO),
        deal("not there yet", 200),
    ]
    rows = totals(opened, deals, "created_30d", "created_90d", "oldest_us")
    assert rows[0] == (0, 2, 3, 30 * 86_400_000_000 + 1)


def test_without_a_key_the_company_is_summed_up(opened: Opened) -> None:
    """Everybody's deals, at each snapshot."""
    deals = [deal("x"), deal("y", rep_id="b"), deal("z", rep_id="nobody")]
    with opened(deals=deals) as warehouse:
        rows = deal_totals(TAKEN, deal_versions(warehouse), None)
        assert answer(warehouse, rows, "snapshot", "open") == [(0, 3), (1, 3)]


PERIOD = snapshots((CUTOFF, "a", 180, 270), rep_id="string", period_start="day", period_end="day")


def of_period(
    opened: Opened, deals: list[Row], *columns: str, stages: Any = (), **more: Any
) -> Any:
    """Sum up the deals of rep `a` in the period from day 180 to day 270."""
    with opened(deals=deals, **more) as warehouse:
        rows = period_totals(PERIOD, deal_versions(warehouse), stages)
        return answer(warehouse, rows, *columns)[0]


@pytest.mark.parametrize(
    ("closed", "attained"),
    [(180 - MICRO, 0), (180, 100_000), (200 - MICRO, 100_000), (200, 0)],
)
def test_what_is_won_from_the_start_of_the_period_is_attained(
    opened: Opened, closed: float, attained: int
) -> None:
    """The start belongs to the period; a deal won at the cutoff is not known yet."""
    columns = ("attained_amount", "attained_deals")
    assert of_period(opened, [deal("x", closed=closed)], *columns) == (attained, int(attained > 0))


@pytest.mark.parametrize(
    ("expected", "due", "overdue"),
    [(199, 0, 1), (200 - MICRO, 0, 1), (200, 1, 0), (270 - MICRO, 1, 0), (270, 0, 0), (None, 0, 0)],
)
def test_open_deals_are_due_within_the_period_or_overdue(
    opened: Opened, expected: float | None, due: int, overdue: int
) -> None:
    """From the cutoff up to the end of the period; before the cutoff it is late."""
    moment = None if expected is None else day(expected)
    row = of_period(
        opened,
        [deal("x", expected_close_at=moment), deal("won", closed=190, expected_close_at=moment)],
        *("due", "due_amount", "overdue", "overdue_amount"),
    )
    assert row == (due, 100_000 * due, overdue, 100_000 * overdue)


def test_open_deals_are_told_apart_by_their_stage(opened: Opened) -> None:
    """A stage that is not in the vocabulary has the place after the last; one without has none."""
    deals = [deal(name) for name in ("p", "q", "r", "s")]
    changes = [
        change("p", day(1), "stage", "offer", "deal"),
        change("q", day(1), "stage", "new", "deal"),
        change("r", day(1), "stage", "odd", "deal"),
    ]
    names = [f"open_stage_{place}" for place in range(3)]
    stages = ("new", "offer")
    assert of_period(opened, deals, *names, stages=stages, changes=changes) == (1, 1, 1)
    assert (
        of_period(opened, deals, "open_amount_stage_2", stages=stages, changes=changes) == 100_000
    )


def test_without_stages_there_are_no_columns_of_them(opened: Opened) -> None:
    """Nothing is told apart by nothing."""
    with opened(deals=[deal("x")]) as warehouse:
        columns = period_totals(PERIOD, deal_versions(warehouse), ()).columns
    assert not [name for name in columns if "stage" in name]
