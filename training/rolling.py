"""Rolling origin: the cutoffs of a backtest, and the folds that share one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.snapshot import grid


@dataclass(frozen=True)
class Range:
    """The cutoffs of a backtest: every so many days from the first to the last, inclusive."""

    start: datetime
    end: datetime
    every_days: int = 7

    @property
    def cutoffs(self) -> list[datetime]:
        """The grid."""
        return grid(self.start, self.end, self.every_days)


def folds_of(cutoffs: Sequence[datetime], refit_days: int) -> list[tuple[datetime, ...]]:
    """Put neighbouring cutoffs into folds; each is forecast by a model fitted at its first.

    >>> [len(f) for f in folds_of(grid(datetime(2024, 1, 1), datetime(2024, 1, 10), 3), 7)]
    [3, 1]
    """
    made: list[list[datetime]] = []
    for cutoff in cutoffs:
        if not made or cutoff - made[-1][0] >= timedelta(days=refit_days):
            made.append([])
        made[-1].append(cutoff)
    return [tuple(fold) for fold in made]
