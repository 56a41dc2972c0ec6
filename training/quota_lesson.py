"""What a forecast of quota attainment learns from: open deals and reps at weekly cutoffs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import Examples, build
from features.deal import deal_features
from features.feature import FeatureSet
from features.outcomes import attained_parts, attainment, deal_endings
from features.params import FeatureParams
from features.rep import rep_features
from features.snapshot import CUTOFF, grid, midnight
from features.subjects import DEAL, REP
from features.vocabulary import Vocabulary, read_vocabulary
from features.warehouse import Warehouse
from training.params import TrainingParams

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class QuotaLesson:
    """What is known of deals and reps at past cutoffs, and what became of them.

    Attributes:
        reps: reps with a quota at each cutoff.
        parts: what they attained in the end, split by what was there at the cutoff.
        attainment: their final attainment; empty where the period has not ended.
        deals: open deals at each cutoff.
        endings: how each deal went on.
        rep_words: words the features of reps were declared with.
        deal_words: the same for deals.
        until: nothing at or after this moment was seen.
    """

    reps: Examples
    parts: pd.DataFrame
    attainment: Floats
    deals: Examples
    endings: pd.DataFrame
    rep_words: Vocabulary
    deal_words: Vocabulary
    until: datetime

    def ripe_ends(self) -> list[pd.Timestamp]:
        """Give the ends of all periods that have ended, rising."""
        ends = self.reps.keys["period_end"]
        return sorted(ends[ends <= self.until].unique())


def prepare_quota(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaLesson:
    """Build everything a forecast of attainment may learn from an extract cut to its moment."""
    warehouse.require("deals", "quotas", purpose="forecasting quota attainment")
    rep_words = read_vocabulary(warehouse, features, REP)
    deal_words = read_vocabulary(warehouse, features, DEAL)
    cutoffs = quota_cutoffs(warehouse, params.quota.every_days)
    rep_set, deal_set = rep_features(rep_words, features), deal_features(deal_words, features)
    reps = built(warehouse, rep_set, rep_words, cutoffs, features)
    deals = built(warehouse, deal_set, deal_words, cutoffs, features)
    return QuotaLesson(
        reps=reps,
        parts=attained_parts(warehouse, reps.keys),
        attainment=attainment(warehouse, reps.keys),
        deals=deals,
        endings=deal_endings(warehouse, deals.keys),
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
    keys = pd.DataFrame({name: [] for name in subject.keys})
    times = [c for c in keys if str(c).endswith(("_start", "_end", CUTOFF, "_at"))]
    keys = keys.astype(dict.fromkeys(times, "datetime64[us]"))
    return Examples(keys, pd.DataFrame(columns=declared.names, dtype=np.float64), declared)


def quota_cutoffs(warehouse: Warehouse, every_days: int) -> list[datetime]:
    """Lay cutoffs backwards from the extract's end to the first period's beginning."""
    quotas = warehouse["quotas"]
    first = warehouse.arrow(quotas.aggregate(first=quotas.period_start.min()))["first"]
    start = first.to_pylist()[0]
    end = midnight(warehouse.data_until)
    if start is None or midnight(start) >= end:
        return []
    days = (end - midnight(start)).days
    first_day = midnight(start) + (end - midnight(start)) % pd.Timedelta(days=every_days)
    return grid(first_day, end, every_days) if days >= 1 else []


@dataclass(frozen=True)
class Claims:
    """Open deals beside the rows of reps they may count for.

    Attributes:
        deal: place of the deal's row.
        rep: place of the rep's row.
        deadline: the end of that rep's period.
    """

    deal: npt.NDArray[np.int64]
    rep: npt.NDArray[np.int64]
    deadline: Moments

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.deal)

    def take(self, which: Bools) -> Claims:
        """Keep some."""
        return Claims(self.deal[which], self.rep[which], self.deadline[which])


def claims_of(reps: Examples, deals: Examples) -> Claims:
    """Pair each open deal with its owner's running periods (more than one where they overlap)."""
    asked = reps.keys[["rep_id", CUTOFF, "period_end"]].assign(rep=np.arange(len(reps)))
    offered = deals.keys[["owner", CUTOFF]].assign(deal=np.arange(len(deals)))
    met = offered.merge(asked, left_on=["owner", CUTOFF], right_on=["rep_id", CUTOFF])
    met = met.sort_values(["rep", "deal"])
    return Claims(
        met["deal"].to_numpy(np.int64),
        met["rep"].to_numpy(np.int64),
        met["period_end"].to_numpy("datetime64[us]"),
    )
