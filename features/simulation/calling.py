"""A day's touches under a calling policy: as many for each rep as by habit, on other leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.simulation.day import KeyedUniforms, Rules
from features.simulation.policies import NEVER, Policy
from features.simulation.rows import Array
from features.simulation.state import State

GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
"""Steps between 0 and 1 that never repeat."""


@dataclass(frozen=True)
class Calling:
    """How reps choose whom to call.

    Attributes:
        policy: puts their leads in order.
        follow: the share of their touches that follows it; the rest stays habit's own choice.
        seed: of what decides which of habit's choices stay.
        touches: leads to be touched by each seat, by day; None has as many as by habit that day.
    """

    policy: Policy
    follow: float = 1.0
    seed: int = 0
    touches: Mapping[int, Array] | None = None


def called(
    calling: Calling, state: State, rules: Rules, now: dict[str, Array], habit: Array
) -> Array:
    """Return the places of the leads that are touched, as many of each seat as by habit.

    A seat that by habit touches n leads follows the list with k of them, n times `follow` rounded
    up or down by turns. Its leads then come in this order, of which the first n are touched:

        the first k on the list    by score
        habit's other choices      in random order
        all others                 by score

    With n = 3, `follow` 0.5 and k = 1, the list A B C D and habit's choices C D E: A, and two of
    C, D and E. A lead that must not be called is none of these, so that a seat with nothing else
    touches fewer.

    Args:
        calling: how reps choose.
        state: at the beginning of the work of a day.
        rules: what the day is played with.
        now: each seat's skills as they work today.
        habit: places of the leads that would be touched by habit.
    """
    leads, seats = state.leads, len(state.seats)
    if calling.touches is None:
        touches = np.bincount(leads["seat"][habit], minlength=seats)
    else:
        touches = calling.touches[state.day]
    scores = np.where(leads["open"], calling.policy.order(state, rules, now), NEVER)
    places = np.flatnonzero((scores > NEVER) & (touches[leads["seat"]] > 0))
    seat, score = leads["seat"][places], scores[places]
    is_habit = np.zeros(len(leads), dtype=np.bool_)
    is_habit[habit] = True
    turn = (np.arange(seats) % state.seats_each * GOLDEN + state.day * PLASTIC) % 1
    following = np.floor(calling.follow * touches + turn).astype(np.int64)
    is_first = _place_in_seat(seat, -score) < following[seat]
    group = np.where(is_first, 0, np.where(is_habit[places], 1, 2))
    luck = KeyedUniforms(np.random.SeedSequence([calling.seed, 7]), state.seats_each, "id")
    luck.begin(state.day)
    within = np.where(group == 1, luck.all(leads.take(places, "seat", "id")), -score)
    is_touched = _place_in_seat(seat, within, group) < touches[seat]
    return places[is_touched]


def _place_in_seat(seat: Array, *keys: Array) -> Array:
    """Return each row's place among those of its seat, 0 first; the last key counts most."""
    order = np.lexsort((*keys, seat))
    sorted_ = seat[order]
    first = np.searchsorted(sorted_, sorted_, side="left")
    place = np.empty(len(seat), dtype=np.int64)
    place[order] = np.arange(len(seat)) - first
    return place
