"""Days on which a company's own activity stopped.

They are found in the number of activities a day, as it was known at one moment: whoever counts
leaves out what that moment did not show yet.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True)
class DailyCounts:
    """A company's activities by day.

    Attributes:
        first: the first day counted.
        counts: activities of it and of each day after it.
        listed: days off that are known already, such as a country's holidays.
    """

    first: date
    counts: Ints
    listed: Collection[date] = ()

    def day(self, place: int) -> date:
        """Return the day at a place, counted from the first."""
        return self.first + timedelta(days=place)

    def usual(self) -> Floats:
        """Return what is usual on each day: the median of the same weekday in the weeks around it.

        The day itself is left out, and so are weeks before the first day or after the last: a day
        without any has NaN.
        """
        days = pd.Series(self.counts, dtype=np.float64)
        around = [days.shift(7 * weeks) for weeks in range(-WEEKS, WEEKS + 1) if weeks]
        return pd.concat(around, axis=1).median(axis=1).to_numpy()

    def is_worked(self) -> Bools:
        """Return whether each day is worked as a rule, by its weekday, and is not listed."""
        is_listed = [self.day(place) in self.listed for place in range(len(self.counts))]
        return (self.usual() >= LEAST_USUAL) & ~np.array(is_listed, dtype=np.bool_)

    def is_quiet(self) -> Bools:
        """Return whether activity stopped on each day."""
        return self.is_worked() & (self.counts < QUIET * self.usual())


def quiet_days(daily: DailyCounts) -> tuple[date, ...]:
    """Return the days on which the company's activity stopped."""
    return tuple(daily.day(place) for place in np.flatnonzero(daily.is_quiet()).tolist())
