"""What a quota model learns from: open deals and reps at past cutoffs, and how they went on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Bools, Floats, Moments
from features.build import Examples, build
from features.clock import midnight
from features.definitions.deal import deal_features
from features.definitions.rep import rep_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.attainment import attained_parts, attainment, deal_endings, final_deals
from features.params import FeatureParams
from features.snapshot import CUTOFF, grid
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, REP
from training.cutoffs import deal_log_begins, thinned
from training.params import QuotaParams, TrainingParams

NUMBERS = frozenset({"quota", "attained", "amount"})
DAY, DAY_US = timedelta(days=1), 86_400_000_000
OTHERS = 0.5
"""Share of the deals at cutoffs that are learned from once more, with a deadline of another day."""
SAME_END = pd.Timedelta(days=25)
"""Periods whose ends lie no further apart ended together: some reps' calendars differ by days."""


@dataclass(frozen=True)
class QuotaTrainingSet:
    """What is known of deals and reps at past cutoffs, and what became of them.

    Attributes:
        reps: reps with a running quota at each cutoff.
        parts: what they attained in the end, split by what was there at the cutoff.
        attainment: their final attainment; NaN where the period has not ended.
        deals: open deals at each cutoff.
        endings: how each of these deals went on.
        won: every won deal, also those that were never seen open: `deal_id, rep_id, amount, ...`.
        rep_vocabulary: the words of the data that features of reps were declared with.
        deal_vocabulary: the same for deals.
        until: nothing at or after this moment was seen.
    """

    reps: Examples
    parts: pd.DataFrame
    attainment: Floats
    deals: Examples
    endings: pd.DataFrame
    won: pd.DataFrame
    rep_vocabulary: Vocabulary
    deal_vocabulary: Vocabulary
    until: datetime

    def mature_ends(self) -> list[pd.Timestamp]:
        """Return the ends of all periods that have ended, rising."""
        ends = self.reps.keys["period_end"]
        return sorted(ends[ends <= self.until].unique())

    def last_end(self, ends: Sequence[pd.Timestamp]) -> pd.Timestamp:
        """Return, of the ends within days of the last one, that at which most periods ended.

        Where reps have calendars of their own, the very last end may be that of a single rep, and
        whatever is judged on it would depend on that rep alone. Of these ends it is Apr 1:

        | end    | periods that end | days before the last |
        |--------|------------------|----------------------|
        | Jan 1  | 30               | 92: too long ago     |
        | Apr 1  | 28               | 2                    |
        | Apr 3  | 2                | 0                    |
        """
        near = [end for end in ends if end > ends[-1] - SAME_END]
        periods = self.reps.keys[["rep_id", "period_start", "period_end"]].drop_duplicates()
        count = periods["period_end"].value_counts()
        return max(near, key=lambda end: (count.get(end, 0), end))

    def ended_before(self, end: pd.Timestamp) -> list[pd.Timestamp]:
        """Return the ends that had come at the first cutoff of the periods that ended at `end`.

        Where some reps have months and others years, a month inside the year shows how the year's
        open deals went on. So it does not lie in the year's past, and only ends before the year's
        first cutoff do.
        """
        keys = self.reps.keys
        first = keys.loc[keys["period_end"] == end, CUTOFF].min()
        return [other for other in self.mature_ends() if other <= first]


def build_quota_training_set(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaTrainingSet:
    """Build everything a quota model may learn from.

    Args:
        warehouse: already cut to the moment of training.
        features: the section of that name.
        params: the section `training`.

    Raises:
        TableError: the extract holds no deals or no quotas.
    """
    warehouse.require("deals", "quotas", purpose="forecasting quota attainment")
    # One workspace: reps and deals share what both read of every deal's history.
    with warehouse.workspace() as work:
        return _training_set(work, features, params)


def _training_set(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaTrainingSet:
    """Build the training set in one workspace."""
    rep_vocabulary = read_vocabulary(warehouse, features, REP)
    deal_vocabulary = read_vocabulary(warehouse, features, DEAL)
    final = final_deals(warehouse)
    cutoffs = quota_cutoffs(warehouse, final, params.quota)
    rep_set = rep_features(rep_vocabulary, features)
    deal_set = deal_features(deal_vocabulary, features)
    reps = build_or_empty(warehouse, rep_set, rep_vocabulary, cutoffs, features)
    deals = build_or_empty(warehouse, deal_set, deal_vocabulary, cutoffs, features)
    parts = attained_parts(warehouse, reps.keys, final)
    return QuotaTrainingSet(
        reps=reps,
        parts=parts,
        attainment=attainment(warehouse, reps.keys, parts),
        deals=deals,
        endings=deal_endings(warehouse, deals.keys, final),
        won=final[final["won"]].reset_index(drop=True),
        rep_vocabulary=rep_vocabulary,
        deal_vocabulary=deal_vocabulary,
        until=warehouse.data_until,
    )


def build_or_empty(
    warehouse: Warehouse,
    declared: FeatureSet,
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
) -> Examples:
    """Build features; without a cutoff, examples of the same columns and types without a row."""
    if cutoffs:
        return build(warehouse, declared, vocabulary, cutoffs, features)
    subject = {"rep": REP, "deal": DEAL}[declared.entity]
    keys = pd.DataFrame({name: pd.Series(dtype=_key_type(name)) for name in subject.keys})
    return Examples(keys, pd.DataFrame(columns=declared.names, dtype=np.float64), declared)


def _key_type(key: str) -> str:
    """Return the type that a column of keys has where there are rows."""
    if key.endswith(("_start", "_end", CUTOFF, "_at")):
        return "datetime64[us]"
    if key == "has_left":
        return "int64"
    return "float64" if key in NUMBERS else "str"


def quota_cutoffs(warehouse: Warehouse, final: pd.DataFrame, params: QuotaParams) -> list[datetime]:
    """Return the cutoffs a quota model learns from, rising, counted backwards from the end.

    They begin with the first quota or the first deal, whichever is later. Before the first deal
    nobody could be seen to sell, so quotas that reach further back than the deals, or a date of
    1900 among them, would teach that quotas are missed. And they begin after the log of deals does:
    before that, deals that are older than it show no owner and no amount.

    Args:
        warehouse: already cut to the moment of training.
        final: its deals, as they ended.
        params: how far cutoffs lie apart, and how many rows there may be.
    """
    every_days = params.every_days
    quotas, deals = warehouse["quotas"], warehouse["deals"]
    starts = {"quotas": quotas.period_start.min(), "deals": deals.created_at.min()}
    firsts = [
        warehouse.arrow(warehouse[name].aggregate(first=first))["first"].to_pylist()[0]
        for name, first in starts.items()
    ]
    start, end = max((f for f in firsts if f), default=None), midnight(warehouse.data_until)
    if firsts[0] is None or start is None:
        return []
    log = deal_log_begins(warehouse)
    start = midnight(start) if log is None else max(midnight(start), midnight(log) + DAY)
    if start >= end:
        return []
    first_day = start + (end - start) % timedelta(days=every_days)
    created, ended = (
        np.sort(final[name].dropna().to_numpy("datetime64[us]"))
        for name in ("created_at", "closed_at")
    )
    return thinned(grid(first_day, end, every_days), created, ended, params.max_snapshots)


@dataclass(frozen=True)
class DealDeadlines:
    """Pairs of an open deal and a rep's row it may count for, each with a deadline.

    Attributes:
        deal: place of the deal's row.
        rep: place of the rep's row.
        deadline: by when the deal has to be won. In a forecast it is the end of that rep's period;
            a training set also holds other days.
        period_end: the end of that rep's period.
    """

    deal: npt.NDArray[np.int64]
    rep: npt.NDArray[np.int64]
    deadline: Moments
    period_end: Moments

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.deal)

    def take(self, mask: Bools) -> DealDeadlines:
        """Keep the pairs of a mask."""
        return DealDeadlines(
            self.deal[mask], self.rep[mask], self.deadline[mask], self.period_end[mask]
        )


def deadlines_of(reps: Examples, deals: Examples) -> DealDeadlines:
    """Pair each open deal with every running period of its owner at the same cutoff.

    A deal may have no pair, or several:

    | the deal's owner                    | pairs |
    |-------------------------------------|-------|
    | has a quarter's quota               | 1     |
    | has a month's and a year's quota    | 2     |
    | has no running quota, or is unknown | 0     |

    Returns:
        The pairs, by the rep's row and then by the deal's.
    """
    periods = reps.keys[["rep_id", CUTOFF, "period_end"]].assign(rep=np.arange(len(reps)))
    owned = deals.keys[["owner", CUTOFF]].assign(deal=np.arange(len(deals)))
    pairs = owned.merge(periods, left_on=["owner", CUTOFF], right_on=["rep_id", CUTOFF])
    pairs = pairs.sort_values(["rep", "deal"])
    end = pairs["period_end"].to_numpy("datetime64[us]")
    return DealDeadlines(
        pairs["deal"].to_numpy(np.int64), pairs["rep"].to_numpy(np.int64), end, end
    )


def other_deadlines(
    reps: Examples, deadlines: DealDeadlines, until: pd.Timestamp, seed: int
) -> DealDeadlines:
    """Return half of the pairs again, with a deadline of another day, chosen at random.

    Whether a deal was won before some other day tells as much of its pace as whether it was won
    before the period's end. Of a running period it is all that is known so far. The days left are
    uniform from 0 to the period's length, but at least one, and no deadline lies beyond `until`.
    For a quarter of 90 days:

    | cutoff | until  | drawn share of 90 | deadline                      |
    |--------|--------|-------------------|-------------------------------|
    | Feb 1  | Jun 30 | 0.5               | 45 days after the cutoff      |
    | Feb 1  | Mar 1  | 0.5               | Mar 1: nothing later is known |
    | Mar 1  | Mar 1  | any               | left out: no day is known     |

    Args:
        reps: the rows that the pairs point to.
        deadlines: open deals at past cutoffs, with the ends of periods.
        until: the end of what is known.
        seed: of the choice.
    """
    rng, count = np.random.default_rng(seed), len(deadlines)
    cutoff: Moments = reps.keys[CUTOFF].to_numpy("datetime64[us]")[deadlines.rep]
    start: Moments = reps.keys["period_start"].to_numpy("datetime64[us]")[deadlines.rep]
    length = (deadlines.period_end - start) / np.timedelta64(1, "D")
    most = (until.to_datetime64() - cutoff) / np.timedelta64(1, "D")
    days = np.minimum(np.maximum(length * rng.random(count), 1.0), most)
    chosen = (rng.random(count) < OTHERS) & (most >= 1.0)
    deadline = cutoff + (days * DAY_US).astype("timedelta64[us]")
    moved = DealDeadlines(deadlines.deal, deadlines.rep, deadline, deadlines.period_end)
    return moved.take(chosen)
