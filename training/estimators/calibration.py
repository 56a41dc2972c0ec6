"""From margins (log-odds) to probabilities that mean what they say.

Three maps are fitted and the best is chosen by log loss on a part of the calibration window
that lies later than the part they were fitted on: the identity; Platt's logistic map (Platt 1999);
the beta map (Kull, Silva Filho, Flach 2017), which is Platt's with a free slope on either side.
All rise strictly, so that ranking, ties aside, is not touched. A step map (isotonic regression)
is not offered: it makes ties, and a reason could then move a score by nothing.
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
"""Pull towards the identity, in leads' worth of log loss: few leads must not bend the map far."""
SWING_DAYS = 30.0
"""A window shorter than this shows one swing of the business more than a lasting error."""


@dataclass(frozen=True)
class Calibrator:
    """A map from margins to margins, in the beta map's own coordinates.

    With u = log p and v = log(1 - p) of the uncalibrated probability, the margin becomes
    `intercept + a * u - b * v` (a, b > 0). a = b is Platt's map; a = b = 1, intercept = 0 is the
    identity.

    >>> float(Calibrator("identity", 1.0, 1.0, 0.0).probability(np.array([0.0]))[0])
    0.5
    """

    method: str
    a: float
    b: float
    intercept: float

    def margin(self, margins: Floats) -> Floats:
        """Map raw margins to calibrated ones."""
        raw: Floats = self.intercept + self.a * log_expit(margins) - self.b * log_expit(-margins)
        return raw

    def probability(self, margins: Floats) -> Floats:
        """Map raw margins to probabilities."""
        mapped: Floats = expit(self.margin(margins))
        return mapped

    def trusted(self, share: float) -> Calibrator:
        """Go only a share (0 to 1) of the way from the identity to this map.

        >>> Calibrator("platt", 4.0, 4.0, 1.0).trusted(0.5)
        Calibrator(method='platt', a=2.0, b=2.0, intercept=0.5)
        """
        return Calibrator(self.method, self.a**share, self.b**share, self.intercept * share)

    def to_json(self) -> dict[str, Any]:
        """Give plain numbers for the bundle."""
        return {"method": self.method, "a": self.a, "b": self.b, "intercept": self.intercept}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Calibrator:
        """Read back what `to_json` gave."""
        return cls(plain["method"], plain["a"], plain["b"], plain["intercept"])


IDENTITY = Calibrator("identity", 1.0, 1.0, 0.0)
METHODS = ("platt", "beta")


def fit_calibrator(method: str, margins: Floats, y: Floats, weights: Floats) -> Calibrator:
    """Fit one map by weighted log loss with a pull (`RIDGE`) towards the identity."""
    if method == "identity":
        return IDENTITY
    u, v = log_expit(margins), -log_expit(-margins)
    is_platt = method == "platt"

    def loss(theta: Floats) -> float:
        a, b = np.exp(theta[0]), np.exp(theta[0] if is_platt else theta[1])
        z = theta[-1] + a * u + b * v
        fit = -(weights * (y * log_expit(z) + (1 - y) * log_expit(-z))).sum()
        return float(fit + RIDGE * (theta**2).sum())

    start = np.zeros(2 if is_platt else 3)
    found = minimize(loss, start, method="BFGS").x
    a, b = np.exp(found[0]), np.exp(found[0] if is_platt else found[1])
    return Calibrator(method, float(a), float(b), float(found[-1]))


def choose_calibrator(
    margins: Floats, y: Floats, weights: Floats, later: Bools
) -> tuple[Calibrator, dict[str, float]]:
    """Fit every map on the earlier part, choose by log loss on the later one, refit on both.

    Args:
        margins: raw margins of forecasts made out of time.
        y: what happened.
        weights: one a row; a lead's rows together should weigh one.
        later: marks the later part of the window.

    Returns:
        The calibrator, and each method's log loss on the later part.
    """
    losses = {}
    for method in ("identity", *METHODS):
        if _one_sided(y[~later]) or _one_sided(y[later]):
            break
        trial = fit_calibrator(method, margins[~later], y[~later], weights[~later])
        z = trial.margin(margins[later])
        row_loss = -(y[later] * log_expit(z) + (1 - y[later]) * log_expit(-z))
        losses[method] = float(np.average(row_loss, weights=weights[later]))
    if not losses:
        return IDENTITY, losses
    best = min(losses, key=lambda method: losses[method])
    return fit_calibrator(best, margins, y, weights), losses


def trust_in(window_days: int) -> float:
    """Say how far a window of so many days is followed.

    What a window shows is a lasting error of the model plus the mood of those weeks, common to all
    leads and therefore not averaged out by many of them; it fades only with more weeks.

    >>> trust_in(30)
    0.5
    """
    return window_days / (window_days + SWING_DAYS)


def _one_sided(y: Floats) -> bool:
    return len(np.unique(y)) < 2  # noqa: PLR2004 - a label has two values
