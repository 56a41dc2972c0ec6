"""Laws of a manager's page: who needs a talk, how many there is time for, and how a team ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pandas as pd
import pytest
from made import END, NOW, START, facts, forecast

from features.evidence import EvidenceState
from serving.pages.facts import Facts
from serving.pages.region import region_of
from serving.pages.settings import TeamSettings
from serving.pages.staff import Staff
from serving.pages.team import Team, needs_talk, team_of
from serving.store.commits import KeptCommit
from serving.wording.forecasts import RepForecast

EN = region_of("en-US")
RULES = TeamSettings(talk_below=0.5, most_talks=3, material=0.05)
WON = [("a", datetime(2026, 7, 3), 20.0), ("b", datetime(2026, 7, 9), 40.0)]


def team(own: Facts, manager: str | None = "m", rules: TeamSettings = RULES, **more: Any) -> Team:
    """The team of a manager."""
    shown = team_of(own, manager, rules, more.get("commits", {}), EN)
    assert isinstance(shown, Team)
    return shown


def chances(*values: float, **odd: Any) -> dict[str, RepForecast]:
    """Forecasts of reps a, b, c, … with these chances."""
    return {chr(97 + place): forecast(chr(97 + place), p, **odd) for place, p in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.2,), "1 of 1 needs a talk this week, 1 new since Monday."),
        ((0.2, 0.8), "1 of 2 needs a talk this week, 1 new since Monday."),
        ((0.2, 0.3, 0.8), "2 of 3 need a talk this week, 2 new since Monday."),
        ((0.8, 0.9), "Nobody of 2 needs a talk this week by the forecasts."),
        ((), "Nobody here has a quota whose period runs now."),
    ],
)
def test_the_headline_counts(values: tuple[float, ...], words: str) -> None:
    """Nobody, one, and several; without a forecast of Monday, each is new."""
    assert team(facts(chances(*values))).headline == words


def test_who_needed_a_talk_on_monday_is_not_new() -> None:
    """The sentence says so where nobody is new."""
    low = chances(0.2, 0.3)
    assert team(facts(low, monday=low)).headline.endswith(
        "2 of 2 need a talk this week, nobody new since Monday."
    )


@pytest.mark.parametrize("seed", range(25))
def test_talks_go_to_the_lowest_chances_and_names_rank_nobody(seed: int) -> None:
    """At most as many as there is time for; all others wait; each list is in the order of names."""
    chance = Random(seed)  # noqa: S311 - no secret
    values = [round(chance.random(), 3) for _ in range(chance.randrange(1, 12))]
    own = chances(*values)
    shown = team(facts(own))
    asking = {rep for rep, row in own.items() if row.p_attain < RULES.talk_below}
    first, later = ([member.rep_id for member in part] for part in (shown.talks, shown.later))
    assert len(first) == min(len(asking), RULES.most_talks)
    assert sorted([*first, *later]) == sorted(asking)
    assert first == sorted(first)
    assert later == sorted(later)
    if later:
        assert max(own[rep].p_attain for rep in first) <= min(own[rep].p_attain for rep in later)
    assert [member.rep_id for member in shown.members] == sorted(own)


@pytest.mark.parametrize("seed", range(10))
def test_a_higher_threshold_never_asks_for_fewer_talks(seed: int) -> None:
    """Whoever is below one threshold is below a higher one."""
    chance = Random(seed)  # noqa: S311 - no secret
    own = forecast(p=chance.random())
    asked = [needs_talk(own, place / 20) for place in range(21)]
    assert asked == sorted(asked)


@pytest.mark.parametrize(
    ("by", "words"), [(0.04, ""), (-0.04, ""), (0.06, "+6 points"), (-0.2, "-20 points")]
)
def test_only_a_material_movement_is_said(by: float, words: str) -> None:
    """A point up or down since Monday is no news."""
    shown = team(facts(chances(0.6 + by), monday=chances(0.6)))
    assert shown.members[0].since == words


def test_a_member_shows_words_where_numbers_are_withheld() -> None:
    """On thin evidence the chance is a leaning, and no movement is told."""
    thin = chances(0.2, evidence=EvidenceState.THIN)
    (member,) = team(facts(thin, monday=chances(0.9))).members
    assert "%" not in member.chance
    assert (member.since, member.needs_talk, member.closed) == ("", False, "30%")


def test_a_quota_that_is_made_is_told_as_such() -> None:
    """No chance stands beside a quota that is closed already."""
    (member,) = team(facts(chances(1.0, attained=140.0))).members
    assert (member.chance, member.closed) == ("made already", "140%")


def test_a_quota_of_nothing_has_no_share() -> None:
    """Closed of nothing is not a number."""
    (member,) = team(facts(chances(0.0, quota=0.0))).members
    assert (member.closed, member.needs_talk) == ("", False)


def test_the_newest_number_of_a_rep_stands_beside_the_chance() -> None:
    """Who committed to nothing has an empty cell."""
    commit = KeptCommit("k", "a", START, 1250.0, said_at=NOW, by="Ada")
    shown = team(facts(chances(0.4, 0.6)), commits={"a": commit})
    assert [member.commit for member in shown.members] == ["1,250", ""]


@pytest.mark.parametrize(
    ("count", "who"),
    [(1, "A Name"), (2, "A Name and B Name"), (3, "A Name, B Name and C Name"), (4, "4 others")],
)
def test_of_whom_little_is_known_is_told_without_a_list_of_blame(count: int, who: str) -> None:
    """Few are named, many are counted, and it is said that this is no sign of anything."""
    thin = chances(*[0.2] * count, evidence=EvidenceState.THIN)
    assert team(facts(thin)).unknown == (
        f"Of {who} too little is known to say; that is no good or bad sign."
    )


def test_who_has_a_quota_of_nothing_is_not_unknown() -> None:
    """Enough is known: there is nothing to forecast. Nor is whoever has made the quota."""
    odd = {
        "a": forecast("a", 1.0, attained=130.0, evidence=EvidenceState.THIN),
        "b": forecast("b", quota=0.0, evidence=EvidenceState.THIN),
    }
    assert team(facts(odd)).unknown == ""


def rolled_up(**odd: Any) -> pd.DataFrame:
    """The roll-up of manager m and of the company, in which reps of m have a quota of 200."""
    plain: dict[str, Any] = {
        "level": "manager", "group": "m", "period_start": START, "period_end": END,
        "quota": 200.0, "closed": 60.0, "mean": 150.0, "p10": 90.0, "p50": 150.0, "p90": 220.0,
        "expected_open": 48.0, "expected_new": 20.0, "reps": 2, "left": 0, "at_risk": 1,
    }  # fmt: skip
    rows = [plain | odd, plain | odd | {"level": "company", "group": "company", "p90": 260.0}]
    return pd.DataFrame(rows)


def with_total(own: dict[str, RepForecast], **odd: Any) -> Facts:
    """Facts of a team with its roll-up."""
    made: Any = facts(own, won=WON)
    made.quota.teams = rolled_up(**odd)
    result: Facts = made
    return result


def test_a_teams_total_is_its_roll_up() -> None:
    """The range in shares of the team's quota, three figures, and the curve."""
    shown = team(with_total(chances(0.4, 0.6)))
    assert shown.total == "In 8 of 10 cases the team ends between 45% and 110% of its quota of 200."
    assert [figure.value for figure in shown.figures] == ["30%", "48", "20"]
    assert "60 is closed after 35 of 92 days" in str(shown.chart)


def test_the_company_has_a_total_of_its_own() -> None:
    """Asked for everybody, the roll-up of the company counts, not a manager's."""
    shown = team(with_total(chances(0.4, 0.6)), manager=None)
    assert shown.title == "The company"
    assert "45% and 130%" in shown.total


def test_the_total_of_a_thin_team_is_withheld() -> None:
    """The weakest evidence of a member, where the model has none, withholds the range."""
    own: Any = with_total(chances(0.4, 0.6))
    own.quota.model.evidence = EvidenceState.THIN
    own.quota.model.evidence_says = "2 ended quota periods"
    shown = team(own)
    assert shown.total.startswith("The range of the team's total is not shown: ")
    assert "%" not in shown.total
    assert "between" not in str(shown.chart)


def test_a_team_without_a_quota_shows_what_is_closed() -> None:
    """No share, no curve."""
    shown = team(with_total(chances(0.0, 0.0, quota=0.0), quota=0.0))
    assert [(figure.value, figure.label) for figure in shown.figures] == [("60", "closed so far")]
    assert shown.chart is None


def test_a_roll_up_of_another_period_is_not_the_teams() -> None:
    """The period in which most of the team have a quota counts; without one there is no total."""
    later = {"period_start": datetime(2026, 10, 1), "period_end": datetime(2027, 1, 1)}
    shown = team(with_total(chances(0.4), **later))
    assert (shown.total, shown.figures, shown.chart) == ("", (), None)


def test_without_forecasts_the_page_says_why() -> None:
    """The reason that there are none is what the page says."""
    assert team_of(replace(facts({}), quota="no quotas"), "m", RULES, {}, EN) == "no quotas"


@pytest.mark.parametrize("seed", range(20))
def test_teams_hold_everybody_present_below_a_manager(seed: int) -> None:
    """In a random tree of managers: those below, present, each once, in the order of names."""
    chance = Random(seed)  # noqa: S311 - no secret
    reps = [f"r{place}" for place in range(12)]
    managers = {rep: chance.choice([None, *reps[:place]]) for place, rep in enumerate(reps)}
    gone = frozenset(rep for rep in reps if chance.random() < 0.2)
    staff = Staff({rep: chance.choice("XYZ") for rep in reps}, managers, gone)

    def is_below(rep: str, manager: str) -> bool:
        above = managers[rep]
        return above is not None and (above == manager or is_below(above, manager))

    for manager in reps:
        below = {rep for rep in reps if is_below(rep, manager)} - gone
        assert set(staff.team(manager)) - {manager} == below
        named = [(staff.name(rep), rep) for rep in staff.team(manager)]
        assert named == sorted(named)
    assert set(staff.leading()) == {managers[rep] for rep in reps if rep not in gone} - {None}
    assert set(staff.team(None)) == set(reps) - gone
