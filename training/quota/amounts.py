"""What deals bring: of those that stand open, and of those that do not exist yet.

Both hang on the days that are left. Who has a period's end before them gives discounts; and a deal
that is opened and won within a few weeks is smaller than one that takes months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.quota.dataset import DealDeadlines, QuotaTrainingSet
from training.quota.deals import days_left

KEPT = 25
"""Quantiles a distribution of amounts is kept as."""
WITHIN = (7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 365.0)
"""Days left for which amounts are told."""
FEW_WINS = 5
"""Wins a rep needs before amounts are measured from the rep's own median."""
LEAST_WINS = 25
"""Wins that amounts for some days rest on, at least."""
DEALS_A_QUOTA = 10
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class ByDays:
    """A distribution for each number of days left.

    Attributes:
        within: days left, rising; beyond the last, the last counts.
        levels: for each of them equally likely values, equally many.
    """

    within: tuple[float, ...] = (1.0,)
    levels: tuple[tuple[float, ...], ...] = ((1.0,),)

    def at(self, days: Floats) -> Floats:
        """Give the values for so many days left, days x values."""
        last = len(self.within) - 1
        place = np.minimum(np.searchsorted(np.array(self.within), days), last)
        return np.array(self.levels)[place]

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {"within": list(self.within), "levels": [list(told) for told in self.levels]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> ByDays:
        """Read back what `to_json` gave."""
        return cls(tuple(plain["within"]), tuple(tuple(told) for told in plain["levels"]))


@dataclass(frozen=True)
class Amounts:
    """What deals are worth in the end.

    Attributes:
        ratio: final amount over the amount seen while open.
        size: amounts of wins that are opened and won within the days left, over the rep's own
            median win.
        typical: the company's median win, where a rep has none.
        paid: share of wins that have an amount; one without brings nothing.
    """

    ratio: ByDays = ByDays()
    size: ByDays = ByDays()
    typical: float = 1.0
    paid: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "ratio": self.ratio.to_json(),
            "size": self.size.to_json(),
            "typical": self.typical,
            "paid": self.paid,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Amounts:
        """Read back what `to_json` gave."""
        ratio, size = (ByDays.from_json(plain[name]) for name in ("ratio", "size"))
        return cls(ratio, size, plain["typical"], plain["paid"])


def learn_amounts(lesson: QuotaTrainingSet, claims: DealDeadlines) -> Amounts:
    """Learn what wins bring: all of them, also deals that are entered when they are won.

    Amounts of 0 or less (credit notes) count where they have happened or stand open, as they are;
    new ones are not expected.

    Args:
        lesson: what is known.
        claims: all open deals beside the reps they may count for.
    """
    ratio = final_over_seen(_won_in_time(lesson, claims))
    paid = lesson.won[lesson.won["amount"] > 0]
    if not len(paid):
        return Amounts(ratio, typical=_without_wins(lesson))
    typical = float(paid["amount"].median())
    return Amounts(ratio, new_sizes(paid), typical, len(paid) / len(lesson.won))


def _won_in_time(lesson: QuotaTrainingSet, claims: DealDeadlines) -> pd.DataFrame:
    """Give the claims that came true: `deal_id, days_left, seen, final`, amounts above 0."""
    ripe = claims.take(claims.deadline <= np.datetime64(lesson.until, "us"))
    endings = lesson.endings.iloc[ripe.deal].reset_index(drop=True)
    keys = lesson.deals.keys[["deal_id", "amount"]].iloc[ripe.deal].reset_index(drop=True)
    told = keys.rename(columns={"amount": "seen"}).assign(
        final=endings["amount"], days_left=days_left(lesson.deals, ripe)
    )
    in_time = endings["closed_at"].to_numpy("datetime64[us]") < ripe.deadline
    paid = (told["seen"] > 0) & (told["final"] > 0)
    return told[(endings["outcome"] == 1) & in_time & paid]


def final_over_seen(won: pd.DataFrame) -> ByDays:
    """Learn final amounts over amounts seen while open, by the days that were left then.

    Args:
        won: deals won in time as they were seen: `deal_id, days_left, seen, final`.
    """
    if won.empty:
        return ByDays()
    ratio = (won["final"] / won["seen"]).to_numpy(np.float64)
    place = np.minimum(np.searchsorted(np.array(WITHIN), won["days_left"]), len(WITHIN) - 1)
    deals = won["deal_id"].groupby(place).nunique()
    told = {
        WITHIN[k]: spread_evenly(ratio[place == k]) for k in deals.index[deals >= LEAST_WINS]
    } or {WITHIN[-1]: spread_evenly(ratio)}
    return ByDays(tuple(told), tuple(told.values()))


def new_sizes(paid: pd.DataFrame) -> ByDays:
    """Learn the amounts of deals that are opened and won within so many days.

    Of deals opened evenly over d days, those that take t days are won in time with the chance
    1 - t / d: that is their weight. Amounts are over the rep's median, as a usual win is one.

    Args:
        paid: all wins that brought an amount: `rep_id, created_at, closed_at, amount`.
    """
    logs = np.log(paid["amount"])
    own = logs.groupby(paid["rep_id"]).transform("median")
    count = logs.groupby(paid["rep_id"]).transform("count")
    size = np.exp(logs - np.where(count >= FEW_WINS, own, logs.median())).to_numpy(np.float64)
    taken = (paid["closed_at"] - paid["created_at"]).dt.total_seconds().to_numpy(np.float64)
    days = np.maximum(taken / DAY_SECONDS, 0.0)
    told = {}
    for within in WITHIN:
        weights = np.maximum(1 - days / within, 0.0)
        square = float((weights**2).sum())
        # So many wins of equal weight would say as much (Kish 1965).
        if square > 0 and float(weights.sum()) ** 2 / square >= LEAST_WINS:
            told[within] = spread_evenly(size, weights)
    told = told or {WITHIN[-1]: spread_evenly(size)}
    return ByDays(tuple(told), tuple(told.values()))


def spread_evenly(values: Floats, weights: Floats | None = None) -> tuple[float, ...]:
    """Keep evenly spaced quantiles of (weighted) values, as data for a bundle."""
    places = (np.arange(KEPT) + 0.5) / KEPT
    if weights is None:
        found = np.quantile(values, places)
    else:
        order = np.argsort(values, kind="stable")
        middle = np.cumsum(weights[order]) - weights[order] / 2
        found = np.interp(places, middle / weights.sum(), values[order])
    return tuple(float(v) for v in np.round(found, 9))


def _without_wins(lesson: QuotaTrainingSet) -> float:
    """Guess a usual win: an open deal's amount, else a quota that ten deals make."""
    amounts, quotas = lesson.deals.keys["amount"], lesson.reps.X["quota"]
    open_, asked = amounts[amounts > 0].median(), quotas[quotas > 0].median()
    return float(open_) if open_ > 0 else float(asked) / DEALS_A_QUOTA if asked > 0 else 1.0
