"""The verb that forgets people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from serving.access.forget import ForgetReport, Forgetting

MOST_FILES = 10
"""Files that the terminal names one by one; --json names all."""


@click.group("forget", short_help="Erase a lead or a rep, so that no ingest brings them back.")
def forget() -> None:
    """Erase people from warehouse, store, scores and reports.

    A keyed hash of the id stays, so that the next ingest leaves them out. Logs keep their rows with
    a pseudonym in the id's place, and so do deals and leads that name a rep. Files that cannot be
    changed are listed: the extract that was read, and models, which another `train` replaces.
    """


@forget.command("lead")
@click.argument("lead_id", metavar="ID")
@verb
def forget_lead(session: Session, lead_id: str) -> None:
    """Erase a lead with all that happened to it; deals that came of it stay, without its id."""
    _tell(session, _forgetting(session).forget_one("lead", lead_id))


@forget.command("rep")
@click.argument("rep_id", metavar="ID")
@verb
def forget_rep(session: Session, rep_id: str) -> None:
    """Erase a rep with quotas and tokens; leads, deals and calls stay, under a pseudonym."""
    _tell(session, _forgetting(session).forget_one("rep", rep_id))


@forget.command("expired")
@verb
def forget_expired(session: Session) -> None:
    """Erase leads that ended, reps who left, and views, older than serving.access.retention_days.

    Days are counted from today. Run it by cron, after the ingest.
    """
    from features.clock import utc_now
    from serving.access.retention import expired, keep_until
    from serving.store.tokens import TokenTable
    from serving.store.views import ViewLog

    now = utc_now()
    before = keep_until(session.settings.serving.access.retention_days, now)
    session.require_extract()
    forgetting, reports = _forgetting(session), {}
    for kind in ("lead", "rep"):
        people = expired(session.home, kind, before)
        session.console.say(f"{len(people):,} {kind}s ended before {before:%Y-%m-%d}")
        if people:
            reports[kind] = _words(session, forgetting.forget(kind, people))
    removed = TokenTable(session.store).remove_sessions(before)
    session.console.say(f"{removed:,} sessions of browsers were over before then and are removed")
    views = ViewLog(session.store).remove(before)
    session.console.say(f"{views:,} views of somebody's risk were before then and are removed")
    gone = {"sessions": removed, "views": views}
    session.console.give({"before": f"{before:%Y-%m-%d}", **gone, **reports})


def _forgetting(session: Session) -> Forgetting:
    from serving.access.forget import Forgetting

    return Forgetting(session.store, session.settings.features.ingest)


def _tell(session: Session, report: ForgetReport) -> None:
    session.console.give(_words(session, report))


def _words(session: Session, report: ForgetReport) -> dict[str, object]:
    """Say what became of everything; returns the same as plain values."""
    console, files = session.console, report.files
    for place, counts in (("warehouse", report.warehouse), ("store", report.store)):
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        console.say(f"{place}: {listed or 'nothing'}")
    console.say(f"files cleaned: {len(files.changed)}")
    for path, why in files.kept[:MOST_FILES]:
        console.warn(f"still named in {path}: {why}")
    if len(files.kept) > MOST_FILES:
        console.warn(f"and in {len(files.kept) - MOST_FILES} more files; --json lists all")
    if session.settings.serving.database.shared is not None:
        console.warn("other machines of this company: run `pacesetter forget` there too")
    return {
        "pseudonyms": list(report.pseudonyms),
        "warehouse": dict(report.warehouse),
        "store": dict(report.store),
        "cleaned": [str(path) for path in files.changed],
        "kept": [{"file": str(path), "why": why} for path, why in files.kept],
    }
