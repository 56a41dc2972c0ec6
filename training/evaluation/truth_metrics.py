"""Metrics of forecasts whose true chance is known, on the data and on resamples.

Every loss is computed twice: on what happened, and in expectation over what could have happened.
The expectation has the same mean and none of the chance in it, so it shows smaller differences.

"Gap closed" is (loss of the base rate - loss of the forecast) / (loss of the base rate - loss of
the truth): 1 for a forecast that equals the truth, 0 for the base rate. There are two base rates.
The *constant* one is the mean of the evaluated rows themselves, which nobody could have known
beforehand: it is the harder one. The other, where there is one, is a forecast of its own, such as
the rate of each model's past. Three rows, of which the first happens::

    true chance   forecast   squared error, in expectation
    0.8           0.7        0.8 * 0.2 + 0.1 ** 2 = 0.17
    0.4           0.4        0.4 * 0.6            = 0.24
    0.0           0.1        0.1 ** 2             = 0.01     mean 0.140

The truth itself has a mean of 0.133 and the constant 0.4 one of 0.240, so the forecast closes
(0.240 - 0.140) / (0.240 - 0.133) = 94 % of the gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import batches
from training.evaluation.metrics import brier, divide, equal_mass_bins, log_loss

TRUTH = "truth"
CONSTANT = "constant base rate"
CENTRED = frozenset({"ece_to_truth"})
_TINY = 1e-12

FIGURES = {
    "log_loss": "mean surprise at what happened, in nats",
    "brier": "mean squared distance from what happened",
    "log_loss_gap_closed": "share of the log-loss gap between the constant base rate and the true "
    "chances that is closed, on what happened",
    "brier_gap_closed": "the same for the Brier score",
    "log_loss_gap_closed_from_baseline": "the same beside the base rate each model knew",
    "brier_gap_closed_from_baseline": "the same for the Brier score",
    "expected_log_loss": "the log loss to be expected under the true chances, all rows",
    "expected_brier": "the Brier score to be expected under the true chances, all rows",
    "expected_log_loss_gap_closed": "share of the gap closed, in expectation, beside the constant",
    "expected_brier_gap_closed": "the same for the Brier score",
    "expected_log_loss_gap_closed_from_baseline": "in expectation, beside what each model knew",
    "expected_brier_gap_closed_from_baseline": "the same for the Brier score",
    "auc": "AUC on what happened",
    "auc_below_ceiling": "AUC of the true chances on the same outcomes, less that of the forecast",
    "expected_auc": "the AUC to be expected under the true chances, all rows",
    "expected_auc_below_ceiling": "the same for the true chances, less that of the forecast",
    "mean_distance_to_truth": "mean of |forecast - true chance|",
    "ece_to_truth": "mean over 15 equal-mass bins of |mean forecast - mean true chance|",
}
"""Every figure, in words."""


@dataclass(frozen=True, eq=False)
class KnownChances:
    """Forecasts, what happened, and the true chance that it would.

    Attributes:
        y: 1, 0, or NaN while unknown.
        chance: the true chance.
        named: forecasts by name.
        clusters: rows of one cluster are resampled together.
        cutoffs: of the rows, in order.
    """

    y: Floats
    chance: Floats
    named: Mapping[str, Floats]
    clusters: Ints
    cutoffs: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        """Refuse forecasts that cannot be scored.

        Raises:
            InputError: a forecast is not a probability for every row.
        """
        for name, p in self.named.items():
            if len(p) != len(self.chance) or not (np.isfinite(p) & (p >= 0) & (p <= 1)).all():
                raise InputError(f"forecast '{name}' must be a probability in 0..1 for every row")


@dataclass(frozen=True, eq=False)
class _Side:
    """Rows as partly positive, partly negative: what happened, or what is expected to.

    Attributes:
        up: each row's part that is positive; 1 or 0 where the outcome is known.
        down: its part that is negative.
        rows: 1 for the rows that count, else 0.
    """

    up: Floats
    down: Floats
    rows: Floats


def resampled_truth_metrics(
    known: KnownChances, counts: np.ndarray, base: str | None = None
) -> dict[str, dict[str, Floats]]:
    """Compute every metric of every forecast, of the constant base rate, and of the truth.

    Args:
        known: at least one row.
        counts: resamples x clusters.
        base: the forecast whose loss begins the gap "from the baseline".

    Returns:
        Forecast -> metric -> one number per resample, NaN where it has no value; `truth` is the
        last, `constant base rate` the one before it.
    """
    weights = counts.astype(np.float64)
    has_outcome = np.isfinite(known.y)
    y, counted = np.where(has_outcome, known.y, 0.0), has_outcome.astype(np.float64)
    sides = {
        "": _Side(y * counted, (1 - y) * counted, counted),
        "expected_": _Side(known.chance, 1 - known.chance, np.ones(len(counted))),
    }
    named = {**known.named, TRUTH: known.chance}
    losses = {name: _losses(known, p, sides, weights) for name, p in named.items()}
    losses[CONSTANT] = _constant(known, sides, weights)
    areas = {prefix: _areas(known, named, side, weights) for prefix, side in sides.items()}
    return {
        name: _metrics(name, losses, areas, base) | _distances(known, named.get(name), weights)
        for name in (*known.named, CONSTANT, TRUTH)
    }


def _metrics(
    name: str,
    losses: Mapping[str, Mapping[str, Floats]],
    areas: Mapping[str, Mapping[str, Floats]],
    base: str | None,
) -> dict[str, Floats]:
    metrics = dict(losses[name])
    starts = {"gap_closed": CONSTANT} | ({"gap_closed_from_baseline": base} if base else {})
    for loss in losses[name]:
        for words, start in starts.items():
            gap = losses[start][loss] - losses[TRUTH][loss]
            # Where truth and base rate are equal, there is nothing to close.
            gap = np.where(np.abs(gap) > _TINY, gap, np.nan)
            metrics[f"{loss}_{words}"] = (losses[start][loss] - losses[name][loss]) / gap
    for prefix, area in areas.items():
        own = area.get(name, np.where(np.isnan(area[TRUTH]), np.nan, 0.5))
        metrics[f"{prefix}auc"] = own
        metrics[f"{prefix}auc_below_ceiling"] = area[TRUTH] - own
    return {metric: metrics[metric] for metric in FIGURES if metric in metrics}


def _losses(
    known: KnownChances, p: Floats, sides: Mapping[str, _Side], weights: Floats
) -> dict[str, Floats]:
    yes, no = np.ones(len(p)), np.zeros(len(p))
    means = {}
    for prefix, side in sides.items():
        n = _sums(side.rows, known.clusters, weights)
        for name, loss in (("log_loss", log_loss), ("brier", brier)):
            rows = side.up * loss(yes, p) + side.down * loss(no, p)
            means[f"{prefix}{name}"] = divide(_sums(rows, known.clusters, weights), n)
    return means


def _constant(
    known: KnownChances, sides: Mapping[str, _Side], weights: Floats
) -> dict[str, Floats]:
    """Return the losses of forecasting the mean of the rows everywhere, anew in every resample."""
    means = {}
    for prefix, side in sides.items():
        n = _sums(side.rows, known.clusters, weights)
        rate = divide(_sums(side.up, known.clusters, weights), n)
        yes, no = np.ones_like(rate), np.zeros_like(rate)
        means[f"{prefix}log_loss"] = rate * log_loss(yes, rate) + (1 - rate) * log_loss(no, rate)
        means[f"{prefix}brier"] = rate * (1 - rate)
    return means


def _distances(known: KnownChances, p: Floats | None, weights: Floats) -> dict[str, Floats]:
    """Return how far forecasts lie from the truth; those of the constant where p is None."""
    n = _sums(np.ones(len(known.chance)), known.clusters, weights)
    if p is None:
        rate = divide(_sums(known.chance, known.clusters, weights), n)
        distance = np.abs(known.chance - rate[0])
        return {
            "mean_distance_to_truth": divide(_sums(distance, known.clusters, weights), n),
            "ece_to_truth": np.zeros_like(rate),
        }
    bins = equal_mass_bins(p)
    parts = [
        np.abs(_sums(np.where(bins == k, p - known.chance, 0.0), known.clusters, weights))
        for k in np.unique(bins)
    ]
    distances = _sums(np.abs(p - known.chance), known.clusters, weights)
    return {
        "mean_distance_to_truth": divide(distances, n),
        "ece_to_truth": divide(np.sum(parts, axis=0), n),
    }


def _sums(values: Floats, clusters: Ints, weights: Floats) -> Floats:
    by_cluster = np.bincount(clusters, weights=values, minlength=weights.shape[1])
    # einsum, not BLAS: its threads would make the last digits depend on the machine's load.
    return np.einsum("c,dc->d", by_cluster, weights)


def _areas(
    known: KnownChances, named: Mapping[str, Floats], side: _Side, weights: Floats
) -> dict[str, Floats]:
    at = np.flatnonzero(side.rows > 0)
    if not len(at):
        return {name: np.full(len(weights), np.nan) for name in named}
    up, down, clusters = side.up[at], side.down[at], known.clusters[at]
    return {
        name: np.concatenate(
            [
                pairwise_area(p[at], up, down, np.take(batch, clusters, axis=1))
                for batch in batches(weights, len(at))
            ]
        )
        for name, p in named.items()
    }


def pairwise_area(p: Floats, up: Floats, down: Floats, weights: Floats) -> Floats:
    """Return the AUC of forecasts of rows that are partly positive and partly negative.

    The expected number of rightly ordered pairs over the expected number of pairs; ties count
    half, and a row is not a pair with itself. For three rows::

        forecast   up    down
        0.1        0.2   0.8
        0.3        0.5   0.5
        0.3        0.6   0.4

    a positive of the second row is rightly above a negative of the first (0.5 * 0.8) and ties with
    one of the third (0.5 * 0.4 / 2); the others count the same way. With whole outcomes this is the
    usual AUC.

    Args:
        p: forecasts.
        up: each row's chance to be a positive; 0 and 1 where that is known.
        down: its chance to be a negative.
        weights: resamples x rows.

    Returns:
        One AUC per resample, NaN where there is no pair.
    """
    order = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=-1.0) != 0)
    w = weights[:, order]
    ups = np.add.reduceat(w * up[order], starts, axis=1)
    downs = np.add.reduceat(w * down[order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs
    # A row's own positive and negative part are counted as a tie in `ups * downs`: taken out.
    alone = np.einsum("dn,n->d", w * w, (up * down)[order])
    right = np.einsum("dn,dn->d", ups, below + downs / 2) - alone / 2
    return divide(right, ups.sum(axis=1) * downs.sum(axis=1) - alone)
