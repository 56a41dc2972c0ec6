"""A stretch of the past, replayed while reps call in another order; all else comes as it came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.simulation.calling import Calling
from features.simulation.crm import Crm
from features.simulation.day import Day, Streams
from features.simulation.futures import TIDY_DAYS
from features.simulation.live import Life, record_quotas
from features.simulation.machine import Machine
from features.simulation.rows import Array

FIGURES = ("touches", "conversions", "value", "revenue")
"""Touches of leads, leads that became deals, their expected amounts, and money won."""
CALLS = 10
"""Part of the seed of replays under a calling policy."""


@dataclass(frozen=True)
class Outcome:
    """What came of a replay: for each figure a row for each world, a column for each seat.

    Attributes:
        counted: what happened.
        expected: the chances of what could happen, added up day by day. Both have the same mean,
            and these have less noise; see `futures`. Touches are counted.
        touches: leads touched by each seat of each world, one after the other, by working day.
    """

    counted: dict[str, Array]
    expected: dict[str, Array]
    touches: dict[int, Array]


def replay_calls(
    life: Life,
    start: int,
    end: int,
    calling: Calling | None,
    *,
    worlds: int = 1,
    crm: Crm | None = None,
) -> Outcome:
    """Replay the days from `start` to before `end` under a calling policy.

    Every policy meets the same arrivals, staff and market, and every lead and deal has the same
    luck of its own, whoever else is called: two policies that call the same leads play the same
    world.

    Args:
        life: with the company's state on the first of the days, and what came from outside on all.
        start: the first day.
        end: the day after the last.
        calling: how reps choose whom to call; None leaves it to their habit.
        worlds: how many are played side by side.
        crm: records the days of the only world.
    """
    many = life.states[start].tiled(worlds)
    machine = Machine(life.settings, life.calendar)
    streams = Streams.keyed(many.seats_each, life.settings.seed, CALLS, start)
    counted, expected = ({name: np.zeros(len(many.seats)) for name in FIGURES} for _ in range(2))
    touches: dict[int, Array] = {}
    while many.day < end:
        day = machine.step(
            many,
            streams,
            life.exogenous,
            with_chances=True,
            is_recorded=crm is not None,
            calling=calling,
        )
        if "touched" in day.masks:
            touched = day.leads["seat"][day.masks["touched"]]
            touches[day.number] = np.bincount(touched, minlength=len(many.seats))
        _add(day, counted, expected)
        if crm is not None:
            for period in life.periods:
                if period.start == day.number:
                    record_quotas(life, period, crm)
            crm.record(day, many)
        if crm is not None or many.day % TIDY_DAYS == 0:
            many.tidy()
    return Outcome(_by_world(counted, worlds), _by_world(expected, worlds), touches)


def _by_world(sums: dict[str, Array], worlds: int) -> dict[str, Array]:
    return {name: totals.reshape(worlds, -1) for name, totals in sums.items()}


def _add(day: Day, counted: dict[str, Array], expected: dict[str, Array]) -> None:
    """Add what a day brought to each seat."""
    leads, deals, masks = day.leads, day.deals, day.masks

    def add(sums: dict[str, Array], name: str, seat: Array, amounts: Array | None) -> None:
        sums[name] += np.bincount(seat, amounts, len(sums[name]))

    if "touched" in masks:
        for sums in (counted, expected):
            add(sums, "touches", leads["seat"], masks["touched"])
    if "converted" in masks:
        won = leads.take(masks["converted"], "seat", "value")
        add(counted, "conversions", won["seat"], None)
        add(counted, "value", won["seat"], won["value"])
    if day.chance is not None:
        add(expected, "conversions", leads["seat"], day.chance)
        add(expected, "value", leads["seat"], day.chance * leads["value"])
    if "won" in masks:
        won = deals.take(masks["won"], "seat", "amount")
        add(counted, "revenue", won["seat"], won["amount"] / 100)
    if day.revenue is not None:
        add(expected, "revenue", deals["seat"], day.revenue / 100)
