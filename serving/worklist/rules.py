"""Which leads a rep's list holds, without any lot: order, cool-down, and the long tail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

EVERYBODY = ""
"""The pool of leads that belong to nobody who is there."""


@dataclass(frozen=True)
class Lead:
    """A lead as the rules see it.

    Attributes:
        lead_id: which.
        rep_id: the owner; None for a lead of the pool.
        rank: its place in the owner's order, 1 first; None for one that must not be contacted.
        waiting_since: when it was last touched or listed, else when it came in.
        is_cooling: whether it was touched or listed so lately that it is left alone.
        priority: what a call is worth.
        p: its chance to convert.
        value: what it counts as worth.
        model_version: the model behind these.
        is_set_aside: whether somebody snoozed it, or said that it is wrong on the list.
        pool_of: the manager whose pool it is in, because the owner has left or is away; the empty
            text is the pool of leads without an owner. None: it is on its owner's list.
    """

    lead_id: str
    rep_id: str | None
    rank: int | None
    waiting_since: datetime
    is_cooling: bool
    priority: float
    p: float
    value: float
    model_version: str
    is_set_aside: bool = False
    pool_of: str | None = None

    @property
    def may_be_listed(self) -> bool:
        """Whether it may be called today."""
        return self.rank is not None and not self.is_cooling and not self.is_set_aside

    @property
    def list_key(self) -> tuple[bool, str]:
        """Whose list it is on: whether that is a pool, and the rep's or manager's id."""
        if self.pool_of is None and self.rep_id is not None:
            return False, self.rep_id
        return True, self.pool_of or EVERYBODY


@dataclass(frozen=True)
class Order:
    """A rep's leads in the order of the rules.

    Attributes:
        first: those that get a place by what a call is worth.
        tail: those that get one because they wait longest.
        rest: all others, by what a call is worth.
    """

    first: Sequence[Lead]
    tail: Sequence[Lead]
    rest: Sequence[Lead]

    @property
    def listed(self) -> tuple[Lead, ...]:
        """All that get a place."""
        return (*self.first, *self.tail)


def in_order(leads: Sequence[Lead], places: int, long_tail: float) -> Order:
    """Put a rep's leads in order, without those that must not be called today.

    Of the places, a share (rounded down) goes to the leads that wait longest among those that the
    order would leave out, so that no lead starves:

        places   share   by rank   by waiting
        20       0.1     18        2
        5        0.1     5         0
        3        1.0     0         3

    Args:
        leads: of one rep.
        places: how many get a place.
        long_tail: the share of the places for those that wait longest.
    """
    able = [lead for lead in leads if lead.may_be_listed]
    by_rank = sorted(able, key=lambda lead: (lead.rank or 0, lead.lead_id))
    for_tail = math.floor(places * long_tail)
    first, others = by_rank[: places - for_tail], by_rank[places - for_tail :]
    by_waiting = sorted(others, key=lambda lead: (lead.waiting_since, lead.rank or 0))
    tail = by_waiting[:for_tail]
    waiting = {lead.lead_id for lead in tail}
    return Order(first, tail, [lead for lead in others if lead.lead_id not in waiting])
