"""A logistic regression of deals won before a deadline.

How stage, amount and time left act together shows on few deals only, and trees need many for each
combination. A handful of products says it at once; trees learn what is left. The products are of
logarithms, so that a weight says by which power of the days left the odds grow.

With a weight of 0.5 on `left` and 0.3 on `size_left`, an average deal (`size` = log 1 = 0) and one
three times as large (`size` = log 3 = 1.1) gain from more time:

| days left  | left | average deal, log-odds | large deal, log-odds              |
|------------|------|------------------------|-----------------------------------|
| 7          | 1.9  | 0.5 * 1.9 = 1.0        | 1.0 + 0.3 * 1.1 * 1.9 = 1.6       |
| 30         | 3.4  | 0.5 * 3.4 = 1.7        | 1.7 + 0.3 * 1.1 * 3.4 = 2.8       |
| 90         | 4.5  | 0.5 * 4.5 = 2.2        | 2.2 + 0.3 * 1.1 * 4.5 = 3.7       |

(the weight of `size` itself is negative, so the large deal starts lower and catches up.)
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
"""The features that the regressors are made of, as far as an extract has them."""
LEAST_ROWS = 50
"""Rows without which a stage has no weights of its own."""
INVERSE_RIDGE = 0.3
"""scikit-learn's C: the smaller, the closer weights stay to 0."""
MOST_SLACK = 90.0
"""Days between the expected close and the deadline that are told apart, either way."""
MONTH = 30.0
LEAST_DAYS, LEAST_SIZE = 0.5, 0.01
"""Less time left, and a smaller share of the company's usual amount, count as these."""


@dataclass(frozen=True)
class DealRegression:
    """Log-odds to be won in time, from stage, amount, age and the time left.

    Attributes:
        stages: codes of the stages that have weights of their own.
        linear: the weights.
    """

    stages: tuple[int, ...]
    linear: Linear

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return the log-odds of rows of features of deals and deadlines."""
        return self.linear.of(regressors(X, self.stages))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"stages": list(self.stages), "linear": self.linear.to_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> DealRegression:
        """Read back what `to_json` returned."""
        return cls(tuple(plain["stages"]), Linear.from_json(plain["linear"]))


def regressors(X: pd.DataFrame, stages: tuple[int, ...]) -> pd.DataFrame:
    """Return time left, amount, age and record as regressors, and their products.

    Args:
        X: features of deals and deadlines. A column that an extract lacks is NaN, and NaN counts
            as average.
        stages: codes of the stages that have regressors of their own.
    """
    left = np.log(X[DAYS_LEFT].clip(lower=LEAST_DAYS))
    size = np.log(_optional(X, "amount_against_company").clip(lower=LEAST_SIZE))
    age = np.log1p(X["age_days"].clip(lower=0.0))
    waited = np.log1p(_optional(X, "days_in_stage").clip(lower=0.0))
    # In months: above 0 the deal is expected to close before the deadline, below 0 after it.
    slack = X[SLACK].clip(-MOST_SLACK, MOST_SLACK) / MONTH
    # People hurry before a period ends, and not before any other day.
    is_end = (X[EARLY] == 0).astype(np.float64)
    columns = {
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
        "pushed": np.log1p(_optional(X, "close_pushed_all")),
        "owner_rate": _optional(X, "owner_rate"),
    }
    for code in stages:
        here = (X["stage"] == code).astype(np.float64)
        columns |= {
            f"stage_{code}": here,
            f"stage_{code}_left": here * left,
            f"stage_{code}_size": here * size,
            f"stage_{code}_waited": here * waited,
        }
    return pd.DataFrame(columns, index=X.index)


def _optional(X: pd.DataFrame, name: str) -> pd.Series:
    """Return a column that only some extracts have, NaN where it is missing."""
    return X[name] if name in X else pd.Series(np.nan, index=X.index)


def fit_deal_regression(
    X: pd.DataFrame, y: Floats, inverse_ridge: float = INVERSE_RIDGE
) -> DealRegression:
    """Fit a ridge logistic regression to deals before deadlines.

    Args:
        X: features of deals and deadlines.
        y: 1 for the deals that were won in time, else 0.
        inverse_ridge: the smaller, the closer weights stay to 0.
    """
    codes, counts = np.unique(_optional(X, "stage").dropna().to_numpy(np.int64), return_counts=True)
    stages = tuple(int(code) for code in codes[counts >= LEAST_ROWS])
    model = LogisticRegression(C=inverse_ridge, max_iter=1000)
    return DealRegression(stages, fit_linear(model, regressors(X, stages), y))
