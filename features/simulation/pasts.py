"""Truth about the past: it is played anew with one thing changed, to see what that thing cost.

What came from outside (leads, people, the market) comes again as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.simulation.day import OURS, Alike, Streams
from features.simulation.futures import TIDY_DAYS
from features.simulation.live import Life, Period
from features.simulation.machine import Machine
from features.simulation.parquet import Columns, ids
from features.simulation.rows import Array
from features.simulation.state import CAUSES, potentials

POOR = 0.8
"""Below this potential a territory is a cause."""
LEAST_SIZE = 0.02
"""A cause that costs less of the quota than this is not one."""


@dataclass(frozen=True)
class Expected:
    """What one period's reps can expect, by seat: deals opened, deals won, cents."""

    conversions: Array
    wins: Array
    revenue: Array


def replay_past(life: Life, period: Period, alike: Alike) -> Expected:
    """Play a period anew, from the beginning of the one before it, in a world that is unlike ours.

    Deals take about a quarter, so a cause that had worked in the quarter before is felt in this.
    """
    earlier = [day for day in life.states if life.calendar.opens[day] and day < period.start]
    begin = max(earlier) if earlier else period.start
    worlds = life.settings.cause_replays
    many = life.states[begin].tiled(worlds)
    machine = Machine(life.settings, life.calendar, alike)
    streams = Streams.of(life.settings.seed, 4, period.start)
    seats = many.seats_each
    made = {name: np.zeros(seats) for name in ("conversions", "wins", "revenue")}
    last = min(period.end, life.end)
    while many.day < last:
        is_inside = many.day >= period.start
        happened = machine.step(many, streams, life.given, is_summed=is_inside)
        if happened.chance is not None:
            for name, rows, chance in (
                ("conversions", happened.leads, happened.chance),
                ("wins", happened.deals, happened.wins),
                ("revenue", happened.deals, happened.revenue),
            ):
                total = np.bincount(rows["seat"], chance, worlds * seats)
                made[name] += total.reshape(worlds, seats).sum(axis=0)
        if many.day % TIDY_DAYS == 0:
            many.tidy()
    return Expected(**{name: total / worlds for name, total in made.items()})


def cause_truth(life: Life, period: Period) -> list[Columns]:
    """Give what each planted cause costs, and what an average rep would have made of the same."""
    ours = replay_past(life, period, OURS)
    amount, seat = period.amount, period.seat
    found: list[tuple[int, str, float]] = []

    def note(cause: str, who: Array, better: Array) -> None:
        size = better / amount - ours.revenue[seat] / amount
        found.extend(
            (int(k), cause, float(size[k])) for k in np.flatnonzero(who) if size[k] > LEAST_SIZE
        )

    planted = life.trouble[period.start][seat]
    overset = planted == CAUSES.index("quota")
    troubled = (planted > 0) & ~overset
    if troubled.any():
        better = replay_past(life, period, Alike(untroubled=True)).revenue[seat]
        for code in np.unique(planted[troubled]):
            note(CAUSES[code], planted == code, better)
    note("quota", overset, ours.revenue[seat] / period.fair * amount)
    home = life.states[max(life.states)].seats["territory"][seat]
    poor = potentials(life.settings)[home] < POOR
    if poor.any():
        # What the quota allows for already is not lost: beside ground as good as was guessed.
        level = replay_past(life, period, Alike(level=True)).revenue[seat]
        note("territory", poor, level * np.minimum(period.share, 1.0))
    hired = life.given.seats[period.start]["hired"][seat]
    fresh = period.start - hired < life.settings.ramp_days
    if fresh.any():
        note("ramp", fresh, replay_past(life, period, Alike(ramped=True)).revenue[seat])
    named = {place for place, _, _ in found}
    found += [(k, "none", 0.0) for k in range(len(seat)) if k not in named]
    found.sort()
    places = np.array([place for place, _, _ in found])
    causes = {
        "rep_id": ids("R", period.person[places]),
        "period_start": life.moments(period.start, len(found)),
        "cause": np.array([cause for _, cause, _ in found], dtype=object),
        "size": np.array([size for _, _, size in found]),
    }
    return [causes, _equal_grounds(life, period)]


def _equal_grounds(life: Life, period: Period) -> Columns:
    fair = replay_past(life, period, Alike(untroubled=True, average=True))
    size = int(max(p.person.max() for p in life.periods)) + 1
    opened = np.concatenate(life.conversions, axis=1)
    won = np.concatenate(life.wins, axis=1)
    mine = [(rows[0] >= period.start) & (rows[0] < period.end) for rows in (opened, won)]
    actual = {
        "conversions": np.bincount(opened[2][mine[0]], minlength=size),
        "wins": np.bincount(won[2][mine[1]], minlength=size),
        "revenue": np.bincount(won[2][mine[1]], won[3][mine[1]] / 100, minlength=size),
    }
    expected = {
        "conversions": fair.conversions,
        "wins": fair.wins,
        "revenue": fair.revenue / 100,
    }
    count = len(period.person)
    names = list(expected)
    should = np.concatenate([expected[n][period.seat] for n in names])
    did = np.concatenate([actual[n][period.person] for n in names])
    return {
        "rep_id": ids("R", np.tile(period.person, len(names))),
        "period_start": life.moments(period.start, count * len(names)),
        "metric": np.repeat(np.array(names, dtype=object), count),
        "expected_true": should,
        "residual_true": did - should,
    }
