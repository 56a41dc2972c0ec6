"""How leads and deals ended: the last value recorded of each, by name."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from features.simulation.parquet import NEVER
from features.simulation.rows import Array, Rows


class Ends:
    """Keeps the last value that was recorded of each lead or deal."""

    def __init__(self) -> None:
        self._parts: defaultdict[str, list[tuple[Array, Array]]] = defaultdict(list)

    def record(self, name: str, numbers: Array, values: Array) -> None:
        """Add values of some leads or deals; later ones replace earlier ones."""
        self._parts[name].append((numbers, values))

    def last(self, name: str, count: int) -> Array:
        """Return the last value of each number below a count; `NEVER` where there is none."""
        filled = np.full(count, NEVER)
        for numbers, values in self._parts[name]:
            filled[numbers] = values
        return filled


def concatenated(parts: list[Rows]) -> Rows:
    """Put all parts below each other, in their order."""
    return Rows({n: np.concatenate([p[n] for p in parts]) for n in parts[0].columns})


def end_moment(*moments: Array) -> Array:
    """Return the latest of several moments; the last possible one where none has come."""
    end = np.maximum.reduce(moments)
    return np.where(end < 0, np.iinfo(np.int64).max, end)
