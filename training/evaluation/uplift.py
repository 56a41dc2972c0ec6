"""How good is a ranking by effect: Qini curve and coefficient, and the area under the uplift curve.

A ranking by effect cannot be graded row by row: of each row only one outcome is seen. Its score can
stand for it: a number whose mean over any set of rows chosen without a look at their outcomes is
the effect of treating that set. In a randomised experiment `randomised_scores` are such scores;
where treatment was not by lot, doubly robust pseudo-outcomes are, if what moves both treatment and
outcome is known.

The Qini curve says what treating the top share of a ranking brings (Radcliffe 2007, "Using control
groups to target on predicted lift"), here per row of the whole list. Scores in place of counts of
both arms make it right for unequal chances of treatment too (Yadlowsky et al. 2021, "Evaluating
treatment prioritization rules via rank-weighted average treatment effects").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import Counts, Estimate, batches, percentile_estimate
from training.evaluation.metrics import divide


def randomised_scores(y: Floats, treated: Floats, propensity: Floats) -> Floats:
    """Return the score of each row of a randomised experiment (Horvitz & Thompson 1952).

    A treated row's outcome counts by the inverse of its chance to be treated, an untreated row's
    negatively by the inverse of the other chance. The mean outcome is taken off first: that leaves
    every expectation as it is, and makes the scores less noisy.

    Raises:
        InputError: a chance to be treated is not between 0 and 1.
    """
    if not ((propensity > 0) & (propensity < 1)).all():
        raise InputError("chances to be treated must lie between 0 and 1 in every row")
    away = y - y.mean()
    return np.asarray(away * (treated - propensity) / (propensity * (1 - propensity)))


@dataclass(frozen=True, eq=False)
class Targeting:
    """Rankings of the same rows, and the scores that tell what treating them brings.

    Attributes:
        scores: of each row; see the module.
        named: by each ranking's name, numbers that are highest where it would treat first.
        clusters: rows of one cluster (a lead) are resampled together; 0 to the columns of counts.
    """

    scores: Floats
    named: Mapping[str, Floats]
    clusters: Ints

    def __post_init__(self) -> None:
        """Refuse rankings that cannot be graded.

        Raises:
            InputError: a ranking has not a finite number for every row, or there is no row.
        """
        if not len(self.scores):
            raise InputError("there are no rows to grade a ranking on")
        for name, ranking in self.named.items():
            if len(ranking) != len(self.scores) or not np.isfinite(ranking).all():
                raise InputError(f"ranking '{name}' needs a finite number for every row")


@dataclass(frozen=True)
class Curve:
    """What treating the top share of a ranking brings.

    Attributes:
        shares: of rows treated, from 0 to 1.
        gains: what that brings per row of the whole list, in units of the outcome.
    """

    shares: Floats
    gains: Floats

    @property
    def auuc(self) -> float:
        """The area under the curve: the gain of a share drawn evenly from 0 to 1."""
        return float(np.trapezoid(self.gains, self.shares))

    @property
    def qini(self) -> float:
        """The area above the straight line of treating by lot, down to everybody treated."""
        return self.auuc - float(self.gains[-1]) / 2

    def at(self, share: float) -> float:
        """Return the gain of treating a share of the rows."""
        return float(np.interp(share, self.shares, self.gains))


def uplift_curve(scores: Floats, ranking: Floats) -> Curve:
    """Return the curve of one ranking; within ties rows are treated by lot.

    Three rows, the last two of equal rank::

        ranking  scores    shares        gains
        0.9       2        0, 1/3, 1     0, 2/3, 1
        0.1      -1
        0.1       2
    """
    order, ends = _ties(ranking)
    total = np.cumsum(scores[order])[ends - 1]
    n = len(scores)
    return Curve(np.append(0.0, ends / n), np.append(0.0, total / n))


@dataclass(frozen=True)
class Areas:
    """Figures of one ranking on the data and on every resample.

    Attributes:
        auuc: area under the uplift curve.
        qini: Qini coefficient.
        gain: what treating the top share brings per row of the whole list.
    """

    auuc: Floats
    qini: Floats
    gain: Floats


def resampled_areas(targeting: Targeting, counts: Counts, share: float) -> dict[str, Areas]:
    """Return every ranking's figures on every resample of clusters.

    All rankings see the same resamples, so their differences are paired.

    Args:
        targeting: rankings and scores.
        counts: resamples x clusters, from `resample`.
        share: of rows treated, for the gain.
    """
    return {name: _areas(targeting, name, counts, share) for name in targeting.named}


def uplift_estimates(
    targeting: Targeting, counts: Counts, share: float, level: float
) -> dict[str, dict[str, Estimate]]:
    """Return AUUC, Qini coefficient and gain of every ranking, with intervals.

    Args:
        targeting: rankings and scores.
        counts: resamples x clusters, from `resample`.
        share: of rows treated, for the gain.
        level: coverage of the intervals.
    """
    areas = resampled_areas(targeting, counts, share)
    return {
        name: {what: percentile_estimate(draws, level) for what, draws in vars(of).items()}
        for name, of in areas.items()
    }


def _areas(targeting: Targeting, name: str, counts: Counts, share: float) -> Areas:
    order, ends = _ties(targeting.named[name])
    starts = np.append(0, ends[:-1])
    present, clusters = np.unique(targeting.clusters[order], return_inverse=True)
    scores = targeting.scores[order]
    figures = []
    for drawn in batches(np.take(counts, present, axis=1), len(order)):
        weights = np.take(drawn, clusters, axis=1).astype(np.float64)
        rows = _from_zero(np.add.reduceat(weights, starts, axis=1))
        gains = _from_zero(np.add.reduceat(weights * scores, starts, axis=1))
        total = np.broadcast_to(rows[:, -1:], rows.shape)
        shares, gains = divide(rows, total), divide(gains, total)
        auuc = np.trapezoid(gains, shares, axis=1)
        top = [np.interp(share, at, gain) for at, gain in zip(shares, gains, strict=True)]
        figures.append(np.array([auuc, auuc - gains[:, -1] / 2, top]))
    return Areas(*np.concatenate(figures, axis=1))


def _from_zero(parts: Floats) -> Floats:
    """Add up along the last axis, starting at 0."""
    sums = np.zeros((len(parts), parts.shape[1] + 1))
    np.cumsum(parts, axis=1, out=sums[:, 1:])
    return sums


def _ties(ranking: Floats) -> tuple[Ints, Ints]:
    """Return positions from the highest rank on, and where each run of equal ranks ends."""
    order = np.argsort(-ranking, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(ranking[order])) + 1, len(ranking))
    return order, ends
