"""`train` as the command line runs it: learn, test, register, and say what came out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from serving.cli.champions import ASKED_FOR, Champions, Decision
from serving.cli.figures import show_grade
from serving.cli.session import Session
from serving.home.home import Home
from serving.store.promotions import How
from training.loop import record
from training.loop.kinds import Kind
from training.loop.record import TrainingRecord
from training.report.canvases import prepare_canvases
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking


def train(
    session: Session, kinds: Sequence[Kind], until: datetime | None, *, promote: bool
) -> list[dict[str, Any]]:
    """Train, log and register models, those of several kinds side by side.

    Fitting trees of one kind leaves Python free to build features of the other: on two cores both
    together take about as long as the longer one and a half. Each kind opens the warehouse for
    itself, since an engine's connection is not for two threads. MLflow, whose import takes seconds,
    is opened meanwhile.

    Args:
        session: what the verb works with.
        kinds: what to forecast.
        until: nothing at or after this moment is seen.
        promote: make it champion whatever it is compared with.

    Returns:
        What `--json` tells of each model: kind, version, alias, evidence, says, doubt (why it is
        not shown to know more than age, or nothing) and metrics.
    """
    tracking = session.tracking
    records = learn(session, tracking, kinds, until)
    models = [
        _finish(session, tracking, kind, record_of, promote=promote)
        for kind, record_of in zip(kinds, records, strict=True)
    ]
    # Said last, so that nobody overlooks it.
    for model in models:
        if model["doubt"]:
            session.console.warn(f"{model['kind']}: {model['doubt']}")
    return models


def learn(
    session: Session, tracking: Tracking, kinds: Sequence[Kind], until: datetime | None
) -> list[TrainingRecord]:
    """Train a model of each kind side by side, while the registry is opened; see `train`."""
    with ThreadPoolExecutor(len(kinds) + 1) as pool:
        trainings = pool.map(lambda kind: _learn(session, kind, until), kinds)
        opened = pool.submit(_prepare, tracking)
        records = list(trainings)
        opened.result()
    return records


def _prepare(tracking: Tracking) -> None:
    prepare_canvases()
    tracking.prepare()


def _learn(session: Session, kind: Kind, until: datetime | None) -> TrainingRecord:
    home, console = Home(session.home, session.settings), session.console
    warehouse = home.warehouse()
    kind.require(warehouse, "a model of")
    known_by = warehouse.until(until).data_until
    console.say(f"learning {kind.subject} from what was known by {known_by:%Y-%m-%d %H:%M}")
    return record.train(kind, warehouse, home.recipe, until, console.progress)


def _finish(
    session: Session, tracking: Tracking, kind: Kind, training: TrainingRecord, *, promote: bool
) -> dict[str, Any]:
    """Show what came out of a training, and register its model."""
    console, trained = session.console, training.trained
    show(session, kind, training)
    is_first = tracking.live(kind.name) is None
    run = training.to_register(is_first=is_first, is_asked_for=promote)
    if run is training.fallback:
        console.say("the fallback is registered in the model's place")
    doubt = trained.fallback and trained.fallback.why
    return {
        **_register(session, tracking, run, promote=promote),
        "evidence": str(run.bundle.evidence.state),
        "says": list(trained.notes),
        "doubt": run.bundle.evidence.says if run is training.fallback else doubt,
        "metrics": dict(run.metrics),
    }


def show(session: Session, kind: Kind, training: TrainingRecord) -> None:
    """Show what people should know of a training, and how its test came out."""
    console, trained = session.console, training.trained
    console.say(f"{kind.subject}:", style="bold")
    for note in trained.notes:
        console.say(f"  {note}")
    if trained.grade is not None:
        title = f"Tested on the newest mature past: {trained.grade.overall.n_rows:,} forecasts"
        show_grade(session, kind, title, trained.grade)
    else:
        console.warn("too few outcomes in the test window to say how good it is")


def _register(
    session: Session, tracking: Tracking, run: RunRecord, *, promote: bool
) -> dict[str, Any]:
    """Log a training, register its model, and say what it has become.

    Returns:
        Its kind, version and alias.
    """
    console = session.console
    with console.progress("registering", 1) as advance:
        champions = Champions(session.home, tracking)
        version = tracking.log(run)
        champions.note(run.kind)
        if promote and tracking.live(run.kind) != version:
            champions.promote(run.kind, version, Decision(How.TRAIN, ASKED_FOR))
        advance(1)
    champion = tracking.live(run.kind)
    alias = "champion" if champion == version else "challenger"
    console.say(f"registered as version {version}, {alias}")
    if alias == "challenger":
        console.say(f"version {champion} stays champion; `promote {run.kind}` compares them")
    return {"kind": run.kind, "version": version, "alias": alias}
