"""What all report pages share: one file, nothing fetched, no script, all data escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from training.evaluation.group import ForecastGroup
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.truth import TruthGrade
from training.report.plots import FoldSpan
from training.report.shift_plots import Unsteady
from training.report.words import percent

_SEVERE = ("error", "warning")

LAW_OF_TIME = (
    (
        "Every forecast is made as of a cutoff. It sees only what the CRM could have shown before "
        "the cutoff: events that had happened and were known."
    ),
    (
        "Values that were filled in later, such as a final stage or a lost reason, are read as "
        "they stood at the cutoff, or not at all."
    ),
)


@dataclass(frozen=True)
class Driver:
    """A feature that moves forecasts.

    Attributes:
        label: the feature in words.
        points: how far it moves a forecast on average, in percentage points, without sign.
        direction: what it does, in words ("more calls raise the chance").
    """

    label: str
    points: float
    direction: str


@dataclass(frozen=True)
class ReportContext:
    """What the page shows besides the figures.

    Attributes:
        title: the question that the forecasts answer; each kind of report has its own.
        source: where the data came from.
        folds: what each fold learned from and was tested on.
        drivers: the most important features, strongest first.
        unsteady: effects that have not held in the past, the clearest first.
        findings: data health: `table, column, kind, severity, says`.
        ingestion: what `ingest` says this data supports.
        settings: the run's settings, shown as they are.
        notes: what was done differently this time and why, in sentences.
        made_at: when the page was made (UTC); left out when None, for repeatable pages.
        truth: how the forecasts compare with the true chances, where those are known.
    """

    title: str = ""
    source: str = ""
    folds: Sequence[FoldSpan] = ()
    drivers: Sequence[Driver] = ()
    unsteady: Sequence[Unsteady] = ()
    findings: Sequence[Mapping[str, str]] = ()
    ingestion: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    made_at: datetime | None = None
    truth: TruthGrade | None = None


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Write figures as JSON; withheld ones are null, and NaN is refused."""
    text = json.dumps(figures, allow_nan=False, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def render_page(
    template: str, context: ReportContext, overall: ForecastGroup, **values: object
) -> str:
    """Return a page as text.

    Args:
        template: the file of the page's kind.
        context: what it shows besides the figures.
        overall: all rows together.
        values: what this kind of page is made of.
    """
    return page_template(template).render(
        c=context,
        findings=_by_severity(context.findings),
        strongest=max((d.points for d in context.drivers), default=1.0) or 1.0,
        forecasts=list(overall.scores),
        model=MODEL,
        **values,
    )


def page_template(name: str) -> Template:
    """Return a template of a page; all that it is filled with is escaped."""
    pages = templates()
    pages.globals.update(percent=percent, across=across)
    return pages.get_template(name)


def templates(*, is_markup: bool = True, own: str | None = None) -> Environment:
    """Open the templates.

    Args:
        is_markup: they make HTML, so that texts are escaped; others have to see to it themselves.
        own: a package with further templates, which may include those of reports.
    """
    packages = [name for name in (own, "training.report") if name is not None]
    return Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in packages]),
        autoescape=is_markup,  # noqa: S701 - Markdown has an escape of its own
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def across(value: float, span: tuple[float, float]) -> str:
    """Place a value on a line from the lower to the upper end of a span, as a percentage.

    >>> across(0.75, (0.5, 1.0)), across(2.0, (0.5, 1.0))
    ('50.00%', '100.00%')
    """
    share = (value - span[0]) / ((span[1] - span[0]) or 1)
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def _by_severity(findings: Sequence[Mapping[str, str]]) -> list[Mapping[str, Any]]:
    def weight(finding: Mapping[str, str]) -> int:
        severity = finding.get("severity", "")
        return _SEVERE.index(severity) if severity in _SEVERE else len(_SEVERE)

    return sorted(findings, key=weight)
