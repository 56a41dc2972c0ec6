"""The company's own rates for the like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from features.arrays import Floats, Ints

ROUNDS = 12
"""Rounds of scaling; factors settle in a few."""


def expected_events(
    exposure: Floats,
    events: Floats,
    factors: Sequence[Ints],
    doubt: float,
    weights: Floats | None = None,
) -> Floats:
    """Return the events that each row should have seen, by the company's own rates.

    The rate is a product of one number for each factor, found by iterative proportional scaling
    (Deming and Stephan, 1940), which is maximum likelihood for Poisson counts. Each number is drawn
    towards 1 by `doubt` imagined events.

    Args:
        exposure: days at risk of each row, or another offset.
        events: of each row.
        factors: for each factor the class of each row, from 0.
        doubt: imagined events behind each number.
        weights: how much each row counts when the numbers are found; None counts all alike.

    Returns:
        One expectation a row; weighted, they add up to the events.
    """
    weights = np.ones_like(exposure) if weights is None else weights
    total = (exposure * weights).sum()
    expected = exposure * ((events * weights).sum() / total if total > 0 else 0.0)
    for _ in range(ROUNDS):
        for classes in factors:
            expected = expected * _ratio(events, expected, classes, doubt, weights)
    return expected


def expected_beside_own(
    exposure: Floats, events: Floats, factors: Sequence[Ints], own: Ints, doubt: float
) -> Floats:
    """Return the same by what changes within each rep, whose own level is left out again.

    Busy reps are other people than idle ones. A factor for how busy a rep is would take what they
    are like for what it does: of a rep who works leads badly many stay open, so that hardly anybody
    else is in the class of the busiest, and its rate would be that rep's own.

    Args:
        exposure: days at risk of each row.
        events: of each row.
        factors: for each factor the class of each row, from 0.
        own: the rep of each row.
        doubt: imagined events behind each number.
    """
    weights, level = np.ones_like(exposure), np.ones_like(exposure)
    expected = exposure * (events.sum() / max(float(exposure.sum()), 1e-9))
    for _ in range(ROUNDS):
        ratio = _ratio(events, expected, own, doubt, weights)
        expected, level = expected * ratio, level * ratio
        for classes in factors:
            expected = expected * _ratio(events, expected, classes, doubt, weights)
    expected = expected / level
    return np.asarray(expected * (events.sum() / max(float(expected.sum()), 1e-9)))


def _ratio(
    events: Floats, expected: Floats, classes: Ints, doubt: float, weights: Floats
) -> Floats:
    """Return for each row what its class saw over what was expected of it."""
    size = int(classes.max(initial=-1)) + 1
    seen = np.bincount(classes, events * weights, size) + doubt
    usual = np.bincount(classes, expected * weights, size) + doubt
    return np.asarray((seen / usual)[classes])


def log_odds(won: Floats, features: Floats, ridge: float = 1.0) -> Floats:
    """Return the log-odds of each row by ridge logistic regression (Newton's method).

    Args:
        won: 1 or 0.
        features: a column for each; no constant is added.
        ridge: the penalty on each coefficient but the first.
    """
    weights = np.zeros(features.shape[1])
    penalty = np.full(features.shape[1], ridge)
    penalty[:1] = 1e-6
    for _ in range(ROUNDS):
        p = expit(features @ weights)
        slope = features.T @ (won - p) - penalty * weights
        curve = (features * (p * (1 - p))[:, None]).T @ features + np.diag(penalty)
        weights = weights + np.linalg.solve(curve, slope)
    return np.asarray(features @ weights)
