"""Laws of the extent: strays do not end the data, and nothing plausible is set aside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.extent import Extent, extent_of

MakePlan = Callable[..., Plan]
START = datetime(2024, 1, 1)
DAY = timedelta(days=1)
FAR = timedelta(days=31)


def moments_of(rng: Random, days: int, count: int) -> list[datetime]:
    """Draw moments over so many days."""
    return [START + timedelta(minutes=rng.randrange(days * 1440)) for _ in range(count)]


def plan(plan_of: MakePlan, moments: list[datetime]) -> Plan:
    """Read moments as activities."""
    rows = "".join(f"{moment.isoformat()},call\n" for moment in moments)
    return plan_of("activities", "occurred_at,type\n" + rows)


def plainly_beyond(moments: list[datetime]) -> datetime | None:
    """Find the first implausible moment by the contract's first rule, one moment at a time."""
    ordered = sorted(moments)
    place = len(ordered) - max(3, len(ordered) // 1000)
    if place < 1:
        return None
    q, low = ordered[place - 1], ordered[max(1, len(ordered) // 100) - 1]
    inside = [m for m in ordered if low <= m <= q]
    widest = max((b - a for a, b in pairwise(inside)), default=timedelta(0))
    has_gap, before = False, q
    for moment in (m for m in ordered if m > q):
        has_gap = has_gap or moment - before > 3 * widest
        before = moment
        if has_gap and moment > q + FAR:
            return moment
    return None


@pytest.mark.parametrize("seed", range(8))
def test_what_lies_beyond_agrees_with_a_plain_reading(
    backend: Backend, plan_of: MakePlan, seed: int
) -> None:
    """Strays at any distance from a dense or a sparse past are judged as a plain loop does."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    moments = moments_of(rng, rng.choice((10, 300)), rng.choice((4, 12, 60, 400)))
    last = max(moments)
    moments += [last + timedelta(days=rng.uniform(5, 400)) for _ in range(rng.randrange(5))]
    found = extent_of(backend, [plan(plan_of, moments)], None)
    assert found.beyond == plainly_beyond(moments)


def test_one_wild_year_is_set_aside(backend: Backend, plan_of: MakePlan) -> None:
    """A single activity a year late lies beyond; the bulk's end is told beside it."""
    rng = Random(1)  # noqa: S311 - a sample, no secret
    moments = moments_of(rng, 200, 2000)
    wild = datetime(2025, 8, 5, 10)
    found = extent_of(backend, [plan(plan_of, [*moments, wild])], None)
    assert found.beyond == wild
    assert found.bulk_end is not None
    assert found.bulk_end <= max(moments)


def test_a_declared_end_judges_nothing(backend: Backend, plan_of: MakePlan) -> None:
    """Who says where the data ends is believed."""
    end = datetime(2030, 1, 1)
    moments = [START + i * DAY for i in range(100)] + [datetime(2029, 1, 1)]
    assert extent_of(backend, [plan(plan_of, moments)], end) == Extent(declared=end)


def test_a_thin_run_to_the_end_lies_beyond(backend: Backend, plan_of: MakePlan) -> None:
    """Daily rows far below a hundredth of the usual number, month after month, are plans."""
    usual = [START + i * DAY + timedelta(minutes=m) for i in range(60) for m in range(1000)]
    last = max(usual)
    plans = [last + i * DAY for i in range(1, 56)]
    found = extent_of(backend, [plan(plan_of, [*usual, *plans])], None)
    assert found.beyond is not None
    assert found.bulk_end is not None
    assert found.bulk_end + FAR < found.beyond <= found.bulk_end + FAR + 2 * DAY


def test_a_quiet_month_at_the_end_is_believed(backend: Backend, plan_of: MakePlan) -> None:
    """Less than a month beyond the bulk nothing is set aside, however few rows there are."""
    usual = [START + i * DAY + timedelta(minutes=m) for i in range(60) for m in range(1000)]
    quiet = [max(usual) + i * DAY for i in range(1, 29)]
    assert extent_of(backend, [plan(plan_of, [*usual, *quiet])], None) == Extent()


def test_plans_and_closings_without_an_outcome_are_no_moments(
    backend: Backend, plan_of: MakePlan
) -> None:
    """A meeting known before it happens, or a closing date of an open deal, ends nothing."""
    calls = "".join(f"{(START + i * DAY).isoformat()},call,\n" for i in range(50))
    planned = "2029-01-01,meeting,2024-01-05\n"
    activities = plan_of("activities", "occurred_at,type,known_at\n" + calls + planned)
    deals = plan_of(
        "deals", "deal_id,rep_id,created_at,closed_at,won\nd,r,2024-01-09,2029-05-05,\n"
    )
    assert extent_of(backend, [activities, deals], None) == Extent()


@pytest.mark.parametrize("count", range(4))
def test_a_handful_of_rows_is_never_judged(backend: Backend, plan_of: MakePlan, count: int) -> None:
    """Of three rows or fewer none can be told from the bulk."""
    moments = [START + i * 400 * DAY for i in range(count)]
    assert extent_of(backend, [plan(plan_of, moments)], None) == Extent()
    assert extent_of(backend, [], None) == Extent()
