"""How many deals that do not exist yet will be won before the period ends, for each rep.

A Poisson regression with a log link (sklearn's `PoissonRegressor`) on a handful of a rep's figures:
there are few reps and few periods, and trees would learn them by heart.
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
"""Wins of this kind without which there is nothing to learn."""
BEYOND = 2.0
"""Times the most wins that were ever seen: where figures lie far out, a log link runs away."""
BELIEF = 0.5
"""Periods at the usual pace that a rep's own pace starts from, where nothing was learned."""


@dataclass(frozen=True)
class NewBusiness:
    """Expected wins still to be created.

    Attributes:
        linear: log expected wins. None: there was too little to learn from.
        most: no rep is expected to win more than that.
    """

    linear: Linear | None = None
    most: float = 0.0

    def expected(self, X: pd.DataFrame) -> Floats | None:
        """Give the wins to be expected from deals that do not exist yet; None if not learned."""
        if self.linear is None:
            return None
        wins = np.exp(self.linear.of(figures(X)))
        return np.where(X["has_left"].to_numpy() > 0, 0.0, np.minimum(wins, self.most))

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {"linear": None if self.linear is None else self.linear.to_json(), "most": self.most}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NewBusiness:
        """Read back what `to_json` gave."""
        told = plain["linear"]
        return cls(None if told is None else Linear.from_json(told), plain["most"])


def figures(X: pd.DataFrame) -> pd.DataFrame:
    """Give what new business is expected from: time left, leads, work done, and the own record."""
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


def fit_new_business(lesson: QuotaTrainingSet, end: pd.Timestamp) -> NewBusiness:
    """Fit on all periods that ended by `end`."""
    keys, X = lesson.reps.keys, lesson.reps.X
    wins = lesson.parts["created_later_deals"].to_numpy(np.float64)
    here = X["has_left"].to_numpy() == 0
    used = (keys["period_end"] <= end).to_numpy() & ~np.isnan(wins) & here
    if not used.any():
        return NewBusiness()
    first_of_period = lesson.reps.keys.loc[used].assign(wins=wins[used])
    found = first_of_period.groupby(["rep_id", "period_end"])["wins"].max().sum()
    if found < LEAST_WINS:
        return NewBusiness()
    model = PoissonRegressor(alpha=RIDGE, max_iter=1000)
    linear = fit_linear(model, figures(X[used]), wins[used])
    return NewBusiness(linear, BEYOND * float(wins[used].max()))


def even_pace(X: pd.DataFrame, from_open: Floats) -> Floats:
    """Give the amount of new business to expect where there is no past to learn it from.

    The pace so far in the period, begun with half a period at the pace that would attain what the
    company did in earlier periods (the whole quota, if nobody ever sold anything): before anything
    has happened, a quota is believed. What open deals are likely to bring is part of that pace.
    """
    level = X["company_past_attainment"].where(X["company_past_attainment"] > 0, 1.0)
    days = X["period_days"].to_numpy(np.float64)
    left = X["days_left"].to_numpy(np.float64)
    usual = X["quota"].clip(lower=0.0).to_numpy(np.float64) * level.to_numpy(np.float64)
    so_far = X["attained"].to_numpy(np.float64)
    pace = (so_far + BELIEF * usual) / (days - left + BELIEF * days)
    return np.asarray(np.maximum(pace * left - from_open, 0.0))
