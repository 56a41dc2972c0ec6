"""Write what a backtest found: metrics.json for machines, report.html for people.

The page is one file: style and charts are inside, nothing is fetched and no script runs. Whatever
comes from data is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from training import plots
from training.evaluate import Evaluation
from training.glossary import TERMS
from training.plots import FoldSpan
from training.predictions import MODEL
from training.truth import TruthGrade
from training.truth_page import truth_page
from training.verdict import judge, percent

__all__ = ["Driver", "FoldSpan", "ReportContext", "render", "write_metrics", "write_report"]

DIFFERENCES = ("auc", "capture", "average_precision", "brier", "log_loss", "ece")
_SEVERE = ("error", "warning")

LAW_OF_TIME = (
    (
        "Every forecast is made as of a cutoff and sees only what the CRM could have shown before "
        "it: the event had happened, and it was known."
    ),
    (
        "Values that were filled in later, such as a final stage or a lost reason, are read as "
        "they stood at the cutoff, or not at all."
    ),
    (
        "A fold's model learned only from outcomes that were complete before its first test "
        "cutoff, so a gap of one horizon lies between what it learned and what it is tested on."
    ),
    "Calibration used its own, later window, and the tests came after that.",
    (
        "A lead whose outcome window is not over yet is forecast but judged nowhere, and "
        "never counted as a failure."
    ),
)


@dataclass(frozen=True)
class Driver:
    """A feature that moves forecasts.

    Attributes:
        label: the feature in words.
        points: how far it moves a forecast on average, in percentage points, without sign.
        direction: what it does in words ("more calls raise the chance").
    """

    label: str
    points: float
    direction: str


@dataclass(frozen=True)
class ReportContext:
    """What the page tells beside the figures.

    Attributes:
        title: the question that is forecast.
        source: where the data came from.
        folds: what each fold learned from and was tested on.
        drivers: the most important features, strongest first.
        findings: data health: `table, column, kind, severity, says`.
        ingestion: the verdict of `ingest` on what this data supports.
        settings: the run's settings, shown as they are.
        notes: what was done differently this time and why, in sentences.
        made_at: when the page was made (UTC); left out when None, for repeatable pages.
        truth: how the forecasts did beside the true chances, where those are known.
    """

    title: str = "Which leads will convert?"
    source: str = ""
    folds: Sequence[FoldSpan] = ()
    drivers: Sequence[Driver] = ()
    findings: Sequence[Mapping[str, str]] = ()
    ingestion: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    made_at: datetime | None = None
    truth: TruthGrade | None = None


def write_metrics(path: Path, evaluation: Evaluation, truth: TruthGrade | None = None) -> None:
    """Write every figure as JSON; withheld ones are null."""
    figures = evaluation.to_json() | ({"truth": truth.to_json()} if truth else {})
    words = json.dumps(figures, allow_nan=False, ensure_ascii=False, indent=1)
    path.write_text(words + "\n", encoding="utf-8")


def write_report(path: Path, evaluation: Evaluation, context: ReportContext) -> None:
    """Write the page."""
    path.write_text(render(evaluation, context), encoding="utf-8")


def render(evaluation: Evaluation, context: ReportContext) -> str:
    """Make the page as text."""
    pages = Environment(
        loader=PackageLoader("training", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(percent=percent, interval_mark=plots.interval_mark)
    return pages.get_template("report.html.j2").render(
        e=evaluation,
        c=context,
        verdict=judge(evaluation),
        terms=TERMS,
        forecasts=list(evaluation.overall.scores),
        model=MODEL,
        differences=DIFFERENCES,
        charts=_charts(evaluation, context),
        span=plots.segment_span(evaluation.segments),
        findings=_by_severity(context.findings),
        strongest=max((d.points for d in context.drivers), default=1.0) or 1.0,
        law=LAW_OF_TIME,
        truth=truth_page(context.truth) if context.truth else None,
    )


def _charts(evaluation: Evaluation, context: ReportContext) -> dict[str, Markup]:
    if evaluation.overall.withheld:
        return {"split": plots.time_split(context.folds, evaluation.horizon_days)}
    return {
        "split": plots.time_split(context.folds, evaluation.horizon_days),
        "gains": plots.gains(evaluation),
        "reliability": plots.reliability(evaluation),
        "auc": plots.over_time(evaluation.cutoffs, "auc"),
        "said": plots.over_time(evaluation.cutoffs, "mean_forecast"),
    }


def _by_severity(findings: Sequence[Mapping[str, str]]) -> list[Mapping[str, Any]]:
    def weight(finding: Mapping[str, str]) -> int:
        severity = finding.get("severity", "")
        return _SEVERE.index(severity) if severity in _SEVERE else len(_SEVERE)

    return sorted(findings, key=weight)
