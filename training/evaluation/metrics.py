"""What a forecast of yes or no is worth, for weighted rows and for many weightings at once.

Rank metrics are read off a `Walk` down the ranked rows. Its last axis runs over rows; the axis
before it, if any, over resamples, so that a bootstrap is one call. Where a metric has no value (one
class only, no weight) it is NaN here, and `None` in everything people read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints

BINS = 15
CLIP = 1e-6
"""Forecasts are kept this far from 0 and 1 in logarithms: a rule that says 0 is not infinitely
wrong, only very wrong (13.8 nats)."""

_TINY = 1e-300
_STEPS = 50
_CONVERGED = 1e-9


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows in the order of a call list: list by list, highest forecast first.

    Rank metrics only ever look at the conversions and at how much weight lies above them, so the
    last five arrays have one entry per conversion, not per row.

    Attributes:
        order: positions of the rows.
        borders: where in `order` the lists start, and its length.
        won: where in `order` the conversions are.
        first: where in `order` the tied forecasts begin that a conversion is among.
        last: where they end (exclusive).
        won_first: conversions before `first`.
        won_last: conversions before `last`.
    """

    order: Ints
    borders: Ints
    won: Ints
    first: Ints
    last: Ints
    won_first: Ints
    won_last: Ints


def rank(y: Floats, p: Floats, lists: Ints | None = None) -> Ranked:
    """Sort rows into call lists; without `lists` all rows are one list.

    Ties stay together, so no metric depends on the order in which rows came.
    """
    lists = np.zeros(len(p), dtype=np.int64) if lists is None else lists
    order = np.lexsort((-p, lists)).astype(np.int64)
    list_starts = np.diff(lists[order], prepend=-1) != 0
    step_starts = list_starts | (np.diff(p[order], prepend=-1.0) != 0)
    borders = np.append(np.flatnonzero(list_starts), len(p))
    steps = np.append(np.flatnonzero(step_starts), len(p))
    won = np.flatnonzero(y[order] > 0)
    step = np.cumsum(step_starts)[won] - 1
    first, last = steps[step], steps[step + 1]
    return Ranked(
        order, borders, won, first, last, np.searchsorted(won, first), np.searchsorted(won, last)
    )


@dataclass(frozen=True, eq=False)
class Walk:
    """The weight met while walking down ranked rows; `above[..., i]` lies before the i-th."""

    ranked: Ranked
    above: Floats
    won: Floats
    won_above: Floats


def walk(ranked: Ranked, weights: Floats) -> Walk:
    """Add up weights, given in the ranked order along the last axis."""
    won = weights[..., ranked.won]
    return Walk(ranked, _above(weights), won, _above(won))


def _above(weights: Floats) -> Floats:
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, axis=-1, out=sums[..., 1:])
    return sums


def divide(top: Floats, bottom: Floats) -> Floats:
    """Divide, with NaN where there is nothing to divide by."""
    bottom = np.asarray(bottom, dtype=np.float64)
    out = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def auc(way: Walk) -> Floats:
    """Give the chance that a conversion is ranked above a lead that did not convert.

    Ties count half. The area under the ROC curve as a Mann-Whitney statistic
    (Hanley & McNeil 1982).
    """
    at, total_won = way.ranked, way.won_above[..., -1]
    total_lost = way.above[..., -1] - total_won
    lost_above = way.above[..., at.first] - way.won_above[..., at.won_first]
    lost_above += way.above[..., at.last] - way.won_above[..., at.won_last]
    behind = np.einsum("...i,...i->...", way.won, lost_above) / 2
    return divide(total_won * total_lost - behind, total_won * total_lost)


def average_precision(way: Walk) -> Floats:
    """Give the precision met on average while walking down the list from conversion to conversion.

    The step-wise area under the precision-recall curve, without interpolation
    (Davis & Goadrich 2006), as scikit-learn has it.
    """
    called = np.maximum(way.above[..., way.ranked.last], _TINY)
    found = np.einsum("...i,...i->...", way.won, way.won_above[..., way.ranked.won_last] / called)
    return divide(found, way.won_above[..., -1])


def capture(way: Walk, share: float) -> Floats:
    """Give the share of all conversions among the top `share` of every list.

    A list is what a team faces at one cutoff, so nobody's quiet month pays for a busy one. Where
    the border falls into tied forecasts, the tied leads are taken in equal parts: what calling
    them in random order would find on average. Divided by `share` it is the lift.
    """
    at = way.ranked
    starts, ends = way.above[..., at.borders[:-1]], way.above[..., at.borders[1:]]
    limit = starts + share * (ends - starts)
    own_list = np.searchsorted(at.borders, at.won, side="right") - 1
    before = way.above[..., at.first]
    tied = np.maximum(way.above[..., at.last] - before, _TINY)
    taken = np.clip((limit[..., own_list] - before) / tied, 0, 1)
    return divide(np.einsum("...i,...i->...", way.won, taken), way.won_above[..., -1])


def equal_mass_bins(p: Floats, count: int = BINS) -> Ints:
    """Sort forecasts into bins of equally many rows; tied forecasts share a bin.

    A run of ties goes where its middle lies, so there may be fewer than `count` bins.
    """
    _, group, size = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    return np.floor(count * middle / max(len(p), 1)).astype(np.int64)[group]


def calibration_error(y: Floats, p: Floats, bins: Ints) -> float:
    """Give the ECE: how far what was said lies from what happened, on average over rows.

    With equal-mass bins this is the adaptive ECE of Nixon et al. (2019); it is above 0 even for
    a perfect forecast, by `noise floor`.
    """
    return float(np.abs(np.bincount(bins, weights=y - p)).sum() / len(y))


def noise_floor(p: Floats, luck: Ints, draws: int, seed: int) -> Floats:
    """Draw the ECE that a perfectly calibrated forecast of these rows would show by chance.

    Args:
        p: the forecasts, here taken to be the truth.
        luck: rows with the same number share one throw of the dice. Overlapping outcome windows
            of one lead end alike; throwing for each row alone would make the floor too low.
        draws: how often to let it happen.
        seed: makes the draws repeatable.
    """
    rng = np.random.default_rng(seed)
    bins = equal_mass_bins(p)
    throws = (rng.random(int(luck.max()) + 1)[luck] for _ in range(draws))
    return np.array([calibration_error((u < p).astype(np.float64), p, bins) for u in throws])


def brier(y: Floats, p: Floats) -> Floats:
    """Give each row's squared distance between the forecast and what happened (Brier 1950)."""
    return (p - y) ** 2


def log_loss(y: Floats, p: Floats) -> Floats:
    """Give each row's surprise in nats: minus the logarithm of what was said for what happened."""
    sure = np.clip(p, CLIP, 1 - CLIP)
    return -np.where(y > 0, np.log(sure), np.log1p(-sure))


def log_odds(p: Floats) -> Floats:
    """Turn probabilities into log-odds, kept finite by `CLIP`."""
    sure = np.clip(p, CLIP, 1 - CLIP)
    return np.log(sure) - np.log1p(-sure)


def logistic(x: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def recalibrate(y: Floats, design: Floats, offset: Floats) -> Floats:
    """Fit y ~ logistic(offset + design @ b) by Newton's method (Cox 1958).

    Returns:
        b, or NaN where it has no finite value: one class only, constant forecasts, or classes
        that a threshold parts completely.
    """
    b = np.zeros(design.shape[1])
    undefined = np.full(design.shape[1], np.nan)
    for _ in range(_STEPS):
        mu = logistic(offset + design @ b)
        slope = np.einsum("ik,i->k", design, y - mu)
        curve = np.einsum("ik,il,i->kl", design, design, mu * (1 - mu))
        if np.linalg.matrix_rank(curve / max(len(y), 1), tol=1e-9, hermitian=True) < len(b):
            return undefined
        move = np.linalg.solve(curve, slope)
        # A step is held short so that a far start cannot overshoot into saturation.
        move *= min(1.0, 2.0 / max(float(np.abs(move).max()), _TINY))
        b = b + move
        if np.abs(move).max() < _CONVERGED:
            return b
    return undefined
