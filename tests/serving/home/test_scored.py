"""What one look found: kinds that are there, kinds that are not, and what broke."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from serving.home.home import Home
from serving.home.scored import HomeScores, LeadScores, Unavailable
from serving.settings import Settings

UNTIL = datetime(2025, 7, 20)
MISSING = Unavailable("there is no quota model; run `pacesetter train quota`")


@pytest.fixture(scope="module")
def leads(home: Path) -> LeadScores:
    """The scores of a home's open leads."""
    outlook = Home(home, Settings()).open_leads()
    return LeadScores.of(outlook, outlook.score(), {})


def look(leads: Any, reps: Any) -> HomeScores:
    """Return what a look found."""
    return HomeScores(leads, reps, data_until=UNTIL, scored_at=UNTIL, mark=("w", "f"))


def test_what_is_missing_has_a_reason_and_is_no_fault() -> None:
    """Kinds that are not there yet are listed with their reasons, in order; nothing broke."""
    scores = look(Unavailable("no leads"), MISSING)
    assert scores.kinds == []
    assert [part.why for part in scores.unavailable] == ["no leads", MISSING.why]
    assert (scores.problem, scores.fault) == (None, None)


@pytest.mark.parametrize("broken_first", [True, False])
def test_what_broke_is_a_problem(*, broken_first: bool) -> None:
    """An unexpected error is told from what is simply not there."""
    error = ZeroDivisionError("division by zero")
    parts = [Unavailable("lead scores could not be made", error), MISSING]
    scores = look(*(parts if broken_first else reversed(parts)))
    assert scores.problem == "lead scores could not be made"
    assert scores.fault is error


def test_scores_are_as_of_the_end_of_the_data(leads: LeadScores) -> None:
    """Leads are scored as of the end, and reps without an open lead are known as well."""
    scores = look(leads, MISSING)
    assert scores.kinds == ["leads"]
    assert scores.unavailable == [MISSING]
    assert leads.as_of == UNTIL
    assert set(leads.table["as_of"]) == {UNTIL}
    assert {"r1", "r9"} <= leads.reps


def test_another_moment_is_another_value(leads: LeadScores) -> None:
    """Scores as of another moment leave the first ones as they were."""
    before = leads.table.copy()
    earlier = leads.at(datetime(2025, 5, 1))
    assert (earlier.as_of, leads.as_of) == (datetime(2025, 5, 1), UNTIL)
    assert earlier.outlook is leads.outlook
    assert set(earlier.table["as_of"]) == {earlier.as_of}
    assert leads.table.equals(before)
