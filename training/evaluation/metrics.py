"""Metrics of yes-or-no forecasts, for weighted rows and for many weightings at once.

Rank metrics are read off weights that were added up down the ranking (`Cumulated`). Their last axis
runs over rows; the axis before it, if any, over resamples, so that a bootstrap is one call. Where a
metric has no value (one class only, no weight) it is NaN here, and `None` in everything people
read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints

BINS = 15
CLIP = 1e-6
"""Logarithms see forecasts at least this far from 0 and 1, so that a rule that says 0 is very wrong
(13.8 nats) instead of infinitely wrong."""

_TINY = 1e-300
_STEPS = 50
_CONVERGED = 1e-9


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows in the order of a call list: list by list, highest forecast first.

    Rank metrics only look at the positives (the conversions) and at how much weight lies above
    them, so the last five arrays have one entry per positive instead of one per row.

    Three leads of one list, forecast 0.9, 0.5 and 0.5, of which the first and the last convert:
    `order` = 0, 1, 2; `bounds` = 0, 3; `positives` = 0, 2; their ties start at 0 and 1 and end at 1
    and 3; before the ties lie 0 and 1 positives, up to their ends 1 and 2.

    Attributes:
        order: positions of the rows.
        bounds: where in `order` the lists start, and its length.
        positives: where in `order` the positives are.
        tie_start: where in `order` the tied forecasts start that a positive is among.
        tie_end: where they end (exclusive).
        positives_before: positives before `tie_start`.
        positives_through: positives before `tie_end`.
    """

    order: Ints
    bounds: Ints
    positives: Ints
    tie_start: Ints
    tie_end: Ints
    positives_before: Ints
    positives_through: Ints


def rank(y: Floats, p: Floats, lists: Ints | None = None) -> Ranking:
    """Sort rows into call lists; without `lists` all rows are one list.

    Ties stay together, so no metric depends on the order in which rows came.
    """
    lists = np.zeros(len(p), dtype=np.int64) if lists is None else lists
    order = np.lexsort((-p, lists)).astype(np.int64)
    starts_list = np.diff(lists[order], prepend=-1) != 0
    starts_tie = starts_list | (np.diff(p[order], prepend=-1.0) != 0)
    bounds = np.append(np.flatnonzero(starts_list), len(p))
    tie_bounds = np.append(np.flatnonzero(starts_tie), len(p))
    positives = np.flatnonzero(y[order] > 0)
    tie = np.cumsum(starts_tie)[positives] - 1
    start, end = tie_bounds[tie], tie_bounds[tie + 1]
    before, through = np.searchsorted(positives, start), np.searchsorted(positives, end)
    return Ranking(order, bounds, positives, start, end, before, through)


@dataclass(frozen=True, eq=False)
class Cumulated:
    """Weights of ranked rows, added up from the top of the ranking.

    Attributes:
        ranking: the order of the rows.
        above: `above[..., i]` is the weight of the first i rows.
        positive: the weight of each positive.
        positive_above: `positive_above[..., i]` is the weight of the first i positives.
    """

    ranking: Ranking
    above: Floats
    positive: Floats
    positive_above: Floats


def cumulate(ranking: Ranking, weights: Floats) -> Cumulated:
    """Add up weights, which come in the ranked order along the last axis."""
    positive = weights[..., ranking.positives]
    return Cumulated(ranking, _above(weights), positive, _above(positive))


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


def auc(ranked: Cumulated) -> Floats:
    """Return the chance that a positive is ranked above a negative; ties count half.

    The area under the ROC curve as a Mann-Whitney statistic (Hanley & McNeil 1982): one minus the
    share of pairs in which the negative lies above. The negatives above a positive are those
    before its tie, and half of those in it: the mean of the counts at the two ends of the tie.
    """
    at, positives = ranked.ranking, ranked.positive_above[..., -1]
    negatives = ranked.above[..., -1] - positives
    above, positive_above = ranked.above, ranked.positive_above
    twice = above[..., at.tie_start] - positive_above[..., at.positives_before]
    twice += above[..., at.tie_end] - positive_above[..., at.positives_through]
    wrong_pairs = np.einsum("...i,...i->...", ranked.positive, twice) / 2
    return divide(positives * negatives - wrong_pairs, positives * negatives)


def average_precision(ranked: Cumulated) -> Floats:
    """Return the mean over positives of the precision down to each of them, its tie included.

    The step-wise area under the precision-recall curve, without interpolation
    (Davis & Goadrich 2006), as scikit-learn has it.
    """
    at = ranked.ranking
    called = np.maximum(ranked.above[..., at.tie_end], _TINY)
    precision = ranked.positive_above[..., at.positives_through] / called
    summed = np.einsum("...i,...i->...", ranked.positive, precision)
    return divide(summed, ranked.positive_above[..., -1])


def capture(ranked: Cumulated, share: float) -> Floats:
    """Return the share of all positives among the top `share` of every list (recall at capacity).

    A list is what a team faces at one cutoff, so a quiet month does not pay for a busy one. Divided
    by `share` the capture is the lift. A positive counts by the part of its tie that is called:

    - the whole tie lies above the limit: 1;
    - the whole tie lies below it: 0;
    - the limit falls into the tie: the part of the tie above it, which is what calling the tied
      leads in random order finds on average.

    With four leads forecast 0.9, 0.5, 0.5, 0.5 and a share of 1/2, two are called: a positive at
    0.9 counts 1, and each at 0.5 counts 1/3.
    """
    at = ranked.ranking
    starts, ends = ranked.above[..., at.bounds[:-1]], ranked.above[..., at.bounds[1:]]
    limit = starts + share * (ends - starts)
    own_list = np.searchsorted(at.bounds, at.positives, side="right") - 1
    before = ranked.above[..., at.tie_start]
    tied = np.maximum(ranked.above[..., at.tie_end] - before, _TINY)
    taken = np.clip((limit[..., own_list] - before) / tied, 0, 1)
    summed = np.einsum("...i,...i->...", ranked.positive, taken)
    return divide(summed, ranked.positive_above[..., -1])


def equal_mass_bins(p: Floats, count: int = BINS) -> Ints:
    """Sort forecasts into bins of equally many rows; tied forecasts share a bin.

    A run of ties goes where its middle lies, so there may be fewer than `count` bins.
    """
    _, group, size = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    return np.floor(count * middle / max(len(p), 1)).astype(np.int64)[group]


def calibration_error(y: Floats, p: Floats, bins: Ints) -> float:
    """Return the ECE: the distance of mean forecast and observed rate, averaged over bins by rows.

    With equal-mass bins this is the adaptive ECE of Nixon et al. (2019). Even a perfect forecast
    has one above 0, about as high as its `noise_floor`.
    """
    return float(np.abs(np.bincount(bins, weights=y - p)).sum() / len(y))


def noise_floor(p: Floats, blocks: Ints, draws: int, seed: int) -> Floats:
    """Draw the ECE that a perfectly calibrated forecast of these rows shows by chance.

    Args:
        p: the forecasts, here taken to be the true chances.
        blocks: rows of one block share one random number. Overlapping outcome windows of one lead
            end alike; independent draws for each row would make the floor too low.
        draws: how many outcomes to draw.
        seed: makes the draws repeatable.

    Returns:
        One ECE per draw.
    """
    rng = np.random.default_rng(seed)
    bins = equal_mass_bins(p)
    uniform = (rng.random(int(blocks.max()) + 1)[blocks] for _ in range(draws))
    return np.array([calibration_error((u < p).astype(np.float64), p, bins) for u in uniform])


def brier(y: Floats, p: Floats) -> Floats:
    """Return each row's squared distance between forecast and outcome (Brier 1950)."""
    return (p - y) ** 2


def log_loss(y: Floats, p: Floats) -> Floats:
    """Return each row's surprise in nats: minus the log of the chance given to what happened."""
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return -np.where(y > 0, np.log(clipped), np.log1p(-clipped))


def log_odds(p: Floats) -> Floats:
    """Turn probabilities into log-odds, kept finite by `CLIP`."""
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return np.log(clipped) - np.log1p(-clipped)


def logistic(x: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def recalibrate(y: Floats, design: Floats, offset: Floats) -> Floats:
    """Fit y ~ logistic(offset + design @ b) by Newton's method (Cox 1958).

    Returns:
        b, or NaN where it has no finite value: one class only, constant forecasts, or classes
        that a threshold separates completely.
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
