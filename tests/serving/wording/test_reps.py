"""What words say of reps and teams: ranges are withheld with the reason, nothing is sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from features.evidence import EvidenceState
from serving.wording.forecasts import RepForecast, TeamForecast
from serving.wording.reps import (
    chance_in_words,
    chance_withheld,
    period_in_words,
    rep_chance,
    rep_sentence,
    rep_withheld,
    team_sentence,
    team_withheld,
)

QUARTER = {"period_start": datetime(2025, 1, 1), "period_end": datetime(2025, 4, 1)}
REP = RepForecast(
    **QUARTER,
    rep_id="rep-7",
    manager_id="M002",
    has_left=False,
    quota=156000.0,
    attained=61000.0,
    expected_open=44786.2,
    expected_new=29664.1,
    p_attain=0.312,
    at_risk=True,
    attainment_p10=0.55,
    attainment_p50=0.87,
    attainment_p90=1.21,
    range_low=0.55,
    range_high=1.21,
    p_in_range=0.8,
    evidence=EvidenceState.ENOUGH,
    evidence_says="8 ended quota periods, 17 deals won in a year",
)
TEAM = TeamForecast(
    **QUARTER,
    level="manager",
    group="M002",
    reps=5,
    left=0,
    at_risk=2,
    quota=780000.0,
    closed=194650.0,
    mean=891840.8,
    expected_open=570937.9,
    expected_new=126252.9,
    p10=594809.9,
    p50=872209.5,
    p90=1222433.0,
    evidence=EvidenceState.ENOUGH,
    evidence_says="5 of 5 reps have a record of their own",
)
NEW = "too little is known of this rep's selling yet (started 6 days ago, no ended quota period)"
SHORT = "the company has too few won deals or ended quota periods to learn from"
THIN = {"evidence": EvidenceState.THIN, "evidence_says": NEW}
NONE = {"evidence": EvidenceState.NONE, "evidence_says": NEW}
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


def test_a_range_states_how_often_it_holds() -> None:
    """Where much of the chance lies on what is closed, 9 of 10 cases are not called 8 of 10."""
    late = replace(REP, range_low=0.39, attainment_p50=0.39, range_high=0.52, p_in_range=0.91)
    assert rep_sentence(late).endswith(
        "In 9 of 10 cases attainment ends between 39 % and 52 % of quota; the middle is 39 %."
    )
    narrow = rep_sentence(replace(late, range_high=0.392, p_in_range=0.98))
    assert narrow.endswith("In nearly all cases attainment ends at about 39 % of quota.")
    between = rep_sentence(replace(late, attainment_p50=0.55, p_in_range=0.85))
    assert between.endswith(" between 39 % and 52 % of quota; the middle is 52 %.")


def test_a_team_in_a_sentence() -> None:
    """A team's total is an amount and a share of its quota."""
    assert team_sentence(TEAM) == (
        "Quota 780,000. 194,650 is closed so far (25 % of quota); about 571,000 is expected from "
        "open deals and 126,000 from deals still to be created. In 8 of 10 cases the total ends "
        "between 595,000 (76 %) and 1,220,000 (157 %); the middle is 872,000 (112 %)."
    )


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.002, "less than 1 %"), (0.006, "1 %"), (0.994, "99 %"), (0.998, "more than 99 %")],
)
def test_nothing_is_certain(p: float, words: str) -> None:
    """Chances near 0 and 1 are no certainties in words."""
    assert chance_in_words(p) == words
    sentence = rep_sentence(replace(REP, p_attain=p))
    assert sentence.lower().startswith(f"{words} chance to make the quota")
    assert sentence[0] == sentence[0].upper()


@pytest.mark.parametrize("p", [0.0, 1e-9, 1 - 1e-9, 1.0])
def test_not_even_a_certain_number_is_certain_in_words(p: float) -> None:
    """Whatever the number, words leave room for doubt."""
    assert chance_in_words(p) in {"less than 1 %", "more than 99 %"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (THIN, NEW),
        ({"evidence": EvidenceState.NONE, "evidence_says": SHORT}, SHORT),
        ({"range_high": 2.2}, "it spans more than 1.5 quotas, which is too wide to plan with"),
        ({"quota": 0.0}, "there is no quota to measure against"),
        ({"quota": -5.0} | THIN, "there is no quota to measure against"),
        ({"has_left": True}, "the rep has left and sells nothing more, so what is closed is final"),
    ],
)
def test_a_range_is_withheld_with_the_reason(changes: dict[str, Any], why: str) -> None:
    """A range that rests on little, says nothing, or has no quota to compare with is not shown."""
    forecast = replace(REP, **changes)
    assert rep_withheld(forecast) == why
    assert "8 of 10" not in rep_sentence(forecast)
    if forecast.has_quota and not forecast.has_left:
        assert why in rep_sentence(forecast)


@pytest.mark.parametrize(
    ("p", "leaning"),
    [
        (0.02, "is more likely missed than made"),
        (0.312, "is more likely missed than made"),
        (0.35, "is as likely to be made as missed"),
        (0.65, "is as likely to be made as missed"),
        (0.97, "is more likely made than missed"),
    ],
)
def test_a_chance_on_thin_evidence_is_a_leaning(p: float, leaning: str) -> None:
    """For a rep of whom little is known words claim no number; they say which way it leans."""
    forecast = replace(REP, **THIN, p_attain=p)
    assert chance_withheld(forecast) == NEW
    assert rep_chance(forecast) == f"a guess: {leaning.removeprefix('is ')}"
    assert rep_sentence(forecast) == (
        f"No firm chance and no range: {NEW}. At a guess, the quota of 156,000 {leaning}. {PARTS}."
    )


def test_without_evidence_words_forecast_nothing() -> None:
    """A rep forecast from averages alone gets what is known: the quota, and what is closed."""
    forecast = replace(REP, **NONE, attained=0.0)
    assert rep_sentence(forecast) == (
        f"Too early for a forecast: {NEW}. The quota is 156,000. Nothing is closed so far."
    )
    assert rep_chance(forecast) == "too early to say"


def test_a_quota_that_is_made_is_a_fact() -> None:
    """Who has closed the quota has made it, however little is known; the range stays withheld."""
    over = replace(REP, attained=160_000.0, p_attain=0.998)
    assert rep_sentence(over).startswith("Has already made the quota of 156,000. 160,000 is closed")
    assert rep_chance(over) == "made already"
    thin = replace(over, **THIN)
    assert (chance_withheld(thin), rep_withheld(thin)) == (None, NEW)
    assert rep_sentence(thin).startswith("Has already made the quota of 156,000.")
    assert "8 of 10" not in rep_sentence(thin)
    unsure = replace(over, p_attain=0.6)
    assert rep_sentence(unsure).startswith("60 % chance"), "what is closed may be taken back"


def test_a_teams_range_is_withheld_likewise() -> None:
    """A team follows the same rules as its reps."""
    assert team_withheld(TEAM) is None
    assert "too wide" in str(team_withheld(replace(TEAM, p90=2_000_000.0)))
    thin = replace(TEAM, evidence=EvidenceState.THIN, evidence_says=SHORT)
    assert team_withheld(thin) == SHORT
    assert team_sentence(thin).endswith(f"The range of the total is not shown: {SHORT}.")
    nothing = replace(TEAM, quota=0.0)
    assert team_withheld(nothing) == "there is no quota to measure against"
    assert team_sentence(nothing).startswith("No quota to make. 194,650 is closed so far; about")


@pytest.mark.parametrize("evidence", list(EvidenceState))
@pytest.mark.parametrize("quota", [0.0, float("nan"), 156000.0])
def test_a_leaver_has_left_whatever_else_holds(evidence: EvidenceState, quota: float) -> None:
    """For a rep who has left, words state what was closed and forecast nothing."""
    leaver = replace(REP, has_left=True, evidence=evidence, quota=quota)
    sentence = rep_sentence(leaver)
    assert sentence.startswith("Has left the company; no further sales are expected. 61,000 was ")
    assert ("The quota was 156,000." in sentence) == leaver.has_quota
    assert rep_chance(leaver) == "has left"
    assert "chance" not in sentence


def test_odd_amounts_are_amounts() -> None:
    """Nothing expected, and amounts taken back, are written like others."""
    empty = replace(REP, attained=-500.0, expected_open=0.0, expected_new=0.04)
    assert "-500 is closed so far (0 % of quota); about 0 is expected" in rep_sentence(empty)
    refund = rep_sentence(replace(REP, expected_open=-44786.2))
    assert "about -44,800 is expected" in refund


def test_a_period_is_named_by_its_days() -> None:
    """The end of a period is not its last day."""
    assert period_in_words(datetime(2025, 1, 1), datetime(2025, 4, 1)) == "2025-01-01 to 2025-03-31"
    assert period_in_words(datetime(2024, 2, 1), datetime(2024, 3, 1)) == "2024-02-01 to 2024-02-29"
