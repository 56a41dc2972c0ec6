"""What is said of reps and teams, by hand: ranges are withheld with the reason, nothing is sure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from serving.wording.reps import (
    chance_withheld,
    period_in_words,
    rep_chance,
    rep_sentence,
    rep_withheld,
    team_sentence,
    team_withheld,
)

REP: dict[str, Any] = {
    "quota": 156000.0,
    "attained": 61000.0,
    "expected_open": 44786.2,
    "expected_new": 29664.1,
    "p_attain": 0.312,
    "attainment_p10": 0.55,
    "attainment_p50": 0.87,
    "attainment_p90": 1.21,
    "range_low": 0.55,
    "range_high": 1.21,
    "p_in_range": 0.8,
    "evidence": "enough",
    "evidence_says": "8 ended quota periods, 17 deals won in a year",
    "has_left": False,
}
NEW = "too little is known of this rep's selling yet (started 6 days ago, no ended quota period)"
SHORT = "the company has too few won deals or ended quota periods to learn from"
TEAM: dict[str, Any] = {
    "quota": 780000.0,
    "closed": 194650.0,
    "expected_open": 570937.9,
    "expected_new": 126252.9,
    "p10": 594809.9,
    "p50": 872209.5,
    "p90": 1222433.0,
    "evidence": "enough",
    "evidence_says": "5 of 5 reps have a record of their own",
}
PARTS = (
    "61,000 is closed so far (39 % of quota); about 44,800 is expected from open deals and 29,700 "
    "from deals still to be created"
)


def test_a_rep_in_a_sentence() -> None:
    """Chance, what it is made of, and where attainment lands; expected amounts are rounded."""
    assert rep_sentence(REP) == (
        f"31 % chance to make the quota of 156,000. {PARTS}. In 8 of 10 cases attainment ends "
        "between 55 % and 121 % of quota; the middle is 87 %."
    )
    assert (rep_withheld(REP), chance_withheld(REP), rep_chance(REP)) == (None, None, "31 %")


def test_how_often_a_range_holds_is_told_as_it_is() -> None:
    """Where much of the chance lies on what is closed, 9 of 10 cases are not called 8 of 10."""
    late = REP | {"range_low": 0.39, "attainment_p50": 0.39, "range_high": 0.52}
    said = rep_sentence(late | {"p_in_range": 0.91})
    assert said.endswith(
        "In 9 of 10 cases attainment ends between 39 % and 52 % of quota; the middle is 39 %."
    )
    done = rep_sentence(late | {"range_high": 0.392, "p_in_range": 0.98})
    assert done.endswith("In nearly all cases attainment ends at about 39 % of quota.")
    between = rep_sentence(late | {"attainment_p50": 0.55, "p_in_range": 0.85})
    assert between.endswith(" between 39 % and 52 % of quota; the middle is 52 %.")


def test_a_team_in_a_sentence() -> None:
    """A team's total is told as an amount and as a share of its quota."""
    assert team_sentence(TEAM) == (
        "Quota 780,000. 194,650 is closed so far (25 % of quota); about 571,000 is expected from "
        "open deals and 126,000 from deals still to be created. In 8 of 10 cases the total ends "
        "between 595,000 (76 %) and 1,220,000 (157 %); the middle is 872,000 (112 %)."
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.002, "Less than 1 %"), (0.006, "1 %"), (0.994, "99 %"), (0.998, "More than 99 %")],
)
def test_nothing_is_certain(p: float, said: str) -> None:
    """Chances near 0 and 1 are no certainties in words."""
    assert rep_sentence(REP | {"p_attain": p}).startswith(f"{said} chance to make the quota")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"evidence": "thin", "evidence_says": NEW}, NEW),
        ({"evidence": "none", "evidence_says": SHORT}, SHORT),
        ({"range_high": 2.2}, "it spans more than 1.5 quotas, which is too wide to plan by"),
        ({"quota": 0.0}, "there is no quota to measure it by"),
        ({"quota": -5.0, "evidence": "thin"}, "there is no quota to measure it by"),
        ({"has_left": True}, "who has left sells nothing more, so what is closed stands"),
    ],
)
def test_a_range_is_withheld_with_the_reason(odd: dict[str, Any], why: str) -> None:
    """A range that rests on little, says nothing, or has nothing to be measured by is not shown."""
    row = REP | odd
    assert rep_withheld(row) == why
    assert "8 of 10" not in rep_sentence(row)
    if row["quota"] > 0 and not row["has_left"]:
        assert why in rep_sentence(row)


@pytest.mark.parametrize(
    ("p", "leaning"),
    [
        (0.02, "is more likely missed than made"),
        (0.312, "is more likely missed than made"),
        (0.5, "is about as likely made as missed"),
        (0.97, "is more likely made than missed"),
    ],
)
def test_a_chance_on_thin_evidence_is_a_leaning(p: float, leaning: str) -> None:
    """No number is claimed for a rep of whom little is known; which way it leans is said."""
    row = REP | {"evidence": "thin", "evidence_says": NEW, "p_attain": p}
    assert chance_withheld(row) == NEW
    assert rep_chance(row) == f"a guess: {leaning.removeprefix('is ')}"
    said = rep_sentence(row)
    assert said == (
        f"No firm chance and no range: {NEW}. At a guess, the quota of 156,000 {leaning}. {PARTS}."
    )


def test_without_evidence_nothing_is_forecast_in_words() -> None:
    """Of who is forecast from averages alone only what is known is said: the quota, the closed."""
    row = REP | {"evidence": "none", "evidence_says": NEW, "attained": 0.0}
    assert rep_sentence(row) == (
        f"Too early for a forecast: {NEW}. The quota is 156,000. Nothing is closed so far."
    )
    assert rep_chance(row) == "too early to say"


def test_a_quota_that_is_made_is_a_fact() -> None:
    """Who has closed the quota has made it, however little is known; the range stays withheld."""
    made = REP | {"attained": 160_000.0, "p_attain": 0.998}
    assert rep_sentence(made).startswith("Has made the quota of 156,000 already. 160,000 is closed")
    assert rep_chance(made) == "made already"
    new = made | {"evidence": "thin", "evidence_says": NEW}
    assert (chance_withheld(new), rep_withheld(new)) == (None, NEW)
    assert rep_sentence(new).startswith("Has made the quota of 156,000 already.")
    assert "8 of 10" not in rep_sentence(new)
    undone = made | {"p_attain": 0.6}
    assert rep_sentence(undone).startswith("60 % chance"), "what is closed may be taken back"


def test_a_teams_range_is_withheld_likewise() -> None:
    """A team follows the same rules as its reps."""
    assert team_withheld(TEAM) is None
    assert "too wide" in str(team_withheld(TEAM | {"p90": 2_000_000.0}))
    thin = TEAM | {"evidence": "thin", "evidence_says": SHORT}
    assert team_withheld(thin) == SHORT
    assert team_sentence(thin).endswith(f"The range of the total is not shown: {SHORT}.")
    nothing = TEAM | {"quota": 0.0}
    assert "no quota" in str(team_withheld(nothing))
    assert team_sentence(nothing).startswith("No quota to make. 194,650 is closed so far; about")


def test_odd_rows_are_said() -> None:
    """Leavers are told first; nothing expected and amounts taken back are numbers like others."""
    gone = REP | {"has_left": True}
    assert rep_sentence(gone) == (
        "Has left the company; no more is expected. 61,000 was closed (39 % of quota). The quota "
        "was 156,000."
    )
    assert rep_chance(gone) == "has left"
    empty = REP | {"attained": -500.0, "expected_open": 0.0, "expected_new": 0.04}
    assert "-500 is closed so far (0 % of quota); about 0 is expected" in rep_sentence(empty)


def test_a_period_is_named_by_its_days() -> None:
    """The end of a period is not its last day."""
    quarter = {"period_start": datetime(2025, 1, 1), "period_end": datetime(2025, 4, 1)}
    assert period_in_words(quarter) == "2025-01-01 to 2025-03-31"
