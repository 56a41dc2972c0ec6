"""The company's own rates for the like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from features.arrays import Floats, Ints
from training.estimators.linear import one_thread

ROUNDS = 12
"""Rounds of scaling; factors settle in a few."""


def expected_events(
    exposure: Floats, events: Floats, factors: Sequence[Ints], doubt: float
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

    Returns:
        One expectation a row; they add up to the events.
    """
    return _scaled(exposure, events, factors, doubt)[0]


def factor_within(
    exposure: Floats, events: Floats, factors: Sequence[Ints], doubt: float
) -> Floats:
    """Return what each class of the first factor does to the rate, the others being equal.

    Args:
        exposure: days at risk of each row, or another offset.
        events: of each row.
        factors: the factor asked about, and those it is to be told from.
        doubt: imagined events behind each number.

    Returns:
        One number a class, from 0 on; 1 where a class has no rows.
    """
    return _scaled(exposure, events, factors, doubt)[1]


def _scaled(
    exposure: Floats, events: Floats, factors: Sequence[Ints], doubt: float
) -> tuple[Floats, Floats]:
    """Return what is expected of each row, and the numbers of the first factor's classes."""
    total = exposure.sum()
    expected = exposure * (events.sum() / total if total > 0 else 0.0)
    first = np.ones(1)
    for _ in range(ROUNDS):
        for place, classes in enumerate(factors):
            size = int(classes.max(initial=-1)) + 1
            seen = np.bincount(classes, events, size) + doubt
            usual = np.bincount(classes, expected, size) + doubt
            expected = expected * (seen / usual)[classes]
            if place == 0:
                first = first * (seen / usual)
    return expected, first


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
    # Products of this size gain nothing from further threads, and lose where cores are busy.
    with one_thread():
        for _ in range(ROUNDS):
            p = expit(features @ weights)
            slope = features.T @ (won - p) - penalty * weights
            curve = (features * (p * (1 - p))[:, None]).T @ features + np.diag(penalty)
            weights = weights + np.linalg.solve(curve, slope)
        return np.asarray(features @ weights)
