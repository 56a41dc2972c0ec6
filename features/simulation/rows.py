"""Columns of equal length: many leads, deals or seats as a few arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SPARE = 0.25
"""Room that is left when rows are moved to a larger place, as a share of them."""


class Rows:
    """Named columns of equal length."""

    def __init__(self, columns: Mapping[str, Array]) -> None:
        self.columns = dict(columns)
        self._rooms: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __setitem__(self, name: str, values: Array) -> None:
        self.columns[name] = values

    def take(self, which: Array, *names: str) -> Rows:
        """Copy the rows of a mask, or those at given places.

        Args:
            which: mask or places.
            names: the columns wanted; all where none is named.
        """
        places = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return Rows({name: self.columns[name][places] for name in names or self.columns})

    def copy(self) -> Rows:
        """Copy every column."""
        return Rows({name: column.copy() for name, column in self.columns.items()})

    def with_(self, more: Rows) -> Rows:
        """Put further rows, of the same columns, below.

        What is given may share memory with these rows, so that a day's arrivals cost no copy of
        everything; only the newest of them may be added to again.
        """
        count, size = len(self), len(self) + len(more)
        made, rooms = {}, {}
        for name, column in self.columns.items():
            room = self._rooms.get(name)
            if room is None or column.base is not room or len(room) < size:
                room = np.empty(size + int(size * SPARE), dtype=column.dtype)
                room[:count] = column
            room[count:size] = more[name]
            made[name], rooms[name] = room[:size], room
        longer = Rows(made)
        longer._rooms = rooms
        return longer

    def tiled(self, times: int) -> Rows:
        """Copy all rows so many times, block after block."""
        return Rows({name: np.tile(column, times) for name, column in self.columns.items()})
