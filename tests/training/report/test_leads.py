"""Laws of the report: self-contained, escaped, and saying what the figures say."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import Evaluation, evaluate
from training.evaluation.resampled import HIGHER, LOWER, NEUTRAL
from training.evaluation.splitting import SplitGain, Splitting
from training.evaluation.truth import LEADS, TruthGrade, grade, truth_of
from training.report.lead_glossary import TERMS
from training.report.lead_verdict import lead_verdict
from training.report.leads import (
    Driver,
    FoldSpan,
    ReportContext,
    render,
    write_metrics,
    write_report,
)
from training.report.shift_plots import Unsteady
from training.report.words import NBSP, percent

QUICK = EvaluationSettings(draws=60, floor_draws=20)
EVIL = "<script>alert(1)</script>"
START = datetime(2024, 1, 1)
SPANS = tuple((f"2023-{month:02}-01", f"2023-{month + 2:02}-20") for month in (1, 4, 7))


def evaluated(sharp: float = 1.0, shift: float = 0.0, *, mature: bool = True) -> Evaluation:
    """Evaluate a model whose leads differ by `sharp`, and that is `shift` log-odds too high."""
    rng = np.random.default_rng(0)
    score = sharp * rng.normal(size=600) - 1.5
    chance = 1 / (1 + np.exp(-score))
    week = np.arange(600) % 5
    y = (rng.random(600) < chance).astype(float)
    frame = pd.DataFrame(
        {
            "lead_id": [f"L{i}" for i in range(600)],
            "cutoff": pd.Timestamp(START) + pd.to_timedelta(7 * week, unit="D"),
            "horizon_days": 30,
            "p": 1 / (1 + np.exp(-score - shift)),
            "y": y if mature else np.nan,
            "fold": EVIL,
        }
    )
    baselines = {
        "base rate": np.full(600, 0.25),
        "recency rule": np.clip(rng.random(600), 0.01, 0.99),
        f"rule {EVIL}": rng.random(600),
    }
    return evaluate(
        Predictions(frame, baselines, {f"by {EVIL}": np.where(week > 1, EVIL, "web")}), QUICK
    )


def context() -> ReportContext:
    """Return a context in which every text is hostile."""
    return ReportContext(
        title=EVIL,
        source=EVIL,
        folds=[
            FoldSpan(
                EVIL,
                (START - timedelta(days=300), START - timedelta(days=120)),
                (START - timedelta(days=90), START - timedelta(days=30)),
                tuple(START + timedelta(days=7 * k) for k in range(5)),
            )
        ],
        drivers=[Driver(EVIL, 3.1, EVIL), Driver("age", 1.0, "older leads convert less")],
        unsteady=[
            Unsteady(
                EVIL, EVIL, f"{EVIL} 4.5 % converted", SPANS, (0.1, 0.45, 0.05), (0.1, 0.1, 0.1)
            )
        ],
        findings=[
            {"table": "leads", "column": "", "kind": "late", "severity": "info", "says": "second"},
            dict.fromkeys(("table", "column", "kind", "says"), EVIL) | {"severity": "error"},
        ],
        ingestion=EVIL,
        settings={EVIL: EVIL},
        notes=[EVIL],
        made_at=START,
        truth=graded(),
    )


def graded() -> TruthGrade:
    """Grade a model and a hostile rival against known chances."""
    q = np.linspace(0.01, 0.4, 300)
    keys = pd.DataFrame({"lead_id": [f"L{i}" for i in range(300)], "cutoff": pd.Timestamp(START)})
    truth = truth_of(keys.assign(horizon_days=30, p_true=q), LEADS)
    named = {"model": (q + 0.1) / 2, EVIL: np.full(300, 0.2)}
    return grade(truth, keys.assign(y=(np.arange(300) % 5 == 0).astype(float)), named, QUICK)


@pytest.fixture(scope="module")
def page() -> str:
    """Return the page of a believable model in a hostile context."""
    return render(evaluated(), context())


def words(page: str) -> str:
    """Return what a reader reads, with plain blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace(NBSP, " ")


def test_nothing_from_data_becomes_markup(page: str) -> None:
    """A lead source that is a script is shown as text everywhere, charts included."""
    assert EVIL not in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15


def test_charts_are_well_formed_and_described(page: str) -> None:
    """Every drawing is well-formed XML; each chart has a role, a title and a description."""
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]  # noqa: S314 - our own text
    charts = [svg for svg in drawings if svg.get("class") == "chart"]
    assert len(charts) == 7
    for chart in charts:
        assert chart.get("role") == "img"
        assert chart.get("aria-label")
        assert len(chart.findtext("desc") or "") > 10
    assert [svg.get("aria-hidden") for svg in drawings if svg not in charts] == ["true"]


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    """No address, no import, no script: the file can be mailed and opened offline."""
    assert not re.search(r"https?://|//cdn|@import|url\(|<link|<img|<iframe|\son\w+=", page)
    assert not re.search(r"(?:src|href)\s*=", page)
    assert len(page.encode()) < 1_500_000


def test_coordinates_are_numbers(page: str) -> None:
    """No drawing holds a NaN or an infinity."""
    assert not re.search(r'="[^"]*\b(nan|inf)\b', page)


def test_the_page_says_what_it_is_for(page: str) -> None:
    """The page says that it is not for employment decisions."""
    assert "not for employment decisions" in page


def test_every_metric_is_explained_and_shown(page: str) -> None:
    """The glossary has exactly the metrics there are, and the page has them all."""
    assert set(TERMS) == HIGHER | LOWER | NEUTRAL
    for term in TERMS.values():
        assert term.title in page
        assert term.meaning.replace("'", "&#39;") in page


def test_the_truth_has_a_section_where_it_is_known(page: str) -> None:
    """It holds words and figures; without truth the page does not mention it."""
    text, model = words(page), graded().model
    assert "Compared with the true chances" in text
    assert (
        f"closes {percent(model['expected_log_loss_gap_closed'].value)}".replace(NBSP, " ") in text
    )
    assert "constant base rate" in text
    assert "true chances" not in words(render(evaluated(), ReportContext()))


def test_the_key_sentence_holds_the_figures() -> None:
    """What calling the top 20 % finds stands in a sentence, with the rule and random order."""
    evaluation = evaluated()
    captured = evaluation.overall.model["capture"].value
    rule = evaluation.overall.scores["recency rule"]["capture"].value
    says = words(render(evaluation, ReportContext()))
    assert (
        f"Calling the top 20 % of the open leads finds {percent(captured)}".replace(NBSP, " ")
        in says
    )
    assert f"the recency rule finds {percent(rule)}".replace(NBSP, " ") in says


def test_severe_findings_come_first(page: str) -> None:
    """An error stands above an information, in whatever order they came."""
    health = page[page.index('id="health"') :]
    assert health.index(">error<") < health.index(">info<")


def test_too_good_a_model_is_a_warning_and_not_a_triumph() -> None:
    """Above an AUC of 0.9 the page says to look for a leak, first of all."""
    verdict = lead_verdict(evaluated(sharp=6.0))
    assert verdict.tone == "warn"
    assert "look for a leak" in verdict.headline
    assert "look for a leak" in verdict.warnings[0]


def test_a_believable_model_is_not_suspected() -> None:
    """An ordinary AUC that beats every rival is good news without a warning about leaks."""
    verdict = lead_verdict(evaluated())
    assert verdict.tone == "good"
    assert not any("leak" in w for w in verdict.warnings)


def test_a_model_beaten_by_a_rule_is_not_recommended() -> None:
    """Where a simpler forecast ranks better beyond chance, the headline says so."""
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, 800)
    frame = pd.DataFrame(
        {
            "lead_id": range(800),
            "cutoff": pd.Timestamp(START),
            "horizon_days": 30,
            "p": rng.random(800),
            "y": (rng.random(800) < p).astype(float),
            "fold": 1,
        }
    )
    verdict = lead_verdict(evaluate(Predictions(frame, {"recency rule": p}), QUICK))
    assert verdict.tone == "warn"
    assert verdict.headline.startswith("Do not use this model yet: recency rule")


def test_forecasts_that_are_too_high_get_a_warning() -> None:
    """A shift of one log-odd is a warning, although the ranking is fine."""
    assert any("too high" in w for w in lead_verdict(evaluated(shift=1.0)).warnings)


def test_without_outcomes_the_page_says_so_and_shows_no_figure() -> None:
    """No mature row: the page says what is missing and how many forecasts wait."""
    evaluation = evaluated(mature=False)
    says = words(render(evaluation, context()))
    assert "Too early to tell" in says
    assert "600 forecasts wait for their 30 days" in says
    assert "Compared with simpler forecasts" not in says


def test_effects_that_did_not_hold_are_shown_with_their_sentence(page: str) -> None:
    """A chart of every part of the past, also where no outcome of the test is known yet."""
    for shown in (page, render(evaluated(mature=False), context())):
        section = shown[shown.index('id="shifts"') :].split("</section>")[0]
        assert "2023-04-01 to 2023-06-20: 45 % of this group, 10 % of all leads" in section
        assert f"4.5{NBSP}% converted." in section


def test_whether_splitting_helped_has_a_section_where_there_are_segments() -> None:
    """The verdict, and a row for all leads and for each segment with a model of its own."""
    level, some = 0.9, Estimate(0.0123, 0.004, 0.02)
    parts = (SplitGain(EVIL, 120, some, level), SplitGain("few", 9, Estimate(-0.1), level))
    splitting = Splitting(SplitGain("all leads", 400, some, level), parts)
    page = render(replace(evaluated(), splitting=splitting), context())
    section = words(page[page.index('id="splitting"') :].split("</section>")[0])
    assert "Splitting helped (log loss 0.0123 lower than pooled; gain +0.0040 to" in section
    assert "all leads 400 +0.0123 +0.0040 to +0.0200 90 % ▲ better" in section
    assert "few 9 -0.1000 too few outcomes" in section
    assert EVIL not in page
    assert 'id="splitting"' not in render(evaluated(), context())
    pooled = replace(splitting, parts=())
    assert "so nothing was split." in render(replace(evaluated(), splitting=pooled), context())


def test_an_empty_context_makes_a_page() -> None:
    """Everything but the evaluation may be missing; its sections are then left out."""
    page = render(evaluated(), ReportContext())
    assert 'id="health"' not in page
    assert 'id="split"' not in page
    assert 'id="shifts"' not in page
    assert page == render(evaluated(), ReportContext())


def test_files_are_written(tmp_path: Path) -> None:
    """The report is a page, and the metrics are JSON without NaN."""
    evaluation = evaluated()
    write_report(tmp_path / "report.html", evaluation, context())
    write_metrics(tmp_path / "metrics.json", evaluation, graded())
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    text = (tmp_path / "metrics.json").read_text("utf-8")
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    assert json.loads(text)["n_rows"] == 600
    assert json.loads(text)["truth"]["n_leads"] == 300


def test_small_percentages_do_not_read_as_nothing() -> None:
    """Below ten a digit is kept: 0.4 % is not 0 %."""
    written = [percent(v).replace(NBSP, " ") for v in (0.004, 0.0996, 0.48, 0.0, None)]
    assert written == ["0.4 %", "10 %", "48 %", "0 %", "withheld"]
