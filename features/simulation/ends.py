"""How stories ended: the last that was told of each lead or deal, by name."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from features.simulation.parquet import NEVER
from features.simulation.rows import Array, Rows


class Ends:
    """Remembers the last value told of each number."""

    def __init__(self) -> None:
        self._parts: defaultdict[str, list[tuple[Array, Array]]] = defaultdict(list)

    def tell(self, name: str, numbers: Array, values: Array) -> None:
        """Take in values; later ones replace earlier ones."""
        self._parts[name].append((numbers, values))

    def told(self, name: str, count: int) -> Array:
        """Give the last value told of each number below a count; `NEVER` where none was."""
        filled = np.full(count, NEVER)
        for numbers, values in self._parts[name]:
            filled[numbers] = values
        return filled


def joined(parts: list[Rows]) -> Rows:
    """Put all parts below each other."""
    return Rows({n: np.concatenate([p[n] for p in parts]) for n in parts[0].columns})


def ended(*moments: Array) -> Array:
    """Give when a story ended; far in the future where it has not."""
    end = np.maximum.reduce(moments)
    return np.where(end < 0, np.iinfo(np.int64).max, end)
