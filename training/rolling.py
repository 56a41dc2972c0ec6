"""Rolling origin: the cutoffs of a backtest, and the folds that share one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.arrays import Floats
from features.snapshot import grid
from training.params import TrainingParams


@dataclass(frozen=True)
class Range:
    """The cutoffs of a backtest: every so many days from the first to the last, inclusive."""

    start: datetime
    end: datetime
    every_days: int = 7

    @property
    def cutoffs(self) -> list[datetime]:
        """The midnights of the grid, rising.

        Raises:
            InputError: the end lies before the start.
        """
        return grid(self.start, self.end, self.every_days)

    def refit_days(self, wanted: int, most: int) -> int:
        """Return the days between refits: those wanted, or more where that were too many refits.

        >>> Range(datetime(2024, 1, 1), datetime(2024, 12, 30)).refit_days(wanted=7, most=8)
        46
        """
        days = (self.end - self.start).days + 1
        return max(wanted, -(-days // most))


@dataclass(frozen=True)
class Fold:
    """One model of a backtest and the cutoffs it forecast.

    Attributes:
        number: 0 for the first.
        cutoffs: the cutoffs it forecast; it saw nothing at or after the first of them.
        about: facts for people: what it learned from, its trees, what was left out.
    """

    number: int
    cutoffs: tuple[datetime, ...]
    about: dict[str, Any]


def folds_of(cutoffs: Sequence[datetime], refit_days: int) -> list[tuple[datetime, ...]]:
    """Group neighbouring cutoffs into folds; a model fitted at a fold's first forecasts all of it.

    >>> [len(f) for f in folds_of(grid(datetime(2024, 1, 1), datetime(2024, 1, 10), 3), 7)]
    [3, 1]
    """
    folds: list[list[datetime]] = []
    for cutoff in cutoffs:
        if not folds or cutoff - folds[-1][0] >= timedelta(days=refit_days):
            folds.append([])
        folds[-1].append(cutoff)
    return [tuple(fold) for fold in folds]


@dataclass(frozen=True, eq=False)
class BuiltFold:
    """A fold whose features are built: it can be fitted and forecast with many settings in turn.

    Attributes:
        start: what is learned from lies before it.
        cutoffs: those forecast, at or after it.
        y: 1 where it happened, 0 where it did not, NaN while unknown; one a row forecast.
        fit: learns a model with some settings.
        forecast: the chances by such a model, one a row.
    """

    start: datetime
    cutoffs: tuple[datetime, ...]
    y: Floats
    fit: Callable[[TrainingParams], Any]
    forecast: Callable[[Any], Floats]
