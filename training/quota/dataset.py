"""What a forecast of quota attainment learns from: open deals and reps at weekly cutoffs."""

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
from training.cutoffs import thinned
from training.params import QuotaParams, TrainingParams

NUMBERS = frozenset({"quota", "attained", "amount", "has_left"})
DAY_US = 86_400_000_000
OTHERS = 0.5
"""Share of claims that are told once more with a deadline of another day."""
SAME_END = pd.Timedelta(days=25)
"""Periods whose ends lie no further apart ended together: some reps' calendars differ by days."""


@dataclass(frozen=True)
class QuotaTrainingSet:
    """What is known of deals and reps at past cutoffs, and what became of them.

    Attributes:
        reps: reps with a quota at each cutoff.
        parts: what they attained in the end, split by what was there at the cutoff.
        attainment: their final attainment; empty where the period has not ended.
        deals: open deals at each cutoff.
        endings: how each deal went on.
        won: every won deal, those that were never seen open too: `deal_id, rep_id, amount, ...`.
        rep_words: words the features of reps were declared with.
        deal_words: the same for deals.
        until: nothing at or after this moment was seen.
    """

    reps: Examples
    parts: pd.DataFrame
    attainment: Floats
    deals: Examples
    endings: pd.DataFrame
    won: pd.DataFrame
    rep_words: Vocabulary
    deal_words: Vocabulary
    until: datetime

    def ripe_ends(self) -> list[pd.Timestamp]:
        """Give the ends of all periods that have ended, rising."""
        ends = self.reps.keys["period_end"]
        return sorted(ends[ends <= self.until].unique())

    def last_end(self, ends: Sequence[pd.Timestamp]) -> pd.Timestamp:
        """Of the ends within days of the last one, give that at which most periods ended.

        Where reps have calendars of their own, the very last end may be that of a single rep,
        and what is judged on it would hang on that rep alone.
        """
        near = [end for end in ends if end > ends[-1] - SAME_END]
        periods = self.reps.keys[["rep_id", "period_start", "period_end"]].drop_duplicates()
        reps = periods["period_end"].value_counts()
        return max(near, key=lambda end: (reps.get(end, 0), end))

    def ended_before(self, end: pd.Timestamp) -> list[pd.Timestamp]:
        """Give the ends that had come when the periods that ended at `end` were first looked at.

        Where some reps have months and others years, a month within the year tells how the year's
        open deals went on, so it is no past of the year.
        """
        keys = self.reps.keys
        first = keys.loc[keys["period_end"] == end, CUTOFF].min()
        return [other for other in self.ripe_ends() if other <= first]


def build_quota_training_set(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaTrainingSet:
    """Build everything a forecast of attainment may learn from an extract cut to its moment."""
    warehouse.require("deals", "quotas", purpose="forecasting quota attainment")
    # One workspace: reps and deals share what both read of every deal's history.
    with warehouse.workspace() as work:
        return _training_set(work, features, params)


def _training_set(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaTrainingSet:
    rep_words = read_vocabulary(warehouse, features, REP)
    deal_words = read_vocabulary(warehouse, features, DEAL)
    final = final_deals(warehouse)
    cutoffs = quota_cutoffs(warehouse, final, params.quota)
    rep_set, deal_set = rep_features(rep_words, features), deal_features(deal_words, features)
    reps = built(warehouse, rep_set, rep_words, cutoffs, features)
    deals = built(warehouse, deal_set, deal_words, cutoffs, features)
    parts = attained_parts(warehouse, reps.keys, final)
    return QuotaTrainingSet(
        reps=reps,
        parts=parts,
        attainment=attainment(warehouse, reps.keys, parts),
        deals=deals,
        endings=deal_endings(warehouse, deals.keys, final),
        won=final[final["won"]].reset_index(drop=True),
        rep_words=rep_words,
        deal_words=deal_words,
        until=warehouse.data_until,
    )


def built(
    warehouse: Warehouse,
    declared: FeatureSet,
    words: Vocabulary,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
) -> Examples:
    """Build features, also where there is no cutoff to build them at."""
    if cutoffs:
        return build(warehouse, declared, words, cutoffs, features)
    subject = {"rep": REP, "deal": DEAL}[declared.entity]
    keys = pd.DataFrame({name: pd.Series(dtype=_kind(name)) for name in subject.keys})
    return Examples(keys, pd.DataFrame(columns=declared.names, dtype=np.float64), declared)


def _kind(key: str) -> str:
    """Name the type of a column of keys, as it is where there are rows."""
    if key.endswith(("_start", "_end", CUTOFF, "_at")):
        return "datetime64[us]"
    return "float64" if key in NUMBERS else "str"


def quota_cutoffs(warehouse: Warehouse, final: pd.DataFrame, params: QuotaParams) -> list[datetime]:
    """Lay cutoffs backwards from the extract's end to the beginning of quotas and deals.

    Before the first deal nobody could be seen to sell: quotas that reach further back than the
    deals, or a date of 1900 among them, would teach that quotas are missed.

    Args:
        warehouse: already cut to the moment of training.
        final: its deals, as they ended.
        params: how far cutoffs lie apart, and how many rows there may be.
    """
    every_days = params.every_days
    quotas, deals = warehouse["quotas"], warehouse["deals"]
    asked = {"quotas": quotas.period_start.min(), "deals": deals.created_at.min()}
    firsts = [
        warehouse.arrow(warehouse[name].aggregate(first=first))["first"].to_pylist()[0]
        for name, first in asked.items()
    ]
    start, end = max((f for f in firsts if f), default=None), midnight(warehouse.data_until)
    if firsts[0] is None or start is None or midnight(start) >= end:
        return []
    first_day = midnight(start) + (end - midnight(start)) % timedelta(days=every_days)
    created, ended = (
        np.sort(final[name].dropna().to_numpy("datetime64[us]"))
        for name in ("created_at", "closed_at")
    )
    return thinned(grid(first_day, end, every_days), created, ended, params.max_snapshots)


@dataclass(frozen=True)
class DealDeadlines:
    """Open deals beside the rows of reps they may count for.

    Attributes:
        deal: place of the deal's row.
        rep: place of the rep's row.
        deadline: by when it has to be won: the end of that rep's period, but in lessons.
        period_end: the end of that rep's period.
    """

    deal: npt.NDArray[np.int64]
    rep: npt.NDArray[np.int64]
    deadline: Moments
    period_end: Moments

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.deal)

    def take(self, which: Bools) -> DealDeadlines:
        """Keep some."""
        return DealDeadlines(
            self.deal[which], self.rep[which], self.deadline[which], self.period_end[which]
        )


def deadlines_of(reps: Examples, deals: Examples) -> DealDeadlines:
    """Pair each open deal with its owner's running periods (more than one where they overlap)."""
    asked = reps.keys[["rep_id", CUTOFF, "period_end"]].assign(rep=np.arange(len(reps)))
    offered = deals.keys[["owner", CUTOFF]].assign(deal=np.arange(len(deals)))
    met = offered.merge(asked, left_on=["owner", CUTOFF], right_on=["rep_id", CUTOFF])
    met = met.sort_values(["rep", "deal"])
    end = met["period_end"].to_numpy("datetime64[us]")
    return DealDeadlines(met["deal"].to_numpy(np.int64), met["rep"].to_numpy(np.int64), end, end)


def other_deadlines(
    reps: Examples, claims: DealDeadlines, until: pd.Timestamp, seed: int
) -> DealDeadlines:
    """Give half of the claims a deadline of another day, up to a period's length ahead.

    What happened before other days tells as much of a deal's pace as what happened before the
    period's end, and of the running period it is all that is known: no day lies past `until`.

    Args:
        reps: the rows that claims are made for.
        claims: of deals at past cutoffs.
        until: the end of what is known.
        seed: of the choice.
    """
    draws = np.random.default_rng(seed)
    cutoff: Moments = reps.keys[CUTOFF].to_numpy("datetime64[us]")[claims.rep]
    start: Moments = reps.keys["period_start"].to_numpy("datetime64[us]")[claims.rep]
    length = (claims.period_end - start) / np.timedelta64(1, "D")
    most = (until.to_datetime64() - cutoff) / np.timedelta64(1, "D")
    days = np.minimum(np.maximum(length * draws.random(len(claims)), 1.0), most)
    chosen = (draws.random(len(claims)) < OTHERS) & (most >= 1.0)
    deadline = cutoff + (days * DAY_US).astype("timedelta64[us]")
    return DealDeadlines(claims.deal, claims.rep, deadline, claims.period_end).take(chosen)
