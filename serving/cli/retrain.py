"""The verb `retrain`: everything that new data asks for, in one command for a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from features.clock import zulu
from features.errors import InputError, LockedError, NotReady, SourceError
from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from serving.cli.retrain_inputs import Inputs
    from serving.store.retrains import RetrainLine

HIDDEN = "***"
"""Stands for a password in a source that is remembered."""
NOTHING = "nothing changed"


@click.command(
    "retrain", short_help="Ingest, check, train, compare, promote and score what is new."
)
@click.argument("source", required=False)
@click.option("--mapping", type=click.Path(path_type=Path), help="YAML: their names for ours.")
@click.option("--full", is_flag=True, help="Do everything, whether anything changed or not.")
@verb
def retrain(
    session: Session,
    source: str | None,
    mapping: Path | None,
    full: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Bring data, models and scores up to date: one command for cron, systemd, Airflow or Dagster.

    SOURCE is a folder or a database URL, as for `ingest`; without it the last one is read again,
    with its mapping. A password is never kept: the driver finds it in PGPASSWORD or ~/.pgpass.

    \b
    1. ingest    SOURCE becomes a new warehouse, which nobody reads yet
    2. check     an error among the findings ends it here: all stays as it was, exit code 1
    3. train     every kind that the tables allow; each model becomes a challenger
    4. compare   a twin of the challenger, which has not seen the newest weeks with known
                 outcomes (training.retrain.window_days), forecasts them beside the champion
    5. promote   the challenger, if the gate prefers its twin (training.gate)
    6. score     with the champions, into HOME/data/scores, replaced in one step

    If source, mapping, settings and program are those of the last retrain that finished, and its
    data, champions and scores still stand, it prints `nothing changed` and ends. Files are compared
    by size, time and SHA-256; tables of a database by their rows, and greatest keys and moments.

    It may be killed at any time: the next one does everything again and ends the same. A second one
    waits until the first ends. Exit codes: 0 done or nothing changed, whether a model was promoted
    or not; 1 the check failed; 2 bad input or usage.

    With --json: `outcome` ("done", "nothing changed", "stopped by check"), `because` (what
    changed), `steps`, `models` (each with kind, version, promoted and reasons), `champions`,
    `findings` and `scores`.

    \b
    pacesetter retrain exports/crm
    pacesetter retrain
    pacesetter retrain postgresql://crm@db/sales --mapping crm.yaml
    """
    with _alone(session):
        _retrain(session, source, mapping, is_full=full)


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Wait until no other retrain is at work in this home, and keep others out."""
    from features.storage.files import held

    lock = session.home / "data" / "retrain.lock"
    with ExitStack() as stack:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(lock, wait=False))
        except LockedError as error:
            session.console.say(
                f"another retrain (process {error.holder}) is at work in {session.home}; waiting "
                "until it ends"
            )
            stack.enter_context(held(lock))
        except OSError as error:
            raise InputError(f"cannot write under {lock.parent}: {error.strerror}") from None
        yield


def _retrain(session: Session, source: str | None, mapping: Path | None, *, is_full: bool) -> None:
    from serving.cli.retrain_inputs import Inputs, standing
    from serving.store.database import Store
    from serving.store.retrains import Event, RetrainLog
    from training.loop.retrain import changes

    last = RetrainLog(Store(session.home)).last()
    name, mapping = _source(session, source, mapping, last)
    try:
        inputs = Inputs.read(session, name, mapping)
    except SourceError as error:
        if HIDDEN not in name:
            raise
        raise InputError(
            f"{error}. The password was not kept: set PGPASSWORD or ~/.pgpass, or give SOURCE with "
            "its password"
        ) from None
    if last is None:
        because = ["the first retrain here"]
    elif last.event is not Event.DONE:
        because = [_unfinished(last)]
    else:
        now = {**inputs.state, **standing(session.home)}
        because = list(changes({**last.inputs, **last.result}, now))
    if is_full:
        because.append("--full was given")
    if not because:
        _say_nothing(session, inputs)
        return
    from serving.cli.retraining import Retraining

    session.console.say(f"retraining from {inputs.source}, because of: {'; '.join(because)}")
    Retraining(session, inputs, tuple(because)).run()


def _unfinished(last: RetrainLine) -> str:
    """Say how a retrain ended that nothing may be built on."""
    when = zulu(last.at.replace(microsecond=0))
    if last.event == "started":
        return f"the retrain that began at {when} never ended"
    return f"the retrain before was stopped by its check at {when}"


def _source(
    session: Session, source: str | None, mapping: Path | None, last: RetrainLine | None
) -> tuple[str, Path | None]:
    """Return what to read: as asked, else as the last retrain did, else as the last ingest did.

    Raises:
        NotReady: nothing was read yet.
    """
    if source is not None:
        return source, mapping
    if last is not None:
        return last.source, mapping or (Path(last.mapping) if last.mapping else None)
    from features.storage.catalog import current

    try:
        meta = current(session.home)
    except NotReady:
        raise NotReady(
            f"no source is known in {session.home} yet: say which, as in `pacesetter retrain "
            "exports/crm`; later ones read it again"
        ) from None
    return meta.source, mapping or meta.mapping


def _say_nothing(session: Session, inputs: Inputs) -> None:
    """Say that nothing has to be done."""
    if not session.console.is_json:
        click.echo(NOTHING)
    session.console.give({"outcome": NOTHING, "source": inputs.source, "because": []})
