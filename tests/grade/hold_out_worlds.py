"""A quarter of a sample company, played twice with the same luck: with the call list and without.

In one world every lead that the list puts on it, and as many next in line, are called once more on
that day; in the other nobody is. What comes of each lead in both is known, so is the true effect of
being listed, and lots may be redrawn at will: each picks one of the two outcomes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from features.simulation.day import KeyedUniforms, Streams
from features.simulation.lead_work import (
    ATTEMPTING,
    CONNECTED,
    contact_chance,
    interest_after_contact,
)
from features.simulation.live import Life, live
from features.simulation.machine import Machine
from features.simulation.settings import company_settings
from features.simulation.state import State
from serving.store.worklist import Place
from serving.worklist.rules import Lead, in_order

QUARTER, HORIZON = 92, 30
PLACES, LONG_TAIL, COOL_DOWN = 20, 0.1, 3
MONTHS = 15
NEVER = 1_000_000
Days = dict[int, int]


@dataclass(frozen=True, eq=False)
class World:
    """What came of each candidate in both worlds, in the order in which they became candidates.

    Attributes:
        start: the quarter's first midnight.
        leads: the candidates; one may stand here twice, next in line first and then on the list.
        place: where each stood.
        day: days after the start on which it did.
        listed: whether it converts within the horizon, if it is listed; 1 or 0.
        held_out: the same if it is held out.
    """

    start: datetime
    leads: list[Lead]
    place: list[Place]
    day: npt.NDArray[np.int64]
    listed: npt.NDArray[np.float64]
    held_out: npt.NDArray[np.float64]

    def moment(self, day: int) -> datetime:
        """Return a midnight of the quarter."""
        return self.start + timedelta(days=int(day))


@dataclass
class Played:
    """One world, day by day: when leads converted and ended, and when each was a candidate."""

    converted: Days
    ended: Days
    candidates: list[tuple[int, Place, Lead]]


def play_quarter(seed: int) -> World:
    """Play a quarter of a company of `demo` with and without its call list."""
    settings = company_settings("demo", seed=seed, months=MONTHS)
    with tempfile.TemporaryDirectory() as folder:
        life = live(settings, Path(folder))
    opening = [day for day in life.states if life.calendar.opens[day]]
    start = max(day for day in opening if day + QUARTER + HORIZON <= life.end)
    before = max(day for day in opening if day < start)
    forecast = forecaster(life, before)
    listed = play(life, start, forecast)
    held_out = play(life, start, None)
    return _joined(life, start, listed, held_out)


def play(life: Life, start: int, forecast: Any) -> Played:
    """Play a quarter and a horizon.

    Args:
        life: the company's history.
        start: the quarter's first day.
        forecast: ranks leads for the list; None calls nobody more than reps do anyway.
    """
    state, machine = life.states[start].copy(), Machine(life.settings, life.calendar)
    streams = Streams.keyed(state.seats_each, life.settings.seed, 6, start)
    luck = KeyedUniforms(np.random.SeedSequence([life.settings.seed, 7]), state.seats_each, "id")
    played = Played({}, {}, [])
    last: Days = {}
    for day in range(start, start + QUARTER + HORIZON):
        if forecast is not None and life.calendar.workday[day]:
            _call(state, machine, luck, forecast, last, played)
        ended = machine.step(state, streams, life.exogenous)
        for name, days in (("converted", played.converted), ("lost", played.ended)):
            if name in ended.masks:
                ids = ended.leads["id"][ended.masks[name]].tolist()
                days.update(dict.fromkeys(ids, day))
        state.tidy()
    return played


def _call(
    state: State,
    machine: Machine,
    luck: KeyedUniforms,
    forecast: Any,
    last: Days,
    played: Played,
) -> None:
    """Make the lists of a day, and call whoever is listed or next in line once more."""
    rows, day = state.leads, state.day
    p = forecast(state)
    worth = p * rows["value"]
    called = []
    for seat in range(state.seats_each):
        own = np.flatnonzero((rows["seat"] == seat) & rows["open"])
        ranked = own[np.argsort(-worth[own], kind="stable")]
        leads = [_lead(state, int(k), rank, p, last) for rank, k in enumerate(ranked, 1)]
        order = in_order(leads, PLACES, LONG_TAIL)
        for place, some in (
            (Place.ON_THE_LIST, order.listed),
            (Place.NEXT_IN_LINE, order.rest[:PLACES]),
        ):
            played.candidates += [(day, place, lead) for lead in some]
            called += [int(lead.lead_id) for lead in some]
    last |= dict.fromkeys(called, day)
    luck.begin(day)
    is_called = np.isin(rows["id"], called)
    connected = is_called & (luck.all(rows) < contact_chance(machine, rows, day))
    stage = np.where(is_called, np.maximum(rows["stage"], ATTEMPTING), rows["stage"])
    rows["stage"] = np.where(connected, np.maximum(stage, CONNECTED), stage).astype(np.int8)
    rows["touches"] = (rows["touches"] + is_called).astype(rows["touches"].dtype)
    rows["last_touch"] = np.where(is_called, day, rows["last_touch"])
    interest = rows["interest"]
    rows["interest"] = np.where(connected, interest_after_contact(interest), interest)


def _lead(state: State, place: int, rank: int, p: Any, last: Days) -> Lead:
    """A lead as the rules of the list see it, by calendar days."""
    rows, name = state.leads, int(state.leads["id"][place])
    touched = int(max(rows["last_touch"][place], last.get(name, -NEVER)))
    waiting = max(touched, int(rows["created"][place]))
    return Lead(
        lead_id=str(name),
        rep_id=str(int(rows["seat"][place])),
        rank=rank,
        waiting_since=datetime(2000, 1, 1) + timedelta(days=waiting),
        is_cooling=state.day - touched < COOL_DOWN,
        priority=float(p[place] * rows["value"][place]),
        p=float(p[place]),
        value=float(rows["value"][place]),
        model_version="1",
    )


def forecaster(life: Life, day: int) -> Any:
    """Learn chances to convert from the leads of an earlier day, by what a CRM shows of them."""
    state = life.states[day].copy()
    machine = Machine(life.settings, life.calendar)
    rows, open_ = _shown(state), state.leads["open"].copy()
    streams = Streams.keyed(state.seats_each, life.settings.seed, 8, day)
    converted = np.zeros(len(open_), dtype=np.bool_)
    for _ in range(HORIZON):
        masks = machine.step(state, streams, life.exogenous).masks
        if "converted" in masks:
            converted |= masks["converted"][: len(open_)]
    model = LogisticRegression(max_iter=500).fit(rows[open_], converted[open_])
    return lambda now: model.predict_proba(_shown(now))[:, 1]


def _shown(state: State) -> npt.NDArray[np.float64]:
    rows = state.leads
    stage = np.eye(4)[rows["stage"]]
    source = np.eye(4)[rows["source"]]
    ages = [np.log1p(state.day - rows[name]) for name in ("created", "last_touch")]
    counts = [np.log1p(rows["touches"]), np.log(rows["value"])]
    return np.column_stack([stage, source, *ages, *counts])


def _joined(life: Life, start: int, listed: Played, held_out: Played) -> World:
    """Keep each lead's first day in each place, if it is open in both worlds by then."""
    first: dict[tuple[str, Place], tuple[int, Lead]] = {}
    for day, place, lead in listed.candidates:
        if day < start + QUARTER:
            first.setdefault((lead.lead_id, place), (day, lead))
    kept: list[tuple[int, Place, Lead, float, float]] = []
    for (name, place), (day, lead) in first.items():
        ends = [
            min(played.converted.get(int(name), NEVER), played.ended.get(int(name), NEVER))
            for played in (listed, held_out)
        ]
        if min(ends) >= day:
            with_list, without = (
                float(played.converted.get(int(name), NEVER) < day + HORIZON)
                for played in (listed, held_out)
            )
            kept.append((day, place, lead, with_list, without))
    kept.sort(key=lambda row: row[0])
    days, places, leads, listed_outcomes, held_outcomes = zip(*kept, strict=True)
    moment = datetime.combine(life.calendar.date(start), time.min)
    return World(
        moment,
        list(leads),
        list(places),
        np.array(days) - start,
        np.array(listed_outcomes),
        np.array(held_outcomes),
    )
