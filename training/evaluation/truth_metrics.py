"""What forecasts are worth where the true chance is known, on the data and on resamples.

Every loss is taken twice: on what happened, and in expectation over what could have happened. The
expectation has the same mean and none of the dice in it, so it tells small differences.

"Gap closed" is (loss of the base rate - loss of the forecast) / (loss of the base rate - loss of
the truth): 1 for a forecast that equals the truth, 0 for the base rate. There are two base rates.
The *constant* one is the mean of the very rows that are judged, which nobody could have known
beforehand: it is the harder one. The other, where it is given, is a forecast of its own, such as
the rate of each model's past.
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
class Known:
    """Forecasts, what happened, and the chance that it would.

    Attributes:
        y: 1, 0, or NaN while unknown.
        chance: the true chance.
        named: forecasts by name.
        clusters: rows of the same number stand or fall together.
        cutoffs: the moments, in order.
    """

    y: Floats
    chance: Floats
    named: Mapping[str, Floats]
    clusters: Ints
    cutoffs: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be judged.

        Raises:
            InputError: a forecast is no probability for every row.
        """
        for name, p in self.named.items():
            if len(p) != len(self.chance) or not (np.isfinite(p) & (p >= 0) & (p <= 1)).all():
                raise InputError(f"forecast '{name}' must be a probability in 0..1 for every row")


def resampled_truth_metrics(
    known: Known, counts: np.ndarray, base: str | None = None
) -> dict[str, dict[str, Floats]]:
    """Compute every figure of every forecast, of the constant base rate, and of the truth.

    Args:
        known: at least one row.
        counts: resamples x clusters.
        base: the forecast whose loss begins the gap "from the baseline".

    Returns:
        Forecast -> figure -> one number a resample, NaN where it has no value; `truth` is the
        last, `constant base rate` the one before it.
    """
    drawn = counts.astype(np.float64)
    happened = np.isfinite(known.y)
    y = np.where(happened, known.y, 0.0)
    seen = happened.astype(np.float64)
    everything = np.ones(len(seen))
    sides = {"": (y * seen, (1 - y) * seen, seen)}
    sides["expected_"] = (known.chance, 1 - known.chance, everything)
    named = {**known.named, TRUTH: known.chance}
    losses = {name: _losses(known, p, sides, drawn) for name, p in named.items()}
    losses[CONSTANT] = _constant(known, sides, drawn)
    order = [*known.named, CONSTANT, TRUTH]
    areas = {
        prefix: _areas(known, {n: named[n] for n in order if n != CONSTANT}, side, drawn)
        for prefix, side in sides.items()
    }
    return {
        name: _figures(name, losses, areas, base) | _distances(known, named.get(name), drawn)
        for name in order
    }


def _figures(
    name: str,
    losses: Mapping[str, Mapping[str, Floats]],
    areas: Mapping[str, Mapping[str, Floats]],
    base: str | None,
) -> dict[str, Floats]:
    found = dict(losses[name])
    starts = {"gap_closed": CONSTANT} | ({"gap_closed_from_baseline": base} if base else {})
    for loss in losses[name]:
        for words, start in starts.items():
            gap = losses[start][loss] - losses[TRUTH][loss]
            # Where truth and base rate are one, there is nothing to close.
            gap = np.where(np.abs(gap) > _TINY, gap, np.nan)
            found[f"{loss}_{words}"] = (losses[start][loss] - losses[name][loss]) / gap
    for prefix, area in areas.items():
        mine = area.get(name, np.where(np.isnan(area[TRUTH]), np.nan, 0.5))
        found[f"{prefix}auc"] = mine
        found[f"{prefix}auc_below_ceiling"] = area[TRUTH] - mine
    return {figure: found[figure] for figure in FIGURES if figure in found}


def _losses(
    known: Known,
    p: Floats,
    sides: Mapping[str, tuple[Floats, Floats, Floats]],
    drawn: Floats,
) -> dict[str, Floats]:
    yes, no = np.ones(len(p)), np.zeros(len(p))
    found = {}
    for prefix, (up, down, rows) in sides.items():
        n = _sums(rows, known.clusters, drawn)
        for name, loss in (("log_loss", log_loss), ("brier", brier)):
            total = _sums(up * loss(yes, p) + down * loss(no, p), known.clusters, drawn)
            found[f"{prefix}{name}"] = divide(total, n)
    return found


def _constant(
    known: Known,
    sides: Mapping[str, tuple[Floats, Floats, Floats]],
    drawn: Floats,
) -> dict[str, Floats]:
    """The losses of saying everywhere what is the mean of these rows, in every resample anew."""
    found = {}
    for prefix, (up, _, rows) in sides.items():
        rate = divide(_sums(up, known.clusters, drawn), _sums(rows, known.clusters, drawn))
        yes, no = np.ones_like(rate), np.zeros_like(rate)
        found[f"{prefix}log_loss"] = rate * log_loss(yes, rate) + (1 - rate) * log_loss(no, rate)
        found[f"{prefix}brier"] = rate * (1 - rate)
    return found


def _distances(known: Known, p: Floats | None, drawn: Floats) -> dict[str, Floats]:
    n = _sums(np.ones(len(known.chance)), known.clusters, drawn)
    if p is None:
        rate = divide(_sums(known.chance, known.clusters, drawn), n)
        off = np.abs(known.chance - rate[0])
        return {
            "mean_distance_to_truth": divide(_sums(off, known.clusters, drawn), n),
            "ece_to_truth": np.zeros_like(rate),
        }
    bins = equal_mass_bins(p)
    parts = [
        np.abs(_sums(np.where(bins == k, p - known.chance, 0.0), known.clusters, drawn))
        for k in np.unique(bins)
    ]
    distance = _sums(np.abs(p - known.chance), known.clusters, drawn)
    return {
        "mean_distance_to_truth": divide(distance, n),
        "ece_to_truth": divide(np.sum(parts, axis=0), n),
    }


def _sums(values: Floats, clusters: Ints, drawn: Floats) -> Floats:
    by_cluster = np.bincount(clusters, weights=values, minlength=drawn.shape[1])
    # einsum, not BLAS: its threads would make the last digits depend on the machine's load.
    return np.einsum("c,dc->d", by_cluster, drawn)


def _areas(
    known: Known,
    named: Mapping[str, Floats],
    side: tuple[Floats, Floats, Floats],
    drawn: Floats,
) -> dict[str, Floats]:
    up, down, rows = side
    at = np.flatnonzero(rows > 0)
    if not len(at):
        return {name: np.full(len(drawn), np.nan) for name in named}
    return {
        name: np.concatenate(
            [
                pairwise_area(p[at], up[at], down[at], np.take(weights, known.clusters[at], axis=1))
                for weights in batches(drawn, len(at))
            ]
        )
        for name, p in named.items()
    }


def pairwise_area(p: Floats, up: Floats, down: Floats, weights: Floats) -> Floats:
    """Give the AUC of forecasts of rows that are partly one and partly the other.

    The expected number of rightly ordered pairs over the expected number of pairs; ties count
    half, and no row is a pair with itself.

    Args:
        p: forecasts.
        up: each row's chance to be a positive; 0 and 1 where that is known.
        down: its chance to be a negative.
        weights: resamples x rows.
    """
    order = np.argsort(p, kind="stable")
    starts = np.flatnonzero(np.diff(p[order], prepend=-1.0) != 0)
    w = weights[:, order]
    ups = np.add.reduceat(w * up[order], starts, axis=1)
    downs = np.add.reduceat(w * down[order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs
    alone = np.einsum("dn,n->d", w * w, (up * down)[order])
    right = np.einsum("dn,dn->d", ups, below + downs / 2) - alone / 2
    return divide(right, ups.sum(axis=1) * downs.sum(axis=1) - alone)
