"""How the life of leads and deals is cut into stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.feature import DAY_US
from training.coaching.causes.company import NEVER_US, Entities
from training.coaching.causes.rates import expected_events, log_odds
from training.coaching.causes.stays import LOST, MOVES, STAYS, WON, Periods, Stays, stays_of

ANN, BOB = 0, 1
NEW, TRIED = 0, 1


def day(number: float) -> int:
    """Return the moment a day begins."""
    return int(number * DAY_US)


def periods() -> Periods:
    """One period of 100 days without parts, and one after it."""
    borders = np.array([day(0), day(100), day(200)])
    return Periods(borders, borders[:-1], np.array([0, 1]), np.array([False, False]))


def one(ended: int, *, won: bool, stages: list[tuple[int, int]]) -> Entities:
    """One lead, created on day 1 by Ann, who gives it to Bob on day 9."""
    owner = pd.DataFrame({"place": [0, 0], "at": [day(1), day(9)], "rep": [ANN, BOB]})
    at, stage = zip(*stages, strict=True)
    return Entities(
        created=np.array([day(1)]),
        ended=np.array([ended]),
        is_won=np.array([won]),
        value=np.array([100.0]),
        final=np.array([100.0]),
        source=np.array([0]),
        lead=np.array([-1]),
        owner=owner,
        stage=pd.DataFrame({"place": 0, "at": at, "stage": stage}),
        due=pd.DataFrame({"place": [], "at": [], "due": []}),
    )


def held(stays: Stays, rep: int, stage: int) -> float:
    """Return the days a rep had it in a stage."""
    return float(stays.days[(stays.rep == rep) & (stays.stage == stage)].sum())


def test_every_day_belongs_to_one_owner_and_stage() -> None:
    """New with Ann for 3 days, tried with her for 5, and with Bob until it is won on day 120."""
    lead = one(day(120), won=True, stages=[(day(1), NEW), (day(4), TRIED)])
    stays = stays_of(lead, periods(), as_of=day(200))
    assert held(stays, ANN, NEW) == pytest.approx(3)
    assert held(stays, ANN, TRIED) == pytest.approx(5)
    assert held(stays, BOB, TRIED) == pytest.approx(111)
    assert np.bincount(stays.end, minlength=4)[[MOVES, WON, LOST]].tolist() == [1, 1, 0]
    assert stays.period[stays.end == WON].tolist() == [1]


def test_what_is_still_open_ends_at_the_moment_asked_about() -> None:
    """A lead without an end has no event, and no day after the moment."""
    lead = one(NEVER_US, won=False, stages=[(day(1), NEW)])
    stays = stays_of(lead, periods(), as_of=day(50))
    assert (stays.end == STAYS).all()
    assert stays.days.sum() == pytest.approx(49)


def test_a_move_at_the_very_moment_of_a_border_is_kept() -> None:
    """A stage that changes as a period begins is a move, in the period before."""
    lead = one(NEVER_US, won=False, stages=[(day(1), NEW), (day(100), TRIED)])
    stays = stays_of(lead, periods(), as_of=day(200))
    assert stays.period[stays.end == MOVES].tolist() == [0]
    assert held(stays, BOB, TRIED) == pytest.approx(100)


def test_expected_events_add_up_and_follow_each_factor() -> None:
    """Every class of every factor expects what it saw, where nothing is doubted."""
    draws = np.random.default_rng(1)
    first, second = draws.integers(0, 3, 500), draws.integers(0, 2, 500)
    events = draws.poisson(0.5 + first + second).astype(np.float64)
    expected = expected_events(np.ones(500), events, [first, second], doubt=0.0)
    for classes in (first, second):
        seen, usual = np.bincount(classes, events), np.bincount(classes, expected)
        assert usual == pytest.approx(seen, rel=1e-4)


def test_log_odds_follow_the_share() -> None:
    """With a constant alone, every row has the odds of all."""
    won = np.array([1.0, 1.0, 1.0, 0.0])
    assert log_odds(won, np.ones((4, 1))) == pytest.approx(np.full(4, np.log(3)), rel=1e-4)
