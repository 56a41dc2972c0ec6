"""Rows seen by runs of snapshots, counted and added up: +1 where a run starts, -1 where it ends."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.arrays import Ints
from features.feature import DAY_US
from features.snapshot import AVAILABLE_AT, ENTITY, EVENT_TIME, Spine


class WindowCounts:
    """Counts and sums of a history's rows, whatever their order, at each snapshot."""

    def __init__(self, spine: Spine, fetched: pa.Table) -> None:
        """Find the runs of snapshots that see the rows.

        Args:
            spine: the snapshots.
            fetched: what `sightings` gave, with columns of whole numbers.
        """
        self._spine, self._fetched = spine, fetched
        self._entity, self._happened = whole(fetched[ENTITY]), micros(fetched[EVENT_TIME])
        self._end = spine.end[self._entity]
        self._start = spine.first_after(micros(fetched[AVAILABLE_AT]), self._entity, self._end)

    def count(self, days: int | None = None) -> Ints:
        """Count the rows of a window, or all."""
        return spread(len(self._spine), self._start, self._stop(days))

    def total(self, name: str, days: int | None = None) -> Ints:
        """Add up a column over the rows of a window, or all."""
        amount = whole(self._fetched[name], empty=0)
        return spread(len(self._spine), self._start, self._stop(days), amount)

    def _stop(self, days: int | None) -> Ints:
        if days is None:
            return self._end
        return self._spine.first_after(self._happened + days * DAY_US, self._start, self._end)


def spread(snapshots: int, start: Ints, stop: Ints, amount: Ints | None = None) -> Ints:
    """Add up the runs that cover each snapshot, one each or their amounts.

    Whole numbers throughout: what lies outside a snapshot's runs cancels to the last bit.
    """
    size = snapshots + 1
    if amount is None:
        steps = np.bincount(start, minlength=size) - np.bincount(stop, minlength=size)
    else:
        steps = np.zeros(size, np.int64)
        np.add.at(steps, start, amount)
        np.subtract.at(steps, stop, amount)
    return np.cumsum(steps[:-1])


def whole(column: pa.ChunkedArray, empty: int = -1) -> Ints:
    """Whole numbers; texts are numbered as they come, `empty` stands for what is not filled."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.combine_chunks().dictionary_encode().indices
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    filled = column.fill_null(empty) if column.null_count else column
    return filled.to_numpy()


def micros(column: pa.ChunkedArray) -> Ints:
    """Moments as microseconds since 1970."""
    return column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
