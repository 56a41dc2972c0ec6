"""`train` as the command line runs it: learn, judge, log, register, and say what came out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from features.labels.conversion import last_mature_cutoff
from serving.cli.figures import show_scores
from serving.cli.report_context import context_of
from serving.cli.session import Session
from serving.home.home import Forecaster
from training.evaluation.group import ForecastGroup
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.leads import Evaluation
from training.leads.beeswarm import beeswarm
from training.leads.bundle import LEADS
from training.leads.train import Trained, train
from training.report.leads import render
from training.rolling import Range
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking


def train_leads(
    session: Session, until: datetime | None, horizon_days: int | None, *, promote: bool
) -> dict[str, Any]:
    """Train, log and register a model of lead conversion.

    Returns:
        What `--json` tells of a model: kind, version, alias, evidence, says and metrics.
    """
    settings = session.settings
    horizon = horizon_days or settings.training.leads.horizon_days
    warehouse = Forecaster(session.home, settings).warehouse()
    warehouse.require("leads", "activities", purpose="a model of lead conversion")
    past = warehouse.until(until)
    console = session.console
    ripe = last_mature_cutoff(horizon, past.data_until)
    console.say(
        f"learning from what was known by {past.data_until:%Y-%m-%d %H:%M}; "
        f"labels are ripe up to {ripe:%Y-%m-%d}"
    )
    made = train(past, horizon, settings.features, settings.training, console.progress)
    for note in made.notes:
        console.say(f"  {note}")
    metrics = _metrics(made.evaluation)
    record = _record(session, made, warehouse.fingerprint, metrics)
    _show(session, made.evaluation)
    return {
        **register(session, record, promote=promote),
        "evidence": made.bundle.evidence.state,
        "says": list(made.notes),
        "metrics": metrics,
    }


def register(session: Session, record: RunRecord, *, promote: bool) -> dict[str, Any]:
    """Log a training, register its model, and say what it has become.

    Returns:
        Its kind, version and alias.
    """
    console, tracking, kind = session.console, Tracking(session.home), record.kind
    with console.progress("registering", 1) as advance:
        version = tracking.log(record)
        if promote:
            tracking.promote(kind, version, "asked for with train --promote")
        advance(1)
    champion = tracking.live(kind)
    alias = "champion" if champion == version else "challenger"
    console.say(f"registered as version {version}, {alias}")
    if alias == "challenger":
        console.say(f"version {champion} stays champion; `train --promote` would replace it")
    return {"kind": kind, "version": version, "alias": alias}


def _metrics(judged: Evaluation | None) -> dict[str, float | None]:
    """Flatten the estimates: `auc`, `auc_low`, `auc_high`, and those of every baseline."""
    return {} if judged is None or judged.overall.withheld else flat(judged.overall)


def flat(overall: ForecastGroup) -> dict[str, float | None]:
    """Name every estimate of every forecast; those of baselines are `<baseline>.<figure>`."""
    told: dict[str, float | None] = {}
    for name, scores in overall.scores.items():
        prefix = "" if name == MODEL else name.replace(" ", "_") + "."
        for metric, estimate in scores.items():
            told[f"{prefix}{metric}"] = estimate.value
            told[f"{prefix}{metric}_low"] = estimate.low
            told[f"{prefix}{metric}_high"] = estimate.high
    return told


def _record(
    session: Session, made: Trained, fingerprint: str, metrics: dict[str, float | None]
) -> RunRecord:
    files: dict[str, str | bytes] = {"notes.json": json.dumps(made.notes, indent=2)}
    picture = beeswarm(made.bundle, made.lesson.examples)
    if picture is not None:
        files["reasons.png"] = picture
    if made.evaluation is not None and made.test is not None:
        files["metrics.json"] = json.dumps(made.evaluation.to_json(), indent=2)
        files["report.html"] = _report(session, made)
    return RunRecord(
        kind=LEADS,
        bundle=made.bundle,
        settings=session.settings.model_dump(mode="json"),
        data_fingerprint=fingerprint,
        metrics=metrics,
        files=files,
    )


def _report(session: Session, made: Trained) -> str:
    if made.test is None or made.evaluation is None:
        return ""
    cutoffs = made.test.folds[0].cutoffs
    asked = Range(cutoffs[0], cutoffs[-1])
    return render(made.evaluation, context_of(session, asked, made.test, made.evaluation, []))


def _show(session: Session, judged: Evaluation | None) -> None:
    if judged is None or judged.overall.withheld:
        session.console.warn("too few outcomes in the test window to say how good it is")
        return
    title = f"Tested on the newest ripe past: {judged.overall.n_rows:,} forecasts"
    show_scores(session, title, judged)
