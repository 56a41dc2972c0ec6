"""The amounts that deals bring: those that are open, and those that do not exist yet.

Both depend on the days that are left. Reps close to a period's end give discounts; and a deal that
is opened and won within a few weeks is smaller than one that takes months.
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
"""Quantiles that a distribution of amounts is kept as."""
WITHIN = (7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 365.0)
"""Days left that have distributions of their own; beyond the last, the last counts."""
FEW_WINS = 5
"""Wins a rep needs before amounts are compared with the rep's own median."""
LEAST_WINS = 25
"""Wins that the distribution for some days left rests on, at least."""
DEALS_A_QUOTA = 10
"""Wins that make a quota, where no amount was ever seen."""
DIGITS = 9
"""Decimals that quantiles are kept with."""
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class ByDays:
    """A distribution for each number of days left.

    Attributes:
        within: days left, rising; each distribution serves up to its days, the last one beyond too.
        levels: for each of them equally likely values, equally many.
    """

    within: tuple[float, ...] = (1.0,)
    levels: tuple[tuple[float, ...], ...] = ((1.0,),)

    def at(self, days: Floats) -> Floats:
        """Return the values for so many days left, days x values.

        With `within` of 7 and 30 days:

        | days left | distribution |
        |-----------|--------------|
        | 7         | of 7 days    |
        | 7.5       | of 30 days   |
        | 400       | of 30 days   |
        """
        last = len(self.within) - 1
        place = np.minimum(np.searchsorted(np.array(self.within), days), last)
        return np.array(self.levels)[place]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"within": list(self.within), "levels": [list(values) for values in self.levels]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> ByDays:
        """Read back what `to_json` returned."""
        return cls(tuple(plain["within"]), tuple(tuple(values) for values in plain["levels"]))


@dataclass(frozen=True)
class Amounts:
    """What deals are worth in the end.

    Attributes:
        ratio: final amount over the amount seen while open, by the days left then.
        size: amount over the rep's own median win, of deals opened and won within the days left.
        typical: the company's median win, for reps without one.
        paid: share of wins that have an amount; one without brings nothing.
    """

    ratio: ByDays = ByDays()
    size: ByDays = ByDays()
    typical: float = 1.0
    paid: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "ratio": self.ratio.to_json(),
            "size": self.size.to_json(),
            "typical": self.typical,
            "paid": self.paid,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Amounts:
        """Read back what `to_json` returned."""
        ratio, size = (ByDays.from_json(plain[name]) for name in ("ratio", "size"))
        return cls(ratio, size, plain["typical"], plain["paid"])


def learn_amounts(training_set: QuotaTrainingSet, deadlines: DealDeadlines) -> Amounts:
    """Learn what wins bring, also those of deals that are entered only when they are won.

    Amounts of 0 or less (credit notes) count as they are where they have happened or stand open.
    New ones are not expected.

    Args:
        training_set: what is known.
        deadlines: all open deals beside the reps' rows they may count for.
    """
    ratio = final_over_seen(_won_in_time(training_set, deadlines))
    paid = training_set.won[training_set.won["amount"] > 0]
    if not len(paid):
        return Amounts(ratio, typical=_without_wins(training_set))
    typical = float(paid["amount"].median())
    return Amounts(ratio, new_sizes(paid), typical, len(paid) / len(training_set.won))


def _won_in_time(training_set: QuotaTrainingSet, deadlines: DealDeadlines) -> pd.DataFrame:
    """Return the deals won before their deadline: `deal_id, days_left, seen, final`.

    Both amounts, the one seen while open and the final one, are above 0.
    """
    mature = deadlines.take(deadlines.deadline <= np.datetime64(training_set.until, "us"))
    endings = training_set.endings.iloc[mature.deal].reset_index(drop=True)
    keys = training_set.deals.keys[["deal_id", "amount"]]
    keys = keys.iloc[mature.deal].reset_index(drop=True)
    rows = keys.rename(columns={"amount": "seen"}).assign(
        final=endings["amount"], days_left=days_left(training_set.deals, mature)
    )
    in_time = endings["closed_at"].to_numpy("datetime64[us]") < mature.deadline
    paid = (rows["seen"] > 0) & (rows["final"] > 0)
    return rows[(endings["outcome"] == 1) & in_time & paid]


def final_over_seen(won: pd.DataFrame) -> ByDays:
    """Learn the final amount over the amount seen while open, by the days that were left then.

    Days left with fewer than 25 deals have no distribution of their own; the next longer one that
    has enough serves them. Where none has enough, one distribution of all rows serves all days.

    Args:
        won: deals won in time as they were seen: `deal_id, days_left, seen, final`.
    """
    if won.empty:
        return ByDays()
    ratio = (won["final"] / won["seen"]).to_numpy(np.float64)
    place = np.minimum(np.searchsorted(np.array(WITHIN), won["days_left"]), len(WITHIN) - 1)
    deals = won["deal_id"].groupby(place).nunique()
    levels = {
        WITHIN[k]: spread_evenly(ratio[place == k]) for k in deals.index[deals >= LEAST_WINS]
    } or {WITHIN[-1]: spread_evenly(ratio)}
    return ByDays(tuple(levels), tuple(levels.values()))


def new_sizes(paid: pd.DataFrame) -> ByDays:
    """Learn the amounts of deals that are opened and won within so many days.

    A rep with d days left opens deals evenly over them. A deal that takes t days is won in time if
    it is opened in the first d - t of them, so its chance, and its weight here, is 1 - t / d. With
    30 days left:

    | the win took | weight           |
    |--------------|------------------|
    | 0 days       | 1 - 0 / 30  = 1  |
    | 15 days      | 1 - 15 / 30 = 0.5|
    | 40 days      | 0: never in time |

    Amounts are divided by the rep's median, since a new win is counted in usual wins. A rep
    with fewer than five wins counts with the company's median.

    Args:
        paid: all wins that brought an amount: `rep_id, created_at, closed_at, amount`.
    """
    logs = np.log(paid["amount"])
    own = logs.groupby(paid["rep_id"]).transform("median")
    count = logs.groupby(paid["rep_id"]).transform("count")
    size = np.exp(logs - np.where(count >= FEW_WINS, own, logs.median())).to_numpy(np.float64)
    taken = (paid["closed_at"] - paid["created_at"]).dt.total_seconds().to_numpy(np.float64)
    days = np.maximum(taken / DAY_SECONDS, 0.0)
    levels = {}
    for within in WITHIN:
        weights = np.maximum(1 - days / within, 0.0)
        square = float((weights**2).sum())
        # The effective number of wins: so many of equal weight would say as much (Kish 1965).
        if square > 0 and float(weights.sum()) ** 2 / square >= LEAST_WINS:
            levels[within] = spread_evenly(size, weights)
    levels = levels or {WITHIN[-1]: spread_evenly(size)}
    return ByDays(tuple(levels), tuple(levels.values()))


def spread_evenly(values: Floats, weights: Floats | None = None) -> tuple[float, ...]:
    """Return evenly spaced quantiles of values: a distribution small enough for a bundle.

    Args:
        values: at least one.
        weights: of the values; equal where None.
    """
    places = (np.arange(KEPT) + 0.5) / KEPT
    if weights is None:
        quantiles = np.quantile(values, places)
    else:
        order = np.argsort(values, kind="stable")
        # A value stands at the middle of its own weight.
        middle = np.cumsum(weights[order]) - weights[order] / 2
        quantiles = np.interp(places, middle / weights.sum(), values[order])
    return tuple(float(v) for v in np.round(quantiles, DIGITS))


def _without_wins(training_set: QuotaTrainingSet) -> float:
    """Guess a usual win: the median open amount, else a tenth of the median quota, else 1."""
    amounts, quotas = training_set.deals.keys["amount"], training_set.reps.X["quota"]
    open_, quota = amounts[amounts > 0].median(), quotas[quotas > 0].median()
    if open_ > 0:
        return float(open_)
    return float(quota) / DEALS_A_QUOTA if quota > 0 else 1.0
