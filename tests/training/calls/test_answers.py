"""Which activities are attempts, and which of their outcomes mean that somebody was reached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from callers import START, callers
from extract import Extract
from sellers import open_warehouse

from training.call_params import CallParams
from training.calls.answers import Answers, answers_of, says_reached
from training.calls.attempts import attempt_days

PARAMS = CallParams()


@pytest.mark.parametrize(
    ("outcome", "reached"),
    [
        ("connected", True),
        ("Connected - meeting set", True),
        ("ANSWERED", True),
        ("spoke_with", True),
        ("Erreicht", True),
        ("no_answer", False),
        ("No Answer", False),
        ("left-message", False),
        ("Voicemail", False),
        ("not connected", False),
        ("nicht erreicht", False),
        ("rescheduled", None),
        ("", None),
    ],
)
def test_words_of_failure_count_first(outcome: str, reached: bool | None) -> None:  # noqa: FBT001 - what is wanted
    """An outcome is read by its words, whatever its case; one that says neither counts for none."""
    assert says_reached(outcome, PARAMS) is reached


def test_a_type_counts_if_it_gets_through_and_fails(tmp_path: Path) -> None:
    """Calls do; meetings that are only ever held, and replies that come in, are no attempts."""
    made = callers(1, 300)
    more = [
        {**row, "activity_id": f"{row['activity_id']}-{kind}", "type": kind, "outcome": outcome,
         "direction": direction}
        for row in made.rows("activities")
        for kind, outcome, direction in (
            ("meeting", "held and connected", "outbound"),
            ("reply", "connected", "inbound"),
            ("reply", "no answer", "inbound"),
        )
    ]  # fmt: skip
    rows = [*made.rows("activities"), *more]
    warehouse = open_warehouse(made.but("activities", rows), tmp_path).until(None)
    assert answers_of(warehouse, PARAMS, 50) == Answers(
        ("call",), ("connected", "held and connected"), ("no answer",)
    )


def test_without_outcomes_nothing_is_an_attempt(tmp_path: Path) -> None:
    """Data that do not say how calls ended name no type."""
    warehouse = open_warehouse(callers(1, 200, missed="connected"), tmp_path).until(None)
    assert answers_of(warehouse, PARAMS, 50) == Answers()


def test_calls_of_one_day_are_one_attempt(tmp_path: Path) -> None:
    """It got through if one of them did; each day counts for itself."""
    born = START
    calls = [
        (born + timedelta(days=2, hours=9), "no answer"),
        (born + timedelta(days=2, hours=15), "connected"),
        (born + timedelta(days=3, hours=9), "no answer"),
    ]
    lead = {"lead_id": "L1", "created_at": born, "value": 1.0}
    rows = [
        {"lead_id": "L1", "occurred_at": at, "type": "call", "outcome": outcome}
        for at, outcome in calls
    ]
    small = Extract({"leads": [lead], "activities": rows}, born + timedelta(days=9))
    warehouse = open_warehouse(small, tmp_path).until(None)
    answers = Answers(("call",), ("connected",), ("no answer",))
    days = attempt_days(warehouse, answers, 10)
    assert days["reached"].tolist() == [1, 0]
    assert [day.day for day in days["cutoff"]] == [8, 9]
    assert attempt_days(warehouse, answers, 1)["reached"].tolist() == [0]
    assert Answers.from_json(answers.to_json()) == answers
