"""Whom reps call under a policy, and a quarter replayed with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import pytest

from features.simulation.call_replay import CALLS, Outcome, replay_calls
from features.simulation.calling import Calling, called
from features.simulation.crm import Crm
from features.simulation.day import Rules, Streams
from features.simulation.live import History, Life
from features.simulation.machine import Machine
from features.simulation.policies import (
    HORIZON_DAYS,
    NEVER,
    CoolDown,
    Listed,
    Policy,
    RandomOrder,
    TrueChance,
    TrueGain,
    chance_ahead,
)
from features.simulation.rows import Array
from features.simulation.settings import company_settings
from features.simulation.state import State

DAYS = 21
POLICIES = [
    RandomOrder(),
    TrueChance(),
    CoolDown(TrueChance(by_value=True), 3),
    TrueGain(),
    TrueGain(by_value=True, knows_badly=0.6),
]


@cache
def played(seed: int = 1) -> tuple[Life, int, Crm]:
    """Return a company at the first day of its last full quarter, and its CRM then."""
    settings = company_settings("small", seed=seed, months=6, replays=0, cause_replays=0)
    history = History(settings, Path(mkdtemp(prefix="company")))
    life = history.life
    start = [day for day in range(life.end + 1) if life.calendar.opens[day]][-2]
    crm = history.branch(start, start + DAYS)
    return life, start, crm


def replayed(calling: Calling | None, worlds: int = 1, seed: int = 1) -> Outcome:
    """Replay the first weeks of the quarter."""
    life, start, _ = played(seed)
    return replay_calls(life, start, start + DAYS, calling, worlds=worlds)


def is_same(a: Outcome, b: Outcome) -> bool:
    """Tell whether two replays came out the same, to the bit."""
    return all(
        np.array_equal(one[name], other[name])
        for one, other in ((a.counted, b.counted), (a.expected, b.expected), (a.touches, b.touches))
        for name in one
    )


def morning(seed: int) -> tuple[State, Machine, dict[str, Array], Array]:
    """Return a day of work: the state, its machine, skills, and some leads touched by habit."""
    life, start, _ = played()
    state, machine = life.states[start].tiled(3), Machine(life.settings, life.calendar)
    draws = np.random.default_rng(seed)
    is_habit = state.leads["open"] & (draws.random(len(state.leads)) < 0.2)
    return state, machine, machine.skills_today(state), np.flatnonzero(is_habit)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("follow", [0.3, 1.0])
def test_every_seat_touches_as_many_leads_as_by_habit(policy: Policy, follow: float) -> None:
    """Each open lead at most once, and of each seat of each world as many as habit would have."""
    for seed in range(3):
        state, machine, now, habit = morning(seed)
        places = called(Calling(policy, follow), state, machine, now, habit)
        seat = state.leads["seat"]
        assert len(np.unique(places)) == len(places)
        assert state.leads["open"][places].all()
        assert np.array_equal(np.bincount(seat[places]), np.bincount(seat[habit]))


@pytest.mark.parametrize("follow", [0.0, 0.5, 1.0])
def test_nobody_is_called_who_must_not_be(follow: float) -> None:
    """A lead without a place on the list is not called, not even by habit."""
    for seed in range(3):
        state, machine, now, habit = morning(seed)
        draws = np.random.default_rng(seed)
        count = int(state.leads["id"].max()) + 1
        scores = np.where(draws.random(count) < 0.3, NEVER, draws.random(count))
        places = called(Calling(Listed(scores), follow), state, machine, now, habit)
        assert (scores[state.leads["id"][places]] > NEVER).all()


def test_a_list_is_followed_from_its_top() -> None:
    """To the letter, no lead is passed over for one that stands further down in the same seat."""
    state, machine, now, habit = morning(0)
    places = called(Calling(TrueChance()), state, machine, now, habit)
    scores = TrueChance().order(state, machine, now)
    left = np.setdiff1d(np.flatnonzero(state.leads["open"]), places)
    for seat in np.unique(state.leads["seat"][habit]):
        least = scores[places][state.leads["seat"][places] == seat].min()
        assert scores[left][state.leads["seat"][left] == seat].max(initial=NEVER) <= least


@pytest.mark.parametrize("newcomers", [NEVER, np.inf])
def test_leads_that_no_list_knows_come_first_or_wait(newcomers: float) -> None:
    """A lead that came in since the list was made has the score that was named for it."""
    state, machine, now, habit = morning(0)
    oldest = int(np.median(state.leads["id"]))
    places = called(Calling(Listed(np.zeros(oldest), newcomers)), state, machine, now, habit)
    is_new, seat = state.leads["id"] >= oldest, state.leads["seat"]
    if newcomers == NEVER:
        assert not is_new[places].any()
    else:
        touches = np.bincount(seat[habit], minlength=len(state.seats))
        there = np.bincount(seat[is_new & state.leads["open"]], minlength=len(state.seats))
        new = np.bincount(seat[places][is_new[places]], minlength=len(state.seats))
        assert np.array_equal(new, np.minimum(touches, there))


def test_half_a_day_follows_the_list() -> None:
    """At 50 %, half of each world's touches are the list's top, and the rest are habit's own."""
    state, machine, now, habit = morning(0)
    count = len(state.leads)
    is_habit = np.isin(np.arange(count), habit)
    # A list of leads that habit leaves alone, so that each touch tells whose choice it was.
    scores = np.where(is_habit, 0.0, 1.0)

    @dataclass(frozen=True)
    class Others:
        def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
            del state, rules, now
            return scores

    places = called(Calling(Others(), 0.5), state, machine, now, habit)
    assert abs(np.mean(is_habit[places]) - 0.5) < 0.05


def test_following_nothing_is_habit() -> None:
    """Whatever the list, a rep who follows none of it plays the same world as without one."""
    habit = replayed(None, worlds=2)
    assert is_same(replayed(Calling(RandomOrder(), follow=0.0), worlds=2), habit)


def test_whoever_calls_the_same_leads_plays_the_same_world() -> None:
    """Luck belongs to leads: a policy that names habit's own choices changes nothing at all."""
    life, start, _ = played()
    state, machine = life.states[start].copy(), Machine(life.settings, life.calendar)
    streams = Streams.keyed(state.seats_each, life.settings.seed, CALLS, start)
    chosen: dict[int, Array] = {}
    while state.day < start + DAYS:
        day = machine.step(state, streams, life.exogenous)
        if "touched" in day.masks:
            chosen[day.number] = day.leads["id"][day.masks["touched"]]

    @dataclass(frozen=True)
    class AsByHabit:
        def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
            del rules, now
            return np.isin(state.leads["id"], chosen[state.day]).astype(np.float64)

    assert is_same(replayed(Calling(AsByHabit())), replayed(None))


@pytest.mark.parametrize("calling", [None, Calling(TrueGain()), Calling(RandomOrder(), 0.5)])
def test_a_world_is_the_same_alone_and_beside_others(calling: Calling | None) -> None:
    """The first of many worlds is the one that is played alone."""
    alone, first = replayed(calling), replayed(calling, worlds=3)
    for name, total in alone.counted.items():
        assert np.array_equal(total[0], first.counted[name][0])


def test_touches_can_be_those_of_another_world() -> None:
    """With habit's numbers handed in, every seat touches as many leads on every day."""
    habit = replayed(None, worlds=2)
    other = replayed(Calling(TrueGain(), touches=habit.touches), worlds=2)
    assert habit.touches.keys() == other.touches.keys()
    assert all(np.array_equal(habit.touches[day], other.touches[day]) for day in habit.touches)
    assert not np.array_equal(habit.expected["value"], other.expected["value"])


def test_chances_add_up_to_what_happens() -> None:
    """Counted outcomes and sums of chances have the same mean; the sums have less noise."""
    outcome = replayed(None, worlds=60)
    for name in ("conversions", "value"):
        counted, expected = (o[name].sum(axis=1) for o in (outcome.counted, outcome.expected))
        error = (counted - expected).std(ddof=1) / np.sqrt(len(counted))
        assert abs((counted - expected).mean()) < 4 * error
        assert expected.std() < counted.std()


def test_a_cool_down_puts_the_newly_touched_last() -> None:
    """Touched on a Monday, a lead comes behind all others until Thursday."""
    state, machine, now, _ = morning(0)
    while machine.calendar.date(state.day).weekday() != 3:
        state.day += 1
    leads = state.leads
    since = np.arange(len(leads)) % 5
    leads["last_touch"], leads["touches"] = state.day - since, np.ones(len(leads), dtype=np.int16)
    scores = CoolDown(TrueChance(), 3).order(state, machine, now)
    assert scores[since < 3].max() < scores[since >= 3].min()


def test_the_chance_ahead_is_that_of_a_world_without_calls() -> None:
    """What becomes of leads nobody calls is, on average, what the formula says."""
    life, start, _ = played()
    state, machine = life.states[start].copy(), Machine(life.settings, life.calendar)
    said = chance_ahead(state.leads, state, machine, machine.skills_today(state))
    worlds, size = 40, len(state.leads)
    many, streams = state.tiled(worlds), Streams.of(5)
    nobody = {day: np.zeros(len(many.seats), dtype=np.int64) for day in range(start, start + 90)}
    calling, total = Calling(RandomOrder(), touches=nobody), np.zeros(size)
    for _ in range(HORIZON_DAYS):
        chance = machine.step(many, streams, with_chances=True, calling=calling).chance
        if chance is not None:
            total += chance[: worlds * size].reshape(worlds, -1).sum(axis=0)
    assert said.sum() == pytest.approx(total.sum() / worlds, rel=0.05)
    assert np.corrcoef(said, total)[0, 1] > 0.9


def test_the_true_gain_beats_habit_and_habit_beats_chance() -> None:
    """More leads become deals where calls go to those whom a call helps."""
    expected = {
        name: replayed(None if policy is None else Calling(policy), worlds=30).expected
        for name, policy in {"habit": None, "gain": TrueGain(), "chance": TrueChance()}.items()
    }
    conversions = {name: figures["conversions"].sum() for name, figures in expected.items()}
    assert conversions["gain"] > 1.02 * conversions["habit"]
    assert conversions["chance"] < 0.99 * conversions["habit"]


def test_a_forked_crm_records_what_the_first_would_have() -> None:
    """Two forks of one CRM record the same rows of the same days, however often one is read."""
    life, start, crm = played()
    often, once = crm.forked(), crm.forked()
    rows: dict[str, int] = {"activities": 0, "changes": 0}
    state, machine = life.states[start].copy(), Machine(life.settings, life.calendar)
    streams, days = Streams.of(3), []
    while state.day < start + 8:
        day = machine.step(state, streams, life.exogenous, is_recorded=True)
        for fork in (often, once):
            fork.record(day, state)
        days.append(often.take())
        often.tables()
        rows = {name: rows[name] + len(days[-1][name]) for name in rows}
    for name, table in once.take().items():
        assert len(table) == rows[name] > 0
        parts = [taken[name].to_pandas() for taken in days]
        assert table.to_pandas().equals(pd.concat(parts, ignore_index=True))
    kept = once.tables()["leads"].to_pandas()
    assert often.tables()["leads"].to_pandas()["converted_at"].equals(kept["converted_at"])
    assert len(crm.take()["activities"]) == 0
