"""Write the results of a backtest of leads: metrics.json for machines, report.html for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from training.evaluation.lead_group import LeadGroup
from training.evaluation.leads import Evaluation
from training.evaluation.truth import TruthGrade
from training.report import plots
from training.report.lead_glossary import RIVALS, TERMS
from training.report.lead_verdict import lead_verdict
from training.report.page import LAW_OF_TIME, Driver, ReportContext, render_page, write_json
from training.report.plots import FoldSpan
from training.report.shift_plots import shift_chart
from training.report.truth_page import truth_page

__all__ = ["Driver", "FoldSpan", "ReportContext", "render", "write_metrics", "write_report"]

TITLE = "Which leads will convert?"
DIFFERENCES = ("auc", "capture", "average_precision", "brier", "log_loss", "ece")

LAW = (
    *LAW_OF_TIME,
    (
        "A fold's model learned only from outcomes that were complete before its first test "
        "cutoff, so a gap of one horizon separates what it learned from what it is tested on."
    ),
    "Calibration used a later window of its own, and the tests came after that.",
    (
        "A lead whose outcome window is still open is forecast but not scored, and never counted "
        "as a failure."
    ),
)


def write_metrics(path: Path, evaluation: Evaluation, truth: TruthGrade | None = None) -> None:
    """Write every figure as JSON; withheld ones are null."""
    write_json(path, evaluation.to_json() | ({"truth": truth.to_json()} if truth else {}))


def write_report(path: Path, evaluation: Evaluation, context: ReportContext) -> None:
    """Write the page."""
    path.write_text(render(evaluation, context), encoding="utf-8")


def render(evaluation: Evaluation, context: ReportContext) -> str:
    """Return the page as text."""
    return render_page(
        "report.html.j2",
        context,
        evaluation.overall,
        title=context.title or TITLE,
        e=evaluation,
        verdict=lead_verdict(evaluation),
        terms=TERMS,
        rivals=RIVALS,
        differences=DIFFERENCES,
        charts=_charts(evaluation, context),
        shifts=[(item, shift_chart(item)) for item in context.unsteady],
        span=_segment_span(evaluation.segments),
        law=LAW,
        truth=truth_page(context.truth) if context.truth else None,
    )


def _charts(evaluation: Evaluation, context: ReportContext) -> dict[str, Markup]:
    split = {"split": plots.time_split(context.folds, evaluation.horizon_days)}
    if evaluation.overall.withheld:
        return split
    return split | {
        "gains": plots.gains(evaluation),
        "reliability": plots.reliability(evaluation.reliability, evaluation.histogram),
        "auc": plots.auc_over_time(evaluation.cutoffs),
        "rates": plots.rates_over_time(evaluation.cutoffs),
    }


def _segment_span(segments: Mapping[str, Sequence[LeadGroup]]) -> tuple[float, float]:
    """Return the range of AUC that all segments fit in, so that their marks can be compared."""
    figures = [c.model["auc"] for group in segments.values() for c in group if c.withheld is None]
    if not figures:
        return 0.5, 1.0
    low, high = plots.value_range(figures, [0.5])
    return low - 0.01, high + 0.01
