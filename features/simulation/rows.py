"""Columns of equal length: many leads, deals or seats as a few arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Rows:
    """Named columns of equal length."""

    def __init__(self, columns: Mapping[str, Array]) -> None:
        self.columns = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __setitem__(self, name: str, values: Array) -> None:
        self.columns[name] = values

    def take(self, which: Array) -> Rows:
        """Keep the rows of a mask, or those at given places."""
        return Rows({name: column[which] for name, column in self.columns.items()})

    def copy(self) -> Rows:
        """Copy every column."""
        return Rows({name: column.copy() for name, column in self.columns.items()})

    def with_(self, more: Rows) -> Rows:
        """Put further rows, of the same columns, below."""
        return Rows(
            {name: np.concatenate([column, more[name]]) for name, column in self.columns.items()}
        )

    def tiled(self, times: int) -> Rows:
        """Repeat all rows, block after block."""
        return Rows({name: np.tile(column, times) for name, column in self.columns.items()})
