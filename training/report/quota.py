"""Write the results of a backtest of quotas: metrics.json for machines, report.html for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from training.evaluation.quota import QuotaEvaluation
from training.evaluation.quota_truth import TRUTH
from training.report import plots, quota_plots
from training.report.page import LAW_OF_TIME, ReportContext, render_page, write_json
from training.report.quota_glossary import QUOTA_TERMS, RULES
from training.report.quota_verdict import quota_verdict
from training.report.truth_page import truth_page
from training.report.words import of_ten

TITLE = "Who will make quota?"
DIFFERENCES = ("auc", "precision", "recall", "brier", "log_loss", "pinball")
COVERAGE_SPAN = (0.5, 1.0)
RIGHT = 0.8

LAW = (
    *LAW_OF_TIME,
    (
        "A fold's models learned only from deals and periods that had ended before its first "
        "cutoff, and saw them as they stood then."
    ),
    (
        "Every rep with a running quota is forecast, leavers and reps without deals included. A "
        "period that has not ended is forecast but not scored, and never counted as a miss."
    ),
    (
        "Simple rules get what a spreadsheet could add to them: a line from the rule to the final "
        "attainment, fitted around the same week of earlier periods, and the spread around it."
    ),
)


def write_quota_metrics(
    path: Path, evaluation: QuotaEvaluation, commits: Mapping[str, Any] | None = None
) -> None:
    """Write every figure as JSON; withheld ones are null.

    Args:
        path: the file.
        evaluation: the figures.
        commits: counts of the rows and notes of the commits file, if there was one.
    """
    write_json(path, evaluation.to_json() | ({"commits": commits} if commits else {}))


def write_quota_report(path: Path, evaluation: QuotaEvaluation, context: ReportContext) -> None:
    """Write the page."""
    path.write_text(render_quota(evaluation, context), encoding="utf-8")


def render_quota(evaluation: QuotaEvaluation, context: ReportContext) -> str:
    """Return the page as text."""
    truth = evaluation.truth
    return render_page(
        "quota.html.j2",
        context,
        evaluation.overall,
        title=context.title or TITLE,
        e=evaluation,
        verdict=quota_verdict(evaluation),
        terms=QUOTA_TERMS,
        rules=RULES,
        ceiling=TRUTH,
        differences=DIFFERENCES,
        charts=_charts(evaluation, context),
        span=COVERAGE_SPAN,
        right=RIGHT,
        of_ten=of_ten,
        law=LAW,
        truth=truth_page(truth.chances) if truth else None,
    )


def _charts(evaluation: QuotaEvaluation, context: ReportContext) -> dict[str, Markup]:
    return {
        "folds": plots.time_split(context.folds, 0),
        "warnings": quota_plots.warnings(evaluation.warnings[1]),
        "auc": quota_plots.auc_by_week(evaluation),
        "reliability": Markup()
        if evaluation.overall.withheld
        else plots.reliability(evaluation.reliability, evaluation.histogram),
        "split": quota_plots.split(evaluation.split),
        "totals": quota_plots.totals(evaluation.totals),
    }
