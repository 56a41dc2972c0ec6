"""`train quota`, `backtest quota` and the rep's part of `score`, as the command line runs them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from features.ingest.commits import Commits, read_commits
from features.storage.warehouse import Warehouse
from serving.cli.backtest import made_folder, require_start
from serving.cli.figures import show_figures
from serving.cli.session import Session
from serving.cli.train import flat, register
from serving.home.home import Forecaster
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.truth import QUOTAS, read_truth
from training.params import TrainingParams
from training.quota.backtest import QuotaBacktest, QuotaFold, backtest_quota
from training.quota.baselines import COMMITTED
from training.quota.bundle import QUOTA
from training.quota.commits import TURNED_AWAY, commits_json, reading_notes
from training.quota.train import QuotaTrained, train_quota
from training.report.page import ReportContext
from training.report.plots import FoldSpan
from training.report.quota import render_quota, write_quota_metrics, write_quota_report
from training.rolling import Range
from training.tracking.records import RunRecord

SHOWN = {"auc": "AUC", "brier": "Brier", "pinball": "pinball loss", "coverage": "80 % range covers"}
FILE_COLUMNS = (
    "rep_id",
    "period_start",
    "period_end",
    "cutoff",
    "p_attain",
    "attainment_p10",
    "attainment_p50",
    "attainment_p90",
    "attainment",
    "quota",
    "closed",
    "expected_open",
    "expected_new",
    "fold",
    "evidence",
)
"""What the file of a backtest holds: the contract's columns first."""


def train_quotas(session: Session, until: datetime | None, *, promote: bool) -> dict[str, Any]:
    """Train, log and register a forecast of quota attainment.

    Returns:
        What `--json` tells of a model: kind, version, alias, evidence, says and metrics.
    """
    settings, console = session.settings, session.console
    warehouse = Forecaster(session.home, settings).warehouse()
    warehouse.require("deals", "quotas", purpose="a forecast of quota attainment")
    past = warehouse.until(until)
    console.say(f"learning quota attainment from what was known by {past.data_until:%Y-%m-%d}")
    made = train_quota(past, settings.features, settings.training, console.progress)
    for note in made.notes:
        console.say(f"  {note}")
    judged = None
    if made.test is not None:
        judged = evaluate_quota(made.test.predictions, judging(settings.training))
    metrics = {} if judged is None else flat(judged.overall)
    record = _record(session, made, judged, warehouse.fingerprint, metrics)
    if judged is not None:
        _show(session, f"Tested on the last period, {judged.overall.n_rows:,} forecasts", judged)
    return {
        **register(session, record, promote=promote),
        "evidence": made.bundle.evidence.state,
        "says": list(made.notes),
        "metrics": metrics,
    }


def judging(params: TrainingParams) -> QuotaSettings:
    """Translate the sections of params.yaml."""
    own = params.evaluation
    return QuotaSettings(
        capacity=params.quota.capacity, level=own.level, draws=own.draws, seed=own.seed
    )


def _record(
    session: Session,
    made: QuotaTrained,
    judged: QuotaEvaluation | None,
    fingerprint: str,
    metrics: dict[str, float | None],
) -> RunRecord:
    files: dict[str, str | bytes] = {"notes.json": json.dumps(made.notes, indent=2)}
    if judged is not None:
        files["metrics.json"] = json.dumps(judged.to_json(), indent=2)
    if judged is not None and made.test is not None:
        cutoffs = made.test.folds[0].cutoffs
        context = _context(session, Range(cutoffs[0], cutoffs[-1]), made.test)
        files["report.html"] = render_quota(judged, context)
    return RunRecord(
        kind=QUOTA,
        bundle=made.bundle,
        settings=session.settings.model_dump(mode="json"),
        data_fingerprint=fingerprint,
        metrics=metrics,
        files=files,
    )


def backtest_quota_to(
    session: Session,
    asked: Range,
    out: Path,
    known: Path | None = None,
    committed: Path | None = None,
) -> dict[str, Any]:
    """Run a backtest of quota attainment and write its files.

    Args:
        session: what the verb works with.
        asked: the cutoffs.
        out: the folder for the files.
        known: the folder of a sample company's truth, to grade the forecasts against.
        committed: the file of what people committed to, one more forecast to compare with.

    Returns:
        The metrics over all ripe rows and the files' names.
    """
    settings = session.settings
    warehouse = Forecaster(session.home, settings).warehouse()
    warehouse.require("deals", "quotas", purpose="a backtest of quota attainment")
    require_start(asked, warehouse)
    made_folder(out)
    truth = read_truth(known, QUOTAS) if known else None
    commits = _commits(session, warehouse, committed, out) if committed else None
    progress = session.console.progress
    made = backtest_quota(warehouse, asked, settings.features, settings.training, progress, commits)
    frame = made.predictions.frame
    columns = [*FILE_COLUMNS, *([COMMITTED] if commits else [])]
    frame[columns].to_parquet(out / "quota_predictions.parquet", index=False)
    judged = evaluate_quota(made.predictions, judging(settings.training), truth, progress)
    counts = commits_json(commits, frame) if commits else None
    write_quota_metrics(out / "metrics.json", judged, counts)
    write_quota_report(out / "report.html", judged, _context(session, asked, made))
    _show(session, f"{judged.overall.n_rows:,} forecasts judged", judged)
    session.console.say(f"report: {out / 'report.html'}")
    files = ["quota_predictions.parquet", "metrics.json", "report.html"]
    if commits and commits.report.quarantined:
        files.append(TURNED_AWAY)
    return {
        "files": [str(out / name) for name in files],
        "rows": len(frame),
        "metrics": judged.to_json()["overall"],
        **({"commits": counts} if counts else {}),
    }


def _commits(session: Session, warehouse: Warehouse, file: Path, out: Path) -> Commits:
    """Read what people committed to, and say what of it cannot be used before anyone waits."""
    params = session.settings.features.ingest
    commits = read_commits(file, warehouse, params, out / TURNED_AWAY)
    for words in reading_notes(commits):
        session.console.warn(words)
    return commits


def _context(session: Session, asked: Range, made: QuotaBacktest) -> ReportContext:
    """Gather what the report tells besides figures."""
    quota = session.settings.training.quota
    return ReportContext(
        source=session.home.name,
        folds=tuple(_span(fold) for fold in made.folds),
        settings={
            "cutoffs": f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}, "
            f"every {asked.every_days} days",
            **quota.model_dump(),
        },
        notes=(made.last.evidence.says, *made.notes),
    )


def _span(fold: QuotaFold) -> FoldSpan:
    """Say what a fold learned from: periods that had ended before its first cutoff."""
    ended = [datetime.fromisoformat(end) for end in fold.about["periods"]]
    begun = datetime.fromisoformat(fold.about["since"]) if fold.about["since"] else fold.cutoffs[0]
    train = (begun, ended[-1]) if ended else (fold.cutoffs[0], fold.cutoffs[0])
    blind = (ended[-2], ended[-1]) if len(ended) > 1 else None
    return FoldSpan(f"fold {fold.number + 1}", train, blind, fold.cutoffs)


def _show(session: Session, title: str, judged: QuotaEvaluation) -> None:
    if judged.overall.withheld:
        session.console.warn(f"how good it is: {judged.overall.withheld}")
        return
    show_figures(session, title, judged.overall, SHOWN)
