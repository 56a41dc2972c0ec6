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
    earlier = _earlier(warehouse, spans[0], begin)[-most:]
    lookback = timedelta(days=lookback_days)

    def window(start: datetime, end: datetime, *, is_current: bool) -> Window:
        entry = max(start - lookback, begin)
        return Window(start, min(end, until), entry, end, is_current)

    every = [window(*span, is_current=False) for span in earlier]
    every += [window(*span, is_current=True) for span in spans]
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


def _earlier(
    warehouse: Warehouse, span: tuple[datetime, datetime], begin: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the spans that ended by the start of the current one, rising, none overlapping."""
    rows = quotas_at(warehouse["quotas"], cutoff_table([span[0]]), ended=True)
    counted = rows.group_by("period_start", "period_end").aggregate(reps=rows.rep_id.nunique())
    frame = warehouse.arrow(counted).to_pandas()
    frame = frame.sort_values(["period_start", "reps"], ascending=False)
    spans: list[tuple[datetime, datetime]] = []
    if frame.empty:
        start, _ = _quarter(span[0] - MICROSECOND)
        before = (start, span[0])
        while before[0] >= begin - DAY:
            spans.append(before)
            before = (_quarter(before[0] - MICROSECOND)[0], before[0])
        return spans[::-1]
    following = span[0]
    for row in frame.itertuples():
        if row.period_end <= following and row.period_start >= begin - DAY:
            spans.append((row.period_start, row.period_end))
            following = row.period_start
    return spans[::-1]


def _quarter(moment: datetime) -> tuple[datetime, datetime]:
    """Return the calendar quarter that a moment lies in."""
    month = (moment.month - 1) // QUARTER_MONTHS * QUARTER_MONTHS + 1
    start = datetime(moment.year, month, 1)
    quarters = moment.year * 4 + (month - 1) // QUARTER_MONTHS + 1
    return start, datetime(quarters // 4, quarters % 4 * QUARTER_MONTHS + 1, 1)
