"""How open deals close with time: a logistic regression that knows what a deadline is.

Few deals tell how stage, amount and time left act together, and trees need many for each
combination. A handful of products says it at once; trees learn what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from features.arrays import Floats
from training.estimators.linear import Linear, fit_linear

DAYS_LEFT, SLACK, AGE_THEN = "days_to_deadline", "deadline_after_expected_close", "age_at_deadline"
EARLY = "deadline_before_period_end"
COLUMNS = frozenset(
    {
        DAYS_LEFT,
        SLACK,
        EARLY,
        "amount_against_company",
        "age_days",
        "days_in_stage",
        "close_pushed_all",
        "owner_rate",
        "stage",
    }
)
"""What the figures are made of, as far as there is such a column."""
LEAST_ROWS = 50
"""Rows in a stage without which it is not told apart."""
INVERSE_RIDGE = 0.3
MOST_SLACK = 90.0
MONTH = 30.0


@dataclass(frozen=True)
class DealRegression:
    """Log-odds to be won in time, from stage, amount, age and the time left.

    Attributes:
        stages: codes of stages that are told apart.
        linear: weights.
    """

    stages: tuple[int, ...]
    linear: Linear

    def margins(self, X: pd.DataFrame) -> Floats:
        """Forecast log-odds of rows of features of deals and deadlines."""
        return self.linear.of(regression_figures(X, self.stages))

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {"stages": list(self.stages), "linear": self.linear.to_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> DealRegression:
        """Read back what `to_json` gave."""
        return cls(tuple(plain["stages"]), Linear.from_json(plain["linear"]))


def regression_figures(X: pd.DataFrame, stages: tuple[int, ...]) -> pd.DataFrame:
    """Give time left, amount, age and record, and how they act together."""
    left = np.log(X[DAYS_LEFT].clip(lower=0.5))
    size = np.log(_told(X, "amount_against_company").clip(lower=0.01))
    age = np.log1p(X["age_days"].clip(lower=0.0))
    waited = np.log1p(_told(X, "days_in_stage").clip(lower=0.0))
    slack = X[SLACK].clip(-MOST_SLACK, MOST_SLACK) / MONTH
    is_end = (X[EARLY] == 0).astype(np.float64)
    figures = {
        "left": left,
        "left_squared": left**2,
        "size": size,
        "size_squared": size**2,
        "size_left": size * left,
        "age": age,
        "age_left": age * left,
        "waited": waited,
        "slack": slack,
        "late": slack.clip(lower=0.0),
        "early": X[EARLY] / MONTH,
        "is_end": is_end,
        "is_end_left": is_end * left,
        "pushed": np.log1p(_told(X, "close_pushed_all")),
        "owner_rate": _told(X, "owner_rate"),
    }
    for code in stages:
        here = (X["stage"] == code).astype(np.float64)
        figures |= {
            f"stage_{code}": here,
            f"stage_{code}_left": here * left,
            f"stage_{code}_size": here * size,
            f"stage_{code}_waited": here * waited,
        }
    return pd.DataFrame(figures, index=X.index)


def _told(X: pd.DataFrame, name: str) -> pd.Series:
    """Give a column that only some extracts have."""
    return X[name] if name in X else pd.Series(np.nan, index=X.index)


def fit_deal_regression(X: pd.DataFrame, y: Floats) -> DealRegression:
    """Fit to deals before deadlines, 1 for those won in time."""
    codes, counts = np.unique(_told(X, "stage").dropna().to_numpy(np.int64), return_counts=True)
    stages = tuple(int(code) for code in codes[counts >= LEAST_ROWS])
    model = LogisticRegression(C=INVERSE_RIDGE, max_iter=1000)
    return DealRegression(stages, fit_linear(model, regression_figures(X, stages), y))
