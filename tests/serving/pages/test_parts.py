"""Laws of what pages are made of: regions, pace, coverage, history, previews, teams."""

from __future__ import annotations

import doctest
import json
from datetime import date, datetime
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made import END, NOW, START, facts, forecast

from features.evidence import EvidenceState
from serving.coaching.voice import MANAGER, REP, Voice
from serving.pages.coverage import coverage_of
from serving.pages.entrance import next_path
from serving.pages.facts import ModelFacts
from serving.pages.gather import week_start
from serving.pages.history import mid_period, past_of, verdict
from serving.pages.pacing import Pace, closed_path, pacing_chart
from serving.pages.preview import at_share, flags_below
from serving.pages.quarter import quarter_of
from serving.pages.region import region_of
from serving.pages.rep_pages import newest_of_each
from serving.pages.settings import TeamSettings
from serving.pages.staff import Staff
from serving.pages.team import needs_talk, team_of
from serving.pages.trust import trust_lines
from serving.store.views import View, ViewNote

EN = region_of("en-US")
RULES = TeamSettings(talk_below=0.5, most_talks=2, material=0.05)


@pytest.mark.parametrize("name", ["region", "preview", "entrance", "gather"])
def test_examples_in_docstrings_hold(name: str) -> None:
    """Every example of a docstring gives what it says."""
    result = doctest.testmod(import_module(f"serving.pages.{name}"))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("header", ["", "*", "xx-YY", "de;q=", "q", "../..", "en," * 500, "\x00"])
def test_a_strange_header_gives_english(header: str) -> None:
    """Whatever a browser sends, a region follows, and its words are English."""
    region = region_of(header)
    assert region.dates.language == "en"
    assert region.day(date(2026, 8, 5))


def test_currency_stands_where_the_region_puts_it() -> None:
    """An American reads $1,235, a German 1.235 $ without cents."""
    assert region_of("en-US", "USD").amount(1234.6) == "$1,235"
    assert " ".join(region_of("de-DE", "EUR").amount(1234.6).split()) == "1.235 €"


def test_the_week_begins_on_the_business_monday() -> None:
    """Sunday night in UTC may be Monday in the business's zone, and Monday belongs to its week."""
    assert week_start(datetime(2026, 8, 2, 23), "Europe/Berlin") == datetime(2026, 8, 2, 22)
    assert week_start(datetime(2026, 8, 2, 21), "Europe/Berlin") == datetime(2026, 7, 26, 22)
    assert week_start(datetime(2026, 8, 3), "UTC") == datetime(2026, 8, 3)


@pytest.mark.parametrize("wanted", ["//evil", "/\\evil", "https://evil", "", "/a\nb", "evil"])
def test_signing_in_leads_to_no_other_site(wanted: str) -> None:
    """Where to go on is a path of this service, or the beginning."""
    assert next_path(wanted) == "/"


def test_coverage_is_the_sum_that_it_shows() -> None:
    """100 less 30 closed and 10 from new deals leaves 60; at 24 % of 100 that takes 250."""
    coverage = coverage_of(forecast(), 100.0, EN)
    assert coverage.gap == 60
    assert coverage.needed == pytest.approx(250)
    assert not coverage.is_enough
    assert coverage.steps[-1].startswith("60 / 24% = 250")
    assert coverage_of(forecast(), 300.0, EN).yield_ == pytest.approx(0.08)
    assert coverage_of(forecast(attained=95.0), 100.0, EN).is_enough
    assert coverage_of(forecast(expected_open=0.0), 0.0, EN).needed is None


def test_the_pacing_curve_ends_at_what_is_closed() -> None:
    """Steps rise by each deal of the period, other reps' and earlier deals are left out."""
    won = pd.DataFrame(
        {
            "rep_id": ["a", "a", "b", "a"],
            "at": pd.to_datetime(["2026-07-02", "2026-07-20", "2026-07-03", "2026-06-30"]),
            "amount": [10.0, 5.0, 99.0, 99.0],
        }
    )
    pace = Pace(START, END, NOW, 100.0, 15.0, 40.0, 70.0, 100.0)
    x, y = closed_path(won, ["a"], pace)
    assert y == [0.0, 0.0, 10.0, 10.0, 15.0, 15.0]
    assert x[-1] == 35
    chart = pacing_chart((x, y), pace, EN)
    assert "15 is closed after 35 of 92 days" in chart.says
    assert "between 40 and 100" in chart.says
    bare = pacing_chart((x, y), Pace(START, END, NOW, 100.0, 15.0), EN)
    assert "between" not in bare.says


def past(errors: list[float], periods: int = 1) -> pd.DataFrame:
    """Forecasts of 0.8 at two cutoffs, and outcomes that they miss by so much."""
    rows = []
    for place, error in enumerate(errors):
        start = pd.Timestamp("2026-01-01") + pd.Timedelta(days=90 * (place % periods))
        rows += [
            {
                "rep_id": f"r{place}", "period_start": start,
                "period_end": start + pd.Timedelta(days=90),
                "cutoff": start + pd.Timedelta(days=day), "attainment_p10": 0.5,
                "attainment_p50": 0.8, "attainment_p90": 1.1, "attainment": 0.8 - error,
            }
            for day in (1, 44, 89)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_forecast_of_the_middle_stands_for_a_period() -> None:
    """Of several cutoffs the one nearest to half of the period counts, and only ended periods."""
    frame = past([0.0, 0.1])
    frame.loc[frame["rep_id"] == "r1", "attainment"] = np.nan
    (row,) = mid_period(frame).to_dict("records")
    assert row["rep_id"] == "r0"
    assert row["cutoff"] == pd.Timestamp("2026-02-14")


def test_bias_is_told_from_luck() -> None:
    """Errors that all go one way are a bias; errors of both signs are luck; few tell nothing."""
    assert verdict(np.array([0.2, 0.21, 0.19, 0.2]), 3, EN).startswith("Forecasts were 20 points")
    assert "wait for more" in verdict(np.array([0.2, 0.21, 0.19, 0.2]), 1, EN)
    assert verdict(np.array([0.3, -0.3, 0.2, -0.1]), 3, EN).startswith("No bias is shown")
    assert "Too few" in verdict(np.array([0.3, 0.3, 0.3]), 3, EN)


@pytest.mark.parametrize("seed", range(20))
def test_luck_alone_is_seldom_called_bias(seed: int) -> None:
    """Of 200 companies without a bias, about one in ten is said to have one."""
    rng = np.random.default_rng(seed)
    told = sum(not verdict(rng.normal(0, 0.3, 12), 3, EN).startswith("No bias") for _ in range(200))
    assert 4 <= told <= 40


def test_history_counts_ranges_that_held() -> None:
    """Outcomes within p10 and p90 held; the page counts them and names its periods."""
    found = past_of(past([0.0, 0.1, 0.5, -0.1], 2), ["r0", "r1", "r2", "r3"], {}, EN)
    assert found is not None
    assert (found.rows, found.periods) == (4, 2)
    assert "in 3 of 4 cases" in found.held
    assert past_of(past([0.1]), ["nobody"], {}, EN) is None


def test_previews_read_the_tests_own_figures() -> None:
    """A threshold above a bin counts all of it, one within a part, one below nothing."""
    bins: list[Any] = [
        {"low": 0.1, "high": 0.3, "n_rows": 20, "rate": {"value": 0.1}},
        {"low": 0.5, "high": 0.5, "n_rows": 10, "rate": {"value": 0.6}},
    ]
    assert flags_below(bins, 0.4) == pytest.approx((20, 18, 22))
    assert flags_below(bins, 0.2) == pytest.approx((10, 9, 22))
    assert flags_below(bins, 0.05) == pytest.approx((0, 0, 22))
    assert flags_below(bins, 0.6) == pytest.approx((30, 22, 22))
    assert at_share([0.0, 1.0], 0.25) == 0.25


def test_a_talk_needs_a_low_chance_that_rests_on_enough() -> None:
    """Thin evidence, a leaver and nobody's quota propose no talk."""
    assert needs_talk(forecast(p=0.3), 0.5)
    assert not needs_talk(forecast(p=0.6), 0.5)
    assert not needs_talk(forecast(p=0.3, evidence=EvidenceState.THIN), 0.5)
    assert not needs_talk(forecast(p=0.3, has_left=True), 0.5)
    assert not needs_talk(forecast(p=0.3, quota=0.0), 0.5)
    assert not needs_talk(None, 0.5)


def test_the_sentence_counts_who_is_new_since_monday() -> None:
    """Three of four are below the threshold, one of them was not on Monday."""
    now = {"a": forecast("a", 0.1), "b": forecast("b", 0.3), "c": forecast("c", 0.4),
           "d": forecast("d", 0.9)}  # fmt: skip
    monday = now | {"b": forecast("b", 0.7)}
    team = team_of(facts(now, monday), "m", RULES, {}, EN)
    assert not isinstance(team, str)
    assert team.headline == "3 of 4 need a talk this week, 1 new since Monday."
    assert [member.rep_id for member in team.talks] == ["a", "b"]
    assert [member.rep_id for member in team.later] == ["c"]
    assert [member.is_new for member in team.talks] == [False, True]
    assert [member.since for member in team.members] == ["", "-40 points", "", ""]


def test_nobody_needs_a_talk() -> None:
    """The sentence says so, and names those of whom too little is known."""
    thin = forecast("b", 0.2, evidence=EvidenceState.THIN)
    team = team_of(facts({"a": forecast("a", 0.8), "b": thin}), "m", RULES, {}, EN)
    assert not isinstance(team, str)
    assert team.headline == "Nobody of 2 needs a talk this week by the forecasts."
    assert "B Name" in team.unknown
    empty = team_of(facts({}), "m", RULES, {}, EN)
    assert not isinstance(empty, str)
    assert empty.headline.startswith("Nobody here")


def test_thin_evidence_gives_a_guess_and_no_number() -> None:
    """The headline of a rep with thin evidence holds no percent, and none is made a wall of it."""
    thin = facts({"a": forecast("a", 0.2, evidence=EvidenceState.THIN)})
    for voice in (Voice(REP, "Ada"), Voice(MANAGER, "Ada")):
        own: Any = thin
        own.quota.reasons = {"a": {"items": []}}
        own.quota.open_amount = {"a": 100.0}
        quarter = quarter_of(own, "a", voice, EN)
        assert not isinstance(quarter, str)
        assert "%" not in quarter.headline
        assert quarter.withheld == "2 ended quota periods, 9 deals won"
        assert quarter.what_if is None
        assert all("to" not in figure.value for figure in quarter.figures)
        assert quarter_of(own, "x", voice, EN) == voice.says(
            "{You} {have} no quota whose period runs now."
        )


def reasons(**points: float) -> str:
    """Reasons as a score has them."""
    items = [
        {"feature": k, "label": k, "value": f"{k} is so", "points": v} for k, v in points.items()
    ]
    return json.dumps({"items": items})


def test_staff_is_in_the_order_of_names_without_leavers() -> None:
    """Managers of managers count, leavers do not, and whoever has no name goes by the id."""
    people = pd.DataFrame(
        {
            "rep_id": ["a", "b", "c", "m"],
            "name": ["Zoe", "Ann", None, "Max"],
            "manager_id": ["m", "m", "a", None],
            "left_at": [None, datetime(2026, 1, 1), None, None],
        }
    )
    staff = Staff.of(people)
    assert staff.team("m") == ["a", "c"]
    assert staff.team(None) == ["m", "a", "c"]
    assert staff.leading() == ["m", "a"]
    assert staff.name("c") == "c"


def test_views_of_a_day_are_told_once_and_notes_are_kept() -> None:
    """Three looks at one page are one line; one with a note always stands."""
    view = View(NOW, "t", "Max", "manager", "a", "quarter", 3)
    noted = View(NOW, "t", "Max", "manager", "a", "quarter", 2, [ViewNote(NOW, "a", "why")])
    assert newest_of_each([view, noted, View(NOW, "t", "Max", "manager", "a", "quarter", 1)]) == [
        view,
        noted,
    ]


def test_a_fallback_is_told() -> None:
    """Where no model learned, and where a test measured nothing, no figure is claimed."""
    model = ModelFacts("leads", "1", NOW, EvidenceState.NONE, "too few", {}, (), {})
    assert "simple averages" in trust_lines(model, EN)[0]
    bare = ModelFacts("quota", "1", NOW, EvidenceState.ENOUGH, "", {}, (), {})
    assert trust_lines(bare, EN) == ["How good it is was not measured: its figures are gone."]
