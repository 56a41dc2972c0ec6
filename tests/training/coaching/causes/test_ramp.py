"""How new reps get going, and how events grow with work: found again on rows of known rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lives import PARAMS, company, observed

from training.coaching.causes.ramp import LACKS, SLOPES, Ramp, fitted_ramp, grows_with_work
from training.coaching.causes.rows import Rows

NONE = np.zeros(0)
"""No values."""


def rows(rep: list[int], tenure: np.ndarray, seen: np.ndarray, usual: np.ndarray) -> Rows:
    """Make rows of one period."""
    period = np.zeros(len(rep), dtype=np.int64)
    return Rows(np.array(rep, dtype=np.int64), period, tenure, seen, usual, np.ones(len(rep)))


def joiners(seed: int, days: float, lack: float, *, reps: int = 40, usual: float = 6.0) -> Rows:
    """Draw counts of reps who lack so much on the first day, and nothing after so many days."""
    chance = np.random.default_rng(seed)
    weeks = np.arange(0, 730, 7.0)
    tenure = np.tile(weeks, reps)
    rate = usual * (1 - lack * np.clip(1 - tenure / days, 0, 1))
    seen = chance.poisson(rate).astype(np.float64)
    return rows([k for k in range(reps) for _ in weeks], tenure, seen, np.full(len(seen), usual))


def learned(counts: dict[str, Rows], choices: dict[str, Rows] | None = None) -> Ramp:
    """Fit a ramp to rows, in a company that logged no touches."""
    return fitted_ramp(observed(company()), counts, choices or {}, PARAMS)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("days", "lack"), [(90.0, 0.6), (150.0, 0.6), (240.0, 0.45)])
def test_a_known_ramp_is_found_again(seed: int, days: float, lack: float) -> None:
    """Length within two steps of the grid, and the lack of the first day within a tenth."""
    ramp = learned({"qualifying": joiners(seed, days, lack)})
    assert abs(ramp.days - days) <= 60
    assert ramp.lacks["qualifying"] == pytest.approx(lack, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_where_new_reps_do_as_well_as_others_they_lack_next_to_nothing(seed: int) -> None:
    """Whatever is usual elsewhere, a company whose joiners show no ramp has hardly any."""
    ramp = learned({"qualifying": joiners(seed, 1.0, 0.0)})
    assert ramp.lacks["qualifying"] <= 0.1


@pytest.mark.parametrize("seed", range(3))
def test_first_moves_do_not_say_how_long_a_ramp_is(seed: int) -> None:
    """Moves are many and come together: a slow year of them makes no short ramp a long one."""
    slow = joiners(seed + 10, 300.0, 0.2, usual=60.0)
    ramp = learned({"qualifying": joiners(seed, 90.0, 0.6), "follow_up": slow})
    assert ramp.days == learned({"qualifying": joiners(seed, 90.0, 0.6)}).days
    assert ramp.lacks["follow_up"] > 0


def test_without_joiners_there_is_no_ramp_to_see() -> None:
    """Settled reps say nothing of the first day: no channel gets a lack from them."""
    old = joiners(1, 90.0, 0.5)
    old = replace(old, tenure=old.tenure + 1000)
    ramp = learned({"qualifying": old})
    assert ramp.lacks == {}
    unknown = learned({"qualifying": replace(old, tenure=np.full(len(old.tenure), np.nan))})
    assert unknown.lacks == {}
    assert learned({"qualifying": rows([], NONE, NONE, NONE)}).lacks == {}


@pytest.mark.parametrize("seed", range(3))
def test_a_ramp_is_seen_in_choices_too(seed: int) -> None:
    """Deals of new reps that go on less often than the like, by their log-odds."""
    chance = np.random.default_rng(seed)
    tenure = chance.uniform(0, 600, 12_000)
    shift = np.log(1 - 0.6 * np.clip(1 - tenure / 150, 0, 1))
    won = (chance.random(12_000) < 1 / (1 + np.exp(-(0.4 + shift)))).astype(np.float64)
    deals = rows([0] * 12_000, tenure, won, np.full(12_000, 0.4))
    ramp = learned({}, {"closing": deals})
    assert ramp.lacks["closing"] == pytest.approx(0.6, abs=0.15)


def test_the_factor_of_a_ramp_is_a_straight_line_from_the_first_day() -> None:
    """All of the lack on day 0, half of it half-way, and none from its end on."""
    ramp = Ramp(100.0, {"closing": 0.5})
    factor = np.exp(ramp.log_factor("closing", np.array([0.0, 50.0, 100.0, 900.0])))
    assert factor == pytest.approx([0.5, 0.75, 1.0, 1.0])


def test_unknown_tenure_channels_and_ramps_change_nothing() -> None:
    """Where nothing is known of a first day, people are taken as settled."""
    ramp = Ramp(100.0, {"closing": 0.5})
    assert ramp.log_factor("closing", np.array([np.nan])).tolist() == [0.0]
    assert ramp.log_factor("volume", np.array([0.0, 50.0])).tolist() == [0.0, 0.0]
    assert Ramp(0.0, {"closing": 0.5}).log_factor("closing", np.zeros(2)).tolist() == [0.0, 0.0]


def test_who_is_hired_later_than_the_row_has_a_first_day() -> None:
    """A tenure below 0 is no more than a first day: nobody lacks more than on it."""
    ramp = Ramp(100.0, {"closing": 0.5})
    assert np.exp(ramp.log_factor("closing", np.array([-40.0]))) == pytest.approx([0.5])


def worked(seed: int, slope: float, *, reps: int = 60) -> tuple[Rows, np.ndarray]:
    """Draw events that grow with work by a known exponent, over six periods."""
    chance = np.random.default_rng(seed)
    work = np.where(chance.random((reps, 6)) < 0.1, np.log(0.4), 0.0)
    rep, period = (axis.ravel() for axis in np.indices((reps, 6)))
    usual = np.full(reps * 6, 25.0)
    seen = chance.poisson(usual * np.exp(slope * work.ravel())).astype(np.float64)
    level = usual * seen.sum() / usual.sum()
    return Rows(rep, period, np.full(reps * 6, 900.0), seen, level, usual), work


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_known_exponent_of_work_is_found_again(seed: int, slope: float) -> None:
    """Nothing, half, or all of less work is seen in events.

    The usual holds the periods of less work too, which draws the exponent down a little.
    """
    found = grows_with_work(*worked(seed, slope))
    assert found in SLOPES
    assert slope - 0.25 <= found <= slope + 0.15


def test_steeper_truths_are_found_steeper() -> None:
    """With the same draws, what grows faster is found to grow at least as fast."""
    found = [grows_with_work(*worked(5, slope)) for slope in (0.0, 0.4, 0.8, 1.2)]
    assert found == sorted(found)
    assert found[-1] > found[0]


def test_where_work_never_changes_the_usual_exponent_is_taken() -> None:
    """Work that is always as usual says nothing; the belief stays what it was."""
    own, work = worked(3, 0.7)
    still = np.zeros_like(work)
    assert grows_with_work(own, still, usual_slope=0.2) == pytest.approx(0.2)
    assert grows_with_work(own, still) == 0.0


def test_a_belief_draws_the_exponent_towards_it() -> None:
    """The evidence of many rows holds out against it, that of few does not."""
    few, work = worked(3, 1.0, reps=2)
    many, much = worked(3, 1.0)
    assert grows_with_work(many, much, usual_slope=0.0) >= 0.5
    assert grows_with_work(few, work, usual_slope=0.0) <= 0.3


def test_new_reps_and_rows_outside_the_periods_say_nothing_of_work() -> None:
    """They may be added in any number without a change."""
    own, work = worked(4, 0.6)
    found = grows_with_work(own, work)
    count = len(own.rep)
    new = Rows(own.rep, own.period, np.full(count, 10.0), own.seen * 9, own.usual, own.days)
    outside = Rows(own.rep, np.full(count, 6), own.tenure, own.usual, own.usual, own.days)
    both = [
        Rows(*(np.concatenate([a, b]) for a, b in zip(
            vars(own).values(), vars(extra).values(), strict=True)))
        for extra in (new, outside)
    ]  # fmt: skip
    assert grows_with_work(both[0], work) == found
    assert grows_with_work(both[1], work) == pytest.approx(found, abs=0.051)


def test_a_rep_is_held_against_the_own_level() -> None:
    """Who always sees twice the usual is expected twice, but for what ten imagined events doubt."""
    tenure = np.full(200, 900.0)
    own = rows(
        [0] * 100 + [1] * 100, tenure, np.array([8.0] * 100 + [4.0] * 100), np.full(200, 4.0)
    )
    held = own.about_own()
    assert held.usual[:100].sum() == pytest.approx(400 * 810 / 410)
    assert held.usual[100:].sum() == pytest.approx(400)
    assert (own.usual == 4.0).all()


def test_the_own_level_is_told_by_settled_rows_alone() -> None:
    """A slow first year is not a rep's usual; somebody all new is held against the company."""
    tenure = np.array([10.0, 900.0, 10.0])
    own = rows([0, 0, 1], tenure, np.array([0.0, 40.0, 0.0]), np.array([40.0, 40.0, 40.0]))
    assert own.about_own().usual == pytest.approx([40.0, 40.0, 40.0])


def test_lacks_that_are_tried_leave_something() -> None:
    """No first day lacks all: the logarithm of what is left is always finite."""
    assert LACKS[0] == 0.0
    assert np.isfinite(np.log(1 - LACKS)).all()
