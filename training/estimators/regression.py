"""A logistic regression of the features, averaged with the trees.

Trees that each see a fifth of the features, one of which says most, depend on the luck of their
seeds; a regression does not, and it bends less where leads are few. The average of both log-odds
is steadier than either (see "A regression beside the lead model's trees" in DESIGN.md).

A number enters as log(1 + |value|) with its sign, which shortens the tails of counts and ages, and
with a second regressor that says whether it is missing; a category enters with one regressor for
each of its codes that is frequent enough:

| feature         | value | regressors                                     |
|-----------------|-------|------------------------------------------------|
| touches_7d      | 3     | touches_7d = 1.39; touches_7d:missing = 0      |
| days_since_call | NaN   | NaN, which counts as the average; :missing = 1 |
| source          | 2     | source:0 = 0; source:1 = 0; source:2 = 1       |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.estimators.linear import Linear, RidgeLogistic, fit_linear

INVERSE_RIDGE = 0.05
"""The smaller, the closer weights stay to 0; scikit-learn calls it C."""
LEAST_ROWS = 20
"""Rows without which a code has no regressor of its own."""
MOST_ROWS = 60_000
"""Rows it learns from, at most: more change it little and cost much."""
SEED = 11
MISSING = "missing"


@dataclass(frozen=True)
class FeatureRegression:
    """Log-odds to convert, linear in the features' regressors.

    Attributes:
        columns: the features in use.
        codes: of each categorical feature, the codes that have a regressor.
        linear: the weights.
    """

    columns: tuple[str, ...]
    codes: Mapping[str, tuple[int, ...]]
    linear: Linear

    @property
    def used(self) -> frozenset[str]:
        """The features behind the regressors that have a weight."""
        weights = zip(self.linear.names, self.linear.weights, strict=True)
        return frozenset(feature_of(name) for name, weight in weights if weight != 0)

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return the log-odds of rows of features."""
        return self.linear.of(regressors(X, self.columns, self.codes))

    def contributions(self, X: pd.DataFrame) -> Floats:
        """Split each margin into features: rows x (features + 1), the base in the last column.

        Of a linear model these are its Shapley values with respect to the average row: weight
        times the distance from the mean (Lundberg and Lee 2017, corollary 1).
        """
        parts = self.linear.parts(regressors(X, self.columns, self.codes))
        place = {name: at for at, name in enumerate(self.columns)}
        made = np.zeros((len(X), len(self.columns) + 1))
        for regressor, part in zip(self.linear.names, parts.T, strict=True):
            made[:, place[feature_of(regressor)]] += part
        made[:, -1] = self.linear.intercept
        return made

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "columns": list(self.columns),
            "codes": {name: list(codes) for name, codes in self.codes.items()},
            "linear": self.linear.to_json(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> FeatureRegression:
        """Read back what `to_json` returned."""
        codes = {name: tuple(codes) for name, codes in plain["codes"].items()}
        return cls(tuple(plain["columns"]), codes, Linear.from_json(plain["linear"]))


def feature_of(regressor: str) -> str:
    """Return the feature a regressor is made of.

    >>> feature_of("source:2"), feature_of("touches_7d:missing"), feature_of("touches_7d")
    ('source', 'touches_7d', 'touches_7d')
    """
    return regressor.rsplit(":", 1)[0] if ":" in regressor else regressor


def regressors(
    X: pd.DataFrame, columns: Sequence[str], codes: Mapping[str, tuple[int, ...]]
) -> pd.DataFrame:
    """Return the regressors of features: logarithms of numbers, and indicators.

    Args:
        X: features.
        columns: the features in use.
        codes: of each categorical feature, the codes that have a regressor.
    """
    made: dict[str, Floats] = {}
    for name in columns:
        values = X[name].to_numpy(np.float64)
        if name in codes:
            made |= {f"{name}:{code}": (values == code).astype(np.float64) for code in codes[name]}
        else:
            made[name] = np.sign(values) * np.log1p(np.abs(values))
            made[f"{name}:{MISSING}"] = np.isnan(values).astype(np.float64)
    return pd.DataFrame(made, index=X.index)


def fit_regression(
    X: pd.DataFrame,
    y: Floats,
    categorical: Sequence[str],
    offset: Floats,
    inverse_ridge: float = INVERSE_RIDGE,
) -> FeatureRegression:
    """Fit a ridge logistic regression to leads at cutoffs.

    Args:
        X: features; missing values are allowed.
        y: 1 for the leads that converted in time, else 0; both must occur.
        categorical: the columns that hold categories.
        offset: log-odds that are added to what the regression says, one a row.
        inverse_ridge: the smaller, the closer weights stay to 0.
    """
    if len(X) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(SEED).choice(len(X), MOST_ROWS, replace=False))
        X, y, offset = X.iloc[rows], y[rows], offset[rows]
    columns = tuple(str(name) for name in X.columns)
    codes = {name: _frequent(X[name]) for name in columns if name in categorical}
    model = RidgeLogistic(inverse_ridge, offset)
    return FeatureRegression(columns, codes, fit_linear(model, regressors(X, columns, codes), y))


def _frequent(column: pd.Series) -> tuple[int, ...]:
    codes, counts = np.unique(column.dropna().to_numpy(np.int64), return_counts=True)
    return tuple(int(code) for code in codes[counts >= LEAST_ROWS])
