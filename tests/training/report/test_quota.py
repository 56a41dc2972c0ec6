"""Laws of the report on quotas: self-contained, escaped, and saying what the figures say."""

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
from attainments import quota_backtest, truth_beside

from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import METRICS
from training.report.page import Driver, ReportContext
from training.report.plots import FoldSpan
from training.report.quota import render_quota, write_quota_metrics, write_quota_report
from training.report.quota_glossary import QUOTA_TERMS
from training.report.quota_verdict import quota_verdict

QUICK = QuotaSettings(draws=40, floor_draws=10)
EVIL = "<script>alert(1)</script>"
START = datetime(2024, 1, 1)


def hostile() -> QuotaPredictions:
    """Return a backtest whose names from data are all scripts."""
    predictions = quota_backtest(blur=0.1)
    return replace(
        predictions,
        baselines={f"rule {EVIL}": predictions.baselines["linear pacing"]},
        rollups=pd.concat(
            [predictions.rollups, predictions.rollups.assign(level=EVIL, group=EVIL)]
        ),
        segments={f"by {EVIL}": pd.Series(np.full(len(predictions.frame), EVIL))},
    )


def context() -> ReportContext:
    """Return a context in which every text is hostile."""
    tests = tuple(START + timedelta(days=7 * k) for k in range(5))
    learned = (START - timedelta(days=300), START - timedelta(days=1))
    return ReportContext(
        title=EVIL,
        source=EVIL,
        folds=[FoldSpan(EVIL, learned, None, tests)],
        drivers=[Driver(EVIL, 3.1, EVIL)],
        findings=[dict.fromkeys(("table", "column", "kind", "severity", "says"), EVIL)],
        ingestion=EVIL,
        settings={EVIL: EVIL},
        notes=[EVIL],
        made_at=START,
    )


@pytest.fixture(scope="module")
def evaluated() -> QuotaEvaluation:
    """Judge once, truth included."""
    predictions = hostile()
    return evaluate_quota(predictions, QUICK, truth_beside(quota_backtest()))


@pytest.fixture(scope="module")
def page(evaluated: QuotaEvaluation) -> str:
    """Return its page."""
    return render_quota(evaluated, context())


def words(page: str) -> str:
    """Return what a reader reads, with plain blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def test_nothing_from_data_becomes_markup(page: str) -> None:
    """Names of rules, teams and segments are shown as text everywhere, charts included."""
    assert EVIL not in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15


def test_the_page_stands_alone(page: str) -> None:
    """Nothing is fetched from anywhere."""
    assert not re.search(r"(?:src|href)\s*=|@import|url\(", page)


def test_charts_are_well_formed_and_described(page: str) -> None:
    """Every chart is well-formed XML and says in words what it shows."""
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(charts) == 7
    for chart in charts:
        assert ET.fromstring(chart).findtext("desc")  # noqa: S314 - our own page


def test_every_metric_is_explained() -> None:
    """Every metric is explained, and nothing else is."""
    assert set(QUOTA_TERMS) == set(METRICS)


def test_the_page_is_for_coaching_and_not_for_employment(page: str) -> None:
    """The sentence stands near the top and at the end."""
    assert words(page).lower().count("not for employment decisions") == 2


def test_numbers_in_words_are_those_of_the_evaluation(
    evaluated: QuotaEvaluation, page: str
) -> None:
    """The headline figures are the figures, with how many stand behind them."""
    text = words(page)
    assert f"{evaluated.early.n_rep_periods:,} rep-periods" in text
    assert f"{evaluated.warnings[1].n_missed} misses" in text
    assert f"{evaluated.early.model['auc'].value:.2f} AUC" in text


def test_few_totals_have_no_interval(evaluated: QuotaEvaluation) -> None:
    """Four totals are reported with their number, without an interval."""
    assert any(
        "only 4 totals, too few for an interval" in s for s in quota_verdict(evaluated).sentences
    )


def test_a_worse_model_is_called_worse() -> None:
    """Where pacing ranks better, the page warns against the model."""
    predictions = quota_backtest(reps=40)
    swapped = replace(
        predictions,
        frame=predictions.frame.assign(**predictions.baselines["linear pacing"].to_dict("series")),
        baselines={"truth-like": predictions.frame[["p_attain", *_range()]]},
    )
    verdict = quota_verdict(evaluate_quota(swapped, QUICK))
    assert verdict.tone == "warn"
    assert "Do not use" in verdict.headline
    assert any("worse than those of truth-like" in s for s in verdict.sentences)


def test_too_good_to_be_true_is_a_warning() -> None:
    """Knowing the answer on the first day points to the quota or a leak."""
    predictions = quota_backtest()
    frame = predictions.frame.assign(p_attain=np.where(predictions.attainment >= 1, 0.99, 0.01))
    warnings = quota_verdict(evaluate_quota(replace(predictions, frame=frame), QUICK)).warnings
    assert any("gives the answer away" in w for w in warnings)


def test_thin_evidence_is_a_warning() -> None:
    """Forecasts that rest on thin evidence are counted in a warning."""
    predictions = quota_backtest()
    thin = replace(predictions, frame=predictions.frame.assign(evidence="thin"))
    warnings = quota_verdict(evaluate_quota(thin, QUICK)).warnings
    assert any("1,040 of 1,040 forecasts rest on thin evidence" in w for w in warnings)


@pytest.mark.parametrize("attained", [np.nan, 0.5])
def test_without_both_outcomes_the_page_says_so(attained: float) -> None:
    """Without mature rows, or with one class only, there are words instead of figures."""
    predictions = quota_backtest()
    evaluated = evaluate_quota(
        replace(predictions, frame=predictions.frame.assign(attainment=attained)), QUICK
    )
    text = words(render_quota(evaluated, ReportContext()))
    assert "Too early to tell" in text
    assert "not measurable" in text
    assert "Who will make quota?" in text


def test_files_are_written(evaluated: QuotaEvaluation, tmp_path: Path) -> None:
    """The report is a page, and the metrics are JSON without NaN."""
    write_quota_report(tmp_path / "report.html", evaluated, context())
    write_quota_metrics(tmp_path / "metrics.json", evaluated)
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    text = (tmp_path / "metrics.json").read_text("utf-8")
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    metrics = json.loads(text)
    assert metrics["n_rows"] == 1040
    assert metrics["truth"]["gap_closed"]["all"]["pinball_gap_closed"]["value"] is not None


def _range() -> tuple[str, ...]:
    return "attainment_p10", "attainment_p50", "attainment_p90"
