"""Laws of the truth: futures begin where the company is, pasts differ only in what was changed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parent))

from simulated import lived, tables, truth

from features.simulation import futures
from features.simulation.day import ACTUAL, Counterfactual
from features.simulation.futures import HORIZON, attainment_truth, lead_truth, touch
from features.simulation.live import Life, Period, guessed_potentials, seat_john_and_sally
from features.simulation.machine import Machine
from features.simulation.pasts import LEAST_SIZE, cause_truth, replay_past
from features.simulation.settings import company_settings
from features.simulation.state import CAUSES, SKILLS, State, new_company

FEW: dict[str, Any] = {
    "months": 6, "reps": 6, "replays": 4, "cause_replays": 2, "lead_cutoffs": 2,
    "quota_quarters": 1, "planted": 0.6,
}  # fmt: skip


@pytest.fixture(scope="module")
def life() -> Life:
    """The history of a small company with much trouble."""
    return lived("small", 3, **FEW)[0]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Its tables and truth."""
    return lived("small", 3, **FEW)[1]


@pytest.fixture(scope="module")
def state(life: Life) -> State:
    """The company at its newest cutoff of leads."""
    return life.states[max(life.lead_cutoffs())]


@pytest.fixture(scope="module")
def period(life: Life) -> Period:
    """The newest quota period that has ended."""
    return [period for period in life.periods if period.end <= life.end][-1]


# Futures of leads.


def test_only_open_leads_have_a_future(life: Life, state: State) -> None:
    """Each open lead has one chance to convert, in 0..1, and an effect of one more touch."""
    chances, effects = lead_truth(life, state.day)
    assert len(chances["p_true"]) == len(state.leads) == len(effects["effect"])
    assert ((chances["p_true"] >= 0) & (chances["p_true"] <= 1)).all()
    assert (np.abs(effects["effect"]) <= 1).all()
    assert set(chances["horizon_days"]) == {HORIZON}


@pytest.mark.parametrize("at_once", [1, 3, 10**6])
def test_memory_bounds_the_worlds_not_their_number(
    monkeypatch: pytest.MonkeyPatch, life: Life, state: State, at_once: int
) -> None:
    """However few worlds fit at a time, as many are played as were asked for."""
    monkeypatch.setattr(futures, "LEADS_AT_ONCE", at_once * len(state.leads))
    played: list[int] = []
    tiled = State.tiled

    def counted(self: State, worlds: int) -> State:
        played.append(worlds)
        return tiled(self, worlds)

    monkeypatch.setattr(State, "tiled", counted)
    lead_truth(replace(life, settings=life.settings.model_copy(update={"replays": 5})), state.day)
    assert sum(played) == 2 * 5
    assert max(played) == min(at_once, 5)


def test_the_past_of_a_state_is_not_touched(life: Life, state: State) -> None:
    """Playing futures leaves the state they begin from as it was."""
    before = {name: column.copy() for name, column in state.leads.columns.items()}
    lead_truth(life, state.day)
    assert all(np.array_equal(state.leads[name], column) for name, column in before.items())


def test_one_more_touch_is_counted_and_never_harms(life: Life, state: State) -> None:
    """Every lead has a touch more; contact warms it and brings it no further back."""
    touched = state.copy()
    touch(touched, Machine(life.settings, life.calendar), turn=0)
    assert np.array_equal(touched.leads["touches"], state.leads["touches"] + 1)
    assert (touched.leads["last_touch"] == state.day).all()
    assert (touched.leads["stage"] >= np.maximum(state.leads["stage"], 1)).all()
    warmed = touched.leads["interest"] > state.leads["interest"]
    unchanged = touched.leads["interest"] == state.leads["interest"]
    assert (warmed | unchanged).all()
    assert 0 < warmed.sum() < len(warmed)


def test_luck_of_its_own_quiets_what_a_touch_adds(life: Life, state: State) -> None:
    """Two replays of different seeds agree much better where each lead keeps its luck."""

    def effect(seed: int, *, is_keyed: bool) -> np.ndarray:
        settings = life.settings.model_copy(update={"seed": seed, "replays": 40})
        columns = lead_truth(replace(life, settings=settings), state.day, is_keyed=is_keyed)[1]
        return np.asarray(columns["effect"])

    keyed, plain = ([effect(n, is_keyed=k) for n in (1, 2)] for k in (True, False))
    assert np.std(keyed[0] - keyed[1]) < 0.6 * np.std(plain[0] - plain[1])
    error = np.std(plain[0] - plain[1]) / np.sqrt(len(plain[0]))
    assert abs(np.mean(keyed[0]) - np.mean(plain[0])) < 4 * error


# Futures of quotas.


def test_what_is_won_already_stays_won(life: Life, folder: Path) -> None:
    """No future of a rep has less than what was won before the cutoff."""
    day = max(life.quota_cutoffs())
    (columns,) = attainment_truth(life, day)
    period = next(p for p in life.periods if p.start <= day < p.end)
    cutoff = pd.Timestamp(life.calendar.date(day))
    deals = tables(folder)["deals"]
    won = deals[deals["won"].fillna(value=False).astype(bool) & (deals["closed_at"] < cutoff)]
    won = won[won["closed_at"] >= pd.Timestamp(life.calendar.date(period.start))]
    so_far = won.groupby("rep_id")["amount"].sum()
    reps = [f"R{person:07}" for person in period.person]
    attained = so_far.reindex(reps).fillna(0).to_numpy() / (period.amount / 100)
    assert attained.max() > 0
    assert (columns["attainment_p10_true"] >= attained - 1e-9).all()


def test_quota_cutoffs_are_mondays_of_the_newest_quarters(life: Life) -> None:
    """None lies before the history or in an older quarter."""
    days = life.quota_cutoffs()
    assert days
    assert {life.calendar_weekday(day) for day in days} == {0}
    newest = life.calendar.quarter[life.end - 1]
    assert {int(life.calendar.quarter[day]) for day in days} == {int(newest)}


# Pasts.


def test_a_replay_of_what_was_is_the_same_each_time(life: Life, period: Period) -> None:
    """The seed of a period decides its replays, so that two that differ do so by what changed."""
    first, second = (replay_past(life, period, ACTUAL) for _ in range(2))
    assert np.array_equal(first.revenue, second.revenue)
    assert first.wins.sum() > 0
    assert first.conversions.sum() > 0


def test_a_world_without_trouble_sells_more(life: Life, period: Period) -> None:
    """Causes cost: without them the company wins more, with planted causes at most seats."""
    assert (life.trouble[period.start] > 0).mean() > 0.3
    actual = replay_past(life, period, ACTUAL)
    better = replay_past(life, period, Counterfactual(untroubled=True))
    assert better.revenue.sum() > actual.revenue.sum()


def test_every_planted_cause_is_named_with_its_size(life: Life, period: Period) -> None:
    """Whatever its size, at its own seat; of what follows from seat or tenure, only what costs."""
    causes, _ = cause_truth(life, period)
    place = {f"R{person:07}": k for k, person in enumerate(period.person.tolist())}
    planted = life.trouble[period.start][period.seat]
    assert set(causes["rep_id"].to_pylist()) == set(place)
    named = set()
    for rep, cause, size, error in zip(
        causes["rep_id"].to_pylist(),
        causes["cause"],
        causes["size"],
        causes["size_se"],
        strict=True,
    ):
        assert error >= 0
        if cause in ("territory", "ramp"):
            assert size > LEAST_SIZE
        elif cause == "none":
            assert size == 0
        else:
            assert CAUSES[planted[place[rep]]] == cause
            named.add(rep)
    assert named == {rep for rep, k in place.items() if planted[k]}


def test_a_replay_differs_by_what_was_changed_alone() -> None:
    """With every cause gone, reps who had none win the same to the cent in most worlds."""
    life = lived("small", 3, **{**FEW, "reps": 12, "planted": 0.15, "cause_replays": 4})[0]
    period = [period for period in life.periods if period.end <= life.end][-1]
    actual = replay_past(life, period, ACTUAL).by_world[:, period.seat]
    better = replay_past(life, period, Counterfactual(untroubled=True)).by_world[:, period.seat]
    earlier = [p for p in life.periods if p.start < period.start][-1]
    trouble = (life.trouble[period.start] > 0) | (life.trouble[earlier.start] > 0)
    has_none = ~trouble[period.seat]
    assert has_none.any()
    assert (~has_none).any()
    assert np.isclose(actual, better, rtol=1e-9)[:, has_none].mean() > 0.5
    assert np.isclose(actual, better, rtol=1e-9)[:, ~has_none].mean() < 0.5


def test_what_lead_mix_costs_is_in_the_leads_themselves(life: Life) -> None:
    """A replay without trouble meets the leads that the diverted ones would have been."""
    diverted = 0
    for day, actual in life.exogenous.arrivals.items():
        straight = life.exogenous.straight[day]
        is_same = actual["source"] == straight["source"]
        assert np.array_equal(actual["interest"][is_same], straight["interest"][is_same])
        assert (actual["interest"][~is_same] < straight["interest"][~is_same]).all()
        assert (actual["source"][~is_same] == 0).all()
        diverted += (~is_same).sum()
    assert diverted > 0


def test_equal_grounds_compare_with_what_happened(life: Life, folder: Path) -> None:
    """Expected and residual wins add up to a whole number, the rep's own."""
    grounds = truth(folder, "equal_grounds")
    wins = grounds[grounds["metric"] == "wins"]
    actual = wins["expected_true"] + wins["residual_true"]
    assert np.allclose(actual, actual.round(), atol=2e-6)
    assert (wins["expected_true"] >= 0).all()
    assert set(grounds["period_start"].dt.date) == {
        life.calendar.date(p.start) for p in life.periods
    }


# Quotas and people.


def test_an_overset_quota_is_larger_than_the_fair_one(life: Life) -> None:
    """Only the planted cause `quota` separates the two; all are whole thousands."""
    for period in life.periods:
        overset = life.trouble[period.start][period.seat] == CAUSES.index("quota")
        assert np.array_equal(period.amount > period.fair, overset)
        assert (period.amount % 100_000 == 0).all()
        assert (period.amount > 0).all()


def test_john_and_sally_are_average_but_for_their_cause() -> None:
    """The first two seats hold two experienced reps of average skill; others are as drawn."""
    settings = company_settings("johnsally")
    state, plain = (new_company(settings, np.random.default_rng(1)) for _ in range(2))
    seat_john_and_sally(state)
    assert [CAUSES[code] for code in state.seats["cause"][:2]] == ["closing", "qualifying"]
    for skill in SKILLS:
        assert (state.seats[skill][:2] == 1).all()
        assert np.array_equal(state.seats[skill][2:], plain.seats[skill][2:])


@pytest.mark.parametrize(("power", "noise"), [(1.0, 0.0), (0.0, 0.0), (0.6, 0.12)])
def test_a_guess_lies_between_nothing_and_the_truth(power: float, noise: float) -> None:
    """With full power and no noise it is the truth, with neither it knows no difference."""
    settings = company_settings("demo", guess_power=power, guess_noise=noise)
    guess = guessed_potentials(settings, np.random.default_rng(1))
    spread = guess.max() / guess.min()
    exact = 1.8 / 0.4
    if noise == 0:
        assert spread == pytest.approx(exact**power)
    else:
        assert 1 < spread < exact
