"""`backtest` as the command line runs it: files, a report, and a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.labels import last_mature_cutoff
from features.snapshot import midnight
from features.warehouse import Warehouse
from serving.cli import Session
from serving.forecaster import Forecaster
from training.audit import audit
from training.backtest import Backtest, Fold, Range, backtest_leads
from training.baselines import BASE_RATE
from training.evaluate import Evaluation, evaluate
from training.intervals import Estimate
from training.judged import Judged
from training.pipeline import settings_of
from training.report import Driver, FoldSpan, ReportContext, write_metrics, write_report
from training.truth import LEADS, TruthGrade, grade, read_truth

MOST_DRIVERS = 15
SHOWN = {
    "auc": "AUC",
    "average_precision": "avg. precision",
    "lift": "lift at capacity",
    "brier": "Brier",
    "ece": "ECE",
}
"""What the terminal shows of the metrics, and what they are called there."""

BESIDE_TRUTH = {
    "auc": "AUC",
    "expected_log_loss_gap_closed": "log-loss gap closed",
    "expected_brier_gap_closed": "Brier gap closed",
    "mean_distance_to_truth": "distance",
    "ece_to_truth": "ECE to truth",
}
"""The same where the true chances are known."""


def backtest_to(
    session: Session,
    asked: Range,
    horizon_days: int | None,
    out: Path,
    known: Path | None = None,
) -> dict[str, Any]:
    """Run a backtest of lead conversion and write its files.

    Args:
        session: what the verb works with.
        asked: the cutoffs.
        horizon_days: how far to look ahead; the setting's where None.
        out: the folder for the files.
        known: the folder of a sample company's truth, to grade the forecasts against.

    Returns:
        The metrics over all ripe rows and the files' names.
    """
    settings = session.settings
    horizon = horizon_days or settings.training.leads.horizon_days
    warehouse = Forecaster(session.home, settings).warehouse()
    warehouse.require("leads", "activities", purpose="a backtest of lead conversion")
    progress = session.console.progress
    require_start(asked, warehouse)
    made_folder(out)
    # Read before the work begins, so that a wrong folder or grid costs no minutes.
    truth = read_truth(known, LEADS).at_horizon(horizon) if known else None
    if truth:
        truth.require(asked.cutoffs)
    made = backtest_leads(warehouse, asked, horizon, settings.features, settings.training, progress)
    made.predictions.frame.to_parquet(out / "lead_predictions.parquet", index=False)
    judging = settings_of(settings.training.evaluation)
    judged = evaluate(made.predictions, judging, progress)
    said = made.predictions
    graded = grade(truth, said.frame, said.named, judging, BASE_RATE) if truth else None
    write_metrics(out / "metrics.json", judged, graded)
    findings = audit(warehouse, settings.features, settings.training)
    plain = [{key: told or "" for key, told in f.to_json().items()} for f in findings]
    context = replace(context_of(session, asked, made, judged, plain), truth=graded)
    write_report(out / "report.html", judged, context)
    ripe = last_mature_cutoff(horizon, warehouse.data_until)
    if midnight(asked.end) > ripe:
        session.console.warn(
            f"labels are ripe up to {ripe:%Y-%m-%d}; later cutoffs are forecast and not judged"
        )
    _say(session, judged, out)
    if graded:
        _say_truth(session, graded)
    files = ("lead_predictions.parquet", "metrics.json", "report.html")
    return {
        "files": [str(out / name) for name in files],
        "rows": len(made.predictions.frame),
        "metrics": judged.to_json()["overall"]["model"],
        **({"truth": graded.to_json()["model"]} if graded else {}),
    }


def _say_truth(session: Session, graded: TruthGrade) -> None:
    """Show how near the forecasts came to the true chances."""
    rows = [[name, *(_cell(f[m]) for m in BESIDE_TRUTH)] for name, f in graded.forecasts.items()]
    rows.append(["the true chances", *(_cell(graded.ceiling[m]) for m in BESIDE_TRUTH)])
    title = f"Beside the true chances of {graded.n_rows:,} forecasts"
    session.console.show(title, ["forecast", *BESIDE_TRUTH.values()], rows)


def _say(session: Session, judged: Evaluation, out: Path) -> None:
    show_scores(session, f"{judged.overall.n_rows:,} forecasts judged", judged)
    session.console.say(f"report: {out / 'report.html'}")


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


def made_folder(out: Path) -> Path:
    """Make the folder for results before the work begins, so that no work is lost."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be made a folder: {error.strerror}") from None
    return out


def show_scores(session: Session, title: str, judged: Evaluation) -> None:
    """Show how good every forecast was, in the same columns for `train` and `backtest`."""
    if judged.overall.withheld:
        session.console.warn("too few outcomes among these forecasts to say how good they are")
        return
    show_figures(session, title, judged.overall, SHOWN)
    area = judged.overall.model["auc"]
    if area.value is not None and area.low is not None:
        level = session.settings.training.evaluation.level
        session.console.say(
            f"the model's AUC is {area.value:.3f}, with {level:.0%} confidence between "
            f"{area.low:.3f} and {area.high:.3f}; 0.5 is chance"
        )


def show_figures(session: Session, title: str, overall: Judged, shown: Mapping[str, str]) -> None:
    """Show some figures of every forecast, in columns."""
    rows = [[name, *(_cell(own[m]) for m in shown)] for name, own in overall.scores.items()]
    session.console.show(title, ["forecast", *shown.values()], rows)


def _cell(estimate: Estimate) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.3f}"


def context_of(
    session: Session,
    asked: Range,
    made: Backtest,
    judged: Evaluation,
    findings: Sequence[Mapping[str, str]],
) -> ReportContext:
    """Gather what the report tells besides figures."""
    first = made.folds[0]
    settings = {
        "cutoffs": f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}, every {asked.every_days} days",
        "horizon_days": judged.horizon_days,
        "refit_days": session.settings.training.leads.refit_days,
        **session.settings.training.booster.model_dump(),
    }
    left_out = {s["says"] for fold in made.folds for s in fold.about.get("left_out", ())}
    return ReportContext(
        source=session.home.name,
        folds=tuple(_span(fold) for fold in made.folds),
        drivers=tuple(Driver(i.label, i.points, _direction(i.direction)) for i in made.importance)[
            :MOST_DRIVERS
        ],
        findings=findings,
        settings=settings,
        notes=(*first.about["split"], made.last.evidence.says, *sorted(left_out)),
    )


def _direction(correlation: float) -> str:
    if correlation != correlation:  # noqa: PLR0124 - NaN: a category has no direction
        return "differs by value"
    if abs(correlation) < 0.3:  # noqa: PLR2004 - too weak to name a direction
        return "up and down"
    return "more raises the score" if correlation > 0 else "more lowers the score"


def _span(fold: Fold) -> FoldSpan:
    parts = fold.about.get("parts", {})

    def ends(name: str) -> tuple[datetime, datetime] | None:
        given = parts.get(name) or []
        moments = [datetime.fromisoformat(moment) for moment in given]
        return (moments[0], moments[1]) if moments else None

    train = ends("train") or (fold.cutoffs[0], fold.cutoffs[0])
    return FoldSpan(f"fold {fold.number + 1}", train, ends("calibrate"), fold.cutoffs)
