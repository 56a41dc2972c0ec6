"""The recipes behind the verbs: parameters and progress in, a record out; nothing is printed.

The command line, a notebook, a scheduler and the pages all call these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from features.errors import InputError
from features.ingest.finding import delivered
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.checks.finding import of_ingest
from training.evaluation.group import ForecastGroup
from training.evaluation.lead_forecasts import MODEL
from training.files import FILES, checked
from training.loop.kinds import Kind
from training.loop.results import (
    FAIRNESS,
    Backtested,
    Beside,
    Fallback,
    Graded,
    Recipe,
    Trained,
)
from training.report.page import ReportContext, write_json
from training.rolling import Range
from training.tracking.records import RunRecord

ALONE = Beside()


@dataclass(frozen=True)
class TrainingRecord:
    """A training, ready to be shown and to be registered.

    Attributes:
        trained: the model and its test.
        run: what the registry is to remember; its metrics are figures by name, those of baselines
            as `<baseline>.<figure>`.
        fallback: the same of what takes the model's place, where it is not shown to know more.
    """

    trained: Trained
    run: RunRecord
    fallback: RunRecord | None = None

    def to_register(self, *, is_first: bool, is_asked_for: bool) -> RunRecord:
        """Return what the registry takes: the fallback, where the model may not be champion.

        | the model beats its fallback   | first of its kind | promoted by hand | taken        |
        |--------------------------------|-------------------|------------------|--------------|
        | yes, or it could not be tested | any               | any              | the model    |
        | no                             | yes               | no               | the fallback |
        | no                             | yes               | yes              | the model    |
        | no                             | no: a challenger  | any              | the model    |
        """
        if self.fallback is None or is_asked_for or not is_first:
            return self.run
        return self.fallback


@dataclass(frozen=True)
class BacktestRecord:
    """A backtest, ready to be shown and to be written.

    Attributes:
        kind: what was forecast.
        backtested: the forecasts.
        graded: how good they were.
        report: the page, as text.
    """

    kind: Kind
    backtested: Backtested
    graded: Graded
    report: str

    def write(self, out: Path) -> list[Path]:
        """Write the predictions, metrics.json and report.html; returns their paths."""
        paths = [
            out / name for name in (self.kind.files.predictions, "metrics.json", "report.html")
        ]
        frame = checked(self.backtested.frame, FILES[self.kind.files.predictions])
        frame.to_parquet(paths[0], index=False)
        write_json(paths[1], self.graded.to_json())
        paths[2].write_text(self.report, encoding="utf-8")
        return paths


def train(
    kind: Kind,
    warehouse: Warehouse,
    recipe: Recipe,
    until: datetime | None = None,
    progress: Progress = silent,
) -> TrainingRecord:
    """Train a model of a kind on what was known by a moment, and test its like.

    Args:
        kind: what to forecast.
        warehouse: the whole extract.
        recipe: how.
        until: nothing at or after this moment is seen; the extract's end if None.
        progress: told of every step.
    """
    trained = kind.steps.train(warehouse.until(until), recipe, progress)
    grade, fallback = trained.grade, trained.fallback
    files = trained.artifacts
    if recipe.extract:
        files["extract.json"] = json.dumps(recipe.extract, indent=2, ensure_ascii=False)
    if trained.test is not None and grade is not None:
        files["report.html"] = kind.steps.report(grade, report_context(trained.test, recipe))
    run = RunRecord(
        kind=kind.name,
        bundle=trained.bundle,
        settings=recipe.to_json(),
        data_fingerprint=warehouse.fingerprint,
        metrics={} if grade is None else flat(grade.overall),
        files=files,
        labels=trained.labels,
        source=recipe.data_name,
        rows={name: table["accepted"] for name, table in recipe.extract.get("tables", {}).items()},
    )
    if fallback is None or grade is None:
        return TrainingRecord(trained, run)
    instead = replace(
        run,
        bundle=fallback.bundle,
        labels={},
        metrics=flat(grade.overall, fallback.baseline),
        files=_files_of(fallback, trained, files),
    )
    return TrainingRecord(trained, run, instead)


def _files_of(
    fallback: Fallback, trained: Trained, files: Mapping[str, str | bytes | Path]
) -> dict[str, str | bytes | Path]:
    """Return the artifacts of a fallback: not the model's pictures, and an audit of its own."""
    about_trees = (*trained.pictures, FAIRNESS)
    own = {name: file for name, file in files.items() if name not in about_trees}
    if fallback.fairness is None:
        return own
    return own | {FAIRNESS: json.dumps(fallback.fairness, indent=2)}


def backtest(
    kind: Kind,
    warehouse: Warehouse,
    asked: Range,
    recipe: Recipe,
    beside: Beside = ALONE,
    progress: Progress = silent,
) -> BacktestRecord:
    """Backtest a kind of model over a range of cutoffs and grade every forecast.

    Args:
        kind: what to forecast.
        warehouse: the whole extract.
        asked: the cutoffs.
        recipe: how.
        beside: the true chances (from `kind.steps.truth`) and commits to compare with.
        progress: told of every fold and group.

    Raises:
        InputError: the first cutoff lies after the extract's end.
    """
    require_start(asked, warehouse)
    backtested = kind.steps.backtest(warehouse, asked, recipe, progress, beside.commits)
    graded = kind.steps.grade(backtested, recipe.training, beside.truth, progress)
    page = kind.steps.report(graded, report_context(backtested, recipe))
    return BacktestRecord(kind, backtested, graded, page)


def require_start(asked: Range, warehouse: Warehouse) -> None:
    """Refuse a backtest of which nothing is known yet.

    Raises:
        InputError: it starts after the extract's end.
    """
    first = asked.cutoffs[0]
    if first > warehouse.data_until:
        raise InputError(
            f"--from {first:%Y-%m-%d} lies after the extract's end "
            f"{warehouse.data_until:%Y-%m-%d %H:%M}: choose an earlier first cutoff"
        )


def report_context(backtested: Backtested, recipe: Recipe) -> ReportContext:
    """Gather what a report says besides figures."""
    return ReportContext(
        source=recipe.source,
        folds=backtested.folds,
        drivers=backtested.drivers,
        unsteady=backtested.unsteady,
        findings=(*_of_ingest(recipe), *backtested.findings),
        settings=backtested.settings,
        notes=backtested.notes,
    )


def _of_ingest(recipe: Recipe) -> Iterator[dict[str, str]]:
    """Go through what ingest found out about the data, as a report's rows."""
    for finding in delivered(recipe.extract):
        plain = of_ingest(finding).to_json()
        yield {key: text or "" for key, text in plain.items()}


def flat(overall: ForecastGroup, own: str = MODEL) -> dict[str, float]:
    """Name every estimate of every forecast: `auc`, `auc_low`, `base_rate.auc`.

    What is withheld, since too little is known, is left out.

    Args:
        overall: the figures.
        own: the forecast whose figures bear no name of their own.
    """
    figures: dict[str, float] = {}
    for name, scores in overall.scores.items():
        prefix = "" if name == own else name.replace(" ", "_") + "."
        for metric, estimate in scores.items():
            ends = {"": estimate.value, "_low": estimate.low, "_high": estimate.high}
            figures |= {
                f"{prefix}{metric}{end}": value for end, value in ends.items() if value is not None
            }
    return figures
