"""Truth about the future: it is played many times from the exact state of a moment.

Instead of counting which leads convert in each replay, their daily chances are added up along the
way: both have the same mean, and the sum has less noise.

Source: the compensator of a counting process, as in Andersen, Borgan, Gill and Keiding,
"Statistical Models Based on Counting Processes" (1993).
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import Streams
from features.simulation.lead_work import (
    ATTEMPTING,
    CONNECTED,
    MEETING,
    contact_chance,
    interest_after_contact,
    meeting_chance,
)
from features.simulation.live import Life, Period
from features.simulation.machine import Machine
from features.simulation.parquet import Columns, ids
from features.simulation.rows import Array
from features.simulation.state import State

HORIZON = 30
"""Days that a lead's true chance looks ahead."""
LEADS_AT_ONCE = 400_000
"""Leads of all worlds that are played side by side, which bounds memory."""
TIDY_DAYS = 7
"""Days between removals of leads and deals that have ended."""


def lead_truth(life: Life, day: int, *, is_keyed: bool = False) -> list[Columns]:
    """Return every open lead's chance to convert within the horizon, and what one more touch adds.

    Args:
        life: with the company's state on that day.
        day: the cutoff.
        is_keyed: let every lead have luck of its own. The effect then has about a tenth of the
            variance; the files of `truth/` are written without.

    Returns:
        The columns of `lead_probability` and of `touch_effect`.
    """
    state, replays = life.states[day], life.settings.replays
    count = len(state.leads)
    machine = Machine(life.settings, life.calendar)
    total, helped = np.zeros(count), np.zeros(count)
    for turn, worlds in enumerate(_turns(replays, count)):
        for is_touched, sums in ((False, total), (True, helped)):
            many = state.tiled(worlds)
            if is_touched:
                touch(many, machine, turn)
            # The same streams for both, so that they differ by the touch and not by luck.
            seed = (life.settings.seed, 2, day, turn)
            keyed = Streams.keyed(state.seats_each, *seed) if is_keyed else None
            _sum_into(sums, machine, many, keyed or Streams.of(*seed))
    p, more = (np.clip(chances / replays, 0, 1) for chances in (total, helped))
    lead, at = ids("L", state.leads["id"]), life.moments(day, count)
    return [
        {"lead_id": lead, "cutoff": at, "horizon_days": np.full(count, HORIZON), "p_true": p},
        {"lead_id": lead, "cutoff": at, "effect": more - p},
    ]


def _turns(replays: int, leads: int) -> list[int]:
    """Split replays into turns of as many worlds as fit into memory together."""
    at_once = max(1, min(replays, LEADS_AT_ONCE // max(leads, 1)))
    return [min(at_once, replays - first) for first in range(0, replays, at_once)]


def _sum_into(total: Array, machine: Machine, many: State, streams: Streams) -> None:
    """Add up each lead's chances to convert over the horizon and over all worlds."""
    size = len(many.leads)
    for _ in range(HORIZON):
        # Nothing is removed in between, so that a lead keeps its place; new ones stand below.
        chance = machine.step(many, streams, with_chances=True).chance
        if chance is not None:
            total += chance[:size].reshape(many.worlds, -1).sum(axis=0)


def touch(state: State, machine: Machine, turn: int) -> None:
    """Touch every open lead once more, without taking attention from any other.

    The draws come from a stream of their own, so that what follows draws the same as without it.

    Args:
        state: its leads are changed.
        machine: knows the chance that a touch gets through.
        turn: part of the seed, so that each turn draws anew.
    """
    leads, seed = state.leads, machine.settings.seed
    draws = np.random.Generator(np.random.PCG64([seed, 5, state.day, turn]))
    chance = contact_chance(machine, leads, state.day)
    connected = (draws.random(len(leads)) < chance) & leads["open"]
    stage, interest = leads["stage"], leads["interest"]
    first = meeting_chance(machine, leads, machine.skills_today(state))
    # At a first contact; at a further one twice that; a meeting that has been held needs no other.
    meets = np.where(stage < CONNECTED, first, np.where(stage < MEETING, 2 * first, 0.0))
    after = np.where(draws.random(len(leads)) < meets, MEETING, np.maximum(stage, CONNECTED))
    leads["stage"] = np.where(connected, after, np.maximum(stage, ATTEMPTING)).astype(np.int8)
    leads["touches"] += 1
    leads["last_touch"][:] = state.day
    leads["interest"] = np.where(connected, interest_after_contact(interest), interest)


def attainment_truth(life: Life, day: int) -> list[Columns]:
    """Return the distribution of each rep's final attainment, as of a day of the period.

    Returns:
        The columns of `attainment`.
    """
    period = next(p for p in life.periods if p.start <= day < p.end)
    state, replays, count = life.states[day], life.settings.replays, len(period.person)
    machine = Machine(life.settings, life.calendar)
    totals = np.tile(_so_far(life, period, day), (replays, 1)).astype(np.float64)
    first = 0
    for turn, worlds in enumerate(_turns(replays, len(state.leads))):
        streams = Streams.of(life.settings.seed, 3, day, turn)
        many = state.tiled(worlds)
        _add_wins(totals[first : first + worlds], machine, many, streams, period)
        first += worlds
    ratio = totals / period.amount
    p10, p50, p90 = np.quantile(ratio, (0.1, 0.5, 0.9), axis=0)
    return [
        {
            "rep_id": ids("R", period.person),
            "period_start": life.moments(period.start, count),
            "cutoff": life.moments(day, count),
            "p_attain_true": (ratio >= 1).mean(axis=0),
            "attainment_p10_true": p10,
            "attainment_p50_true": p50,
            "attainment_p90_true": p90,
        }
    ]


def _so_far(life: Life, period: Period, day: int) -> Array:
    """Return the cents that each rep of a period has won in it before a day."""
    won = np.concatenate(life.wins, axis=1)
    inside = (won[0] >= period.start) & (won[0] < day)
    most = int(period.person.max()) + 1
    return np.bincount(won[2][inside], won[3][inside], minlength=most)[period.person]


def _add_wins(
    totals: Array, machine: Machine, many: State, streams: Streams, period: Period
) -> None:
    """Play worlds to the end of a period and add what is won to each world's row.

    Args:
        totals: cents, a row for each world and a column for each rep of the period.
        machine: plays the days.
        many: the worlds at the beginning of a day.
        streams: where the draws come from.
        period: whose reps and end count.
    """
    worlds, seats = len(totals), many.seats_each
    person = np.tile(period.person, (worlds, 1))
    place = np.arange(worlds)[:, None] * seats + period.seat[None, :]
    while many.day < period.end:
        day = machine.step(many, streams)
        if "won" in day.masks:
            won = np.flatnonzero(day.masks["won"])
            seat, amount = day.deals["seat"][won], day.deals["amount"][won]
            cents = np.bincount(seat, amount, worlds * seats)
            # Whoever sits at the seat of a rep who has left wins for somebody else.
            stays = many.seats["person"][place] == person
            totals += np.where(stays, cents[place], 0.0)
        if many.day % TIDY_DAYS == 0:
            many.tidy()
