"""Laws of trends: which run stands for which day, and which reason moved a score."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from serving.store.scores import ScoreRun
from serving.store.trend import DAYS, PastScore, moved_most, runs_before, trend, trends_of

NOW = datetime(2026, 5, 29)


def run(day: datetime) -> ScoreRun:
    """A run as of a moment."""
    return ScoreRun("leads", day.isoformat(), day, day, "3", "data", 30)


def reasons(**points: float) -> dict[str, Any]:
    """Reasons with these points."""
    items = [
        {"feature": name, "label": f"about {name}", "value": f"{name} at {value}", "points": value}
        for name, value in points.items()
    ]
    return {"base": 1.0, "items": items, "rest": 0.0}


def test_the_reason_that_changed_most_is_named() -> None:
    """From 1 to 5 points, where the score rose; what fell by more did not raise it."""
    moved = moved_most(
        reasons(stage=5.0, source=3.0), reasons(stage=1.0, calls=6.0, source=3.0), 2.0
    )
    assert moved is not None
    assert (moved.feature, moved.points, moved.label) == ("stage", 4.0, "about stage")
    assert (moved.before, moved.now) == ("stage at 1.0", "stage at 5.0")


def test_a_reason_that_came_or_went_counts() -> None:
    """One that is not among the reasons counts 0 there, and has no value there."""
    gone = moved_most(reasons(), reasons(calls=2.0), -1.0)
    assert gone is not None
    assert (gone.points, gone.before, gone.now) == (-2.0, "calls at 2.0", None)
    came = moved_most(reasons(calls=-2.0), reasons(), -1.0)
    assert came is not None
    assert (came.points, came.before, came.now) == (-2.0, None, "calls at -2.0")
    assert moved_most(reasons(calls=2.0), reasons(calls=2.0), 1.0) is None


@pytest.mark.parametrize("seed", range(5))
def test_no_other_reason_changed_more(seed: int) -> None:
    """Whatever the points: the named change is the greatest that way, and turns round with time."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    names = "abcdef"
    then, now = ({n: round(rng.uniform(-9, 9), 2) for n in rng.sample(names, 4)} for _ in "12")
    up, down = (moved_most(reasons(**now), reasons(**then), way) for way in (1.0, -1.0))
    changes = {n: now.get(n, 0.0) - then.get(n, 0.0) for n in names}
    for moved, most in ((up, max(changes.values())), (down, min(changes.values()))):
        assert moved is not None
        assert moved.points == pytest.approx(most)
    back = moved_most(reasons(**then), reasons(**now), -1.0)
    assert back is not None
    assert up is not None
    assert (back.feature, back.points) == (up.feature, -up.points)


def test_the_newest_run_of_then_stands() -> None:
    """The newest run at or before the moment stands, unless it is a quarter of the days older."""
    days = [datetime(2026, 5, day) for day in (1, 21, 28)]
    standing = runs_before([run(day) for day in days], NOW)
    assert {days: run.as_of.day for days, run in standing.items()} == {7: 21, 28: 1}
    too_old = [run(NOW - timedelta(days=days * 1.25, seconds=1)) for days in DAYS]
    too_new = [run(NOW - timedelta(days=6, hours=23))]
    assert runs_before([*too_old, *too_new], NOW) == {}


def test_leads_have_the_trends_that_runs_allow() -> None:
    """A lead that an earlier run did not score has none of then; a new model is admitted."""
    now = {
        name: PastScore(NOW, "4", score, reasons(stage=score))
        for name, score in (("old", 12.0), ("new", 9.0))
    }
    past = {"old": {"lead_id": "old", "score": 7.0, "reasons": json.dumps(reasons(stage=7.0))}}
    then = run(NOW - timedelta(days=7))
    trends = trends_of(now, {7: (then, past)})
    assert list(trends) == ["old"]
    (own,) = trends["old"]
    assert (own.days, own.since, own.before, own.change) == (7, then.as_of, 7.0, 5.0)
    assert not own.is_same_model
    assert own.moved is not None
    assert own.moved.points == 5.0
    assert trend(now["old"], now["old"], 7).change == 0.0
