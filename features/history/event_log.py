"""The rows of a history in order, each with the span of snapshots that sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from features.arrays import Bools, Ints
from features.feature import DAY_US
from features.history.counts import deletions, integers, microseconds
from features.snapshot import AVAILABLE_AT, DELETED_AT, ENTITY, EVENT_TIME
from features.spine import Spine

PART = 32_768
"""Snapshots that are worked on at a time: their columns stay in the processor's cache."""
MOST_STRETCHES = 64
"""Stretches of rows up to which a part is put together from slices."""


class EventLog:
    """The rows of a history by entity and event time, each with the span that sees it.

    Attributes:
        spine: the snapshots.
        entity: the number of the entity's first snapshot.
        event_time: in microseconds.
        start: the first snapshot that sees the row.
        stops: by window in days (None: no window), the snapshot before which the span ends.
    """

    def __init__(self, spine: Spine, rows: pa.Table, windows: Iterable[int]) -> None:
        """Put rows in order and find their spans.

        Args:
            spine: the snapshots.
            rows: what `snapshot.observable` returns, with columns of categories and amounts.
            windows: the days of all windows.
        """
        entity = integers(rows[ENTITY]) - np.int32(spine.offset)
        event_time = microseconds(rows[EVENT_TIME])
        self.spine, self._rows, self._order = spine, rows, _order(entity, event_time)
        self.entity, self.event_time = entity[self._order], event_time[self._order]
        end = spine.end[self.entity]
        available_at = microseconds(rows[AVAILABLE_AT])[self._order]
        self.start = spine.first_after(available_at, self.entity, end)
        self.stops: dict[int | None, Ints] = {None: end}
        low = self.start
        for days in sorted(windows):
            # The span of a longer window ends no earlier, so that less is left to search.
            low = spine.first_after(self.event_time + days * DAY_US, low, end)
            self.stops[days] = low

    def codes(self, name: str) -> Ints:
        """Return a column of categories as small whole numbers, -1 where it is empty."""
        codes = integers(self._rows[name])
        if pa.types.is_date(self._rows[name].type):
            # Days before 1970 are negative, which codes must not be.
            codes = codes - codes.min(initial=0)
        small = np.int16 if codes.max(initial=0) < np.iinfo(np.int16).max else np.int32
        return np.asarray(codes[self._order], dtype=small)

    def amounts(self, name: str) -> Ints:
        """Return a column of amounts, 0 where it is empty."""
        return integers(self._rows[name], empty=0)[self._order]

    def filled(self, name: str) -> Bools:
        """Tell where a column is not empty."""
        return self._rows[name].is_valid().to_numpy()[self._order]


def cut_at_deletions(spine: Spine, rows: pa.Table) -> tuple[Spine, pa.Table]:
    """Cut entities into parts in which nothing is deleted, as if each part were an entity.

    Within a part rows only come, which is what the newest and the oldest row are read off by.

    Args:
        spine: the snapshots.
        rows: what `snapshot.observable` returns, with `deleted_at`.

    Returns:
        The snapshots of the parts, and the rows of each part, without `deleted_at`.
    """
    # Of an entity with snapshots 4, 5 and 6 a row that is gone from 6 on cuts it there:
    #
    #   row                             parts it is a row of
    #   seen from 4 on, gone from 6     [4, 6)
    #   seen from 5 on                  [4, 6) and [6, 7)
    #   seen from 6 on                  [6, 7)
    #   gone before it is seen          none
    entity = integers(rows[ENTITY]) - np.int32(spine.offset)
    end = spine.end[entity]
    start = spine.first_after(microseconds(rows[AVAILABLE_AT]), entity, end)
    gone = spine.first_after(deletions(rows), entity, end)
    spine = spine.cut(gone[gone < end])
    first_of_part = np.unique(spine.entity)
    low = np.searchsorted(first_of_part, start, side="right") - 1
    count = np.where(start < gone, np.searchsorted(first_of_part, gone) - low, 0)
    place = np.repeat(np.arange(len(rows)), count)
    before = np.cumsum(count) - count
    part = first_of_part[np.repeat(low - before, count) + np.arange(count.sum())]
    rows = rows.drop_columns([DELETED_AT]).take(place)
    at = rows.column_names.index(ENTITY)
    return spine, rows.set_column(at, ENTITY, pa.array((part + spine.offset).astype(np.int32)))


def parts_of(spine: Spine, rows: pa.Table) -> Iterator[tuple[Spine, pa.Table]]:
    """Cut the snapshots and their history into parts that fit the processor's cache."""
    entity = integers(rows[ENTITY])
    order = np.argsort(entity, kind="stable")
    parts = list(spine.parts(PART))
    edges = np.array([*(part.offset for part in parts), len(spine)], dtype=entity.dtype)
    bounds = np.searchsorted(entity, edges, sorter=order)
    for part, low, high in zip(parts, bounds, bounds[1:], strict=False):
        yield part, _taken(rows, order[low:high])


def _taken(rows: pa.Table, places: Ints) -> pa.Table:
    """Take some rows; engines keep the order of files in long stretches, which need no copy."""
    first = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    if len(first) > MOST_STRETCHES:
        return rows.take(places)
    ends = np.append(first[1:], len(places))
    stretches = zip(places[first].tolist(), (ends - first).tolist(), strict=True)
    return pa.concat_tables([rows[:0], *(rows.slice(at, size) for at, size in stretches)])


def _order(entity: Ints, event_time: Ints) -> Ints:
    """Return the order by entity and event time.

    Files are written in that order but for odd parts, so only those are sorted by both.
    """
    order = np.argsort(entity, kind="stable")
    sorted_ = entity[order]
    odd = (np.diff(event_time[order]) < 0) & (np.diff(sorted_) == 0)
    if odd.any():
        places = np.flatnonzero(np.isin(sorted_, sorted_[1:][odd]))
        own = order[places]
        order[places] = own[np.lexsort((event_time[own], entity[own]))]
    return order
