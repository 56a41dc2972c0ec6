"""Truth about the future: it is played from the exact state of a moment, many times.

Instead of counting which leads convert in each replay, their chances are added up along the way:
both have the same mean, and the sum has less noise (the compensator of a counting process).
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import Streams
from features.simulation.lead_work import ATTEMPTING, CONNECTED, reach, warmer
from features.simulation.live import Life, Period
from features.simulation.machine import Machine
from features.simulation.parquet import Columns, ids
from features.simulation.rows import Array
from features.simulation.state import State

HORIZON = 30
"""Days ahead that a lead's true chance is about."""
LEADS_AT_ONCE = 400_000
"""Leads of all worlds that are played side by side, which bounds memory."""
TIDY_DAYS = 7
"""How often what has ended is forgotten."""


def lead_truth(life: Life, day: int) -> list[Columns]:
    """Give every open lead's chance to convert within the horizon, and what one more touch adds."""
    state, replays = life.states[day], life.settings.replays
    count = len(state.leads)
    machine = Machine(life.settings, life.calendar)
    total, helped = np.zeros(count), np.zeros(count)
    for turn, worlds in enumerate(_turns(replays, count)):
        for is_touched, sums in ((False, total), (True, helped)):
            many = state.tiled(worlds)
            if is_touched:
                touch(many, machine, turn)
            # The same streams, so that the two differ by the touch and not by luck.
            _sum_into(sums, machine, many, Streams.of(life.settings.seed, 2, day, turn))
    p, more = (np.clip(chances / replays, 0, 1) for chances in (total, helped))
    lead, at = ids("L", state.leads["id"]), life.moments(day, count)
    return [
        {"lead_id": lead, "cutoff": at, "horizon_days": np.full(count, HORIZON), "p_true": p},
        {"lead_id": lead, "cutoff": at, "effect": more - p},
    ]


def _turns(replays: int, leads: int) -> list[int]:
    """Split replays into as many worlds at a time as memory is meant for."""
    once = max(1, min(replays, LEADS_AT_ONCE // max(leads, 1)))
    return [min(once, replays - first) for first in range(0, replays, once)]


def _sum_into(total: Array, machine: Machine, many: State, streams: Streams) -> None:
    """Add up each lead's chances to convert over the horizon and over all worlds."""
    size = len(many.leads)
    for _ in range(HORIZON):
        # Nothing is forgotten in between, so that a lead stays where it is; new ones stand below.
        chance = machine.step(many, streams, is_summed=True).chance
        if chance is not None:
            total += chance[:size].reshape(many.worlds, -1).sum(axis=0)


def touch(state: State, machine: Machine, turn: int) -> None:
    """Touch every open lead once more, at no cost of attention to any other.

    The lots come from a stream of their own, so that the same chances follow as without it.

    Args:
        state: whose leads are changed.
        machine: gives the chance that a touch gets through.
        turn: tells apart the worlds that are played one after the other.
    """
    leads, seed = state.leads, machine.settings.seed
    draws = np.random.Generator(np.random.PCG64([seed, 5, state.day, turn]))
    connected = (draws.random(len(leads)) < reach(machine, leads, state.day)) & leads["open"]
    stage = np.maximum(leads["stage"], ATTEMPTING)
    leads["stage"] = np.where(connected, np.maximum(stage, CONNECTED), stage).astype(np.int8)
    leads["touches"] += 1
    leads["last_touch"][:] = state.day
    leads["interest"] = np.where(connected, warmer(leads["interest"]), leads["interest"])


def attainment_truth(life: Life, day: int) -> list[Columns]:
    """Give the distribution of each rep's final attainment as of a moment of the period."""
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
    """Give the cents each rep of a period has won in it before a day."""
    won = np.concatenate(life.wins, axis=1)
    inside = (won[0] >= period.start) & (won[0] < day)
    most = int(period.person.max()) + 1
    return np.bincount(won[2][inside], won[3][inside], minlength=most)[period.person]


def _add_wins(
    totals: Array, machine: Machine, many: State, streams: Streams, period: Period
) -> None:
    """Play worlds to the end of a period and add what is won to each world's row."""
    worlds, seats = len(totals), many.seats_each
    # Someone who has left already is not at the seat any more.
    same = np.tile(period.person, (worlds, 1))
    place = np.arange(worlds)[:, None] * seats + period.seat[None, :]
    while many.day < period.end:
        happened = machine.step(many, streams)
        if "won" in happened.masks:
            won = np.flatnonzero(happened.masks["won"])
            seat, amount = happened.deals["seat"][won], happened.deals["amount"][won]
            cents = np.bincount(seat, amount, worlds * seats)
            stays = many.seats["person"][place] == same
            totals += np.where(stays, cents[place], 0.0)
        if many.day % TIDY_DAYS == 0:
            many.tidy()
