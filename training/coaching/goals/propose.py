"""Goals that are measurable, within reach and dated, each with the chance of reaching it.

Where a goal leads to is taken from what comparable reps have (or the rep's own better windows,
where logging differs between reps); how likely it is, from how values like this one went on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.coaching.goals.measures import (
    MEASURES,
    OF_CAUSE,
    WINDOW_DAYS,
    Against,
    Measure,
    Scale,
)
from training.coaching.goals.record import SalesRecord
from training.coaching.goals.transitions import Transitions, transitions

LIKELY = 0.5
"""From this chance on a goal is likely; below it, a stretch."""
LEAST_CHANCE = 0.25
"""A goal with a smaller chance is not proposed."""
HIGHEST = 0.75
"""No goal lies beyond this quantile of comparable values."""
LEAST_SHARE, LEAST_GROWTH = 0.02, 0.04
"""A goal is at least two points of a share, or 4 % of an amount, from where the rep stands."""
CANDIDATES = 60
LEAST_PEERS = 5
LIKELY_NAME, STRETCH_NAME = "likely", "a stretch"


@dataclass(frozen=True)
class Goal:
    """One proposed goal.

    Attributes:
        rep_id: whose.
        measure: what is to change.
        now: the present value.
        count: what it rests on.
        target: the value to reach.
        due: the window that is looked at ends here and begins `WINDOW_DAYS` before.
        chance: of reaching it, from the company's own past.
        expected: the value to be expected without doing anything.
        low: the lower end of the 80 % range of that.
        high: its upper end.
        peers: the middle of comparable reps, or of the rep's own past.
        compared: how many reps, or windows of the own past, that is the middle of.
        changes: how many changes of the past the chance is counted from.
    """

    rep_id: str
    measure: Measure
    now: float
    count: float
    target: float
    due: datetime
    chance: float
    expected: float
    low: float
    high: float
    peers: float
    compared: int
    changes: int

    @property
    def label(self) -> str:
        """Return what the chance is called."""
        return LIKELY_NAME if self.chance >= LIKELY else STRETCH_NAME


@dataclass(frozen=True, eq=False)
class Goals:
    """Everything that goals of a company are made from.

    Attributes:
        record: what happened.
        of: how each measure goes on, by its name.
    """

    record: SalesRecord
    of: Mapping[str, Transitions]

    @classmethod
    def learned(cls, record: SalesRecord) -> Goals:
        """Learn from a record how every measure goes on."""
        return cls(record, {name: transitions(record, m) for name, m in MEASURES.items()})

    def value(self, rep_id: str, measure: Measure) -> tuple[float, float] | None:
        """Return a rep's present value and its count; None where that is too small to say."""
        now = self.of[measure.name].now
        own = now[now["rep_id"] == rep_id]
        return None if own.empty else (float(own["value"].iloc[0]), float(own["count"].iloc[0]))

    def propose(self, rep_id: str, cause: str) -> list[Goal]:
        """Propose at most two goals for a cause: a likely one, and a stretch beyond it.

        Returns:
            The likely one first. None where the cause has no measure, the value or the past says
            too little, or the rep already stands where a quarter of comparable values lie.
        """
        measure = OF_CAUSE.get(cause)
        if measure is None or not self.of[measure.name].is_enough:
            return []
        own = self.value(rep_id, measure)
        return [] if own is None else self._reachable(rep_id, measure, *own)

    def _reachable(self, rep_id: str, measure: Measure, value: float, count: float) -> list[Goal]:
        moves = self.of[measure.name]
        compared = self._compared(rep_id, moves)
        if len(compared) < LEAST_PEERS:
            return []
        targets = _candidates(measure, value, float(np.quantile(compared, HIGHEST)))
        chances = {target: moves.chance(value, count, target) for target in targets}
        expected, low, high = moves.expected(value, count)
        return [
            Goal(
                rep_id=rep_id, measure=measure, now=value, count=count, target=target,
                due=self.record.as_of + timedelta(days=WINDOW_DAYS), chance=chances[target],
                expected=expected, low=low, high=high, peers=float(np.median(compared)),
                compared=len(compared), changes=len(moves.surprises),
            )
            for target in _chosen(measure, chances)
        ]  # fmt: skip

    def _compared(self, rep_id: str, moves: Transitions) -> Floats:
        """Return the values that a goal may aim at: of peers in one role, or of the own past."""
        if moves.measure.against is Against.OWN_PAST:
            past = moves.own_past
            return past.loc[past["rep_id"] == rep_id, "value"].to_numpy(np.float64)
        others = moves.now[moves.now["rep_id"] != rep_id]
        in_role = others[others["rep_id"].isin(self._same_role(rep_id))]
        return (in_role if len(in_role) >= LEAST_PEERS else others)["value"].to_numpy(np.float64)

    def _same_role(self, rep_id: str) -> pd.Series[str]:
        people = self.record.people
        role = people.loc[people["rep_id"] == rep_id, "role"]
        is_same = people["role"] == role.iloc[0] if len(role) else people["role"].isna()
        return people.loc[is_same, "rep_id"]


def _candidates(measure: Measure, value: float, highest: float) -> list[float]:
    """Return rounded targets from a little above a value up to the highest, rising."""
    nearest = value + LEAST_SHARE if measure.scale is Scale.SHARE else value * (1 + LEAST_GROWTH)
    if nearest > highest:
        return []
    between = np.linspace(nearest, highest, CANDIDATES)
    rounded = {rounded_target(measure, float(target)) for target in between}
    return sorted(target for target in rounded if target > value)


def _chosen(measure: Measure, chances: Mapping[float, float]) -> list[float]:
    """Choose the furthest target that is likely, and the furthest stretch well beyond it."""
    likely = [t for t, p in chances.items() if p >= LIKELY][-1:]
    stretch = [t for t, p in chances.items() if LEAST_CHANCE <= p < LIKELY][-1:]
    if likely and stretch and not _is_apart(measure, likely[0], stretch[0]):
        return likely
    return [*likely, *stretch]


def _is_apart(measure: Measure, near: float, far: float) -> bool:
    step = LEAST_SHARE if measure.scale is Scale.SHARE else near * LEAST_GROWTH
    return far - near >= step - 1e-9


def rounded_target(measure: Measure, target: float) -> float:
    """Round a target to what people would agree on: whole percent, or two digits.

    >>> rounded_target(MEASURES["win_rate"], 0.3184), rounded_target(MEASURES["touches"], 87.3)
    (0.32, 87.0)
    >>> rounded_target(MEASURES["deal_size"], 18_420.0)
    18000.0
    """
    if measure.scale is Scale.SHARE:
        return round(target, 2)
    if target <= 0:
        return 0.0
    return round(target, 1 - int(np.floor(np.log10(target))))
