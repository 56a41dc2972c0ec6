"""Earlier quota periods and leads of reps, by hand: what had ended, what was early, what counts."""

from __future__ import annotations

from typing import Any

import pytest
from by_hand import MICRO, Opened, answer, day, deal, quota, snapshots
from extract import Row, change, lead

from features.as_of.past_periods import UNHEARD, lead_totals, past_periods
from features.history.versions import deal_versions, lead_versions
from features.params import FeatureParams

# Rep `a` on day 210, when 30 of the 90 days from day 180 to day 270 have passed.
TAKEN = snapshots((210, "a", 180, 270), rep_id="string", period_start="day", period_end="day")
PAST = [quota("a", 0, 90), quota("a", 90, 180, 2000.0)]
SUMS = ("past_periods", "past_quota", "past_amount", "past_early")
RATIOS = ("past_ratio", "past_early_ratio", "last_ratio", "last_early_ratio")


def past(opened: Opened, quotas: list[Row], deals: list[Row], *columns: str, **more: Any) -> Any:
    """Sum up what had ended by day 210."""
    with opened(quotas=quotas, deals=deals, **more) as warehouse:
        rows = past_periods(TAKEN, warehouse["quotas"], deal_versions(warehouse))
        return answer(warehouse, rows, *columns)[0]


def test_periods_add_up_and_the_last_stands_for_itself(opened: Opened) -> None:
    """Half of 1000 in the first period, a quarter of 2000 in the second."""
    deals = [deal("p", closed=40, amount=500.0), deal("q", closed=100, amount=500.0)]
    # Early are the first 30 days of each: day 100 is, day 40 is not.
    assert past(opened, PAST, deals, *SUMS) == (2, 3_000_000, 1_000_000, 500_000)
    assert past(opened, PAST, deals, *RATIOS) == (750_000_000, 250_000_000, 0.25, 0.25)


@pytest.mark.parametrize(
    ("closed", "amount", "early"),
    [
        (90 - MICRO, 0, 0),  # the period before
        (90, 1000, 1000),  # the start belongs to the period
        (120 - MICRO, 1000, 1000),
        (120, 1000, 0),  # a third of its days had passed by then
        (180 - MICRO, 1000, 0),
        (180, 0, 0),  # the running period
    ],
)
def test_a_deal_counts_for_the_period_it_closed_in(
    opened: Opened, closed: float, amount: int, early: int
) -> None:
    """Half-open; and early as long as no greater share had passed than has of the running one."""
    row = past(opened, [PAST[1]], [deal("x", closed=closed, amount=1.0)], *SUMS[2:])
    assert row == (amount, early)


def test_a_shorter_period_is_early_for_fewer_days(opened: Opened) -> None:
    """A third of a month of 30 days is 10 days."""
    deals = [deal("p", closed=159), deal("q", closed=160), deal("r", closed=165)]
    assert past(opened, [quota("a", 150, 180)], deals, *SUMS[2:]) == (300_000, 100_000)


def test_without_an_earlier_period_there_is_no_ratio(opened: Opened) -> None:
    """Sums are 0; what the last period was like is not known."""
    row = past(opened, [quota("a", 180, 270)], [deal("x", closed=100)], *SUMS, *RATIOS)
    assert row == (0, 0, 0, 0, 0, 0, None, None)


def test_a_period_without_deals_counts_with_nothing(opened: Opened) -> None:
    """A bad quarter is a quarter; a won deal without an amount adds nothing either."""
    deals = [deal("x", closed=100, amount=None)]
    assert past(opened, PAST, deals, *SUMS) == (2, 3_000_000, 0, 0)
    assert past(opened, PAST, deals, *RATIOS) == (0, 0, 0.0, 0.0)


def test_a_period_counts_once_it_has_ended(opened: Opened) -> None:
    """Up to the cutoff, the cutoff included: the deals of its days are all known by then."""
    quotas = [quota("a", 0, 210), quota("a", 100, 210 + MICRO)]
    assert past(opened, quotas, [deal("x", closed=150)], *SUMS[:3]) == (1, 1_000_000, 100_000)


def test_quotas_of_nothing_and_of_others_do_not_count(opened: Opened) -> None:
    """Nobody can attain a quota of 0, and another rep's record is another rep's."""
    quotas = [quota("a", 0, 90, 0.0), quota("a", 90, 180, -5.0), quota("b", 90, 180)]
    assert past(opened, quotas, [deal("x", closed=100)], *SUMS) == (0, 0, 0, 0)


def test_the_last_revision_known_at_the_cutoff_counts(opened: Opened) -> None:
    """A quota that is put right after the cutoff is the old one still."""
    revised = [
        quota("a", 90, 180, 1000.0),
        quota("a", 90, 180, 500.0, known_at=day(210)),
        quota("a", 90, 180, 100.0, known_at=day(211)),
    ]
    assert past(opened, revised, [deal("x", closed=100)], "past_quota", "last_ratio") == (
        500_000,
        0.2,
    )


def test_deals_are_those_of_the_rep_as_the_cutoff_shows_them(opened: Opened) -> None:
    """A deal that was handed over afterwards counts for its new owner."""
    deals = [
        deal("kept", closed=100),
        deal("gone", closed=100),
        deal("lost", closed=100, won=False),
    ]
    changes = [change("gone", day(150), "rep_id", "b", "deal")]
    row = past(opened, [PAST[1]], deals, "past_amount", "last_ratio", changes=changes)
    assert row == (100_000, 0.05)


def test_ratios_beyond_belief_are_cut_off(opened: Opened) -> None:
    """A quota of a thousandth makes no ratio of millions."""
    deals = [deal("x", closed=100, amount=1e6)]
    assert past(opened, [quota("a", 90, 180, 0.001)], deals, "last_ratio") == UNHEARD


def test_the_last_period_is_the_one_that_began_last(opened: Opened) -> None:
    """Of two that began at once, the one that ended last."""
    quotas = [quota("a", 90, 120, 10.0), quota("a", 90, 180, 1000.0), quota("a", 0, 180, 10.0)]
    assert past(opened, quotas, [deal("x", closed=100)], "past_periods", "last_ratio") == (3, 0.1)


def leads_of(opened: Opened, leads: list[Row], *columns: str, **more: Any) -> Any:
    """Sum up the leads of rep `a` on day 210, records over 180 days."""
    params = FeatureParams(owner_window_days=180)
    with opened(leads=leads, **more) as warehouse:
        rows = lead_totals(TAKEN, lead_versions(warehouse), "rep_id", params)
        return answer(warehouse, rows, *columns)[0]


def test_leads_count_by_what_they_came_to(opened: Opened) -> None:
    """Windows reach back to the moment: 30 days to day 180, 180 days to day 30."""
    own: dict[str, Any] = {"rep_id": "a"}
    leads = [
        lead("open", day(200), **own),
        lead("won", day(180), converted_at=day(190), **own),
        lead("lost", day(10), lost_at=day(180), **own),
        lead("won long ago", day(10), converted_at=day(30), **own),
        lead("too long ago", day(10), converted_at=day(30 - MICRO), **own),
        lead("at the cutoff", day(180 - MICRO), converted_at=day(210), **own),
        lead("of another", day(200), rep_id="b"),
    ]
    columns = ("open_leads", "leads_30d", "conversions_30d", "leads_won", "leads_ended")
    assert leads_of(opened, leads, *columns) == (2, 2, 1, 2, 3)


def test_who_has_no_leads_has_sums_of_nothing(opened: Opened) -> None:
    """0 throughout."""
    columns = ("open_leads", "leads_90d", "conversions_90d", "leads_won", "leads_ended")
    assert leads_of(opened, [lead("x", day(1), rep_id="b")], *columns) == (0, 0, 0, 0, 0)
