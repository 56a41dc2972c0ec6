"""Lots that were drawn, and each lead's score for the effect of being listed.

Each lead whose lot was drawn is one case. With a for its arm (1 listed, 0 held out), e for the
chance of "listed" that was written down at the lot, y for its outcome over the horizon, and m for
what was forecast then, its score is

    (a / e - (1 - a) / (1 - e)) * (y - m)

whose expectation over the lot is the lead's own effect of being listed, whatever m is:

    arm        e      y   m      score
    listed     0.95   1   0.2     0.84
    listed     0.95   0   0.2    -0.21
    held out   0.95   1   0.2   -16.0
    held out   0.95   0   0.2     4.0

The effect so far is the mean of the scores of all leads whose horizon is over, whichever way they
went: none counts early because it converted early.

Source: inverse probability weighting about a forecast, the augmented estimator of Robins, Rotnitzky
and Zhao, "Estimation of regression coefficients when some regressors are not always observed"
(1994), with known propensities. The forecast was made before the lot, so no cross-fitting is
needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Bools, Floats

CONVERSION, VALUE = "conversion", "value"


@dataclass(frozen=True, eq=False)
class Lots:
    """Every lot that was drawn by the moment of the question, a row for each, the oldest first.

    Attributes:
        enrolled_at: when it was drawn.
        ends_at: when its horizon is over.
        is_listed: whether it said "listed".
        propensity: the chance that it would.
        is_next: whether the lead stood next in line, and not on the list.
        p: the chance to convert that was forecast then.
        value: what the lead counted as worth then.
        converted: 1 or 0; NaN while the horizon is not over.
    """

    enrolled_at: npt.NDArray[np.datetime64]
    ends_at: npt.NDArray[np.datetime64]
    is_listed: Bools
    propensity: Floats
    is_next: Bools
    p: Floats
    value: Floats
    converted: Floats

    def __len__(self) -> int:
        """Count the lots."""
        return len(self.propensity)

    @property
    def is_mature(self) -> Bools:
        """Tell which horizons are over."""
        return np.isfinite(self.converted)

    def scores(self, outcome: str) -> Floats:
        """Return each mature lead's score for the effect on conversion, or on converted value."""
        rows = self.is_mature
        arm, chance = self.is_listed[rows], self.propensity[rows]
        weight = np.where(arm, 1 / chance, -1 / (1 - chance))
        worth = self.value[rows] if outcome == VALUE else 1.0
        return np.asarray(weight * worth * (self.converted[rows] - self.p[rows]))

    def expected_variance(self, outcome: str) -> Floats:
        """Return the variance of each mature lead's score, if it converts with the forecast chance.

        Of few held-out leads hardly any may have converted yet, and what was seen of them would
        make the interval too narrow.
        """
        rows = self.is_mature
        chance, p = self.propensity[rows], self.p[rows]
        worth = self.value[rows] if outcome == VALUE else 1.0
        return np.asarray((1 / chance + 1 / (1 - chance)) * p * (1 - p) * worth**2)
