"""Days, weeks, months, quarters and quota periods: what key figures are added up over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.clock import midnight
from features.errors import InputError
from features.params import Every
from features.snapshot import within

MONTHS = {"month": 1, "quarter": 3}
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
WEEKS_OF_A_YEAR = 52


@dataclass(frozen=True, order=True)
class Period:
    """A span of time, UTC: the start belongs to it, the end does not."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return bool(within(moment, self.start, self.end))


def period_of(moment: datetime, every: Every) -> Period:
    """Return the day, week (from Monday), month or quarter that a moment lies in.

    >>> period_of(datetime(2024, 5, 15, 9), "quarter").start
    datetime.datetime(2024, 4, 1, 0, 0)
    """
    start = midnight(moment)
    if every == "day":
        return Period(start, start + DAY)
    if every == "week":
        monday = start - timedelta(days=start.weekday())
        return Period(monday, monday + WEEK)
    width = MONTHS[every]
    first = start.replace(month=start.month - (start.month - 1) % width, day=1)
    return Period(first, _months_later(first, width))


def before(period: Period, every: Every) -> Period:
    """Return the period before; no quota period is laid out by the calendar."""
    return period_of(period.start - timedelta(microseconds=1), every)


def year_before(start: datetime, every: Every) -> datetime:
    """Return the start of the same period a year before; of weeks, 52 of them."""
    if every == "week":
        return start - WEEKS_OF_A_YEAR * WEEK
    if (start.month, start.day) == (2, 29):
        return start.replace(year=start.year - 1, day=28)
    return start.replace(year=start.year - 1)


def calendar_periods(every: Every, last: datetime, most: int, first: datetime) -> list[Period]:
    """Lay out periods back from the one that ends the data.

    Args:
        every: how long they are; not `quota`.
        last: nothing is seen from here on.
        most: so many, at most.
        first: none ends before this.
    """
    period = period_of(last - timedelta(microseconds=1), every)
    periods = [period]
    while len(periods) < most and not period.holds(first) and first < period.start:
        period = before(period, every)
        periods.append(period)
    return periods[::-1]


def quota_periods(spans: Iterable[tuple[datetime, datetime]], most: int) -> list[Period]:
    """Choose the quota periods that most reps share, no two of which overlap.

    Args:
        spans: start and end of each quota, one for each rep.
        most: the newest so many.

    Raises:
        InputError: there are none.
    """
    counts: dict[Period, int] = {}
    for start, end in spans:
        period = Period(start, end)
        counts[period] = counts.get(period, 0) + 1
    chosen: list[Period] = []
    for period in sorted(counts, key=lambda p: (-counts[p], p)):
        if not any(period.start < other.end and other.start < period.end for other in chosen):
            chosen.append(period)
    if not chosen:
        raise InputError("there are no quotas by this moment: choose day, week, month or quarter")
    return sorted(chosen)[-most:]


def _months_later(first: datetime, months: int) -> datetime:
    place = first.year * 12 + first.month - 1 + months
    return first.replace(year=place // 12, month=place % 12 + 1)
