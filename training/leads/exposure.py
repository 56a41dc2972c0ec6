"""Working time ahead as exposure: with half the working days, half as much happens.

Holidays and slow weeks are too few to be learned: a model of two years has seen two of each. So
their effect is not learned but fixed: the log-odds rise by the logarithm of the working days ahead
over the usual ones. As an offset this is standard for rates (McCullagh & Nelder, Generalized Linear
Models, 1989, ch. 6); for chances it holds while they are small.

| working days ahead | usual | log-odds | a chance of 6 % becomes |
|--------------------|-------|----------|-------------------------|
| 21                 | 21    | 0        | 6 %                     |
| 18                 | 21    | -0.15    | 5.2 %                   |
| 10.5               | 21    | -0.69    | 3.1 %                   |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.definitions.time_ahead import DAYS_AHEAD

LEAST_DAYS = 0.5
"""Fewer working days count as so many: something can happen on any day."""


@dataclass(frozen=True)
class Exposure:
    """What working time ahead adds to log-odds.

    Attributes:
        usual: the working days at which it adds nothing.
    """

    usual: float = 1.0

    @classmethod
    def usual_in(cls, X: pd.DataFrame) -> Exposure:
        """Return the exposure that adds nothing to some rows on average.

        Args:
            X: features; where `working_days_ahead` is left out, nothing is ever added.
        """
        if DAYS_AHEAD not in X or not len(X):
            return cls()
        return cls(float(np.exp(cls().offsets(X).mean())))

    def offsets(self, X: pd.DataFrame) -> Floats:
        """Return what is added to each row's log-odds; nothing where the days are not known."""
        if DAYS_AHEAD not in X:
            return np.zeros(len(X))
        days = X[DAYS_AHEAD].fillna(self.usual).to_numpy(np.float64)
        return np.asarray(np.log(np.maximum(days, LEAST_DAYS) / self.usual))
