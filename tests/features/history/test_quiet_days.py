"""Days on which activity stopped or slowed: found where planted, and nowhere else, over seeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from features.history.quiet_days import (
    LEAST_USUAL,
    DailyCounts,
    day_shares,
    quiet_days,
    quiet_days_ahead,
    slow_days_ahead,
)

SEEDS = range(10)
MONDAY = date(2023, 7, 3)
WEEK = np.array([1.1, 1.0, 1.0, 0.9, 0.7, 0.02, 0.0])
Pace = Callable[[date], float]


def company(seed: int, pace: Pace, days: int = 900, usual: float = 300) -> DailyCounts:
    """Draw a growing company's activities; `pace` says how much of the usual a day brings."""
    dates = [MONDAY + timedelta(days=day) for day in range(days)]
    expected = usual * np.tile(WEEK, days // 7 + 1)[:days] * np.linspace(0.7, 1.3, days)
    # Some weeks are busier than others, as they are in life.
    draws = np.random.default_rng(seed)
    weeks = np.repeat(draws.normal(1, 0.02, days // 7 + 1), 7)[:days]
    return DailyCounts(MONDAY, draws.poisson(expected * weeks * [pace(day) for day in dates]))


def usual_pace(_day: date) -> float:
    """A company that never stops."""
    return 1.0


def christmas(day: date) -> float:
    """Closed from 24 December to the new year, and 3 October."""
    is_closed = (day.month == 12 and day.day >= 24) or (day.month, day.day) in {(1, 1), (10, 3)}
    return 0.01 if is_closed else 1.0


def thanksgiving(day: date) -> float:
    """Closed on the fourth Thursday of November and the last Monday of May."""
    fourth_thursday = day.month == 11 and day.weekday() == 3 and 22 <= day.day <= 28
    last_monday = day.month == 5 and day.weekday() == 0 and day.day >= 25
    return 0.0 if fourth_thursday or last_monday else 1.0


def weekdays(days: tuple[date, ...]) -> set[date]:
    """Leave out Saturdays and Sundays, which are no working days anyway."""
    return {day for day in days if day.weekday() < 5}


def planted(daily: DailyCounts, pace: Pace, *, ahead: bool) -> set[date]:
    """The working days that are closed by rule, in the past or in the year ahead."""
    past = [daily.day(place) for place in range(len(daily.counts))]
    return {d for d in (daily.ahead() if ahead else past) if pace(d) < 0.1 and d.weekday() < 5}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("pace", [usual_pace, christmas, thanksgiving])
def test_days_off_are_found_and_come_again(pace: Pace, seed: int) -> None:
    """All days that were closed, no other; and all that will be, by date or by weekday."""
    daily = company(seed, pace)
    assert set(quiet_days(daily)) == planted(daily, pace, ahead=False)
    assert weekdays(quiet_days_ahead(daily)) == planted(daily, pace, ahead=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_that_was_worked_in_another_year_does_not_come_again(seed: int) -> None:
    """The servers were down on 12 March 2024; in March 2025 people worked."""
    outage = date(2024, 3, 12)
    daily = company(seed, lambda day: 0.0 if day == outage else 1.0)
    assert quiet_days(daily) == (outage,)
    assert quiet_days_ahead(daily) == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_date_seen_once_comes_again(seed: int) -> None:
    """A year of history shows a closed week once, and that is believed; a weekday is not."""
    daily = company(seed, lambda day: christmas(day) * thanksgiving(day), days=360)
    ahead = weekdays(quiet_days_ahead(daily))
    assert {date(2024, 12, day) for day in (25, 26, 27)} <= ahead
    assert date(2024, 11, 28) not in ahead


def test_listed_days_say_nothing_about_others() -> None:
    """Easter Monday 2024 was 1 April, so 1 April 2025 is no day off where Easter is listed."""
    easter = date(2024, 4, 1)
    daily = company(1, lambda day: 0.0 if day == easter else 1.0, days=600)
    assert quiet_days(daily) == (easter,)
    assert quiet_days_ahead(daily) == (date(2025, 4, 1),)
    listed = DailyCounts(daily.first, daily.counts, {easter})
    assert quiet_days(listed) == ()
    assert quiet_days_ahead(listed) == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_where_little_happens_nothing_is_concluded(seed: int) -> None:
    """A handful of activities a day is missing by chance; no day of such a company is quiet."""
    daily = company(seed, christmas, usual=LEAST_USUAL / 2)
    assert quiet_days(daily) == ()
    assert quiet_days_ahead(daily) == ()
    assert slow_days_ahead(daily) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_slow_weeks_are_found_with_their_share(seed: int) -> None:
    """Where two weeks of August run at 0.6 each year, the same is expected; elsewhere nothing."""

    def august(day: date) -> float:
        return 0.6 if day.month == 8 and 5 <= day.day <= 18 else 1.0

    slow = slow_days_ahead(company(seed, august))
    inside = {day: share for day, share in slow.items() if august(day) < 1}
    assert set(slow) - set(inside) <= {
        day + timedelta(days=by) for day in inside for by in range(-3, 4)
    }
    heart = [share for day, share in inside.items() if 9 <= day.day <= 14]
    assert heart == pytest.approx([0.6] * 6, abs=0.06)
    lost = sum(1 - share for day, share in slow.items() if day.weekday() < 5)
    assert lost == pytest.approx(10 * 0.4, abs=0.8)
    assert slow_days_ahead(company(seed, usual_pace)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_happened_and_what_is_expected(seed: int) -> None:
    """Days off and slow weeks count, in view and in the year ahead; the newest weeks do not yet."""

    def pace(day: date) -> float:
        in_august = day.month == 8 and 5 <= day.day <= 18
        # The last ten days are not all logged.
        is_late = day >= MONDAY + timedelta(days=890)
        return 0.6 if in_august else 0.7 if is_late else christmas(day)

    shares = day_shares(company(seed, pace))
    for year in (2024, 2025, 2026):
        assert shares[date(year, 8, 12)] == pytest.approx(0.6, abs=0.06)
        assert date(year, 5, 12) not in shares
    assert shares[date(2025, 12, 24)] == shares[date(2024, 12, 24)] == 0
    assert not [day for day in shares if MONDAY + timedelta(days=880) < day < date(2025, 12, 20)]


@pytest.mark.parametrize("days", [0, 1, 6, 8])
def test_a_history_of_days_says_nothing(days: int) -> None:
    """Without weeks around it no day has anything to be compared with."""
    daily = DailyCounts(MONDAY, np.full(days, 100))
    assert quiet_days(daily) == ()
    assert quiet_days_ahead(daily) == ()
    assert slow_days_ahead(daily) == {}


def test_the_year_ahead_begins_after_the_last_day_counted() -> None:
    """And it is a year long."""
    ahead = company(1, usual_pace, days=365).ahead()
    assert ahead[0] == MONDAY + timedelta(days=365)
    assert len(ahead) == 365
