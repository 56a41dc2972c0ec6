"""Trees and a regression whose log-odds are averaged."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from features.arrays import Floats
from training.estimators.boosting import Ensemble
from training.leads.regression import LeadRegression


@dataclass(frozen=True)
class Blend:
    """The uncalibrated lead model: half the log-odds are the trees', half the regression's.

    Attributes:
        trees: boosted trees of the features.
        regression: linear in the same features.
    """

    trees: Ensemble
    regression: LeadRegression

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return log-odds, one per row."""
        return (self.trees.margins(X) + self.regression.margins(X)) / 2

    def contributions(self, X: pd.DataFrame) -> Floats:
        """Split each margin into features: rows x (features + 1), the base in the last column.

        Shapley values of a sum are the sums of the Shapley values: each half adds half its own.
        """
        return (self.trees.contributions(X) + self.regression.contributions(X)) / 2
