"""Why a rep's chance is what it is, in percentage points that add up to it.

Attainment has six factors: what is closed, how much is open, what that is likely to bring, how many
leads come in, what comes of them, and the quota. Each is exchanged for that of a peer at the same
moment, in every combination. Its points are the mean change that it makes over all orders of
exchanging (Shapley values, exact for six players; Shapley 1953). The base is the chance of a rep
like any other: the mean over those with the same period.
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
"""Futures that are looked at; 64 combinations of them are scored for each rep."""
LEAST_POINTS = 0.05


@dataclass(frozen=True)
class Factor:
    """One of the six factors of attainment.

    Attributes:
        name: its name in files.
        says: its name for people.
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
        in_words: what each factor comes to, by row.
    """

    base: Floats
    points: Floats
    in_words: list[tuple[str, ...]]


def explain_reps(
    draws: Futures, reps: Examples, open_amount: Floats, target: float
) -> RepExplanation:
    """Split each rep's chance into points of the six factors.

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
    for places in keys.groupby(list(keys), sort=True).indices.values():
        rows = np.asarray(places, dtype=np.int64)
        parts = _Parts.of(draws, rows, open_amount[rows], flow[rows])
        worth = _coalitions(parts, target)
        base[rows] = 100 * worth[frozenset()]
        points[rows] = 100 * _shapley(worth)
    return RepExplanation(base, points, _values(draws, reps, open_amount))


@dataclass(frozen=True)
class _Parts:
    """Each factor of each row: rows x futures, in the order of `FACTORS`.

    Attributes:
        own: the rep's own.
        peer: that of a peer, another one in every future.
    """

    own: tuple[Floats, ...]
    peer: tuple[Floats, ...]

    @classmethod
    def of(
        cls, draws: Futures, rows: npt.NDArray[np.int64], open_amount: Floats, flow: Floats
    ) -> _Parts:
        """Take the futures of some rows apart into factors.

        Products of factors give back what was drawn: the amount open times its yield is what open
        deals bring, the leads received times the yield of each is what new deals bring. Where
        nothing is open the yield is 0; where no lead came in their number counts as 1.
        """
        futures = min(FUTURES, draws.open.shape[1])
        from_open, from_new = draws.open[rows, :futures], draws.new[rows, :futures]
        volume = np.where(open_amount > 0, open_amount, 0.0)
        leads = np.where(flow > 0, flow, 1.0)
        wide, each = np.ones((1, futures)), volume[:, None]
        yields = np.divide(from_open, each, out=np.zeros_like(from_open), where=each > 0)
        # A quota of 0 or less is attained whatever comes.
        quota = np.nan_to_num(draws.quota[rows], nan=-np.inf)
        own = (
            draws.closed[rows][:, None] * wide,
            volume[:, None] * wide,
            yields,
            leads[:, None] * wide,
            from_new / leads[:, None],
            quota[:, None] * wide,
        )
        # More peers than futures: evenly over all of them, or only the first by name would count.
        step = max(1.0, len(rows) / futures)
        place = (np.arange(futures) * step).astype(np.int64) % len(rows)
        peer = tuple(
            factor[place, np.arange(futures)][None, :] * np.ones((len(rows), 1)) for factor in own
        )
        return cls(own, peer)


def _coalitions(parts: _Parts, target: float) -> Mapping[frozenset[int], Floats]:
    """Return the chance to attain with every set of own factors, the others being a peer's."""
    players = range(len(FACTORS))
    worth = {}
    for size in range(len(FACTORS) + 1):
        for own in combinations(players, size):
            factors = [parts.own[k] if k in own else parts.peer[k] for k in players]
            closed, volume, yields, leads, each_lead, quota = factors
            total = closed + volume * yields + leads * each_lead
            worth[frozenset(own)] = (total >= target * quota).mean(axis=1)
    return worth


def _shapley(worth: Mapping[frozenset[int], Floats]) -> Floats:
    """Return what each factor adds, averaged over all orders in which factors may come."""
    count = len(FACTORS)
    points = np.zeros((len(worth[frozenset()]), count))
    for coalition, value in worth.items():
        for player in range(count):
            if player in coalition:
                continue
            size = len(coalition)
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            points[:, player] += weight * (worth[coalition | {player}] - value)
    return points


def _values(draws: Futures, reps: Examples, open_amount: Floats) -> list[tuple[str, ...]]:
    """Say what each factor comes to, in money or counts."""
    quota, flow = draws.quota, reps.X["leads_90d"].fillna(0).to_numpy()
    from_open, from_new = draws.open.mean(axis=1), draws.new.mean(axis=1)
    values: list[tuple[str, ...]] = []
    for row in range(len(draws.keys)):
        closed = draws.closed[row]
        of_quota = f" ({100 * closed / quota[row]:.0f} % of quota)" if quota[row] > 0 else ""
        values.append(
            (
                f"{closed:,.0f}{of_quota}",
                f"{open_amount[row]:,.0f}",
                f"{from_open[row]:,.0f}",
                f"{flow[row]:,.0f}",
                f"{from_new[row]:,.0f}",
                f"{draws.keys['quota'].iloc[row]:,.0f}",
            )
        )
    return values


def rep_reasons(explanation: RepExplanation, p: Floats) -> list[dict[str, Any]]:
    """Put every rep's factors into the contract's form, the strongest first."""
    reasons = []
    for row, base in enumerate(np.round(explanation.base, 4)):
        points = explanation.points[row]
        items = [
            {
                "feature": FACTORS[k].name,
                "label": FACTORS[k].says,
                "value": explanation.in_words[row][k],
                "points": round(float(points[k]), 4),
                "side": "for" if points[k] > 0 else "against",
                "who": FACTORS[k].who.value,
            }
            for k in np.argsort(-np.abs(points), kind="stable")
            if abs(points[k]) >= LEAST_POINTS
        ]
        rest = 100 * float(p[row]) - float(base) - sum(float(i["points"]) for i in items)
        reasons.append({"base": float(base), "items": items, "rest": round(rest, 4)})
    return reasons


def open_amounts(rows: int, rep: npt.NDArray[np.int64], amount: Floats) -> Floats:
    """Add up what each rep has open, as the forecast counts it."""
    return np.asarray(np.bincount(rep, amount, minlength=rows))
