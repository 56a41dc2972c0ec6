"""All metrics of all forecasts of the same rows, on the data and on every resample of leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import Counts, batches
from training.evaluation.metrics import (
    auc,
    average_precision,
    brier,
    capture,
    cumulate,
    divide,
    equal_mass_bins,
    log_loss,
    log_odds,
    logistic,
    rank,
    recalibrate,
)

HIGHER = frozenset(
    {"auc", "average_precision", "capture", "lift", "top_decile_lift", "brier_skill"}
)
LOWER = frozenset({"brier", "log_loss", "ece"})
NEUTRAL = frozenset({"mean_forecast", "calibration_intercept", "calibration_slope"})
DECILE = 0.1


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Named forecasts of the same rows, what happened, and which rows belong together.

    Attributes:
        y: 1 where it happened, else 0.
        named: probabilities by the forecast's name.
        clusters: rows of one cluster (a lead) are resampled together.
        lists: rows of one list (a cutoff) are worked through together.
    """

    y: Floats
    named: Mapping[str, Floats]
    clusters: Ints
    lists: Ints

    def __post_init__(self) -> None:
        """Refuse forecasts that cannot be scored.

        Raises:
            InputError: a forecast is not a probability for every row.
        """
        for name, p in self.named.items():
            if len(p) != len(self.y):
                raise InputError(
                    f"forecast '{name}' has {len(p)} rows, there are {len(self.y)} to forecast"
                )
            if not (np.isfinite(p) & (p >= 0) & (p <= 1)).all():
                raise InputError(f"forecast '{name}' must be a probability in 0..1 for every row")

    def take(self, rows: Ints) -> Forecasts:
        """Return some of the rows, by position."""
        named = {name: p[rows] for name, p in self.named.items()}
        return Forecasts(self.y[rows], named, self.clusters[rows], self.lists[rows])

    def only(self, name: str) -> Forecasts:
        """Return one of the forecasts alone."""
        return Forecasts(self.y, {name: self.named[name]}, self.clusters, self.lists)


def resampled_metrics(
    forecasts: Forecasts, counts: Counts, share: float
) -> dict[str, dict[str, Floats]]:
    """Compute every metric of every forecast on every resample.

    Args:
        forecasts: the rows, at least one.
        counts: resamples x clusters, from `resample`; the same for all forecasts, so their
            differences are paired.
        share: capacity, the part of each list that can be worked.

    Returns:
        Forecast -> metric -> one number per resample, NaN where it has no value.
    """
    present, clusters = np.unique(forecasts.clusters, return_inverse=True)
    weights = np.take(counts, present, axis=1).astype(np.float64)
    local = Forecasts(forecasts.y, forecasts.named, clusters, forecasts.lists)
    return {name: _metrics_of(local, name, weights, share) for name in forecasts.named}


def _metrics_of(rows: Forecasts, name: str, counts: Floats, share: float) -> dict[str, Floats]:
    p = rows.named[name]
    pooled, by_list = rank(rows.y, p), rank(rows.y, p, rows.lists)
    batch_metrics = []
    for weights in batches(counts, len(p)):
        ranked = cumulate(pooled, np.take(weights, rows.clusters[pooled.order], axis=1))
        values = [auc(ranked), average_precision(ranked)]
        ranked = cumulate(by_list, np.take(weights, rows.clusters[by_list.order], axis=1))
        batch_metrics.append([*values, capture(ranked, share), capture(ranked, DECILE)])
    area, precision, captured, decile = np.concatenate(batch_metrics, axis=1)
    return {
        "auc": area,
        "average_precision": precision,
        "capture": captured,
        "lift": captured / share,
        "top_decile_lift": decile / DECILE,
        **_additive(rows, p, counts),
    }


def _additive(rows: Forecasts, p: Floats, counts: Floats) -> dict[str, Floats]:
    """Compute the metrics that are sums over rows: added up by cluster once, then weighted.

    The recalibration line would need a fit per resample; one Newton step from the fit on all
    rows is as good to first order (the one-step bootstrap, Shao & Tu 1995), and is a sum too.
    """
    x, bins = log_odds(p), equal_mass_bins(p)
    ones = np.ones((len(p), 1))
    shift = recalibrate(rows.y, ones, x)
    line = recalibrate(rows.y, np.column_stack([ones, x]), np.zeros(len(p)))
    columns = [np.ones(len(p)), rows.y, p, brier(rows.y, p), log_loss(rows.y, p)]
    columns += _newton_sums(rows.y, logistic(x + shift[0]), np.ones(len(p)))[:3:2]
    columns += _newton_sums(rows.y, logistic(line[0] + line[1] * x), x)
    columns += [np.where(bins == k, rows.y - p, 0.0) for k in np.unique(bins)]
    by_cluster = np.array(
        [np.bincount(rows.clusters, weights=c, minlength=counts.shape[1]) for c in columns]
    )
    # einsum, not BLAS: its threads would make the last digits depend on the machine's load.
    sums = np.einsum("kc,dc->kd", by_cluster, counts)
    # The rest: five sums for the line's step, then one distance for each bin.
    n, positives, forecast, squared, surprise, score, information, *rest = sums
    rate = divide(positives, n)
    return {
        "brier": divide(squared, n),
        "brier_skill": 1 - divide(divide(squared, n), rate * (1 - rate)),
        "log_loss": divide(surprise, n),
        "ece": divide(np.abs(rest[5:]).sum(axis=0), n),
        "mean_forecast": divide(forecast, n),
        "calibration_intercept": shift[0] + divide(score, information),
        "calibration_slope": line[1] + _slope_step(rest[:5]),
    }


def _newton_sums(y: Floats, mu: Floats, x: Floats) -> list[Floats]:
    """Return per row the score and information of a line in x: s1, sx, h11, h1x, hxx."""
    if np.isnan(mu).any():
        return [np.full(len(y), np.nan)] * 5
    flat = mu * (1 - mu)
    return [y - mu, (y - mu) * x, flat, flat * x, flat * x * x]


def _slope_step(sums: list[Floats]) -> Floats:
    """Return the slope's part of the Newton step, by Cramer's rule on the 2 x 2 information."""
    s1, sx, h11, h1x, hxx = sums
    return divide(h11 * sx - h1x * s1, h11 * hxx - h1x**2)
