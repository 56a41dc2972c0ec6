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
        by_world: the same cents, a row for each world that was replayed.
    """

    conversions: Array
    wins: Array
    revenue: Array
    by_world: Array


def replay_past(life: Life, period: Period, counterfactual: Counterfactual) -> Expected:
    """Replay a period, from the beginning of the one before it, with something changed.

    Deals take about a quarter, so a cause at work in the quarter before is still felt in this one.
    """
    earlier = [day for day in life.states if life.calendar.opens[day] and day < period.start]
    begin = max(earlier) if earlier else period.start
    worlds = life.settings.cause_replays
    many = life.states[begin].tiled(worlds)
    machine = Machine(life.settings, life.calendar, counterfactual)
    seats = many.seats_each
    streams = Streams.keyed(seats, life.settings.seed, 4, period.start)
    totals = {name: np.zeros((worlds, seats)) for name in ("conversions", "wins", "revenue")}
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
                totals[name] += by_seat.reshape(worlds, seats)
        if many.day % TIDY_DAYS == 0:
            many.tidy()
    means = {name: total.mean(axis=0) for name, total in totals.items()}
    return Expected(**means, by_world=totals["revenue"])


def cause_truth(life: Life, period: Period) -> list[Columns]:
    """Return what each cause costs, and what an average rep would have achieved.

    The size of a cause is the revenue of a replay without it less that of a replay with it, as a
    share of the quota:

        planted for a while    replay without any planted cause
        quota                  the same revenue beside the quota that would have been fair
        territory (poor)       replay on territories of equal potential, as far as the quota does
                               not allow for the poor one already
        ramp (new reps)        replay with new reps who work like experienced ones

    A cause that was planted, `quota` among them, has a row whatever its size, even below 0; one
    that follows from seat or tenure has one from `LEAST_SIZE` on. `none` stands where there is
    neither. `size_se` is the standard error of the size, from the differences between the worlds of
    the two replays, in which every lead and deal has the same luck.

    Returns:
        The columns of `causes` and of `equal_grounds`.
    """
    actual = replay_past(life, period, ACTUAL).by_world[:, period.seat]
    rows: list[tuple[int, str, float, float]] = []
    for cause, reps, better, is_planted in _replays_without(life, period, actual):
        saved = (better - actual) / period.amount
        size = saved.mean(axis=0)
        error = saved.std(axis=0, ddof=1) / np.sqrt(len(saved)) if len(saved) > 1 else size * np.nan
        kept = np.flatnonzero(reps & (is_planted | (size > LEAST_SIZE)))
        rows += [(int(k), cause, float(size[k]), float(error[k])) for k in kept]
    named = {place for place, *_ in rows}
    rows += [(k, "none", 0.0, 0.0) for k in range(len(period.seat)) if k not in named]
    rows.sort()
    places, causes, sizes, errors = zip(*rows, strict=True)
    columns = {
        "rep_id": ids("R", period.person[np.array(places)]),
        "period_start": life.moments(period.start, len(rows)),
        "cause": np.array(causes, dtype=object),
        "size": np.array(sizes),
        "size_se": np.array(errors),
    }
    return [columns, _equal_grounds(life, period)]


def _replays_without(
    life: Life, period: Period, actual: Array
) -> Iterator[tuple[str, Array, Array, bool]]:
    """Go through causes.

    Yields:
        The name, the mask of reps who have it, all reps' cents without it in each world, and
        whether it was planted.
    """
    seat = period.seat
    planted = life.trouble[period.start][seat]
    is_overset = planted == CAUSES.index("quota")
    is_troubled = (planted > 0) & ~is_overset
    if is_troubled.any():
        better = replay_past(life, period, Counterfactual(untroubled=True)).by_world[:, seat]
        for code in np.unique(planted[is_troubled]):
            yield CAUSES[code], planted == code, better, True
    yield "quota", is_overset, actual / period.fair * period.amount, True
    home = life.states[max(life.states)].seats["territory"][seat]
    is_poor = potentials(life.settings)[home] < POOR
    if is_poor.any():
        # Only the share of level ground that the quota asks for can be missed.
        level = replay_past(life, period, Counterfactual(level=True)).by_world[:, seat]
        yield "territory", is_poor, level * np.minimum(period.share, 1.0), False
    hired = life.exogenous.seats[period.start]["hired"][seat]
    is_new = period.start - hired < life.settings.ramp_days
    if is_new.any():
        ramped = replay_past(life, period, Counterfactual(ramped=True)).by_world[:, seat]
        yield "ramp", is_new, ramped, False


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
