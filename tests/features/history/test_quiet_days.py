"""Days on which activity stopped: found where planted, and nowhere else, over seeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from features.history.quiet_days import LEAST_USUAL, DailyCounts, quiet_days

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


def planted(daily: DailyCounts, pace: Pace) -> set[date]:
    """The working days that are closed by rule."""
    days = [daily.day(place) for place in range(len(daily.counts))]
    return {day for day in days if pace(day) < 0.1 and day.weekday() < 5}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("pace", [usual_pace, christmas, thanksgiving])
def test_days_off_are_found(pace: Pace, seed: int) -> None:
    """All days that were closed, and no other."""
    daily = company(seed, pace)
    assert set(quiet_days(daily)) == planted(daily, pace)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_is_a_quiet_day(seed: int) -> None:
    """The servers were down on 12 March 2024, whatever the reason."""
    outage = date(2024, 3, 12)
    assert quiet_days(company(seed, lambda day: 0.0 if day == outage else 1.0)) == (outage,)


def test_listed_days_are_known_already() -> None:
    """A holiday that is listed is not found once more."""
    easter = date(2024, 4, 1)
    daily = company(1, lambda day: 0.0 if day == easter else 1.0, days=600)
    assert quiet_days(daily) == (easter,)
    assert quiet_days(DailyCounts(daily.first, daily.counts, {easter})) == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_where_little_happens_nothing_is_concluded(seed: int) -> None:
    """A handful of activities a day is missing by chance; no day of such a company is quiet."""
    assert quiet_days(company(seed, christmas, usual=LEAST_USUAL / 2)) == ()


@pytest.mark.parametrize("days", [0, 1, 6, 8])
def test_a_history_of_days_says_nothing(days: int) -> None:
    """Without weeks around it no day has anything to be compared with."""
    assert quiet_days(DailyCounts(MONDAY, np.full(days, 100))) == ()
