"""What a company's machinery knows and its CRM never does, got by playing futures and pasts anew.

A future is played from the exact state of a moment, many times. A past is played anew with what
came from outside as it was (leads, people, the market), and with one thing changed. Instead of
counting what happened in each replay, the chances of its last step are added up along the way:
both have the same mean, and the sum has less noise (the compensator of a counting process).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.progress import Progress, silent
from features.simulation.crm import TIME, ids
from features.simulation.live import Life, Period
from features.simulation.machine import OURS, Alike, Machine, Streams
from features.simulation.rows import Array
from features.simulation.state import CAUSES, SKILLS, State, potentials

HORIZON = 30
LEADS_AT_ONCE = 400_000
"""Leads of all worlds that are played side by side, which bounds memory."""
POOR = 0.8
"""Below this potential a territory is a cause."""
LEAST_SIZE = 0.02
"""A cause that costs less of the quota than this is not one."""
TIDY_DAYS = 7
THREADS = 2


def write_truth(life: Life, out: Path, progress: Progress = silent) -> None:
    """Replay and write all files of `truth/`.

    Args:
        life: what is remembered of the company.
        out: the folder of the tables; `truth/` is made in it.
        progress: told of every cutoff and period.
    """
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    _write_skills(life, folder)
    leads = life.lead_cutoffs() if life.settings.replays else []
    quota = life.quota_cutoffs() if life.settings.replays else []
    periods = life.periods if life.settings.cause_replays else []
    with (
        progress("replaying futures and pasts", len(leads) + len(quota) + len(periods)) as advance,
        ThreadPoolExecutor(THREADS) as pool,
    ):

        def told(job: tuple[object, ...]) -> list[dict[str, Array]]:
            function, *arguments = job
            made = function(*arguments)  # type: ignore[operator]
            advance(1)
            return made  # type: ignore[no-any-return]

        jobs: list[tuple[object, ...]] = [(lead_truth, life, day) for day in leads]
        jobs += [(attainment_truth, life, day) for day in quota]
        jobs += [(cause_truth, life, period) for period in periods]
        made = list(pool.map(told, jobs))
    lead_made, rest = made[: len(leads)], made[len(leads) :]
    quota_made, cause_made = rest[: len(quota)], rest[len(quota) :]
    moment = ("cutoff", TIME)
    rep = [("rep_id", pa.string()), ("period_start", TIME)]
    number = pa.float64()
    _write(
        folder,
        "lead_probability",
        [m[0] for m in lead_made],
        [("lead_id", pa.string()), moment, ("horizon_days", pa.int64()), ("p_true", number)],
    )
    _write(
        folder,
        "touch_effect",
        [m[1] for m in lead_made],
        [("lead_id", pa.string()), moment, ("effect", number)],
    )
    _write(
        folder,
        "attainment",
        [m[0] for m in quota_made],
        [
            *rep,
            moment,
            ("p_attain_true", number),
            ("attainment_p10_true", number),
            ("attainment_p50_true", number),
            ("attainment_p90_true", number),
        ],
    )
    _write(
        folder,
        "causes",
        [m[0] for m in cause_made],
        [*rep, ("cause", pa.string()), ("size", number)],
    )
    _write(
        folder,
        "equal_grounds",
        [m[1] for m in cause_made],
        [*rep, ("metric", pa.string()), ("expected_true", number), ("residual_true", number)],
    )


def _write(
    folder: Path, name: str, parts: list[dict[str, Array]], fields: list[tuple[str, pa.DataType]]
) -> None:
    schema = pa.schema(fields)
    tables = []
    for part in parts:
        arrays = []
        for column in schema:
            values = part[column.name]
            if column.type == pa.float64():
                # Rounded, so that processors that add in another order write the same file.
                values = np.round(np.asarray(values, dtype=np.float64), 6)
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
        tables.append(pa.Table.from_arrays(arrays, schema=schema))
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    pq.write_table(table, folder / f"{name}.parquet")


def _moment(life: Life, day: int, count: int) -> Array:
    return np.full(count, np.datetime64(life.calendar.date(day), "us"))


def _write_skills(life: Life, folder: Path) -> None:
    persons: dict[int, tuple[float, ...]] = {}
    for seats in life.given.seats.values():
        for seat, person in enumerate(seats["person"].tolist()):
            if person not in persons:
                persons[person] = tuple(float(seats[name][seat]) for name in SKILLS)
    numbers = np.repeat(np.array(sorted(persons)), len(SKILLS))
    values = np.concatenate([persons[p] for p in sorted(persons)])
    _write(
        folder,
        "skills",
        [{"rep_id": ids("R", numbers), "skill": np.tile(SKILLS, len(persons)), "value": values}],
        [("rep_id", pa.string()), ("skill", pa.string()), ("value", pa.float64())],
    )
    true = potentials(life.settings)
    names = np.array([f"territory {k + 1}" for k in range(len(true))], dtype=object)
    _write(
        folder,
        "territories",
        [{"territory": names, "potential": true}],
        [("territory", pa.string()), ("potential", pa.float64())],
    )


def lead_truth(life: Life, day: int) -> list[dict[str, Array]]:
    """Give every open lead's chance to convert within the horizon, and what one more touch adds."""
    state = life.states[day]
    count = len(state.leads)
    machine = Machine(life.settings, life.calendar)
    once = max(1, LEADS_AT_ONCE // max(count, 1))
    total, helped, left, turn = np.zeros(count), np.zeros(count), life.settings.replays, 0
    while left > 0:
        worlds = min(once, left)
        for is_touched, sums in ((False, total), (True, helped)):
            many = state.tiled(worlds)
            streams = Streams.of(life.settings.seed, 2, day, turn)
            if is_touched:
                touch(many, life, streams)
            for _ in range(HORIZON):
                chance = machine.step(many, streams).chance
                if chance is not None:
                    sums += chance[: count * worlds].reshape(worlds, count).sum(axis=0)
        left, turn = left - worlds, turn + 1
    p = np.clip(total / life.settings.replays, 0, 1)
    more = np.clip(helped / life.settings.replays, 0, 1)
    lead, at = ids("L", state.leads["id"]), _moment(life, day, count)
    return [
        {"lead_id": lead, "cutoff": at, "horizon_days": np.full(count, HORIZON), "p_true": p},
        {"lead_id": lead, "cutoff": at, "effect": more - p},
    ]


def touch(state: State, life: Life, streams: Streams) -> None:
    """Touch every open lead once more, at no cost of attention to any other.

    The draws come from a stream of their own, so that the same chances follow as without it.
    """
    leads, settings = state.leads, life.settings
    draws = np.random.Generator(np.random.PCG64([settings.seed, 5, state.day, len(leads)]))
    reach = settings.contact * np.sqrt(leads["interest"])
    reach = reach * np.where(leads["touches"] > 0, settings.contact_fall, 1.0)
    reach = reach * (1 + 0.8 * np.exp(-(state.day - leads["created"]) / 1.5))
    connected = (draws.random(len(leads)) < reach) & leads["open"]
    stage = np.maximum(leads["stage"], 1)
    leads["stage"] = np.where(connected, np.maximum(stage, 2), stage).astype(np.int8)
    leads["touches"] = leads["touches"] + np.int16(1)
    leads["last_touch"] = np.full(len(leads), state.day)
    warmer = np.minimum(leads["interest"] * 1.25 + 0.1, 4.0)
    leads["interest"] = np.where(connected, warmer, leads["interest"])


def attainment_truth(life: Life, day: int) -> list[dict[str, Array]]:
    """Give the distribution of each rep's final attainment as of a moment of the period."""
    period = next(p for p in life.periods if p.start <= day < p.end)
    state, worlds = life.states[day], life.settings.replays
    won = np.concatenate(life.wins, axis=1)
    inside = (won[0] >= period.start) & (won[0] < day)
    so_far = np.bincount(won[2][inside], won[3][inside], minlength=int(period.person.max()) + 1)
    so_far = so_far[period.person]
    totals = np.tile(so_far, (worlds, 1)).astype(np.float64)
    seats = len(state.seats)
    once = max(1, min(worlds, LEADS_AT_ONCE // max(len(state.leads), 1)))
    machine = Machine(life.settings, life.calendar)
    for turn, first in enumerate(range(0, worlds, once)):
        size = min(once, worlds - first)
        many = state.tiled(size)
        streams = Streams.of(life.settings.seed, 3, day, turn)
        # Someone who has left already is not at the seat any more.
        same = np.tile(period.person, (size, 1))
        place = np.arange(size)[:, None] * seats + period.seat[None, :]
        while many.day < period.end:
            happened = machine.step(many, streams)
            if "won" in happened.masks:
                mask = happened.masks["won"]
                cents = np.bincount(
                    happened.deals["seat"][mask], happened.deals["amount"][mask], size * seats
                )
                stays = many.seats["person"][place] == same
                totals[first : first + size] += np.where(stays, cents[place], 0.0)
            if many.day % TIDY_DAYS == 0:
                many.tidy()
    ratio = totals / period.amount
    p10, p50, p90 = np.quantile(ratio, (0.1, 0.5, 0.9), axis=0)
    count = len(period.person)
    return [
        {
            "rep_id": ids("R", period.person),
            "period_start": _moment(life, period.start, count),
            "cutoff": _moment(life, day, count),
            "p_attain_true": (ratio >= 1).mean(axis=0),
            "attainment_p10_true": p10,
            "attainment_p50_true": p50,
            "attainment_p90_true": p90,
        }
    ]


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
        happened = machine.step(many, streams, life.given)
        if happened.number >= period.start and happened.chance is not None:
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


def cause_truth(life: Life, period: Period) -> list[dict[str, Array]]:
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
        "period_start": _moment(life, period.start, len(found)),
        "cause": np.array([cause for _, cause, _ in found], dtype=object),
        "size": np.array([size for _, _, size in found]),
    }
    return [causes, _equal_grounds(life, period)]


def _equal_grounds(life: Life, period: Period) -> dict[str, Array]:
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
        "period_start": _moment(life, period.start, count * len(names)),
        "metric": np.repeat(np.array(names, dtype=object), count),
        "expected_true": should,
        "residual_true": did - should,
    }
