"""New business: deals that do not exist yet and will be won before the period ends, for each rep.

A Poisson regression with a log link (scikit-learn's `PoissonRegressor`) on a handful of a rep's
figures: there are few reps and few periods, and trees would learn them by heart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from features.arrays import Floats
from training.estimators.linear import Linear, fit_linear
from training.quota.dataset import QuotaTrainingSet

RIDGE = 0.001
LEAST_WINS = 20
"""New wins in ended periods without which nothing is learned."""
BEYOND = 2.0
"""Times the most wins ever seen: far from the usual figures a log link runs away."""
BELIEF = 0.5
"""Periods at the usual pace that a rep's own pace starts from, where nothing was learned."""


READ = (
    *("days_left", "conversions_30d", "conversions_90d", "open_leads", "leads_90d"),
    *("created_90d", "lead_rate", "win_rate", "pace_won_180d", "tenure_days", "has_left"),
)
"""The features of reps that new business is expected from."""


@dataclass(frozen=True)
class NewBusiness:
    """Expected wins still to be created.

    Attributes:
        linear: log expected wins; None where there was too little to learn from.
        most: no rep is expected to win more.
    """

    linear: Linear | None = None
    most: float = 0.0

    def expected(self, X: pd.DataFrame) -> Floats | None:
        """Return the wins each rep may expect from deals that do not exist yet.

        Args:
            X: features of reps. Those who have left win nothing more.

        Returns:
            One number a row; None where nothing was learned.
        """
        if self.linear is None:
            return None
        wins = np.exp(self.linear.of(figures(X)))
        return np.where(X["has_left"].to_numpy() > 0, 0.0, np.minimum(wins, self.most))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"linear": None if self.linear is None else self.linear.to_json(), "most": self.most}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NewBusiness:
        """Read back what `to_json` returned."""
        linear = plain["linear"]
        return cls(None if linear is None else Linear.from_json(linear), plain["most"])


def figures(X: pd.DataFrame) -> pd.DataFrame:
    """Return what new business is expected from: time left, leads, work done, and own record.

    With a log link a weight on a logarithm is a power: `log_days` at weight 1 says that twice the
    time means twice the wins. The three further terms of time let that bend where deals need weeks
    to close. Rates and counts near 0 are cut off, since their logarithm would have no end.
    """
    days = X["days_left"].clip(lower=0.5)
    logs = {
        "log_days": np.log(days),
        "log_days_squared": np.log(days) ** 2,
        "months": days / 30,
        "late_months": np.maximum(days - 30, 0) / 30,
        "conversions_30d": np.log1p(X["conversions_30d"]),
        "conversions_90d": np.log1p(X["conversions_90d"]),
        "open_leads": np.log1p(X["open_leads"]),
        "leads_90d": np.log1p(X["leads_90d"]),
        "created_90d": np.log1p(X["created_90d"]),
        "lead_rate": np.log(X["lead_rate"].clip(lower=0.005)),
        "win_rate": np.log(X["win_rate"].clip(lower=0.02)),
        "pace": np.log(X["pace_won_180d"].clip(lower=0.003)),
        "tenure": np.log1p(X["tenure_days"].clip(lower=0)).clip(upper=6.0),
    }
    return pd.DataFrame(logs, index=X.index)


def fit_new_business(training_set: QuotaTrainingSet, end: pd.Timestamp) -> NewBusiness:
    """Fit to the cutoffs of all periods that ended by `end`, of reps who had not left.

    Args:
        training_set: what is known.
        end: the end of the last period to learn from.
    """
    keys, X = training_set.reps.keys, training_set.reps.X
    wins = training_set.parts["created_later_deals"].to_numpy(np.float64)
    here = X["has_left"].to_numpy() == 0
    used = (keys["period_end"] <= end).to_numpy() & ~np.isnan(wins) & here
    if not used.any():
        return NewBusiness()
    # At a period's first cutoff most of its wins are still to come: the largest of a rep's counts.
    counts = keys.loc[used].assign(wins=wins[used])
    total = counts.groupby(["rep_id", "period_end"])["wins"].max().sum()
    if total < LEAST_WINS:
        return NewBusiness()
    model = PoissonRegressor(alpha=RIDGE, max_iter=1000)
    linear = fit_linear(model, figures(X[used]), wins[used])
    return NewBusiness(linear, BEYOND * float(wins[used].max()))


def even_pace(X: pd.DataFrame, from_open: Floats) -> Floats:
    """Fallback: the pace so far in the period, kept up, less what open deals are likely to bring.

    The pace starts from half an imagined period at the usual pace: that which would attain what the
    company attained in earlier periods, or the whole quota if nobody ever sold anything. So a quota
    is believed until something has happened. With a quota of 100, 90 days and no open deals:

    | days gone | attained | usual  | pace a day               | still to come |
    |-----------|----------|--------|--------------------------|---------------|
    | 0         | 0        | 100 %  | (0 + 50) / 45     = 1.1  | 90 * 1.1 = 100|
    | 0         | 0        | 50 %   | (0 + 25) / 45     = 0.56 | 90 * 0.56 = 50|
    | 45        | 100      | 100 %  | (100 + 50) / 90   = 1.7  | 45 * 1.7 = 75 |

    Args:
        X: features of reps.
        from_open: the amount each rep's open deals are likely to bring.

    Returns:
        The amount each rep may expect from deals that do not exist yet.
    """
    level = X["company_past_attainment"].where(X["company_past_attainment"] > 0, 1.0)
    days = X["period_days"].to_numpy(np.float64)
    left = X["days_left"].to_numpy(np.float64)
    usual = X["quota"].clip(lower=0.0).to_numpy(np.float64) * level.to_numpy(np.float64)
    attained = X["attained"].to_numpy(np.float64)
    pace = (attained + BELIEF * usual) / (days - left + BELIEF * days)
    return np.asarray(np.maximum(pace * left - from_open, 0.0))
