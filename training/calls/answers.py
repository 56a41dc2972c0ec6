"""Which activities are attempts to reach somebody, and which of their outcomes mean success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from features.definitions.lead_activity import INBOUND
from features.storage.warehouse import Warehouse
from training.call_params import CallParams


@dataclass(frozen=True)
class Answers:
    """How attempts are told from other activities, in the words of one extract.

    Attributes:
        types: types of activity that get through at times and fail at times.
        reached: their outcomes that mean that somebody was reached.
        missed: their outcomes that mean that nobody was.
    """

    types: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: list(words) for name, words in vars(self).items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Answers:
        """Return what `to_json` wrote down."""
        return cls(**{name: tuple(words) for name, words in plain.items()})

    def attempts(self, activities: ir.Table) -> ir.Table:
        """Return the activities that are attempts to reach a lead, with `reached`, 0 or 1."""
        by_us = activities.direction.isnull() | ~activities.direction.lower().isin(sorted(INBOUND))
        rows = activities.filter(
            activities.lead_id.notnull()
            & by_us
            & activities["type"].isin(self.types)
            & activities.outcome.isin((*self.reached, *self.missed))
        )
        return rows.mutate(reached=rows.outcome.isin(self.reached).cast("int64"))


def says_reached(outcome: str, params: CallParams) -> bool | None:
    """Tell whether an outcome means that somebody was reached; None where it says neither.

    | outcome     | reached                             |
    |-------------|-------------------------------------|
    | Connected   | yes                                 |
    | no_answer   | no, though "answer" is a part of it |
    | rescheduled | neither                             |
    """
    words = " ".join(outcome.lower().replace("_", " ").replace("-", " ").split())
    if any(word in words for word in params.missed_words):
        return False
    return True if any(word in words for word in params.reached_words) else None


def answers_of(warehouse: Warehouse, params: CallParams, least: int) -> Answers:
    """Read how attempts end in an extract that was cut to the moment of training.

    A type of activity counts if it got through and failed at least so many times each: a meeting
    that is only ever "held" is no attempt.

    Args:
        warehouse: every row in it may be read.
        params: the words of success and failure.
        least: rows of either answer that make a type count.
    """
    rows = warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull() & rows["type"].notnull() & rows.outcome.notnull())
    counted = rows.group_by(["type", "outcome", "direction"]).aggregate(n=rows.count())
    either: dict[str, list[int]] = {}
    outcomes: dict[bool, set[str]] = {True: set(), False: set()}
    for row in warehouse.arrow(counted).to_pylist():
        reached = says_reached(row["outcome"], params)
        if reached is None or (row["direction"] or "").lower() in INBOUND:
            continue
        either.setdefault(row["type"], [0, 0])[reached] += row["n"]
        outcomes[reached].add(row["outcome"])
    types = sorted(name for name, counts in either.items() if min(counts) >= least)
    if not types:
        return Answers()
    return Answers(tuple(types), *(tuple(sorted(outcomes[reached])) for reached in (True, False)))
