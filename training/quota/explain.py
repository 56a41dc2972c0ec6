"""Why a rep's chance is what it is, in percentage points that add up to it.

Attainment is made of six things: what is closed, how much is open, what that is likely to bring,
how many leads come in, what is made of them, and the quota. Each is exchanged for that of a peer at
the same moment, in every combination; its points are the mean change it makes, over all orders of
exchanging (Shapley values, exact for six players). The base is the chance of a rep like any other:
the mean over those with the same period.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from features.build import Examples
from features.snapshot import CUTOFF
from features.texts import Who
from training.quota.futures import Futures

FUTURES = 400
"""Futures looked at: 64 combinations of them are scored for each rep."""
LEAST_POINTS = 0.05


@dataclass(frozen=True)
class Factor:
    """One of the things attainment is made of.

    Attributes:
        name: how files call it.
        says: how people call it.
        who: who can change it.
    """

    name: str
    says: str
    who: Who


FACTORS = (
    Factor("closed", "won so far", Who.REP),
    Factor("open_amount", "amount of open deals", Who.REP),
    Factor("open_chance", "what open deals are likely to bring in time", Who.REP),
    Factor("lead_flow", "leads received in 90 days", Who.COMPANY),
    Factor("new_business", "what new deals are likely to bring in time", Who.REP),
    Factor("quota", "the quota", Who.COMPANY),
)


@dataclass(frozen=True)
class RepExplanation:
    """Points of every factor for every row.

    Attributes:
        base: percentage points of a rep like any other, by row.
        points: rows x factors; base + the sum of a row = 100 p, but for what is clipped of p.
        said: what each factor is, in words, by row.
    """

    base: Floats
    points: Floats
    said: list[tuple[str, ...]]


def explain_reps(
    draws: Futures, reps: Examples, open_amount: Floats, target: float
) -> RepExplanation:
    """Split each rep's chance into the six things it is made of.

    Args:
        draws: futures of every rep at a moment.
        reps: what is known of them.
        open_amount: amount of each rep's open deals, as counted in the forecast.
        target: a miss is attainment below this.
    """
    count = len(draws.keys)
    base, points = np.zeros(count), np.zeros((count, len(FACTORS)))
    flow = np.maximum(reps.X["leads_90d"].fillna(0).to_numpy(np.float64), 0.0)
    keys = draws.keys[["period_start", "period_end", CUTOFF]]
    for found in keys.groupby(list(keys), sort=True).indices.values():
        rows = np.asarray(found, dtype=np.int64)
        parts = _Parts.of(draws, rows, open_amount[rows], flow[rows])
        worth = _coalitions(parts, target)
        base[rows] = 100 * worth[frozenset()]
        points[rows] = 100 * _shapley(worth)
    return RepExplanation(base, points, _values(draws, reps, open_amount))


@dataclass(frozen=True)
class _Parts:
    """Each factor of each row, its own and that of a peer drawn anew in every future."""

    own: tuple[Floats, ...]
    peer: tuple[Floats, ...]

    @classmethod
    def of(
        cls, draws: Futures, rows: npt.NDArray[np.int64], open_amount: Floats, flow: Floats
    ) -> _Parts:
        futures = min(FUTURES, draws.open.shape[1])
        won, new = draws.open[rows, :futures], draws.new[rows, :futures]
        volume = np.where(open_amount > 0, open_amount, 0.0)
        leads = np.where(flow > 0, flow, 1.0)
        wide = np.ones((1, futures))
        yields = np.divide(won, volume[:, None], out=np.zeros_like(won), where=volume[:, None] > 0)
        # A quota of 0 or less is attained whatever comes.
        quota = np.nan_to_num(draws.quota[rows], nan=-np.inf)
        parts = (
            draws.closed[rows][:, None] * wide,
            volume[:, None] * wide,
            yields,
            leads[:, None] * wide,
            new / leads[:, None],
            quota[:, None] * wide,
        )
        # More peers than futures: evenly over all of them, or only the first by name would count.
        step = max(1.0, len(rows) / futures)
        peer = (np.arange(futures) * step).astype(np.int64) % len(rows)
        theirs = tuple(
            part[peer, np.arange(futures)][None, :] * np.ones((len(rows), 1)) for part in parts
        )
        return cls(parts, theirs)


def _coalitions(parts: _Parts, target: float) -> Mapping[frozenset[int], Floats]:
    """Give the chance to attain with every set of own factors, the others a peer's."""
    players = range(len(FACTORS))
    found = {}
    for size in range(len(FACTORS) + 1):
        for mine in combinations(players, size):
            part = [parts.own[k] if k in mine else parts.peer[k] for k in players]
            closed, volume, yields, leads, made, quota = part
            total = closed + volume * yields + leads * made
            found[frozenset(mine)] = (total >= target * quota).mean(axis=1)
    return found


def _shapley(worth: Mapping[frozenset[int], Floats]) -> Floats:
    """Average what each factor adds over all orders in which factors may come."""
    count = len(FACTORS)
    made = np.zeros((len(worth[frozenset()]), count))
    for coalition, value in worth.items():
        for player in range(count):
            if player in coalition:
                continue
            size = len(coalition)
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            made[:, player] += weight * (worth[coalition | {player}] - value)
    return made


def _values(draws: Futures, reps: Examples, open_amount: Floats) -> list[tuple[str, ...]]:
    """Say what each factor is, in money or counts."""
    quota, flow = draws.quota, reps.X["leads_90d"].fillna(0).to_numpy()
    won, new = draws.open.mean(axis=1), draws.new.mean(axis=1)
    told: list[tuple[str, ...]] = []
    for row in range(len(draws.keys)):
        of_quota = f" ({draws.closed[row] / quota[row]:.0%} of quota)" if quota[row] > 0 else ""
        told.append(
            (
                f"{draws.closed[row]:,.0f}{of_quota}",
                f"{open_amount[row]:,.0f}",
                f"{won[row]:,.0f}",
                f"{flow[row]:,.0f}",
                f"{new[row]:,.0f}",
                f"{draws.keys['quota'].iloc[row]:,.0f}",
            )
        )
    return told


def rep_reasons(explained: RepExplanation, p: Floats) -> list[dict[str, Any]]:
    """Put every rep's factors into the contract's form, the strongest first."""
    made = []
    for row, base in enumerate(np.round(explained.base, 4)):
        points = explained.points[row]
        items = [
            {
                "feature": FACTORS[k].name,
                "label": FACTORS[k].says,
                "value": explained.said[row][k],
                "points": round(float(points[k]), 4),
                "side": "for" if points[k] > 0 else "against",
                "who": FACTORS[k].who.value,
            }
            for k in np.argsort(-np.abs(points), kind="stable")
            if abs(points[k]) >= LEAST_POINTS
        ]
        rest = 100 * float(p[row]) - float(base) - sum(float(i["points"]) for i in items)
        made.append({"base": float(base), "items": items, "rest": round(rest, 4)})
    return made


def open_amounts(rows: int, rep: npt.NDArray[np.int64], amount: Floats) -> Floats:
    """Add up what each rep has open, as the forecast counts it."""
    return np.asarray(np.bincount(rep, amount, minlength=rows))
