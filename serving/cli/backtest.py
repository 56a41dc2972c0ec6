"""`backtest` as the command line runs it: files, a report, and a few words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from features.clock import midnight
from features.errors import InputError
from features.labels.conversion import last_mature_cutoff
from features.storage.warehouse import Warehouse
from serving.cli.figures import _say_truth, show_scores
from serving.cli.report_context import context_of
from serving.cli.session import Session
from serving.home.home import Forecaster
from training.checks.audit import audit
from training.evaluation.leads import Evaluation, evaluate
from training.evaluation.truth import LEADS, grade, read_truth
from training.leads.backtest import backtest_leads
from training.leads.baselines import BASE_RATE
from training.leads.train import settings_of
from training.report.leads import write_metrics, write_report
from training.rolling import Range


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
