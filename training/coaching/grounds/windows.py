"""The periods that reps are compared over, and the earlier ones that the comparison learns from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.clock import MOMENT, midnight
from features.snapshot import cutoff_table, quotas_at
from features.storage.warehouse import Warehouse

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
QUARTER_MONTHS = 3
Span = tuple[datetime, datetime]
EARLY = 0.001
"""Share of events that may lie before the records are taken to begin: strays."""
CLOCKS = (
    ("leads", "converted_at"),
    ("leads", "lost_at"),
    ("deals", "closed_at"),
    ("changes", "changed_at"),
    ("activities", "occurred_at"),
)
"""Moments at which something was recorded to happen; a creation may be older than the CRM."""


@dataclass(frozen=True)
class Window:
    """A period, or the part of it that has passed.

    Attributes:
        start: the period's first moment.
        end: the moment before which it is over, or the one it is looked at from.
        entry: what is open here, and what comes in later, is what a rep has to work with.
        period_end: where the whole period ends.
        is_current: whether reps are compared over it.
    """

    start: datetime
    end: datetime
    entry: datetime
    period_end: datetime
    is_current: bool


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows, and whose current one is which.

    Attributes:
        every: earlier ones by start, then current ones, the most common of them first.
        quota_reps: `rep_id, window`: reps with a quota in a current window, and its place.
    """

    every: tuple[Window, ...]
    quota_reps: pd.DataFrame

    @property
    def main(self) -> int:
        """The place of the current window that most reps have."""
        return next(place for place, window in enumerate(self.every) if window.is_current)

    def bounds(self, name: str) -> np.ndarray:
        """Return a moment of each window, in microseconds.

        Args:
            name: `start`, `end`, `entry` or `period_end`.
        """
        moments = np.array([getattr(window, name) for window in self.every], dtype=MOMENT)
        return moments.astype(np.int64)


def windows_of(warehouse: Warehouse, lookback_days: int, most: int) -> Windows:
    """Find the periods that run at the end of what may be read, and those before them.

    The period that runs is the one with `start < end of the extract <= period_end`. Where there are
    no quotas, periods are calendar quarters.

    Args:
        warehouse: cut at the moment that is asked about.
        lookback_days: days before a period from which on leads and deals are followed.
        most: earlier periods, at most.
    """
    until, begin = warehouse.data_until, records_begin(warehouse)
    running = _running(warehouse)
    spans = list(
        running.groupby(["period_start", "period_end"], sort=True)
        .size()
        .sort_values(ascending=False, kind="stable")
        .index
    ) or [_quarter(until - MICROSECOND)]
    earlier = _earlier(warehouse, spans[0], begin, most)
    lookback = timedelta(days=lookback_days)

    def window(first: datetime, end: datetime, last: datetime, *, is_current: bool) -> Window:
        entry = max(first, begin + lookback) - lookback
        return Window(first, min(end, last), entry, last, is_current)

    # Of a period that is a third over, the first thirds of earlier ones tell what is usual.
    start, end = spans[0]
    passed = min((until - start) / (end - start), 1.0)
    cut_off = [(first, first + passed * (last - first), last) for first, last in earlier]
    every = [window(*span, is_current=False) for span in cut_off]
    every += [window(first, until, last, is_current=True) for first, last in spans]
    place = {span: len(earlier) + k for k, span in enumerate(spans)}
    pairs = zip(running["period_start"], running["period_end"], strict=True)
    reps = running[["rep_id"]].assign(window=[place[pair] for pair in pairs])
    return Windows(tuple(every), reps.drop_duplicates("rep_id"))


def records_begin(warehouse: Warehouse) -> datetime:
    """Return the midnight after the first recorded events: before it nobody knows what was open."""
    values = []
    for table, clock in CLOCKS:
        seconds = warehouse[table][clock].epoch_seconds()
        first = warehouse[table].aggregate(first=seconds.quantile(EARLY))
        values.append(warehouse.arrow(first)["first"][0].as_py())
    known = [value for value in values if value is not None]
    if not known:
        return midnight(warehouse.data_until)
    return midnight(datetime(1970, 1, 1) + timedelta(seconds=float(min(known)))) + DAY


def _running(warehouse: Warehouse) -> pd.DataFrame:
    """Return `rep_id, period_start, period_end` of the periods that run."""
    rows = quotas_at(
        warehouse["quotas"], cutoff_table([warehouse.data_until - MICROSECOND]), ended=False
    )
    frame = warehouse.arrow(rows.select("rep_id", "period_start", "period_end")).to_pandas()
    return frame.sort_values(["rep_id", "period_start"], ignore_index=True)


def _earlier(warehouse: Warehouse, span: Span, begin: datetime, most: int) -> list[Span]:
    """Return the spans that ended by the start of the current one, rising, none overlapping."""
    rows = quotas_at(warehouse["quotas"], cutoff_table([span[0]]), ended=True)
    counted = rows.group_by("period_start", "period_end").aggregate(reps=rows.rep_id.nunique())
    frame = warehouse.arrow(counted).to_pandas()
    frame = frame.sort_values(["period_start", "reps", "period_end"], ascending=False)
    ended = list(zip(frame["period_start"], frame["period_end"], strict=True))
    spans: list[Span] = []
    for start, end in ended or _quarters_before(span[0], most):
        # The records begin in the course of a day.
        is_recorded, is_free = start >= begin - DAY, end <= (spans[-1] if spans else span)[0]
        if is_recorded and is_free and len(spans) < most:
            spans.append((start, end))
    return spans[::-1]


def _quarters_before(moment: datetime, most: int) -> list[Span]:
    """Return the calendar quarters that end by a moment, the newest first."""
    start, _ = _quarter(moment)
    number = start.year * 4 + (start.month - 1) // QUARTER_MONTHS
    numbers = range(number, max(number - most, 4), -1)
    return [(_quarter_start(k - 1), _quarter_start(k)) for k in numbers]


def _quarter(moment: datetime) -> Span:
    """Return the calendar quarter that a moment lies in."""
    number = moment.year * 4 + (moment.month - 1) // QUARTER_MONTHS
    return _quarter_start(number), _quarter_start(number + 1)


def _quarter_start(number: int) -> datetime:
    return datetime(number // 4, number % 4 * QUARTER_MONTHS + 1, 1)
