"""Why a rep's chance differs from that of comparable peers, in points that add up to it.

Each of the six factors of attainment is exchanged for that of every peer in turn, in every
combination: interventional Shapley values (Lundberg and Lee 2017; Janzing et al. 2020) with the
peer group as the background. The base is the group's mean chance.

Peers have a quota in the same period and are alike in role, time with the company, segment and
territory. Where that leaves too few, the group is widened one condition at a time:

| step | role | time with the company | segment | territory | peers of rep A |
|------|------|-----------------------|---------|-----------|----------------|
| 0    | same | alike                 | same    | same      | 2: too few     |
| 1    | same | alike                 | same    |           | 4: too few     |
| 2    | same | alike                 |         |           | 12             |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Bools, Ints
from features.build import Examples
from features.snapshot import CUTOFF
from training.quota.explain import (
    FACTORS,
    FactorValues,
    RepExplanation,
    coalition_chances,
    factors_of,
    leads_received,
    rep_reasons,
    without_one,
)
from training.quota.score import RepOutlooks
from training.shapley.coalitions import shapley_values

LEAST_PEERS = 6
"""With fewer the group is widened."""
FEWEST_PEERS = 3
"""With fewer in the whole period there is nobody to compare with."""
MOST_PEERS = 40
FUTURES = 1_000
"""Futures of each peer that are looked at."""
TENURES = ((182.0, "under half a year"), (365.0, "half a year to a year"), (np.inf, "over a year"))
"""Times with the company that count as alike, in days, each up to its end."""
TENURE = "tenure"
WIDENED = ("territory", "segment", TENURE, "role")
"""Conditions in the order in which they are dropped."""


@dataclass(frozen=True)
class PeerGroup:
    """The reps that a rep is compared with.

    Attributes:
        rows: their places among all reps of the moment.
        says: who they are, in words.
        dropped: the conditions that were dropped to find enough of them.
    """

    rows: Ints
    says: str
    dropped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"count": len(self.rows), "says": self.says, "dropped": list(self.dropped)}


def peer_group(keys: pd.DataFrame, reps: Examples, row: int) -> PeerGroup | None:
    """Find a rep's peers.

    Args:
        keys: a row for each rep and period at one moment.
        reps: what is known of each.
        row: the rep.

    Returns:
        The group; None where the period has fewer than three other reps with a quota.
    """
    anybody = _same_period(keys, row)
    known = {name: like for name, like in _likeness(reps, row).items() if like is not None}
    for count in range(len(WIDENED) + 1):
        dropped, asked = WIDENED[:count], [name for name in WIDENED[count:] if name in known]
        peers = anybody.copy()
        for name in asked:
            peers &= known[name]
        if peers.sum() >= (LEAST_PEERS if asked else FEWEST_PEERS):
            rows = np.flatnonzero(peers)
            says = _in_words(reps, row, len(rows), asked)
            return PeerGroup(rows, says, tuple(name for name in dropped if name in known))
    return None


def _same_period(keys: pd.DataFrame, row: int) -> Bools:
    """Return the other reps with a quota in the same period who are still here."""
    shared = ["period_start", "period_end", CUTOFF]
    is_same = (keys[shared] == keys[shared].iloc[row]).all(axis=1).to_numpy(np.bool_)
    is_here = (keys["quota"].to_numpy(np.float64) > 0) & ~(keys["has_left"].to_numpy() > 0)
    return is_same & is_here & (keys["rep_id"] != keys["rep_id"].iloc[row]).to_numpy(np.bool_)


def _likeness(reps: Examples, row: int) -> dict[str, Bools | None]:
    """Return who is like the rep in each condition; None where it is not known of the rep."""
    alike: dict[str, Bools | None] = {}
    for name in WIDENED:
        values = _tenures(reps) if name == TENURE else _codes(reps, name)
        alike[name] = None if np.isnan(values[row]) else values == values[row]
    return alike


def _tenures(reps: Examples) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the place of each rep's time with the company in `TENURES`; NaN if not known."""
    if "tenure_days" not in reps.X:
        return np.full(len(reps.X), np.nan)
    days = reps.X["tenure_days"].to_numpy(np.float64)
    places = np.searchsorted([end for end, _ in TENURES], days, side="left").astype(np.float64)
    return np.where(np.isnan(days), np.nan, places)


def _codes(reps: Examples, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the code of each rep's word; NaN for rare words, which share a code without sharing.

    A column of one word says nothing of who is alike: it counts as not known.
    """
    feature = next((f for f in reps.feature_set if f.name == f"rep_{name}"), None)
    if feature is None or feature.categories is None:
        return np.full(len(reps.X), np.nan)
    codes = reps.X[feature.name].to_numpy(np.float64)
    known = np.where(codes < len(feature.categories), codes, np.nan)
    is_told_apart = len(np.unique(known[~np.isnan(known)])) > 1
    return known if is_told_apart else np.full(len(codes), np.nan)


def _in_words(reps: Examples, row: int, count: int, asked: list[str]) -> str:
    """Say who the peers are: "12 reps with over a year here, in the same role"."""
    if not asked:
        return f"all {count} other reps with a quota in the period"
    return f"{count} reps {', '.join(_conditions(reps, row, asked))}"


def _conditions(reps: Examples, row: int, asked: list[str]) -> Iterator[str]:
    if TENURE in asked:
        yield f"with {TENURES[int(_tenures(reps)[row])][1]} here"
    same = [name for name in reversed(WIDENED) if name in asked and name != TENURE]
    if same:
        yield "in the same " + " and ".join(same)


def contrast(outlooks: RepOutlooks, row: int, p: float) -> dict[str, Any]:
    """Explain how a rep's chance differs from that of comparable peers.

    Args:
        outlooks: of every rep at a moment.
        row: the rep's place among them.
        p: the rep's chance to attain.

    Returns:
        `peers` (count, says, dropped), and `base`, `items` and `rest` as reasons have them; base +
        points + rest = 100 p. Without peers, `peers` is None and there are no items.
    """
    group = peer_group(outlooks.futures.keys, outlooks.reps, row)
    if group is None:
        return {"peers": None, "base": round(100 * p, 4), "items": [], "rest": 0.0}
    explanation = _explain(outlooks, row, group)
    (reasons,) = rep_reasons(explanation, np.array([p]))
    return {"peers": group.to_json(), **reasons}


def _explain(outlooks: RepOutlooks, row: int, group: PeerGroup) -> RepExplanation:
    """Exchange factors with every peer in every future: one row of peers x futures."""
    draws, flow = outlooks.futures, leads_received(outlooks.reps)
    step = max(1.0, len(group.rows) / MOST_PEERS)
    chosen = group.rows[(np.arange(min(len(group.rows), MOST_PEERS)) * step).astype(np.int64)]
    peers = factors_of(draws, chosen, outlooks.open_amount, flow, FUTURES)
    alone = factors_of(draws, np.array([row]), outlooks.open_amount, flow, FUTURES)
    # The same future for both: luck that the whole company shares is no difference.
    own = tuple(np.tile(factor, (1, len(chosen))) for factor in alone)
    peer = tuple(factor.reshape(1, -1) for factor in peers)
    chances = coalition_chances(own, peer, outlooks.target)
    values = FactorValues.of(draws, outlooks.reps, outlooks.open_amount)
    return RepExplanation(
        100 * chances[frozenset()],
        100 * shapley_values(chances, len(FACTORS)),
        without_one(chances),
        [values.in_words(row)],
        [values.usual(group.rows)],
    )
