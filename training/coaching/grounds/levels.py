"""How far periods, territories, tenure and reps lie from the company's chances, beyond luck.

A Poisson regression with random effects (McCulloch & Searle 2001, chapter 8), fitted by penalised
quasi-likelihood with the variances by expectation-maximisation (Breslow & Clayton 1993). With `b`
the outcomes that the company's chances expect of what a rep was dealt in a window:

    outcomes ~ Poisson(b * exp(level + ramp + window + territory + rep + swing))

What a rep does better than others, everywhere and always, goes to `rep`; the expectation of an
average rep leaves it out. A territory's effect is told from the skill of the few people in it only
as far as there are many of them: the rest of it stays in the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints
from training.coaching_params import GroundsParams

STEPS = 60
"""Rounds in which the variances settle."""
FIRST_STEPS = 15
"""Rounds for the effects before the variances move."""
WIDE = 1e-4
"""Precision of the level: nothing is believed of it beforehand."""
FARTHEST = 12.0
BELIEFS = (3.0, 3.0, 5.0, 20.0)
"""Imagined effects at the believed spread: of windows, territories, reps and swings."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What is compared: a row for each rep and window.

    Attributes:
        base: outcomes that the company's chances expect of what the rep was dealt, above 0.
        outcomes: that there were.
        ramp: 1 where the rep was new, 0 where it was ramped up, over the time in the window.
        window: place of the window.
        territory: place of the territory.
        rep: place of the rep.
    """

    base: Floats
    outcomes: Floats
    ramp: Floats
    window: Ints
    territory: Ints
    rep: Ints

    def design(self) -> Floats:
        """Return the columns of the effects of ground: level, ramp, windows, territories."""
        windows = self.window[:, None] == np.arange(self.window.max() + 1)
        territories = self.territory[:, None] == np.arange(self.territory.max() + 1)
        return np.column_stack([np.ones(len(self.base)), self.ramp, windows, territories])


@dataclass(frozen=True, eq=False)
class Levels:
    """What was learned of each row's rep and window, as log factors.

    Attributes:
        ground: level, ramp, window and territory.
        error: standard deviation of it.
        rep: the rep's own level.
        rep_error: standard deviation of it.
        swing: what is left in this window.
        swing_error: standard deviation of it.
        spreads: standard deviations between windows, territories, reps and swings.
    """

    ground: Floats
    error: Floats
    rep: Floats
    rep_error: Floats
    swing: Floats
    swing_error: Floats
    spreads: Floats


@dataclass(frozen=True, eq=False)
class _Problem:
    """What stays the same from round to round.

    Attributes:
        cells: the rows.
        X: their design.
        offset: log outcomes to be expected before any effect; a ramp is what it is believed to be.
        group: of each random column of the design, 0 for windows and 1 for territories.
        fixed: precisions of the columns before these.
    """

    cells: Cells
    X: Floats
    offset: Floats
    group: Ints
    fixed: Floats

    def mean(self, eta: Floats) -> Floats:
        """Return the outcomes to be expected."""
        return np.asarray(np.exp(np.clip(self.offset + eta, -FARTHEST, FARTHEST)))


@dataclass(frozen=True, eq=False)
class _Effects:
    """One solution: effects of ground and of reps, their covariances, and what they add up to."""

    ground: Floats
    reps: Floats
    covariance: Floats
    rep_variance: Floats
    eta: Floats


def fit_levels(cells: Cells, params: GroundsParams) -> Levels:
    """Fit the regression.

    Args:
        cells: the rows; not empty.
        params: what is believed before anything is seen.
    """
    offset = np.log(cells.base) - params.ramp_loss * cells.ramp
    sizes = int(cells.window.max()) + 1, int(cells.territory.max()) + 1
    fixed = np.array([WIDE, params.ramp_doubt**-2])
    problem = _Problem(cells, cells.design(), offset, np.repeat([0, 1], sizes), fixed)
    believed = np.square(
        [params.period_spread, params.territory_spread, params.rep_spread, params.swing_spread]
    )
    variances = believed
    start = np.log(max(cells.outcomes.sum(), 0.5) / np.exp(offset).sum())
    effects = _solve(problem, np.full(len(offset), start), variances)
    for _ in range(FIRST_STEPS):
        effects = _solve(problem, effects.eta, variances)
    for _ in range(STEPS):
        variances = _variances(problem, effects, variances, believed)
        effects = _solve(problem, effects.eta, variances)
    swing, swing_variance = _swings(problem, effects, variances[3])
    X = problem.X
    return Levels(
        ground=X @ effects.ground - params.ramp_loss * cells.ramp,
        error=np.sqrt(np.einsum("ij,jk,ik->i", X, effects.covariance, X)),
        rep=effects.reps[cells.rep],
        rep_error=np.sqrt(effects.rep_variance[cells.rep]),
        swing=swing,
        swing_error=np.sqrt(swing_variance),
        spreads=np.sqrt(variances),
    )


def _solve(problem: _Problem, eta: Floats, variances: Floats) -> _Effects:
    """Take one Newton step from what the effects add up to so far.

    Reps are many and each row has one, so their block is diagonal and is eliminated first:

        | A  B | | ground |   | X'wz |        S = A - B C^-1 B'
        | B' C | | reps   | = | Z'wz |        ground = S^-1 (X'wz - B C^-1 Z'wz)

    The swing is not solved for: a row's weight m / (1 + m * variance) has it integrated out.
    """
    X, rep = problem.X, problem.cells.rep
    mean = problem.mean(eta)
    weight = mean / (1 + mean * variances[3])
    target = eta + (problem.cells.outcomes - mean) / mean
    weighted = X * weight[:, None]
    count = int(rep.max()) + 1
    precision = np.concatenate([problem.fixed, 1 / variances[problem.group]])
    A = weighted.T @ X + np.diag(precision)
    B = np.stack([np.bincount(rep, column, count) for column in weighted.T])
    C = np.bincount(rep, weight, count) + 1 / variances[2]
    right = np.bincount(rep, weight * target, count)
    covariance = np.linalg.inv(A - (B / C) @ B.T)
    ground = covariance @ (weighted.T @ target - (B / C) @ right)
    reps = (right - B.T @ ground) / C
    rep_variance = 1 / C + np.einsum("pr,pq,qr->r", B / C, covariance, B / C)
    return _Effects(ground, reps, covariance, rep_variance, X @ ground + reps[rep])


def _variances(problem: _Problem, effects: _Effects, variances: Floats, believed: Floats) -> Floats:
    """Return the variances that the effects show, with what is believed as imagined effects."""
    first = len(problem.fixed)
    own = np.diag(effects.covariance)[first:] + effects.ground[first:] ** 2
    swing, swing_variance = _swings(problem, effects, variances[3])
    seen = [
        own[problem.group == 0],
        own[problem.group == 1],
        effects.reps**2 + effects.rep_variance,
        swing**2 + swing_variance,
    ]
    return np.array(
        [
            (squares.sum() + belief * before) / (len(squares) + belief)
            for squares, belief, before in zip(seen, BELIEFS, believed, strict=True)
        ]
    )


def _swings(problem: _Problem, effects: _Effects, variance: float) -> tuple[Floats, Floats]:
    """Return each row's swing and its variance, given what ground and rep make of it."""
    mean = problem.mean(effects.eta)
    return (
        variance * (problem.cells.outcomes - mean) / (1 + mean * variance),
        variance / (1 + mean * variance),
    )
