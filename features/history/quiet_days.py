"""Days on which a company's own activity stopped or slowed, and those likely to come again.

They are found in the number of activities a day, as it was known at one moment: whoever counts
leaves out what that moment did not show yet.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats, Ints

QUIET = 0.1
"""A day with a smaller share of its usual activity than this is quiet."""
SLOW = 0.9
"""A week with a smaller share of its usual activity than this is slow."""
LEAST_USUAL = 20
"""Activities a day must usually have; fewer are missing too often by chance."""
LEAST_WEEK = 1_000
"""Activities a week must usually have, so that chance alone seldom makes it slow."""
WEEKS = 6
"""Weeks on either side that say what is usual; longer standstills become usual themselves."""
YEAR = 365
SETTLED_DAYS = 28
"""The newest days say nothing about slow weeks: not all of their activity is logged yet."""


@dataclass(frozen=True)
class DailyCounts:
    """A company's activities by day, up to the day before the year that is looked ahead to.

    Attributes:
        first: the first day counted.
        counts: activities of it and of each day after it.
        listed: days off whose reason is known, such as a country's holidays; they say nothing
            about other years.
    """

    first: date
    counts: Ints
    listed: Collection[date] = ()

    def day(self, place: int) -> date:
        """Return the day at a place, counted from the first."""
        return self.first + timedelta(days=int(place))

    def usual(self, counted: Bools | None = None) -> Floats:
        """Return what is usual on each day: the median of the same weekday in the weeks around it.

        The day itself is left out, and so are weeks before the first day or after the last: a day
        without any has NaN.

        Args:
            counted: the days that may say what is usual; None: all.
        """
        days = pd.Series(self.counts, dtype=np.float64)
        days = days if counted is None else days.where(counted)
        around = [days.shift(7 * weeks) for weeks in range(-WEEKS, WEEKS + 1) if weeks]
        return pd.concat(around, axis=1).median(axis=1).to_numpy()

    def is_worked(self) -> Bools:
        """Return whether each day is worked as a rule, by its weekday, and is not listed."""
        is_listed = [self.day(place) in self.listed for place in range(len(self.counts))]
        return (self.usual() >= LEAST_USUAL) & ~np.array(is_listed, dtype=np.bool_)

    def is_quiet(self) -> Bools:
        """Return whether activity stopped on each day."""
        return self.is_worked() & (self.counts < QUIET * self.usual())

    def ahead(self) -> list[date]:
        """Return the days of the year after the last one counted."""
        return [self.day(len(self.counts) + day) for day in range(YEAR)]


def quiet_days(daily: DailyCounts) -> tuple[date, ...]:
    """Return the days on which the company's activity stopped."""
    return tuple(daily.day(place) for place in np.flatnonzero(daily.is_quiet()).tolist())


def quiet_days_ahead(daily: DailyCounts) -> tuple[date, ...]:
    """Return the days of the coming year on which the company's activity will likely stop.

    A day comes again by its date, or by its weekday's place in the month. It must have been quiet
    each time it was seen, on a day that is worked as a rule:

    | comes again by    | seen          | as in                                |
    |-------------------|---------------|--------------------------------------|
    | date              | once or more  | 25 December 2024 -> 25 December 2025 |
    | n-th weekday      | twice or more | fourth Thursday of November          |
    | n-th from the end | twice or more | last Monday of May                   |

    What was seen twice or more explains its days, dates before weekdays: they are no evidence for
    another rule. Holidays that move otherwise, such as Easter's, are not found: they need a
    country's list.
    """
    worked = [daily.day(place) for place in np.flatnonzero(daily.is_worked()).tolist()]
    quiet, ahead = set(quiet_days(daily)), daily.ahead()
    by_date = _recurring(worked, quiet, worked, (_date, 2))
    others = [day for day in worked if day not in by_date]
    by_weekday: set[date] = set()
    again: set[date] = set()
    for key in (_nth, _nth_from_end):
        by_weekday |= _recurring(others, quiet, others, (key, 2))
        again |= _recurring(others, quiet, ahead, (key, 2))
    rest = [day for day in worked if day not in by_weekday]
    return tuple(sorted(again | _recurring(rest, quiet, ahead, (_date, 1))))


def day_shares(daily: DailyCounts) -> dict[date, float]:
    """Return the share of its usual work that is done on each day that is not like others.

    Days in view are judged by what happened on them, days of the coming year by what happened on
    their like. A company whose activity is in view up to January 2026:

    | day              | known of it                                  | share |
    |------------------|----------------------------------------------|-------|
    | 24 December 2024 | no activity                                  | 0     |
    | 27 December 2024 | its week had 0.3 of the usual activity       | 0.3   |
    | 24 December 2026 | none in 2024 and 2025                        | 0     |
    | 27 December 2026 | weeks of 0.3 and 0.4 in 2024 and 2025        | 0.35  |
    | 5 May 2025       | a week like any other                        | none  |
    """
    slow = {day: share for day, share in _week_shares(daily).items() if share < SLOW}
    off = (*quiet_days(daily), *quiet_days_ahead(daily))
    return {**slow, **slow_days_ahead(daily), **dict.fromkeys(off, 0.0)}


def slow_days_ahead(daily: DailyCounts) -> dict[date, float]:
    """Return the days of the coming year in weeks that were slow in every year in view.

    Returns:
        For each such day, the mean share of the usual activity over those years.
    """
    shares = defaultdict(list)
    for day, share in _week_shares(daily).items():
        shares[_date(day)].append(share)
    seen = {day: shares[_date(day)] for day in daily.ahead() if _date(day) in shares}
    return {day: float(np.mean(years)) for day, years in seen.items() if max(years) < SLOW}


def _week_shares(daily: DailyCounts) -> dict[date, float]:
    """Return for days in view the share of the usual activity that the week about them had.

    Three days on either side count, quiet and listed days do not; weeks with too little activity to
    tell are left out, and so are the newest. What is usual is measured twice, the second time
    without the days that seemed slow at first: in the middle of five slow weeks, the weeks around
    are slow as well.

    | week | activities | usual, first | share | usual, then | share |
    |------|------------|--------------|-------|-------------|-------|
    | 1    | 1,000      | 1,000        | 1.00  | 1,000       | 1.00  |
    | 2    | 700        | 900          | 0.78  | 1,000       | 0.70  |
    """
    first = _shares(daily, daily.usual())
    share = _shares(daily, daily.usual(~(first < SLOW)))
    settled = np.flatnonzero(~np.isnan(share))
    settled = settled[settled < len(share) - SETTLED_DAYS]
    return {daily.day(place): float(share[place]) for place in settled.tolist()}


def _shares(daily: DailyCounts, usual: Floats) -> Floats:
    """Return the share of each day's week; NaN where there is too little activity to tell."""
    is_open = daily.is_worked() & ~daily.is_quiet() & ~np.isnan(usual)
    had, wanted = (
        pd.Series(np.where(is_open, values, 0.0)).rolling(7, 1, center=True).sum().to_numpy()
        for values in (daily.counts, usual)
    )
    return np.where(wanted >= LEAST_WEEK, had / np.maximum(wanted, 1.0), np.nan)


def _recurring(
    worked: list[date],
    quiet: set[date],
    days: list[date],
    rule: tuple[Callable[[date], tuple[int, ...]], int],
) -> set[date]:
    """Return those of some days whose key was seen often enough, and was quiet each time."""
    key, least = rule
    seen = defaultdict(list)
    for day in worked:
        seen[key(day)].append(day in quiet)
    enough = {k for k, stopped in seen.items() if len(stopped) >= least and all(stopped)}
    return {day for day in days if key(day) in enough}


def _date(day: date) -> tuple[int, ...]:
    return day.month, day.day


def _nth(day: date) -> tuple[int, ...]:
    return day.month, day.weekday(), (day.day - 1) // 7


def _nth_from_end(day: date) -> tuple[int, ...]:
    return day.month, day.weekday(), (monthrange(day.year, day.month)[1] - day.day) // 7
