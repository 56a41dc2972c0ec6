"""Snapshots lined up by entity and cutoff, on which every row of a history spans a stretch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from features.arrays import Bools, Ints


class Spine:
    """The snapshots of a set in their order: by entity, those of one by rising cutoff.

    Attributes:
        cutoff: of each snapshot, in microseconds.
        entity: the number of the first snapshot of the same entity.
        end: the number after the entity's last snapshot.
        age: microseconds from the entity's creation to the cutoff.
        created: the entity's creation, in microseconds.
        offset: how many snapshots of the set stand before these.
    """

    def __init__(self, same: Bools, cutoff: Ints, age: Ints, offset: int = 0) -> None:
        """Number the entities.

        Args:
            same: whether a snapshot is of the same entity as the one before it.
            cutoff: of each snapshot, in microseconds.
            age: of the snapshot's entity at the cutoff, in microseconds.
            offset: how many snapshots of the set stand before these.
        """
        self._same, self.offset = same, offset
        first = np.flatnonzero(~same).astype(np.int32)
        count = np.diff(first, append=np.int32(len(same)))
        self.entity = np.repeat(first, count)
        self.end = np.repeat(first + count, count)
        self.cutoff, self.age, self.created = cutoff, age, cutoff - age
        self._cutoff = np.append(cutoff, np.iinfo(np.int64).max)

    def __len__(self) -> int:
        """Count the snapshots."""
        return len(self.cutoff)

    def parts(self, size: int) -> Iterator[Spine]:
        """Cut the snapshots into parts of about `size`, no entity in two of them."""
        starts = np.unique(self.entity[::size]).tolist()
        for low, high in pairwise([*starts, len(self)]):
            part = slice(low, high)
            yield Spine(self._same[part], self.cutoff[part], self.age[part], self.offset + low)

    def cut(self, places: Ints) -> Spine:
        """Begin a new entity at each of some snapshots, counted from 0."""
        same = self._same.copy()
        same[places] = False
        return Spine(same, self.cutoff, self.age, self.offset)

    def first_after(self, moment: Ints, low: Ints, high: Ints) -> Ints:
        """Find the first snapshot from `low` on whose cutoff lies after the moment, else `high`.

        For the later of a row's clocks this is the law of time once more: the first snapshot that
        may see the row. For its event time plus the days of a window it is the first snapshot
        whose window no longer holds the row.

        Args:
            moment: of each row, in microseconds.
            low: of each row, the first snapshot that may be the answer.
            high: of each row, the snapshot before which the search ends.
        """
        # Most rows are done with the first look; the rest is searched by halves, all at once.
        place = low.copy()
        left = np.flatnonzero((low < high) & (self._cutoff[low] <= moment))
        moment, low, high = moment[left], low[left] + 1, high[left]
        while (open_ := low < high).any():
            middle = (low + high) // 2
            after = self._cutoff[middle] > moment
            high = np.where(after & open_, middle, high)
            low = np.where(after | ~open_, low, middle + 1)
        place[left] = low
        return place
