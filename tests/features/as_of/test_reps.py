"""Reps with a quota at their cutoffs, by hand: the period, who they are, peers, time at work."""

from __future__ import annotations

from typing import Any

import pytest
from by_hand import MICRO, Opened, answer, day, deal, quota
from extract import Row, change

from features.as_of.reps import quota_rep_snapshots, reps
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

ALWAYS = FeatureParams(
    working_days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), working_hours=(0, 24)
)
"""Where every minute is working time, minutes can be counted by hand."""
A_DAY = 24 * 60
DEAL = deal("first", 0)
"""Without a deal there is no business to have been there for."""


def described(opened: Opened, *columns: str, **tables: list[Row]) -> list[Any]:
    """Describe all reps whose period runs on day 120."""
    with opened(**{"deals": [DEAL], **tables}) as warehouse:
        taken = quota_rep_snapshots(warehouse, Vocabulary(), [day(120)], ALWAYS)
        return answer(warehouse, reps(taken), *columns)


def test_a_rep_is_there_for_each_period_that_runs(opened: Opened) -> None:
    """A period that starts at the cutoff runs, one that ends there is over."""
    quotas = [
        quota("b", 90, 180),
        quota("a", 120, 150, 50.0),
        quota("a", 90, 120),
        quota("a", 0, 365, 1234.5),
    ]
    rows = described(
        opened, "snapshot", "rep_id", "period_start", "quota_thousandths", quotas=quotas
    )
    assert rows == [
        (0, "a", day(0), 1_234_500),
        (1, "a", day(120), 50_000),
        (2, "b", day(90), 1_000_000),
    ]


def test_a_rep_is_described_as_the_cutoff_knows_it(opened: Opened) -> None:
    """Hired and gone as far as that is visible; places as they last changed."""
    quotas = [quota(who, 90, 180) for who in "abc"]
    own = [
        {"rep_id": "a", "team": "red", "hired_at": day(1), "left_at": day(120 - MICRO)},
        {"rep_id": "b", "team": "red", "hired_at": day(120), "left_at": day(120)},
    ]
    changes = [
        change("a", day(5), "team", "blue", "rep"),
        change("c", day(5), "team", "green", "rep"),
    ]
    rows = described(
        opened, "rep_id", "team", "hired_at", "has_left", quotas=quotas, reps=own, changes=changes
    )
    assert rows == [("a", "blue", day(1), 1), ("b", None, None, 0), ("c", "green", None, 0)]


def test_minutes_are_counted_around_the_cutoff(opened: Opened) -> None:
    """30 days of the period are gone, 60 are left; 90 days lie behind."""
    columns = ("minutes_gone", "minutes_left", "minutes_90d")
    rows = described(opened, *columns, quotas=[quota("a", 90, 180)])
    assert rows == [(30 * A_DAY, 60 * A_DAY, 90 * A_DAY)]


@pytest.mark.parametrize(
    ("first_deal", "days"),
    [
        (0, [90, 30, 90]),  # no date of hire, hired 30 days ago, hired 120 days ago
        (60, [60, 30, 60]),  # the company's first deal came 60 days ago
        (120, [0, 0, 0]),  # nobody has sold anything yet
    ],
)
def test_a_pace_is_over_the_time_in_which_something_could_be_won(
    opened: Opened, first_deal: float, days: list[int]
) -> None:
    """Since the rep was hired, and since the first deal of the company."""
    own = [
        {"rep_id": "a"},
        {"rep_id": "b", "hired_at": day(90)},
        {"rep_id": "c", "hired_at": day(0)},
    ]
    quotas = [quota(who, 90, 180) for who in "abc"]
    deals = [deal("x", first_deal)]
    rows = described(opened, "rep_id", "minutes_90d", reps=own, deals=deals, quotas=quotas)
    assert [minutes for _, minutes in rows] == [number * A_DAY for number in days]


def test_peers_are_added_up_by_territory_manager_and_company(opened: Opened) -> None:
    """At the same cutoff; reps without a territory are peers of each other."""
    quotas = [
        quota(who, 90, 180, amount)
        for who, amount in zip("abcd", (1.0, 2.0, 4.0, 8.0), strict=True)
    ]
    own = [
        {"rep_id": "a", "territory": "north", "manager_id": "M"},
        {"rep_id": "b", "territory": "north", "manager_id": "N"},
        {"rep_id": "c", "manager_id": "M"},
        {"rep_id": "d", "manager_id": "M"},
    ]
    columns = [f"{group}_quota_thousandths" for group in ("company", "territory", "manager")]
    assert described(opened, "rep_id", *columns, quotas=quotas, reps=own) == [
        ("a", 15_000.0, 3_000.0, 13_000.0),
        ("b", 15_000.0, 3_000.0, 2_000.0),
        ("c", 15_000.0, 12_000.0, 13_000.0),
        ("d", 15_000.0, 12_000.0, 13_000.0),
    ]


def test_what_was_attained_so_far_is_in_the_currency_of_quotas(opened: Opened) -> None:
    """Deals won in the period up to the cutoff; past periods and leads are there beside them."""
    deals = [DEAL, deal("x", 1, 100, amount=12.5), deal("y", 1, 40, amount=500.0)]
    quotas = [quota("a", 90, 180), quota("a", 0, 90)]
    columns = ("attained", "past_periods", "past_amount", "open_leads", "open", "all_open")
    assert described(opened, *columns, deals=deals, quotas=quotas) == [(12.5, 1, 500_000, 0, 1, 1)]
