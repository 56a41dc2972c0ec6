"""What is usual is learned from the right people: busy or idle, in trouble or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lives import Life, company, observed

from training.coaching.causes.candidates import is_low
from training.coaching.causes.channels import shared
from training.coaching.causes.rates import expected_beside_own, expected_events
from training.coaching.causes.ripening import later_ripening
from training.coaching.causes.spells import LEVELS, STEP, THETA, Prior
from training.coaching.causes.untroubled import usual_of_untroubled

RATE = 0.1


def busy_and_slow() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return days, events, load and rep where load does nothing, and one rep is at half the rate.

    That rep is nearly always in the class of the busy, and the others are so at times.
    """
    rep, load = (part.ravel() for part in np.meshgrid(np.arange(4), np.arange(2), indexing="ij"))
    days = np.array([100, 2000, *([900, 100] * 3)], dtype=np.float64)
    return days, days * np.where(rep == 0, RATE / 2, RATE), load, rep


def test_what_a_busy_rep_is_like_is_not_taken_for_what_being_busy_does() -> None:
    """Held against load alone, the slow rep looks nearly usual; beside the own level, half."""
    days, events, load, rep = busy_and_slow()
    plain = expected_events(days, events, [load], doubt=0.0)
    beside = expected_beside_own(days, events, [load], rep, doubt=0.0)
    by_rep = [np.bincount(rep, events) / np.bincount(rep, usual) for usual in (plain, beside)]
    assert by_rep[0][0] / by_rep[0][1] > 0.7
    assert by_rep[1][0] / by_rep[1][1] == pytest.approx(0.5, rel=1e-3)


def test_what_being_busy_does_is_found_beside_what_reps_are_like() -> None:
    """Where busy days bring 0.8 of what idle ones do, each row expects just that."""
    days, events, load, rep = busy_and_slow()
    events = events * np.where(load == 1, 0.8, 1.0)
    beside = expected_beside_own(days, events, [load], rep, doubt=0.0)
    daily = beside / days
    assert daily[load == 1] == pytest.approx(0.8 * daily[load == 0], rel=1e-2)
    assert beside.sum() == pytest.approx(events.sum())


def test_those_in_trouble_do_not_slow_the_usual() -> None:
    """Two of twenty wait four times as long: the usual is that of the other eighteen."""
    cell = np.arange(20)
    slow = cell < 2
    events = np.full(20, 10.0)
    days = np.where(slow, 400.0, 100.0)
    events[slow] = 10.0
    usual = usual_of_untroubled(days, events, [np.zeros(20, dtype=np.int64)], cell, doubt=0.0)
    assert (usual / days)[~slow] == pytest.approx(RATE, rel=0.01)
    assert (events / usual)[slow] == pytest.approx(0.25, rel=0.01)


def test_where_nobody_is_in_trouble_the_usual_is_that_of_all() -> None:
    """Chance alone, and everybody counts nearly alike."""
    events = np.random.default_rng(5).poisson(20.0, 200).astype(np.float64)
    one, cell = np.zeros(200, dtype=np.int64), np.arange(200)
    usual = usual_of_untroubled(np.ones(200), events, [one], cell, doubt=0.0)
    assert usual.sum() == pytest.approx(events.sum(), rel=0.02)


def reached(rep: int, first: float, *, ripens: bool, converts: bool = False) -> Life:
    """Return a lead that is tried, reached, and ripens or does not."""
    stages = [(first, 0), (first + 1, 1), (first + 3, 2), *([(first + 6, 3)] if ripens else [])]
    return Life(rep, first, first + 8, won=converts, stages=stages)


def test_leads_that_ripen_later_are_held_against_those_reached() -> None:
    """One rep ripens 18 of 60 leads reached, the other 54: the usual odds lie between."""
    lives = [reached(0, k * 1.2, ripens=k < 18, converts=k < 15) for k in range(60)]
    lives += [reached(1, k * 1.2, ripens=k < 54, converts=k < 45) for k in range(60)]
    # Some come from the second stage to the ripest, so that not all of its moves lead to the third.
    lives += [Life(rep, 10.0, 30.0, stages=((10.0, 0), (12.0, 1), (20.0, 3)))
              for rep in (0, 1) for _ in range(5)]  # fmt: skip
    known = company(lives)
    seen, total, odds = later_ripening(
        observed(replace(known, lead_stages=("new", "tried", "met", "ripe")))
    )
    assert seen[:, 0].tolist() == [18, 54]
    assert total[:, 0].tolist() == [83, 119]
    both = shared("ripening", seen, total, odds).log_likelihood[:, 0]
    assert THETA[both[0].argmax()] < 0 < THETA[both[1].argmax()]


def test_without_a_stage_before_the_ripest_nothing_is_said_of_it() -> None:
    """Leads that ripen at once leave the channel silent."""
    lives = [Life(0, k * 2.0, k * 2.0 + 5, won=True, stages=((k * 2.0, 0),)) for k in range(40)]
    seen, total, odds = later_ripening(observed(company(lives)))
    assert np.ptp(shared("ripening", seen, total, odds).log_likelihood, axis=-1).max() == 0


@pytest.mark.parametrize("usual", [-1.0, 0.0, 1.5])
def test_a_share_points_at_the_odds_that_are_there(usual: float) -> None:
    """The likeliest factor is the log-odds of what was seen less the usual ones."""
    share = 1 / (1 + np.exp(-(usual - 0.5)))
    channel = shared("x", np.array([[share * 200]]), np.array([[200.0]]), np.array([[usual]]))
    assert THETA[channel.log_likelihood[0, 0].argmax()] == pytest.approx(-0.5)


def test_a_weakness_stands_out_among_the_companys_own_people() -> None:
    """The more unlike reps are, the lower a level must be; near the usual is never one."""
    highest = [
        float((LEVELS * STEP)[is_low(Prior(spread, 0.0, 0.02, 0.6, 0.6))].max())
        for spread in (0.05, 0.12, 0.2, 0.3, 0.45)
    ]
    assert highest == pytest.approx([-0.2, -0.2, -0.3, -0.4, -0.5])
