"""Columns of equal length: many leads, deals or seats as a few arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SPARE = 0.25
"""Room for further rows, as a share of those there are."""


class Rows:
    """Named columns of equal length.

    Attributes:
        columns: by name.
    """

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
        """Copy the rows of a mask, or the rows at some places.

        Args:
            which: mask or places.
            names: the columns to copy; all of them where none is named.
        """
        places = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return Rows({name: self.columns[name][places] for name in names or self.columns})

    def copy(self) -> Rows:
        """Copy every column."""
        return Rows({name: column.copy() for name, column in self.columns.items()})

    def appended(self, more: Rows) -> Rows:
        """Return these rows with further ones, of the same columns, below.

        The result may share memory with these rows, so that a day's arrivals do not cost a copy of
        everything. Only the newest result may be appended to again: each column lies at the
        beginning of a larger array, its room, and appending to an older one would overwrite what
        follows it there.

            column of a room with space    the rows are written behind it
            room full, or column replaced  all rows are copied into a new room, a quarter larger
        """
        count, size = len(self), len(self) + len(more)
        columns, rooms = {}, {}
        for name, column in self.columns.items():
            room = self._rooms.get(name)
            if room is None or column.base is not room or len(room) < size:
                room = np.empty(size + int(size * SPARE), dtype=column.dtype)
                room[:count] = column
            room[count:size] = more[name]
            columns[name], rooms[name] = room[:size], room
        longer = Rows(columns)
        longer._rooms = rooms
        return longer

    def tiled(self, times: int) -> Rows:
        """Return so many copies of all rows, block after block."""
        return Rows({name: np.tile(column, times) for name, column in self.columns.items()})
