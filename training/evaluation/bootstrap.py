"""How much of a figure is luck: the cluster bootstrap, and intervals from its resamples.

A lead is seen at many cutoffs and converts only once, so its rows are not independent evidence.
The cluster bootstrap draws leads with replacement, each with all its rows (Field & Welsh 2007).
It answers "what if other leads had come in?", not "what if the market had been another one".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from features.arrays import Floats, Ints

Counts = NDArray[np.uint16]
"""Resamples x clusters: how often each cluster is drawn in each resample."""

_CELLS = 150_000
"""Weights held at once (resamples x rows): about 1 MB, small enough for a processor's cache."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that luck leaves; all None where it is withheld.

    >>> Estimate(0.7, 0.6, 0.8).excludes(0.5), Estimate(0.1, -0.1, 0.2).excludes(0.0)
    (True, False)
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def excludes(self, reference: float) -> bool:
        """Return whether the interval leaves the reference out; without an interval it does not."""
        if self.low is None or self.high is None:
            return False
        return reference < self.low or self.high < reference

    def to_json(self) -> dict[str, float | None]:
        """Return the three numbers as JSON has them."""
        return {"value": self.value, "low": self.low, "high": self.high}


WITHHELD = Estimate(None)


def resample(clusters: int, draws: int, seed: int) -> Counts:
    """Count how often each cluster is drawn in each resample.

    Three clusters and two draws may give::

        1 1 1    the data as they are
        2 0 1    a resample: the first cluster twice, the second never
        0 3 0    another one

    A figure of a resample is the figure of all rows, each weighted by its cluster's count.

    Returns:
        `draws + 1` rows of `clusters` counts. Row 0 is all ones: the data as they are, so a
        figure and its resamples come from the same formula. Every row adds up to `clusters`.
    """
    rng = np.random.default_rng(seed)
    counts = np.ones((draws + 1, clusters), dtype=np.uint16)
    # One resample at a time: the drawn indices of all of them would need a hundred times the memory
    # of their counts.
    for row in counts[1:]:
        row[:] = np.bincount(rng.integers(clusters, size=clusters), minlength=clusters)
    return counts


def batches(counts: Floats, rows: int) -> Iterator[Floats]:
    """Yield the resamples in batches that stay in the processor's cache.

    Args:
        counts: resamples x clusters.
        rows: how many rows a resample will weight.
    """
    # A resample is never split: one that is larger than the cache is a batch of its own.
    size = max(1, _CELLS // max(rows, 1))
    for start in range(0, len(counts), size):
        yield counts[start : start + size]


def percentile_estimate(
    draws: Floats, level: float, *, centred: bool = False, signed: bool = False
) -> Estimate:
    """Return a figure with its percentile interval (Efron 1979).

    The cases, with `nan` for "has no value" and a level of 0.9::

        figure   resamples             estimate
        nan      0.1  0.2  0.3  0.4    withheld: the data themselves have no such figure
        0.5      nan  nan  nan  0.4    0.5 without an interval: it hangs by a thread
        0.5      nan  0.4  0.5  0.6    0.5, and the 5 % and 95 % quantiles of 0.4, 0.5, 0.6

    Args:
        draws: the figure on the data, then on each resample; NaN where it has no value.
        level: share of resamples inside the interval, such as 0.9.
        centred: move the interval so that the resamples' mean falls on the figure. For figures
            made of absolute distances (ECE): a resample adds its own noise to that of the data,
            so that all resamples lie too high.
        signed: the figure may be negative, as the difference of two such figures may; a distance
            itself never is, wherever its interval was moved.
    """
    value, resampled = float(draws[0]), draws[1:][np.isfinite(draws[1:])]
    if not np.isfinite(value):
        return WITHHELD
    # Fewer than half of the resamples having a value says that the value itself hangs by a thread.
    # Without any resample (`resample(n, 0, seed)`) there is a figure and nothing to bound it.
    if len(resampled) == 0 or 2 * len(resampled) < len(draws) - 1:
        return Estimate(value)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    shift = value - float(resampled.mean()) if centred else 0.0
    low, high = float(low) + shift, float(high) + shift
    return Estimate(value, max(low, 0.0) if centred and not signed else low, high)


def mean_estimate(values: Floats, clusters: Ints, counts: Counts, level: float) -> Estimate:
    """Return a mean over rows with the interval that drawing clusters whole leaves.

    The ends come from the resamples' standard deviation and the normal distribution (Efron &
    Tibshirani 1993, section 12.4), so that a level near 1, as many comparisons ask for, does not
    hang on the few farthest resamples.

    Args:
        values: one a row.
        clusters: of each row, its column of `counts`.
        counts: resamples from `resample`.
        level: coverage of the interval.
    """
    if not len(values):
        return WITHHELD
    mean = float(values.mean())
    z = NormalDist().inv_cdf((1 + level) / 2)
    error = standard_error(values, clusters, counts)
    return Estimate(mean, mean - z * error, mean + z * error)


def standard_error(values: Floats, clusters: Ints, counts: Counts) -> float:
    """Return the bootstrap's standard error of a mean over rows, clusters drawn whole."""
    present, local = np.unique(clusters, return_inverse=True)
    sums = np.bincount(local, weights=values)
    sizes = np.bincount(local).astype(np.float64)
    means = []
    for drawn in batches(np.take(counts[1:], present, axis=1), len(present)):
        weights = drawn.astype(np.float64)
        total, rows = np.einsum("dc,c->d", weights, sums), np.einsum("dc,c->d", weights, sizes)
        means.append(np.divide(total, rows, out=np.full(len(rows), np.nan), where=rows > 0))
    return float(np.nanstd(np.concatenate(means)))
