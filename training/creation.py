"""How many deals that do not exist yet will be won before the period ends, for each rep.

A Poisson regression with a log link (sklearn's `PoissonRegressor`) on a handful of a rep's figures:
there are few reps and few periods, and trees would learn them by heart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import PoissonRegressor
from threadpoolctl import threadpool_limits

from training.quota_lesson import QuotaLesson

Floats = npt.NDArray[np.float64]
RIDGE = 0.003
LEAST_WINS = 20
"""Wins of this kind without which there is nothing to learn."""
BEYOND = 2.0
"""Times the most wins that were ever seen: where figures lie far out, a log link runs away."""
BELIEF = 0.5
"""Periods at the usual pace that a rep's own pace starts from, where nothing was learned."""
FLAT = 1e-9
"""A figure that varies less tells nobody apart."""
FAR = 4.0
"""Standard deviations beyond which a rep is not told apart further."""


@dataclass(frozen=True)
class Creation:
    """Expected wins still to be created.

    Attributes:
        names: figures in use.
        mean: of each figure in training.
        scale: standard deviation of each.
        weights: of the standardised figures, in log expected wins.
        intercept: log expected wins of the average rep. None: there was too little to learn from.
        most: no rep is expected to win more than that.
    """

    names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    intercept: float | None = None
    most: float = 0.0

    def expected(self, X: pd.DataFrame) -> Floats | None:
        """Give the wins to be expected from deals that do not exist yet; None if not learned."""
        if self.intercept is None:
            return None
        z = standard(figures(X)[list(self.names)], np.array(self.mean), np.array(self.scale))
        # Not BLAS, whose threads may add up in another order on another machine.
        wins = np.exp(self.intercept + (z * np.array(self.weights)).sum(axis=1))
        return np.where(X["has_left"].to_numpy() > 0, 0.0, np.minimum(wins, self.most))

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Creation:
        """Read back what `to_json` gave."""
        return cls(
            names=tuple(plain["names"]),
            mean=tuple(plain["mean"]),
            scale=tuple(plain["scale"]),
            weights=tuple(plain["weights"]),
            intercept=plain["intercept"],
            most=plain["most"],
        )


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


def standard(frame: pd.DataFrame, mean: Floats, scale: Floats) -> Floats:
    """Standardise; an unknown figure counts as average."""
    z = (frame.to_numpy(np.float64) - mean) / scale
    return np.clip(np.nan_to_num(z, nan=0.0), -FAR, FAR)


def fit_creation(lesson: QuotaLesson, end: pd.Timestamp) -> Creation:
    """Fit on all periods that ended by `end`."""
    keys, X = lesson.reps.keys, lesson.reps.X
    wins = lesson.parts["created_later_deals"].to_numpy(np.float64)
    here = X["has_left"].to_numpy() == 0
    used = (keys["period_end"] <= end).to_numpy() & ~np.isnan(wins) & here
    if not used.any():
        return Creation()
    first_of_period = lesson.reps.keys.loc[used].assign(wins=wins[used])
    found = first_of_period.groupby(["rep_id", "period_end"])["wins"].max().sum()
    if found < LEAST_WINS:
        return Creation()
    told = figures(X[used])
    mean, scale = told.mean().to_numpy(), told.std(ddof=0).to_numpy()
    kept = np.flatnonzero(scale > FLAT)
    names = [str(told.columns[int(k)]) for k in kept]
    z = standard(told[names], mean[kept], scale[kept])
    # One thread, so that sums are made in one order and the same past gives the same bits.
    with threadpool_limits(1):
        fitted = PoissonRegressor(alpha=RIDGE, max_iter=1000).fit(z, wins[used])
    return Creation(
        tuple(names),
        tuple(map(float, mean[kept])),
        tuple(map(float, scale[kept])),
        tuple(map(float, fitted.coef_)),
        float(fitted.intercept_),
        BEYOND * float(wins[used].max()),
    )


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
