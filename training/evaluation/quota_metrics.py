"""All metrics of all forecasts of attainment of the same rows, on the data and on resamples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints
from training.evaluation.bootstrap import Counts
from training.evaluation.metrics import divide
from training.evaluation.quota_forecasts import HELD, QUANTILES, QuotaPredictions
from training.evaluation.resampled import Forecasts, resampled_metrics

HIGHER = frozenset({"auc", "precision", "recall"})
LOWER = frozenset({"brier", "log_loss", "ece", "pinball"})
NEUTRAL = frozenset({"coverage", "between", "width", "mean_forecast", "calibration_slope"})
OF_RANGES = frozenset({"pinball", "coverage", "between", "width"})
CENTRED = frozenset({"ece"})
METRICS = (*sorted(HIGHER), *sorted(LOWER), *sorted(NEUTRAL))

TOLERANCE = 1e-6
"""Attainment this close to an end of a range lies in it: files round money and ratios."""

FIGURES = {
    "auc": "how often a rep who misses had a lower chance than one who makes quota",
    "brier": "mean squared distance between p_attain and what happened (1 or 0)",
    "log_loss": "mean surprise at what happened, in nats",
    "ece": "mean over 15 equal-mass bins of |mean p_attain - share that attained|",
    "precision": "of the reps with the lowest chances at capacity, the share that missed",
    "recall": "of the reps that missed, the share among the lowest chances at capacity",
    "pinball": "mean pinball loss of p10, p50 and p90, in quotas",
    "coverage": "share of rows whose attainment lies in the 80 % range",
    "between": "share of rows whose attainment lies from p10 to p90",
    "width": "mean width of the 80 % range, in quotas",
    "mean_forecast": "mean p_attain",
    "calibration_slope": "below 1 the chances are too extreme, above 1 too timid",
}
"""Every figure, in words."""


@dataclass(frozen=True, eq=False)
class Attainments:
    """Outcomes and forecasts of attainment, as arrays.

    Attributes:
        attainment: final ratios, all known.
        missed: 1 where it is below the target.
        chances: forecast -> the chance to attain.
        ranges: forecast -> p10, p50, p90 side by side.
        likely: forecast -> the ends of its 80 % range.
        clusters: rows of one cluster are resampled together.
        rep_periods: numbers of rep-periods.
        lists: a manager faces the rows of one list at once.
        held: the chance that attainment lies in the model's range, according to the model.
    """

    attainment: Floats
    missed: Floats
    chances: Mapping[str, Floats]
    ranges: Mapping[str, Floats]
    likely: Mapping[str, Floats]
    clusters: Ints
    rep_periods: Ints
    lists: Ints
    held: Floats

    @classmethod
    def of(cls, known: QuotaPredictions) -> Attainments:
        """Return the arrays of forecasts whose outcome is known."""
        y = known.attainment
        return cls(
            y,
            (y < known.target - TOLERANCE).astype(np.float64),
            {name: known.chance(name) for name in known.names},
            {name: known.range(name) for name in known.names},
            {name: known.likely(name) for name in known.names},
            known.clusters,
            known.rep_periods,
            known.lists,
            known.frame[HELD].to_numpy(np.float64),
        )

    def take(self, rows: Ints) -> Attainments:
        """Return some of the rows, by position."""
        return Attainments(
            self.attainment[rows],
            self.missed[rows],
            {name: p[rows] for name, p in self.chances.items()},
            {name: q[rows] for name, q in self.ranges.items()},
            {name: q[rows] for name, q in self.likely.items()},
            self.clusters[rows],
            self.rep_periods[rows],
            self.lists[rows],
            self.held[rows],
        )

    def outcomes(self, event: Floats) -> Forecasts:
        """Return the rows with an event as their outcome, without forecasts of it."""
        return Forecasts(event, {}, self.clusters, self.lists)

    def covered(self, name: str) -> Floats:
        """Return 1 where attainment lies within a forecast's 80 % range, else 0."""
        return self._inside(self.likely[name])

    def between(self, name: str) -> Floats:
        """Return 1 where attainment lies from a forecast's p10 to its p90, else 0."""
        return self._inside(self.ranges[name])

    def _inside(self, ends: Floats) -> Floats:
        low, high = ends[:, 0] - TOLERANCE, ends[:, -1] + TOLERANCE
        return ((self.attainment >= low) & (self.attainment <= high)).astype(np.float64)


def pinball(y: Floats, ranges: Floats) -> Floats:
    """Return each row's mean pinball loss over its quantiles (Koenker & Bassett 1978).

    A quantile that is too low costs its level per unit, one that is too high costs 1 - level.
    """
    over = y[:, None] - ranges
    levels = np.array(QUANTILES)
    return np.asarray(np.maximum(levels * over, (levels - 1) * over).mean(axis=1))


def resampled_quota_metrics(
    rows: Attainments, counts: Counts, capacity: float
) -> dict[str, dict[str, Floats]]:
    """Compute every metric of every forecast on every resample.

    A flag is a forecast that the rep will miss, so reps are ranked by the chance to miss, and
    within each list the top `capacity` is flagged; ties are taken in equal parts.

    Args:
        rows: at least one.
        counts: resamples x clusters, the same for all forecasts, so that differences are paired.
        capacity: the share of the reps a manager can talk to.

    Returns:
        Forecast -> metric -> one number per resample, NaN where it has no value.
    """
    misses = {name: 1 - p for name, p in rows.chances.items()}
    chances = Forecasts(rows.missed, misses, rows.clusters, rows.lists)
    rate = mean(rows.missed, rows.clusters, counts)
    # Flags that were right = (misses flagged / misses) x (misses / reps) / (flags / reps).
    return {
        name: _metrics_of(rows, name, of_misses, counts)
        | {"precision": of_misses["capture"] * rate / capacity}
        for name, of_misses in resampled_metrics(chances, counts, capacity).items()
    }


def _metrics_of(
    rows: Attainments, name: str, of_misses: Mapping[str, Floats], counts: Counts
) -> dict[str, Floats]:
    likely = rows.likely[name]
    sums = {
        "pinball": pinball(rows.attainment, rows.ranges[name]),
        "coverage": rows.covered(name),
        "between": rows.between(name),
        "width": likely[:, 1] - likely[:, 0],
    }
    kept = {m: of_misses[m] for m in ("auc", "brier", "log_loss", "ece", "calibration_slope")}
    return {
        **kept,
        "recall": of_misses["capture"],
        "mean_forecast": 1 - of_misses["mean_forecast"],
        **{m: mean(v, rows.clusters, counts) for m, v in sums.items()},
    }


def mean(values: Floats, clusters: Ints, counts: Counts, among: Floats | None = None) -> Floats:
    """Average over rows on every resample, NaN where there are none.

    Args:
        values: one for each row.
        clusters: columns of `counts`.
        counts: resamples x clusters.
        among: 1 for the rows that count, else 0; all count where it is left out.
    """
    among = np.ones(len(values)) if among is None else among
    size = counts.shape[1]
    tops = np.bincount(clusters, weights=values * among, minlength=size)
    bottoms = np.bincount(clusters, weights=among, minlength=size)
    weights = counts.astype(np.float64)
    # einsum, not BLAS: its threads would make the last digits depend on the machine's load.
    return divide(np.einsum("c,dc->d", tops, weights), np.einsum("c,dc->d", bottoms, weights))


def median(values: Floats, clusters: Ints, counts: Counts) -> Floats:
    """Return the (lower) median over rows on every resample, NaN where there are none.

    Args:
        values: one for each row.
        clusters: columns of `counts`.
        counts: resamples x clusters.
    """
    if not len(values):
        return np.full(len(counts), np.nan)
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(counts[:, clusters[order]].astype(np.float64), axis=1)
    half = cumulated[:, -1:] / 2
    medians = values[order][np.argmax(cumulated >= half, axis=1)]
    return np.where(half[:, 0] > 0, medians, np.nan)
