"""Laws of the analyst's page and of previews: what was measured is shown, nothing is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made import NOW, facts

from features.errors import InputError
from features.evidence import EvidenceState
from serving.home.overlay import overlaid, replaced
from serving.pages.facts import Facts, ModelFacts
from serving.pages.models import MOST_FINDINGS, MOST_PROMOTIONS, ModelsPage, models_page
from serving.pages.preview import at_share, flags_below, listed_share, preview
from serving.pages.region import region_of
from serving.pages.settings import CHANGEABLE, team_settings, value_of
from serving.pages.staff import Staff
from serving.pages.trust import trust_lines
from serving.settings import Settings
from serving.store.database import Store
from serving.store.overrides import OverrideLog
from serving.store.promotions import Entry, How

EN = region_of("en-US")


def figure(
    value: float | None, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """A figure with its interval."""
    return {"value": value, "low": low, "high": high}


def quota_metrics(periods: int = 3, **odd: Any) -> dict[str, Any]:
    """What a test of a quota model measured."""
    own = {
        "auc": figure(0.81, 0.7, 0.9), "ece": figure(0.04), "brier": figure(0.18),
        "coverage": figure(0.79, 0.7, 0.86), "lift": figure(None),
    }  # fmt: skip
    bins = [
        {"low": 0.1, "high": 0.3, "n_rows": 20, "mean_forecast": 0.2, "rate": figure(0.1, 0.0, 0.3)}
    ]
    overall = {"model": own, "withheld_ranges": None, "ranges_should_hold": 0.8}
    return {"overall": overall, "n_reps": 40, "n_periods": periods, "reliability": bins} | odd


def lead_metrics() -> dict[str, Any]:
    """What a test of a lead model measured."""
    own = {
        "auc": figure(0.75, 0.7, 0.8), "ece": figure(0.013), "capture": figure(0.52),
        "lift": figure(2.6),
    }  # fmt: skip
    overall = {"model": own, "base_rate": figure(0.08), "ece_floor": figure(0.009)}
    return {
        "overall": overall, "settings": {"capacity": 0.2}, "n_leads": 12_345, "horizon_days": 30,
        "gains": {"model": [0.0, 0.6, 1.0]},
    }  # fmt: skip


def model(kind: str = "quota", metrics: dict[str, Any] | None = None, **odd: Any) -> ModelFacts:
    """A champion."""
    plain: dict[str, Any] = {
        "version": "7", "until": NOW, "evidence": EvidenceState.ENOUGH, "evidence_says": "enough",
        "notes": ("few territories",), "files": {"report.html": Path("r"), "card.html": Path("c")},
    }  # fmt: skip
    return ModelFacts(kind=kind, metrics=metrics or {}, **(plain | odd))


def home(
    quota: ModelFacts | str = "no quotas", leads: ModelFacts | str = "no leads", **odd: Any
) -> Facts:
    """Facts with these champions."""
    table = pd.DataFrame({"rep_id": ["a"] * 6 + ["b"] * 2})
    parts: dict[str, Any] = {
        "quota": quota if isinstance(quota, str) else SimpleNamespace(model=quota),
        "leads": leads if isinstance(leads, str) else SimpleNamespace(model=leads, table=table),
    }
    return replace(facts({}), **(parts | odd))


def page(own: Facts, promotions: tuple[Entry, ...] = ()) -> ModelsPage:
    """The page of the models."""
    return models_page(own, promotions, EN)


def test_a_champion_says_what_it_is() -> None:
    """Version, data and evidence; its reports in the order of their names; its notes."""
    (view,) = page(home(model(metrics=quota_metrics()))).models
    assert view.title == "Quota attainment"
    assert view.facts == (
        "Version 7", "learned from what was known by Aug 5, 2026", "evidence: enough",
    )  # fmt: skip
    assert (view.files, view.notes) == (("card.html", "report.html"), ("few territories",))


def test_figures_are_those_that_were_measured() -> None:
    """At most four, with their intervals; one without a value is left out."""
    (view,) = page(home(model(metrics=quota_metrics()))).models
    assert [(item.value, item.label) for item in view.figures] == [
        ("0.81", "AUC"), ("0.04", "calibration error"), ("0.18", "Brier score"),
        ("0.79", "of ranges held what happened"),
    ]  # fmt: skip
    assert view.figures[0].note == "0.70 to 0.90"
    assert view.calibration is not None


@pytest.mark.parametrize("metrics", [{}, {"overall": {"withheld": "only 3 quotas have ended"}}])
def test_what_was_not_measured_is_not_shown(metrics: dict[str, Any]) -> None:
    """No figure, no drawing, no lead time; and the reason in words."""
    (view,) = page(home(model(metrics=metrics))).models
    assert (view.figures, view.calibration, view.lead_time) == ((), None, ())
    (line,) = view.trust
    assert line.startswith("How good it is was not measured: ")


def test_who_is_absent_is_told_with_the_reason() -> None:
    """Each kind without a model says why."""
    shown = page(home(leads=model("leads", lead_metrics())))
    assert [view.kind for view in shown.models] == ["leads"]
    assert shown.absent == ("no quotas",)
    assert page(home()).absent == ("no leads", "no quotas")


def test_drift_is_told_or_that_nobody_has_looked() -> None:
    """None was looked for, none was found, few, and more than there is room for."""
    assert (page(home()).drift, page(home()).watched_at) == ((), "")
    found = [{"severity": "warning", "says": f"F{place}"} for place in range(MOST_FINDINGS + 2)]
    for count in (0, 1, MOST_FINDINGS, MOST_FINDINGS + 2):
        watched = {"as_of": "2026-08-05T00:00:00Z", "findings": found[:count]}
        shown = page(home(watched=watched))
        assert shown.watched_at == "2026-08-05"
        if count == 0:
            assert shown.drift == ("Nothing is out of the ordinary.",)
        else:
            assert shown.drift[0] == "warning: F0"
            assert len(shown.drift) == min(count, MOST_FINDINGS + 1)
            assert ("and 2 more" in shown.drift[-1]) == (count > MOST_FINDINGS)


def test_promotions_are_told_newest_first_and_name_nobody() -> None:
    """Who asks for models has no business with people's names; there are at most so many lines."""
    rows = tuple(
        Entry(datetime(2026, 7, day), "leads", None if day == 1 else str(day - 1), str(day),
              How.PERSON, "Ada Abel", "better", {}, "d", "f", "m")
        for day in range(1, MOST_PROMOTIONS + 5)
    )  # fmt: skip
    lines = page(home(), rows).promotions
    assert len(lines) == MOST_PROMOTIONS
    assert lines[0] == (
        "Jul 14, 2026: Lead conversion, version 14, instead of version 13 (person): better"
    )
    assert not any("Ada" in line for line in lines)
    (first,) = page(home(), rows[:1]).promotions
    assert "instead of" not in first


@pytest.mark.parametrize(("days", "words"), [(1.0, "1 day before"), (12.0, "12 days before")])
def test_lead_time_says_when_misses_were_known(days: float, words: str) -> None:
    """Each rule in a sentence; one that could not be measured says why."""
    rule = {
        "raised": "chance below 50 %", "withheld": None, "n_missed": 9,
        "model": {"lead_days": figure(days, 1.0, 20.0), "flagged": figure(0.8),
                  "false_alarms": figure(0.1)},
    }  # fmt: skip
    held = {"raised": "chance below 30 %", "withheld": "too few misses"}
    (view,) = page(home(model(metrics=quota_metrics(warnings=[rule, held])))).models
    first, second = view.lead_time
    assert f"half of 9 misses were known {words} the period's end" in first
    assert "80 of 100 misses were flagged for good, and 10 of 100 early flags were wrong" in first
    assert second == "Flag at a chance below 30 %: too few misses."


def test_how_good_a_lead_model_is_stands_in_sentences() -> None:
    """Each figure of the test once, as shares people read; and that a coin does in half."""
    lines = trust_lines(model("leads", lead_metrics()), EN)
    assert "12,345 leads, of which 8% converted within 30 days" in lines[0]
    assert "first 20% by chance held 52%" in lines[0]
    assert "2.6 times as many as a random choice" in lines[0]
    assert "off by 1.3 points on average; a perfect one would be off by 0.9" in lines[1]
    assert "75% of cases (70% to 80% with luck taken into account)" in lines[2]
    assert lines[-1].endswith("by Aug 5, 2026.")


@pytest.mark.parametrize("periods", [1, 3])
def test_one_period_is_said_to_be_little(periods: int) -> None:
    """A quarter that went well for everybody looks like a model that is off."""
    lines = trust_lines(model(metrics=quota_metrics(periods)), EN)
    assert f"in {periods} quota {'period' if periods == 1 else 'periods'}:" in lines[0]
    assert any(line.startswith("One period is little") for line in lines) == (periods == 1)


def test_withheld_ranges_are_not_judged() -> None:
    """Where the test withheld ranges, no share of them is told."""
    metrics = quota_metrics()
    metrics["overall"]["withheld_ranges"] = "too few"
    assert not any(
        line.startswith("Of the ranges") for line in trust_lines(model(metrics=metrics), EN)
    )


@pytest.mark.parametrize("seed", range(12))
def test_previews_are_monotone(seed: int) -> None:
    """A higher threshold flags no fewer, longer lists hold no less, curves rise."""
    chance = Random(seed)  # noqa: S311 - no secret
    edges = np.linspace(0, 1, 6)
    bins: list[Any] = [
        {
            "low": low,
            "high": high,
            "n_rows": chance.randrange(1, 40),
            "rate": {"value": chance.random()},
        }
        for low, high in pairwise(edges)
    ]
    flags = [flags_below(bins, value) for value in np.linspace(0, 1, 21)]
    assert [row[0] for row in flags] == sorted(row[0] for row in flags)
    assert all(missed <= min(flagged, every) + 1e-9 for flagged, missed, every in flags)
    assert flags[-1][0] == pytest.approx(sum(row["n_rows"] for row in bins))
    assert flags[-1][1] == pytest.approx(flags[-1][2])
    curve = sorted(chance.random() for _ in range(8))
    held = [at_share(curve, share) for share in np.linspace(0, 1, 15)]
    assert held == sorted(held)
    leads: Any = SimpleNamespace(table=pd.DataFrame({"rep_id": chance.choices("abc", k=20)}))
    shares = [listed_share(leads, places) for places in range(21)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_preview_of_calls_reads_the_curve_of_the_test() -> None:
    """Two places each hold 4 of 8 leads; the first half held 60 % of those that converted."""
    says = preview(home(leads=model("leads", lead_metrics())), "worklist.calls_a_day", 2, 0.5, EN)
    assert "one day's lists hold 50% of the open leads" in says
    assert "the first 50% held 60% of the leads that converted" in says


def past(chances: dict[str, float], cutoff: str, start: str = "2026-04-01") -> pd.DataFrame:
    """Forecasts of a past quota period, as of a moment in it."""
    frame = pd.DataFrame({"rep_id": [*chances], "p_attain": [*chances.values()]})
    return frame.assign(cutoff=pd.Timestamp(cutoff), period_start=pd.Timestamp(start))


@pytest.mark.parametrize(("value", "share"), [(1, "60%"), (2, "100%")])
def test_a_preview_of_talks_tells_of_last_quarter(value: float, share: str) -> None:
    """Of 5 chances below the threshold at two moments, one manager had 2, and twice time for 1."""
    managers: dict[str, str | None] = {"a": "m", "b": "m", "c": "n", "m": None, "n": None}
    own = home(model(metrics=quota_metrics()), staff=Staff({}, managers, frozenset()))
    rows = [
        past({"a": 0.1, "b": 0.2, "c": 0.9}, "2026-05-01"),
        past({"a": 0.1, "b": 0.2, "c": 0.3}, "2026-05-08"),
        past({"a": 0.0, "b": 0.0, "c": 0.0}, "2026-03-01", "2026-01-01"),
    ]
    own = replace(own, history=pd.concat(rows))
    says = preview(own, "pages.most_talks", value, 0.5, EN)
    assert "From May 1, 2026 to May 8, 2026, 2.5 reps at a time had a chance below 50%" in says
    assert f"{share} of them would have been proposed" in says
    nobody = preview(own, "pages.most_talks", value, 0.05, EN)
    assert "nobody's chance was below 5%" in nobody
    unknown = preview(replace(own, history=None), "pages.most_talks", value, 0.5, EN)
    assert "no past is kept" in unknown


@pytest.mark.parametrize("item", CHANGEABLE)
def test_a_preview_without_a_test_makes_nothing_up(item: Any) -> None:
    """It says that it cannot be said, for every setting that can be changed."""
    says = preview(home(), item.name, 3.0, 0.5, EN)
    assert says.startswith("It cannot be said what it would have meant")
    assert "%" not in says


@pytest.mark.parametrize("item", CHANGEABLE)
def test_a_change_moves_its_setting_alone(item: Any, tmp_path: Path) -> None:
    """Laid over, it counts on the pages; taken back, the file's value counts again."""
    settings, log = Settings(), OverrideLog(Store(tmp_path))
    before = value_of(settings, item.name)
    value = 0.25 if isinstance(before, float) else before + 1
    log.add(item.name, value, "Ann")
    changed = overlaid(settings, Store(tmp_path))
    assert value_of(changed, item.name) == value
    others = [other.name for other in CHANGEABLE if other is not item]
    assert [value_of(changed, name) for name in others] == [
        value_of(settings, name) for name in others
    ]
    log.add(item.name, None, "Ann")
    assert overlaid(settings, Store(tmp_path)) == settings
    assert team_settings(settings).talk_below == settings.serving.pages.talk_below


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pages.talk_below", 1.5), ("pages.talk_below", -0.1), ("pages.most_talks", 2.5),
        ("worklist.calls_a_day", -1), ("pages.nothing", 1), ("nothing.at_all", 1), ("", 1),
        ("port", 1), ("port.x", 1),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(name: str, value: float) -> None:
    """Checked like params.yaml; the message names the setting, and settings stay as they are."""
    settings = Settings()
    with pytest.raises(InputError, match=name.rpartition(".")[2] or "no setting"):
        replaced(settings, {name: value})
    assert settings == Settings()
