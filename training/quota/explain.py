"""Why a rep's chance is what it is, in percentage points that add up to it.

Attainment has six factors: what is closed, how much is open, what that is likely to bring, how many
leads come in, what comes of them, and the quota. Each is exchanged for that of a peer at the same
moment, in every combination. Its points are the mean change that it makes over all orders of
exchanging (Shapley values, exact for six players). The base is the chance of a rep
like any other: the mean over those with the same period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Floats, Ints
from features.build import Examples
from features.snapshot import CUTOFF
from features.texts import Who, group_of
from training.quota.futures import Futures
from training.shapley.coalitions import shapley_values

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


Chances = Mapping[frozenset[int], Floats]
"""The chance to attain with every set of own factors, the others being a peer's."""


@dataclass(frozen=True)
class FactorValues:
    """What each factor comes to: rows x factors, in money or counts.

    Attributes:
        amounts: in the order of `FACTORS`.
    """

    amounts: Floats

    @classmethod
    def of(cls, draws: Futures, reps: Examples, open_amount: Floats) -> FactorValues:
        """Read them off futures: of what is drawn, the mean."""
        from_open, from_new = draws.open.mean(axis=1), draws.new.mean(axis=1)
        quota = draws.keys["quota"].to_numpy(np.float64)
        columns = draws.closed, open_amount, from_open, leads_received(reps), from_new, quota
        return cls(np.column_stack(columns))

    def in_words(self, row: int) -> tuple[str, ...]:
        """Say a row's values."""
        return _in_words(self.amounts[[row]])

    def usual(self, rows: Ints) -> tuple[str, ...]:
        """Say the middle values of some rows."""
        return _in_words(self.amounts[rows])


def _in_words(amounts: Floats) -> tuple[str, ...]:
    """Say the middle of each factor, and what it comes to for each unit of another.

    Points go to the share of what is open that it is likely to bring, and to what each lead is, not
    to the sums: a rep with little open may still make more of it than others.
    """
    closed, volume, from_open, flow, from_new, quota = amounts.T
    words = [f"{amount:,.0f}" for amount in np.median(amounts, axis=0)]
    for place, part, whole, form in (
        (0, closed, quota, "{:.0%} of quota"),
        (2, from_open, volume, "{:.0%} of what is open"),
        (4, from_new, flow, "{:,.0f} a lead"),
    ):
        known = whole > 0
        if known.any():
            each = float(np.median(part[known] / whole[known]))
            words[place] += f" ({form.format(each).replace('%', ' %')})"
    return tuple(words)


@dataclass(frozen=True)
class RepExplanation:
    """Points of every factor for every row.

    Attributes:
        base: percentage points of a rep like any other, by row.
        points: rows x factors; base + the sum of a row = 100 p, but for what is clipped of p.
        at_usual: rows x factors: percentage points if that factor alone were a peer's.
        in_words: what each factor comes to, by row.
        usual: what it comes to for the middle one of the rep's peers, by row.
    """

    base: Floats
    points: Floats
    at_usual: Floats
    in_words: Sequence[tuple[str, ...]]
    usual: Sequence[tuple[str, ...]]


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
    base, points, at_usual = np.zeros(count), *np.zeros((2, count, len(FACTORS)))
    values, flow = FactorValues.of(draws, reps, open_amount), leads_received(reps)
    usual: list[tuple[str, ...]] = [()] * count
    keys = draws.keys[["period_start", "period_end", CUTOFF]]
    for places in keys.groupby(list(keys), sort=True).indices.values():
        rows = np.asarray(places, dtype=np.int64)
        own = factors_of(draws, rows, open_amount, flow, FUTURES)
        chances = coalition_chances(own, _exchanged(own), target)
        base[rows] = 100 * chances[frozenset()]
        points[rows] = 100 * shapley_values(chances, len(FACTORS))
        at_usual[rows] = without_one(chances)
        for row, words in zip(rows, [values.usual(rows)] * len(rows), strict=True):
            usual[row] = words
    in_words = [values.in_words(row) for row in range(count)]
    return RepExplanation(base, points, at_usual, in_words, usual)


def leads_received(reps: Examples) -> Floats:
    """Return how many leads each rep received in 90 days."""
    return np.maximum(reps.X["leads_90d"].fillna(0).to_numpy(np.float64), 0.0)


def factors_of(
    draws: Futures, rows: Ints, open_amount: Floats, flow: Floats, most: int
) -> tuple[Floats, ...]:
    """Take the futures of some rows apart into factors: rows x futures, in the order of `FACTORS`.

    Products of factors give back what was drawn: the amount open times its yield is what open
    deals bring, the leads received times the yield of each is what new deals bring. Where nothing
    is open the yield is 0; where no lead came in their number counts as 1.

    Args:
        draws: futures of every rep at a moment.
        rows: which reps.
        open_amount: amount of each rep's open deals.
        flow: leads received by each rep.
        most: futures that are looked at, at most.
    """
    futures = min(most, draws.open.shape[1])
    from_open, from_new = draws.open[rows, :futures], draws.new[rows, :futures]
    volume = np.where(open_amount[rows] > 0, open_amount[rows], 0.0)
    leads = np.where(flow[rows] > 0, flow[rows], 1.0)
    wide, each = np.ones((1, futures)), volume[:, None]
    yields = np.divide(from_open, each, out=np.zeros_like(from_open), where=each > 0)
    # A quota of 0 or less is attained whatever comes.
    quota = np.nan_to_num(draws.quota[rows], nan=-np.inf)
    return (
        draws.closed[rows][:, None] * wide,
        volume[:, None] * wide,
        yields,
        leads[:, None] * wide,
        from_new / leads[:, None],
        quota[:, None] * wide,
    )


def _exchanged(own: tuple[Floats, ...]) -> tuple[Floats, ...]:
    """Return a peer's factors for each row, another peer in every future."""
    rows, futures = own[0].shape
    # More peers than futures: evenly over all of them, or only the first by name would count.
    step = max(1.0, rows / futures)
    place = (np.arange(futures) * step).astype(np.int64) % rows
    return tuple(factor[place, np.arange(futures)][None, :] * np.ones((rows, 1)) for factor in own)


def coalition_chances(own: tuple[Floats, ...], peer: tuple[Floats, ...], target: float) -> Chances:
    """Return the chance to attain with every set of own factors, the others being a peer's."""
    players = range(len(FACTORS))
    chances = {}
    for size in range(len(FACTORS) + 1):
        for coalition in combinations(players, size):
            factors = [own[k] if k in coalition else peer[k] for k in players]
            closed, volume, yields, leads, each_lead, quota = factors
            total = closed + volume * yields + leads * each_lead
            chances[frozenset(coalition)] = (total >= target * quota).mean(axis=1)
    return chances


def without_one(chances: Chances) -> Floats:
    """Return the chance in percent if one factor alone were a peer's: rows x factors."""
    every = frozenset(range(len(FACTORS)))
    return 100 * np.column_stack([chances[every - {k}] for k in sorted(every)])


def rep_reasons(explanation: RepExplanation, p: Floats) -> list[dict[str, Any]]:
    """Put every rep's factors into the contract's form, the strongest first."""
    reasons = []
    for row, base in enumerate(np.round(explanation.base, 4)):
        points = explanation.points[row]
        items = [
            _item(explanation, row, int(k))
            for k in np.argsort(-np.abs(points), kind="stable")
            if abs(points[k]) >= LEAST_POINTS
        ]
        rest = 100 * float(p[row]) - float(base) - sum(float(i["points"]) for i in items)
        reasons.append({"base": float(base), "items": items, "rest": round(rest, 4)})
    return reasons


def _item(explanation: RepExplanation, row: int, place: int) -> dict[str, Any]:
    factor, points = FACTORS[place], float(explanation.points[row, place])
    value, usual = explanation.in_words[row][place], explanation.usual[row][place]
    return {
        "feature": factor.name,
        "label": factor.says,
        "value": value,
        "points": round(points, 4),
        "side": "for" if points > 0 else "against",
        "who": factor.who.value,
        "group": group_of(factor.who),
        "usual": usual,
        "at_usual": round(float(explanation.at_usual[row, place]), 4),
        "says": f"{factor.says[0].upper()}{factor.says[1:]}: {value}; {usual} is usual.",
    }


def open_amounts(rows: int, rep: npt.NDArray[np.int64], amount: Floats) -> Floats:
    """Add up what each rep has open, as the forecast counts it."""
    return np.asarray(np.bincount(rep, amount, minlength=rows))
