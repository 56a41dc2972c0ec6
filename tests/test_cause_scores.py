"""The figures that grade causes, counted by hand on four rep-quarters."""

from __future__ import annotations

import pandas as pd
import pytest
from cause_scores import alarms, chances, judged, named

QUARTER = pd.Timestamp(2026, 4, 1)


def told_rows() -> pd.DataFrame:
    """What was told of four reps; D has too little behind it to be judged."""
    rows = [
        ("A", 1, "closing", 0.30, 0.9, 200),
        ("A", 2, "territory", 0.10, 0.6, 200),
        ("B", 1, "volume", 0.20, 0.7, 200),
        ("B", 2, "internal_delay", 0.18, 0.7, 200),
        ("C", 1, "luck", 0.00, 0.1, 200),
        ("D", 1, "luck", 0.00, 0.1, 3),
    ]
    frame = pd.DataFrame(rows, columns=["rep_id", "rank", "cause", "size", "p", "leads"])
    return frame.assign(company="x", period_start=QUARTER, deals=0, since=QUARTER)


def truth_rows() -> pd.DataFrame:
    """What was planted: A is right at once, B among the first two, C is missed."""
    rows = [
        ("A", "closing", 0.40),
        ("A", "ramp", 0.05),
        ("B", "internal_delay", 0.25),
        ("C", "qualifying", 0.20),
        ("D", "quota", 0.50),
    ]
    frame = pd.DataFrame(rows, columns=["rep_id", "cause", "size"])
    return frame.assign(company="x", period_start=QUARTER)


def test_hits_and_blame_are_counted_as_by_hand() -> None:
    """Of three judged, one is first, two are among the first two; B is blamed for a delay."""
    rows = judged(told_rows(), truth_rows())
    assert len(rows) == 3
    assert rows["hit_first"].sum() == 1
    assert rows["hit_two"].sum() == 2
    figures = {grade.what: grade.figure for grade in named(rows, rows)}
    assert figures["false blame, n = 1"] == "100.0%"
    # "Luck" excuses nobody: C was not told a cause outside the own hands.
    assert figures["false excuse, n = 2"] == "0.0%"


def test_chances_are_compared_with_what_was_there() -> None:
    """Told with 70 % were B's two causes, one of them planted."""
    figures = {grade.what: grade.figure for grade in chances(told_rows(), truth_rows())}
    assert figures["chance of a spell 60% to 80%, n = 3"].endswith("there 33.3%")


@pytest.mark.parametrize(("skill", "share"), [(1.0, "100.0%"), (0.5, "nan%")])
def test_an_alarm_needs_a_rep_without_a_weak_skill(skill: float, share: str) -> None:
    """An own cause told where nothing is planted is an alarm, unless a skill is really weak."""
    nothing = truth_rows().assign(cause="none", size=0.0)
    told = told_rows().query("rep_id == 'A'")
    skills = pd.DataFrame(
        {"company": "x", "rep_id": list("ABCD"), "skill": "closing", "value": skill}
    )
    (grade,) = alarms(told, nothing, skills)
    assert grade.figure == share
