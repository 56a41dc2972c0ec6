"""Truth about the past: it is replayed with one thing changed, to see what that thing cost.

What came from outside (leads, people, the market) comes again as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.simulation.day import ACTUAL, Counterfactual, Streams
from features.simulation.futures import TIDY_DAYS
from features.simulation.live import Life, Period
from features.simulation.machine import Machine
from features.simulation.parquet import Columns, ids
from features.simulation.rows import Array
from features.simulation.state import CAUSES, potentials

POOR = 0.8
"""A territory of less potential than this is a cause."""
LEAST_SIZE = 0.02
"""A cause that costs a smaller share of the quota than this is left out."""


@dataclass(frozen=True)
class Expected:
    """What each seat can expect of one period.

    Attributes:
        conversions: leads that become deals.
        wins: deals won.
        revenue: cents won.
    """

    conversions: Array
    wins: Array
    revenue: Array


def replay_past(life: Life, period: Period, counterfactual: Counterfactual) -> Expected:
    """Replay a period, from the beginning of the one before it, with something changed.

    Deals take about a quarter, so a cause at work in the quarter before is still felt in this one.
    """
    earlier = [day for day in life.states if life.calendar.opens[day] and day < period.start]
    begin = max(earlier) if earlier else period.start
    worlds = life.settings.cause_replays
    many = life.states[begin].tiled(worlds)
    machine = Machine(life.settings, life.calendar, counterfactual)
    streams = Streams.of(life.settings.seed, 4, period.start)
    seats = many.seats_each
    totals = {name: np.zeros(seats) for name in ("conversions", "wins", "revenue")}
    last = min(period.end, life.end)
    while many.day < last:
        is_inside = many.day >= period.start
        day = machine.step(many, streams, life.exogenous, with_chances=is_inside)
        for name, rows, chance in (
            ("conversions", day.leads, day.chance),
            ("wins", day.deals, day.wins),
            ("revenue", day.deals, day.revenue),
        ):
            # No deal is worked on where there is no chance to win any: on a holiday, say.
            if chance is not None:
                by_seat = np.bincount(rows["seat"], chance, worlds * seats)
                totals[name] += by_seat.reshape(worlds, seats).sum(axis=0)
        if many.day % TIDY_DAYS == 0:
            many.tidy()
    return Expected(**{name: total / worlds for name, total in totals.items()})


def cause_truth(life: Life, period: Period) -> list[Columns]:
    """Return what each cause costs, and what an average rep would have achieved.

    The size of a cause is the revenue of a replay without it less that of a replay with it, as a
    share of the quota:

        planted for a while    replay without any planted cause
        quota                  the same revenue beside the quota that would have been fair
        territory (poor)       replay on territories of equal potential, as far as the quota does
                               not allow for the poor one already
        ramp (new reps)        replay with new reps who work like experienced ones

    Returns:
        The columns of `causes` and of `equal_grounds`.
    """
    actual = replay_past(life, period, ACTUAL).revenue[period.seat]
    causes: list[tuple[int, str, float]] = []
    for cause, reps, better in _replays_without(life, period, actual):
        size = better / period.amount - actual / period.amount
        costly = (k for k in np.flatnonzero(reps) if size[k] > LEAST_SIZE)
        causes += [(int(k), cause, float(size[k])) for k in costly]
    named = {place for place, _, _ in causes}
    causes += [(k, "none", 0.0) for k in range(len(period.seat)) if k not in named]
    causes.sort()
    places = np.array([place for place, _, _ in causes])
    columns = {
        "rep_id": ids("R", period.person[places]),
        "period_start": life.moments(period.start, len(causes)),
        "cause": np.array([cause for _, cause, _ in causes], dtype=object),
        "size": np.array([size for _, _, size in causes]),
    }
    return [columns, _equal_grounds(life, period)]


def _replays_without(
    life: Life, period: Period, actual: Array
) -> Iterator[tuple[str, Array, Array]]:
    """Go through causes: the name, the mask of reps who have it, and all reps' cents without it."""
    seat = period.seat
    planted = life.trouble[period.start][seat]
    is_overset = planted == CAUSES.index("quota")
    is_troubled = (planted > 0) & ~is_overset
    if is_troubled.any():
        better = replay_past(life, period, Counterfactual(untroubled=True)).revenue[seat]
        for code in np.unique(planted[is_troubled]):
            yield CAUSES[code], planted == code, better
    yield "quota", is_overset, actual / period.fair * period.amount
    home = life.states[max(life.states)].seats["territory"][seat]
    is_poor = potentials(life.settings)[home] < POOR
    if is_poor.any():
        # Only the share of level ground that the quota asks for can be missed.
        level = replay_past(life, period, Counterfactual(level=True)).revenue[seat]
        yield "territory", is_poor, level * np.minimum(period.share, 1.0)
    hired = life.exogenous.seats[period.start]["hired"][seat]
    is_new = period.start - hired < life.settings.ramp_days
    if is_new.any():
        yield "ramp", is_new, replay_past(life, period, Counterfactual(ramped=True)).revenue[seat]


def _equal_grounds(life: Life, period: Period) -> Columns:
    """Compare what happened with what an average rep without trouble could expect there."""
    average = replay_past(life, period, Counterfactual(untroubled=True, average=True))
    size = int(max(p.person.max() for p in life.periods)) + 1
    opened, won = (np.concatenate(rows, axis=1) for rows in (life.conversions, life.wins))
    opened, won = (
        rows[:, (rows[0] >= period.start) & (rows[0] < period.end)] for rows in (opened, won)
    )
    actual = {
        "conversions": np.bincount(opened[2], minlength=size),
        "wins": np.bincount(won[2], minlength=size),
        "revenue": np.bincount(won[2], won[3] / 100, minlength=size),
    }
    expected = {
        "conversions": average.conversions,
        "wins": average.wins,
        "revenue": average.revenue / 100,
    }
    count, metrics = len(period.person), list(expected)
    expected_true = np.concatenate([expected[metric][period.seat] for metric in metrics])
    achieved = np.concatenate([actual[metric][period.person] for metric in metrics])
    return {
        "rep_id": ids("R", np.tile(period.person, len(metrics))),
        "period_start": life.moments(period.start, count * len(metrics)),
        "metric": np.repeat(np.array(metrics, dtype=object), count),
        "expected_true": expected_true,
        "residual_true": achieved - expected_true,
    }
