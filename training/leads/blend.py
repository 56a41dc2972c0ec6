"""Trees and a regression whose log-odds are averaged, and the working time ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.definitions.time_ahead import DAYS_AHEAD
from training.estimators.boosting import Ensemble
from training.estimators.regression import FeatureRegression
from training.leads.exposure import Exposure


@dataclass(frozen=True)
class Blend:
    """The uncalibrated lead model: half the log-odds are the trees', half the regression's.

    Attributes:
        trees: boosted trees of the features.
        level: log-odds that the trees are added to.
        regression: linear in the same features.
        exposure: what the working time ahead adds.
    """

    trees: Ensemble
    level: float
    regression: FeatureRegression
    exposure: Exposure

    @property
    def used(self) -> frozenset[str]:
        """The features that the trees split on or the regression weighs, and the days ahead."""
        return self.trees.used | self.regression.used | {DAYS_AHEAD}

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return log-odds, one per row."""
        trees = self.level + self.trees.margins(X)
        return (trees + self.regression.margins(X)) / 2 + self.exposure.offsets(X)

    def seed_spread(self, X: pd.DataFrame) -> Floats | None:
        """Return by how much each row's log-odds would move if trees had grown from other seeds.

        The standard error of the mean over the boosters, half of which is the blend's: they differ
        in their seeds alone, as two trainings on the same past do.

        Returns:
            One standard deviation a row; None with a single booster, which shows none.
        """
        margins = self.trees.margins_of_each(X)
        if len(margins) < 2:  # noqa: PLR2004 - a spread needs two
            return None
        spread: Floats = np.std(margins, axis=0, ddof=1) / (2 * len(margins) ** 0.5)
        return spread

    def contributions(self, X: pd.DataFrame) -> Floats:
        """Split each margin into features: rows x (features + 1), the base in the last column.

        Shapley values of a sum are the sums of the Shapley values: each half adds half its own.

        Args:
            X: features; where the working days ahead are among them, they come last.
        """
        halves = (self.trees.contributions(X) + self.regression.contributions(X)) / 2
        halves[:, -1] += self.level / 2
        if DAYS_AHEAD not in X:
            return halves
        return np.insert(halves, -1, self.exposure.offsets(X), axis=1)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the trees as plain values."""
        return {
            "columns": list(self.trees.columns),
            "level": self.level,
            "regression": self.regression.to_json(),
            "usual_working_days": self.exposure.usual,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: tuple[str, ...]) -> Blend:
        """Read back what `to_json` returned, with the trees' texts."""
        return cls(
            Ensemble(texts, tuple(plain["columns"])),
            plain["level"],
            FeatureRegression.from_json(plain["regression"]),
            Exposure(plain["usual_working_days"]),
        )
