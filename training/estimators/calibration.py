"""From margins (log-odds) to calibrated probabilities.

Three maps are fitted and the best is chosen by log loss on a part of the calibration window
that lies later than the part they were fitted on: the identity; Platt's logistic map (Platt 1999);
the beta map (Kull, Silva Filho, Flach 2017), which is Platt's with a slope of its own on either
side. All rise strictly, so the order of forecasts stays. A step map (isotonic regression) is not
offered: it makes ties, and a reason could then move a score by nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from features.arrays import Bools, Floats

RIDGE = 20.0
"""Weight of the pull towards the identity; few leads must not bend the map far."""
SWING_DAYS = 30.0
"""A window shorter than this shows the mood of its weeks rather than a lasting error."""


@dataclass(frozen=True)
class Calibrator:
    """A map from margins to margins, in the beta map's own coordinates.

    With u = log p and v = log(1 - p) of the uncalibrated probability, the margin becomes
    `intercept + a * u - b * v` (a, b > 0). The cases, on raw margins of -2, 0 and 2, which are
    probabilities of 0.12, 0.50 and 0.88::

        a     b     intercept   -2      0      2
        1     1     0           -2.00   0.00   2.00   identity
        0.5   0.5   0           -1.00   0.00   1.00   Platt: forecasts were too extreme
        1     1     0.5         -1.50   0.50   2.50   Platt: forecasts were too low
        0.5   1     0           -0.94   0.35   2.06   beta: low forecasts were too low

    >>> float(Calibrator("identity", 1.0, 1.0, 0.0).probability(np.array([0.0]))[0])
    0.5
    """

    method: str
    a: float
    b: float
    intercept: float

    def margin(self, margins: Floats) -> Floats:
        """Map raw margins to calibrated ones."""
        # log_expit is log p without rounding p to 0 or 1, so the largest margins stay finite.
        u, v = log_expit(margins), log_expit(-margins)
        mapped: Floats = self.intercept + self.a * u - self.b * v
        return mapped

    def probability(self, margins: Floats) -> Floats:
        """Map raw margins to probabilities."""
        mapped: Floats = expit(self.margin(margins))
        return mapped

    def trusted(self, share: float) -> Calibrator:
        """Return the map a share (0 to 1) of the way from the identity to this one.

        The slopes go that way as powers, because they are factors: halfway to 4 lies 2, and no
        share turns a map around.

        >>> Calibrator("platt", 4.0, 4.0, 1.0).trusted(0.5)
        Calibrator(method='platt', a=2.0, b=2.0, intercept=0.5)
        """
        return Calibrator(self.method, self.a**share, self.b**share, self.intercept * share)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers for the bundle."""
        return {"method": self.method, "a": self.a, "b": self.b, "intercept": self.intercept}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Calibrator:
        """Return the calibrator that `to_json` wrote down."""
        return cls(plain["method"], plain["a"], plain["b"], plain["intercept"])


IDENTITY = Calibrator("identity", 1.0, 1.0, 0.0)
METHODS = ("platt", "beta")


def fit_calibrator(
    method: str, margins: Floats, y: Floats, weights: Floats, ridge: float = RIDGE
) -> Calibrator:
    """Fit one map by weighted log loss with a pull towards the identity.

    Args:
        method: `identity`, `platt` or `beta`.
        margins: raw margins.
        y: what happened: 1 or 0.
        weights: one per row.
        ridge: weight of the pull.
    """
    if method == "identity":
        return IDENTITY
    u, v = log_expit(margins), -log_expit(-margins)
    is_platt = method == "platt"
    # theta holds (log a, intercept) for Platt's map and (log a, log b, intercept) for the beta map.
    # In logarithms a and b are positive whatever the search tries, and theta = 0 is the identity,
    # so that the ridge pulls towards it.

    def loss(theta: Floats) -> float:
        a, b = np.exp(theta[0]), np.exp(theta[0] if is_platt else theta[1])
        z = theta[-1] + a * u + b * v
        fit = -(weights * (y * log_expit(z) + (1 - y) * log_expit(-z))).sum()
        return float(fit + ridge * (theta**2).sum())

    start = np.zeros(2 if is_platt else 3)
    theta = minimize(loss, start, method="BFGS").x
    a, b = np.exp(theta[0]), np.exp(theta[0] if is_platt else theta[1])
    return Calibrator(method, float(a), float(b), float(theta[-1]))


def choose_calibrator(
    margins: Floats, y: Floats, weights: Floats, later: Bools, ridge: float = RIDGE
) -> tuple[Calibrator, dict[str, float]]:
    """Fit every map on the earlier part, choose by log loss on the later one, refit on both.

    Args:
        margins: raw margins of forecasts of a later time than the model learned from.
        y: what happened: 1 or 0.
        weights: one per row; they may not depend on what happened.
        later: marks the later part of the window.
        ridge: weight of the pull towards the identity.

    Returns:
        The calibrator, and each method's log loss on the later part. The identity and no losses
        where a part holds one outcome only.
    """
    # Chosen on later rows than those it was fitted on: a map that follows a season of the earlier
    # part loses to the identity when the season has turned.
    losses = {}
    for method in ("identity", *METHODS):
        if _one_sided(y[~later]) or _one_sided(y[later]):
            break
        trial = fit_calibrator(method, margins[~later], y[~later], weights[~later], ridge)
        z = trial.margin(margins[later])
        row_loss = -(y[later] * log_expit(z) + (1 - y[later]) * log_expit(-z))
        losses[method] = float(np.average(row_loss, weights=weights[later]))
    if not losses:
        return IDENTITY, losses
    best = min(losses, key=lambda method: losses[method])
    return fit_calibrator(best, margins, y, weights, ridge), losses


def trust_in(window_days: int, swing_days: float = SWING_DAYS) -> float:
    """Return the share of the way to the fitted map that a window of so many days justifies.

    A window shows a lasting error of the model plus the mood of its weeks. The mood is common to
    all leads, so more leads do not average it out; only more weeks do.

    Args:
        window_days: length of the window.
        swing_days: the length that is trusted by half.

    >>> trust_in(30)
    0.5
    """
    return window_days / (window_days + swing_days)


def _one_sided(y: Floats) -> bool:
    return len(np.unique(y)) < 2  # noqa: PLR2004 - a label has two values
