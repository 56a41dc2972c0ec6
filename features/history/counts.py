"""Counts and sums over windows: +1 where a row's span of snapshots starts, -1 where it stops."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.arrays import Ints
from features.feature import DAY_US
from features.snapshot import AVAILABLE_AT, DELETED_AT, ENTITY, EVENT_TIME
from features.spine import Spine


class WindowCounts:
    """Counts and sums of event rows, in whatever order, at each snapshot."""

    # A snapshot sees a row once its cutoff lies after both clocks, and a window holds the row
    # while the cutoff lies no more than its days after the event. So each row has one span of
    # snapshots. With cutoffs on days 1, 8 and 15 (snapshots 0, 1, 2) and a window of 7 days:
    #
    #   event on day   available on day   span, no window   span, 7 days
    #   1              1                  [1, 3)            [1, 2)   seen on day 8, just in reach
    #   8              8                  [2, 3)            [2, 3)   not seen by the cutoff on day 8
    #   3              9                  [2, 3)            [2, 2)   once shown, out of reach
    #
    # A span ends earlier where the row is deleted: of the first, deleted on day 8, with snapshot 1.

    def __init__(self, spine: Spine, rows: pa.Table) -> None:
        """Find the first snapshot that sees each row.

        Args:
            spine: the snapshots.
            rows: what `snapshot.observable` returns, with columns of whole numbers to add up.
        """
        self._spine, self._rows = spine, rows
        self._entity, self._event_time = integers(rows[ENTITY]), microseconds(rows[EVENT_TIME])
        self._end = spine.end[self._entity]
        available_at = microseconds(rows[AVAILABLE_AT])
        self._start = spine.first_after(available_at, self._entity, self._end)
        if DELETED_AT in rows.column_names:
            gone = spine.first_after(deletions(rows), self._entity, self._end)
            self._end = np.maximum(gone, self._start)

    def count(self, days: int | None = None) -> Ints:
        """Count at each snapshot the rows of a window of so many days, or all rows."""
        return sums_by_snapshot(len(self._spine), self._start, self._stop(days))

    def total(self, name: str, days: int | None = None) -> Ints:
        """Add up a column at each snapshot over the rows of a window, or over all rows."""
        amount = integers(self._rows[name], empty=0)
        return sums_by_snapshot(len(self._spine), self._start, self._stop(days), amount)

    def _stop(self, days: int | None) -> Ints:
        if days is None:
            return self._end
        return self._spine.first_after(self._event_time + days * DAY_US, self._start, self._end)


def sums_by_snapshot(snapshots: int, start: Ints, stop: Ints, amount: Ints | None = None) -> Ints:
    """Add up, at each snapshot, the rows whose spans `[start, stop)` cover it.

    Args:
        snapshots: how many there are.
        start: of each row, the first snapshot that sees it.
        stop: of each row, the snapshot before which its span ends.
        amount: of each row; None counts rows.
    """
    # Each span is two steps, and the running total of all steps is the sum. Over snapshots 0 to 3:
    #
    #   5 over [0, 2)    +5   .  -5   .
    #   1 over [1, 4)     .  +1   .   .   (its second step lies behind the last snapshot)
    #   9 over [3, 3)     .   .   .  +9-9
    #   running total     5   6   1   1
    #
    # Whole numbers throughout, so that the steps of a span cancel to the last bit.
    size = snapshots + 1
    if amount is None:
        steps = np.bincount(start, minlength=size) - np.bincount(stop, minlength=size)
    else:
        steps = np.zeros(size, np.int64)
        np.add.at(steps, start, amount)
        np.subtract.at(steps, stop, amount)
    return np.cumsum(steps[:-1])


def integers(column: pa.ChunkedArray, empty: int = -1) -> Ints:
    """Return a column as whole numbers.

    Args:
        column: numbers, dates (days since 1970) or texts, which are numbered as they come.
        empty: what stands for an empty value.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.combine_chunks().dictionary_encode().indices
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    filled = column.fill_null(empty) if column.null_count else column
    return filled.to_numpy()


def deletions(rows: pa.Table) -> Ints:
    """Return when rows were deleted, in microseconds; beyond all time where they were not."""
    moments = rows[DELETED_AT].cast(pa.timestamp("us")).cast(pa.int64())
    filled: Ints = moments.fill_null(np.iinfo(np.int64).max).to_numpy()
    return filled


def microseconds(column: pa.ChunkedArray) -> Ints:
    """Return moments as microseconds since 1970 (UTC)."""
    return column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
