"""What is said of reps and teams, by hand: ranges are withheld with the reason, nothing is sure."""

from __future__ import annotations

from typing import Any

import pytest

from serving.quota_words import rep_sentence, rep_withheld, team_sentence, team_withheld

REP: dict[str, Any] = {
    "quota": 156000.0,
    "attained": 61000.0,
    "expected_open": 44786.2,
    "expected_new": 29664.1,
    "p_attain": 0.312,
    "attainment_p10": 0.55,
    "attainment_p50": 0.87,
    "attainment_p90": 1.21,
    "evidence": "enough",
    "has_left": False,
}
TEAM: dict[str, Any] = {
    "quota": 780000.0,
    "closed": 194650.0,
    "expected_open": 570937.9,
    "expected_new": 126252.9,
    "p10": 594809.9,
    "p50": 872209.5,
    "p90": 1222433.0,
    "evidence": "enough",
}
PARTS = (
    "61,000 closed (39 % of quota), about 44,800 expected from open deals and 29,700 from deals "
    "still to be created"
)


def test_a_rep_in_a_sentence() -> None:
    """Chance, what it is made of, and where attainment lands; expected amounts are rounded."""
    assert rep_sentence(REP) == (
        f"31 % chance to make the quota of 156,000; {PARTS}; attainment lands between 55 % and "
        "121 % in 8 of 10 cases, the middle is 87 %."
    )


def test_a_team_in_a_sentence() -> None:
    """A team's total is told as an amount and as a share of its quota."""
    assert team_sentence(TEAM) == (
        "quota 780,000; 194,650 closed (25 % of quota), about 571,000 expected from open deals and "
        "126,000 from deals still to be created; the total lands between 595,000 (76 %) and "
        "1,220,000 (157 %) in 8 of 10 cases, the middle is 872,000 (112 %)."
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.002, "less than 1 %"), (0.006, "1 %"), (0.994, "99 %"), (0.998, "more than 99 %")],
)
def test_nothing_is_certain(p: float, said: str) -> None:
    """Chances near 0 and 1 are no certainties in words."""
    assert rep_sentence(REP | {"p_attain": p}).startswith(f"{said} chance to make the quota")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"evidence": "thin"}, "too few ended quota periods or won deals"),
        ({"evidence": "none"}, "too few ended quota periods or won deals"),
        ({"attainment_p90": 2.2}, "too wide"),
        ({"quota": 0.0}, "no quota"),
        ({"quota": -5.0, "evidence": "thin"}, "no quota"),
    ],
)
def test_a_range_is_withheld_with_the_reason(odd: dict[str, Any], why: str) -> None:
    """A range that rests on little, says nothing, or has nothing to be measured by is not shown."""
    row = REP | odd
    assert why in str(rep_withheld(row))
    assert "8 of 10" not in rep_sentence(row)
    if row["quota"] > 0:
        assert why in rep_sentence(row)


def test_a_teams_range_is_withheld_likewise() -> None:
    """A team follows the same rules as its reps."""
    assert team_withheld(TEAM) is None
    assert "too wide" in str(team_withheld(TEAM | {"p90": 2_000_000.0}))
    assert "too few" in str(team_withheld(TEAM | {"evidence": "thin"}))
    nothing = TEAM | {"quota": 0.0}
    assert "no quota" in str(team_withheld(nothing))
    assert team_sentence(nothing).startswith("no quota to make; 194,650 closed, about 571,000")


def test_odd_rows_are_said() -> None:
    """Leavers are told first; nothing expected and amounts taken back are numbers like others."""
    assert rep_sentence(REP | {"has_left": True}).startswith("has left the company; 31 % chance")
    empty = REP | {"attained": -500.0, "expected_open": 0.0, "expected_new": 0.04}
    assert "-500 closed (0 % of quota), about 0 expected" in rep_sentence(empty)
