"""The verbs that keep a home safe: backup, restore and upgrade."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from serving.cli.session import Session, verb

FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))


@click.command(short_help="Copy a home into a new folder, while it is in use.")
@FOLDER
@verb
def backup(session: Session, folder: Path) -> None:
    """Copy store, warehouse, models, reports and settings into DIR, which must not be there yet.

    The service may go on meanwhile; an ingest waits. A store on PostgreSQL is written as JSON
    lines; the models of a company that shares a folder are not in it: back that folder up too.

    \b
    pacesetter backup /backups/$(date +%F)
    """
    from serving.access.backups import back_up_home

    report = back_up_home(session.store, folder.absolute())
    session.console.say(f"{folder}: the store, {', '.join(report.parts) or 'nothing else'}")
    if session.settings.serving.database.shared is not None:
        session.console.warn("the models are in serving.database.folder: back it up as well")
    session.console.give({"folder": str(report.folder), "parts": list(report.parts)})


@click.command(short_help="Put a backup in a home's place.")
@FOLDER
@verb
def restore(session: Session, folder: Path) -> None:
    """Replace store, warehouse, models, reports and settings by those of a backup.

    Stop the service first, or start it again afterwards: sessions of browsers are those of the
    backup. Whoever was forgotten since the backup is forgotten again.
    """
    from serving.access.backups import restore_home
    from serving.access.forget import Forgetting

    report, known = restore_home(session.store, folder.absolute())
    session.console.say(
        f"{session.home}: as it was at {report.made_at:%Y-%m-%d %H:%M} UTC: the store, "
        f"{', '.join(report.parts) or 'nothing else'}"
    )
    again = Forgetting(session.store, session.settings.features.ingest).again(known)
    if again is None:
        session.console.warn(
            "some people were forgotten here under another key than the backup's, so that they "
            "cannot be found in it: forget them again by their ids"
        )
    elif again:
        people = "person" if again == 1 else "people"
        session.console.say(f"forgotten again, since the backup is older: {again} {people}")
    for step in session.store.upgrade():
        session.console.say(f"store brought to this version: {step}")
    session.console.give({"made_at": f"{report.made_at:%Y-%m-%dT%H:%M:%SZ}", "forgotten": again})


@click.command(short_help="Bring a home of an earlier version to this one.")
@verb
def upgrade(session: Session) -> None:
    """Run the steps that the store lacks, and take over tokens of an earlier version.

    Make a backup before. A store is also brought up to date when it is opened; this says what was
    done, and does what opening alone must not.
    """
    from serving.access.tokens import take_over

    steps = session.store.upgrade()
    for step in steps:
        session.console.say(f"store: {step}")
    taken = take_over(session.store)
    if taken:
        session.console.say(f"tokens: {taken} taken over from data/tokens.json, with full access")
    if not steps and not taken:
        session.console.say("nothing to do: this home is of this version")
    session.console.give({"steps": steps, "tokens": taken})
