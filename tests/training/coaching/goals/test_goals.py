"""Laws of the numbers behind goals: counted by hand, drawn back to the middle, reached as said."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from training.coaching.goals.calibration import calibration
from training.coaching.goals.levels import CLOSING, QUALIFYING, levels
from training.coaching.goals.measures import (
    MEASURES,
    WINDOW_DAYS,
    Scale,
    measured,
    off_line,
    on_line,
)
from training.coaching.goals.propose import Goals
from training.coaching.goals.record import PEOPLE, SalesRecord
from training.coaching.goals.transitions import transitions

AS_OF = datetime(2026, 1, 1)
WIN_RATE, TOUCHES, PROMPT = (MEASURES[n] for n in ("win_rate", "touches", "promptness"))
NOTHING = pd.DataFrame({"rep_id": pd.Series(dtype=str), "at": pd.Series(dtype="datetime64[us]")})
EMPTY = {
    "arrivals": NOTHING.assign(lead_id="", source="", touched_at=pd.Series(dtype="datetime64[us]")),
    "decisions": NOTHING.assign(lead_id="", won=pd.Series(dtype=int), source=""),
    "endings": NOTHING.assign(deal_id="", won=pd.Series(dtype=int), amount=pd.Series(dtype=float)),
    "touches": NOTHING.assign(count=pd.Series(dtype=int)),
}


def before(days: float) -> datetime:
    """Return a moment so many days before the record's."""
    return AS_OF - timedelta(days=days)


def rows(**columns: list[object]) -> pd.DataFrame:
    """Make a frame; what is not a moment stays as it is."""
    frame = pd.DataFrame(columns)
    moments = {name for name in ("at", "touched_at", "hired_at", "left_at") if name in frame}
    return frame.astype(dict.fromkeys(moments, "datetime64[us]"))


def record_of(people: pd.DataFrame, **frames: pd.DataFrame) -> SalesRecord:
    """Make a record; frames that are not given have no rows."""
    return SalesRecord(as_of=AS_OF, people=people, **(EMPTY | frames))


def staff(*reps: str, **columns: list[object]) -> pd.DataFrame:
    """Make people who have been there for long."""
    nobody = dict.fromkeys(("name", "hired_at", "left_at", *PEOPLE), [None] * len(reps))
    return rows(rep_id=[*reps], **(nobody | columns))


def sold(spread: float, each: int, seed: int = 1, reps: int = 30) -> SalesRecord:
    """Make two years of deals whose chances differ between reps by so much on the log odds."""
    chance = np.random.default_rng(seed)
    names = [f"r{k:02}" for k in range(reps)]
    p = 1 / (1 + np.exp(-(chance.normal(0, spread, reps) - 0.8)))
    size = each * 8
    at = [before(730 * (k + 0.5) / size) for _ in names for k in range(size)]
    frame = rows(
        deal_id=[f"d{k}" for k in range(reps * size)],
        rep_id=[name for name in names for _ in range(size)],
        at=at,
        won=[int(w) for w in chance.random(reps * size) < np.repeat(p, size)],
        amount=[1000.0] * (reps * size),
    )
    return record_of(staff(*names), endings=frame)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    """Counted by hand: deals at the start of a window count, those at its end do not."""
    ats = [before(0), before(1), before(WINDOW_DAYS), before(WINDOW_DAYS + 1)]
    frame = rows(
        deal_id=["a", "b", "c", "d"], rep_id=["r"] * 4, at=ats, won=[1, 1, 0, 1], amount=[1.0] * 4
    )
    values = WIN_RATE.values(record_of(staff("r"), endings=frame), AS_OF, WINDOW_DAYS)
    assert values[["value", "count"]].to_numpy().tolist() == [[0.5, 2.0]]


def test_a_lead_is_judged_only_once_its_two_days_have_passed() -> None:
    """Touched in time, too late, never, and too young to tell."""
    frame = rows(
        lead_id=["a", "b", "c", "d"],
        rep_id=["r"] * 4,
        at=[before(10), before(10), before(10), before(1)],
        source=["web"] * 4,
        touched_at=[before(9), before(8), None, None],
    )
    values = PROMPT.values(record_of(staff("r"), arrivals=frame), AS_OF, WINDOW_DAYS)
    assert values[["hits", "count"]].to_numpy().tolist() == [[1.0, 3.0]]


def test_who_was_not_there_for_the_whole_window_is_not_measured() -> None:
    """Somebody hired or gone within a window has no value in it, nor has a small count."""
    names = ["new", "gone", "long", "few"]
    frame = rows(rep_id=names, at=[before(5)] * 4, count=[100, 100, 100, 5])
    people = staff(
        *names,
        hired_at=[before(30), None, before(500), None],
        left_at=[None, before(4), None, None],
    )
    values = measured(record_of(people, touches=frame), TOUCHES, [AS_OF])
    assert values["rep_id"].tolist() == ["long"]
    assert values["value"].tolist() == [pytest.approx(100 / 13)]


@pytest.mark.parametrize("name", MEASURES)
def test_a_line_is_undone(name: str) -> None:
    """Back from the line every value is what it was."""
    measure = MEASURES[name]
    values = [0.0, 0.25, 1.0] if measure.scale is Scale.SHARE else [0.5, 20.0, 4e6]
    for value in values:
        line = on_line(measure, np.array([value]), np.array([20.0]))
        assert off_line(measure, float(line[0]), 20.0) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(3))
def test_luck_is_expected_to_go_and_skill_to_stay(seed: int) -> None:
    """Where reps are alike, a high value is expected back near the middle; else it is kept."""
    alike = transitions(sold(0.0, 15, seed), WIN_RATE)
    unlike = transitions(sold(1.2, 60, seed), WIN_RATE)
    middle = off_line(WIN_RATE, alike.middle, 15.0)
    assert abs(alike.expected(middle + 0.3, 15.0)[0] - middle) < 0.12
    assert unlike.expected(0.7, 60.0)[0] > 0.58


@pytest.mark.parametrize("seed", range(3))
def test_chances_fall_with_the_target(seed: int) -> None:
    """A further target is never likelier, and no chance is 0 or 1."""
    moves = transitions(sold(0.4, 20, seed), WIN_RATE)
    chances = [moves.chance(0.3, 20.0, target) for target in np.linspace(0, 1, 21)]
    assert chances == sorted(chances, reverse=True)
    assert 0 < chances[-1] < chances[0] < 1


@pytest.mark.parametrize("seed", range(3))
def test_goals_lie_ahead_and_within_what_others_have(seed: int) -> None:
    """At most two: a likely one, and a stretch beyond it that three in four do not exceed."""
    goals = Goals.learned(sold(0.5, 25, seed))
    values = goals.of["win_rate"].now.set_index("rep_id")["value"]
    proposed = {rep: goals.propose(rep, "closing") for rep in values.index}
    assert any(proposed.values())
    for rep, own in proposed.items():
        assert [goal.label for goal in own] in (
            [],
            ["likely"],
            ["a stretch"],
            ["likely", "a stretch"],
        )
        for goal in own:
            assert goal.target >= values[rep] + 0.02 - 0.005
            assert goal.target <= np.quantile(values.drop(rep), 0.75) + 0.005
            assert goal.due == AS_OF + timedelta(days=WINDOW_DAYS)


def test_without_a_past_there_are_no_goals() -> None:
    """Too few changes, an unmeasured cause, or an unknown rep: nothing is proposed."""
    short = Goals.learned(sold(0.5, 25, reps=1))
    assert not short.of["win_rate"].is_enough
    assert short.propose("r00", "closing") == []
    long = Goals.learned(sold(0.5, 25))
    assert long.propose("r00", "territory") == []
    assert long.propose("nobody", "closing") == []
    nothing = Goals.learned(record_of(staff("r")))
    assert nothing.propose("r", "closing") == []


def test_levels_compare_with_what_the_same_leads_make() -> None:
    """A rep with poor sources is not below the rates; one who converts fewer of the like is."""
    chance = np.random.default_rng(5)
    names = [f"r{k}" for k in range(6)]
    size = 400
    sources = [["fair"] * size if name == "r0" else ["web"] * size for name in names]
    p = [0.05 if name == "r0" else 0.15 if name == "r1" else 0.3 for name in names]
    frame = rows(
        lead_id=[f"l{k}" for k in range(size * 6)],
        rep_id=[name for name in names for _ in range(size)],
        at=[before(1 + k % 300) for k in range(size * 6)],
        won=[int(w) for w in chance.random(size * 6) < np.repeat(p, size)],
        source=[s for own in sources for s in own],
    )
    found = levels(record_of(staff(*names), decisions=frame))
    own = found[QUALIFYING]
    assert not own["r0"].is_weak
    assert own["r1"].is_weak
    assert own["r1"].low < own["r1"].level < own["r1"].high < 1
    assert found[CLOSING] == {}


def test_the_table_says_what_was_said_and_reached() -> None:
    """By label and by bins of the chance: counts, mean chance, share reached and an interval."""
    frame = pd.DataFrame(
        {
            "rep_id": [f"r{k % 20}" for k in range(200)],
            "measure": "win_rate",
            "label": ["likely"] * 100 + ["a stretch"] * 100,
            "chance": [0.6] * 100 + [0.3] * 100,
            "reached": ([1.0] * 6 + [0.0] * 4) * 10 + ([1.0] * 3 + [0.0] * 7) * 10,
        }
    )
    table = calibration(frame).set_index("group")
    likely, stretch = table.loc["label: likely"], table.loc["label: a stretch"]
    assert (likely["said"], likely["reached"]) == (pytest.approx(0.6), pytest.approx(0.6))
    assert (stretch["said"], stretch["reached"]) == (pytest.approx(0.3), pytest.approx(0.3))
    assert table["goals"].loc["measure: win_rate"] == 200
    assert (table["low"] <= table["reached"]).all()
    assert (table["reached"] <= table["high"]).all()
