"""Days on which a company's own activity stopped, and those likely to come again in a year.

They are found in the number of activities a day, as it was known at one moment: whoever counts
leaves out what that moment did not show yet.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats, Ints

QUIET = 0.1
"""A day with a smaller share of its usual activity than this is quiet."""
LEAST_USUAL = 20
"""Activities a day must usually have; fewer are missing too often by chance."""
WEEKS = 6
"""Weeks on either side that say what is usual; longer standstills become usual themselves."""
YEAR = 365


def usual_counts(counts: Ints) -> Floats:
    """Return what is usual on each day: the median of the same weekday in the weeks around it.

    The day itself is left out, and so are weeks before the first day or after the last.

    Args:
        counts: activities of each day, one day after the other.

    Returns:
        One number a day, NaN where no week around it is known.
    """
    days = pd.Series(counts, dtype=np.float64)
    around = [days.shift(7 * weeks) for weeks in range(-WEEKS, WEEKS + 1) if weeks]
    return pd.concat(around, axis=1).median(axis=1).to_numpy()


def quiet_days(first: date, counts: Ints) -> tuple[date, ...]:
    """Return the days on which the company's activity stopped.

    Args:
        first: the first day counted.
        counts: activities of it and of each day after it.
    """
    usual = usual_counts(counts)
    places = np.flatnonzero(_is_worked(usual) & (counts < QUIET * usual))
    return tuple(first + timedelta(days=int(place)) for place in places)


def quiet_days_ahead(first: date, counts: Ints) -> tuple[date, ...]:
    """Return the days of the coming year on which the company's activity will likely stop.

    A day comes again by its date, or by its weekday's place in the month. It must have been quiet
    each time it was seen, on a day that is worked as a rule:

        by date             seen once or more     25 December 2024 -> 25 December 2025
        n-th weekday        seen twice or more    fourth Thursday of November
        n-th from the end   seen twice or more    last Monday of May

    Seen once, a quiet day could have either, and most have their date. Holidays that move
    otherwise, such as Easter's, are not found: they need a country's list.

    Args:
        first: the first day counted.
        counts: activities of it and of each day after it, up to the day before the year ahead.
    """
    quiet = set(quiet_days(first, counts))
    places = np.flatnonzero(_is_worked(usual_counts(counts)))
    worked = [first + timedelta(days=int(place)) for place in places]
    ahead = [first + timedelta(days=len(counts) + day) for day in range(YEAR)]
    again: set[date] = set()
    for key, least in ((_date, 1), (_nth, 2), (_nth_from_end, 2)):
        seen = defaultdict(list)
        for day in worked:
            seen[key(day)].append(day in quiet)
        again |= {day for day in ahead if len(seen[key(day)]) >= least and all(seen[key(day)])}
    return tuple(sorted(again))


def _is_worked(usual: Floats) -> Bools:
    return usual >= LEAST_USUAL


def _date(day: date) -> tuple[int, ...]:
    return day.month, day.day


def _nth(day: date) -> tuple[int, ...]:
    return day.month, day.weekday(), (day.day - 1) // 7


def _nth_from_end(day: date) -> tuple[int, ...]:
    return day.month, day.weekday(), (monthrange(day.year, day.month)[1] - day.day) // 7
