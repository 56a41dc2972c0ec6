"""`monitor` as the command line runs it: look, say, write the page, and end with 1 on an alarm."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import rich_click as click

from features.errors import CheckFailed
from features.storage.files import replace_atomically
from serving.cli.session import MomentParam, Session, verb

if TYPE_CHECKING:
    from serving.home.home import Home
    from training.monitoring.watch import Champion, Watched


@click.command("monitor", short_help="Say whether data and forecasts are still as they were.")
@click.option(
    "--as-of",
    type=MomentParam(),
    help="The moment to look from; nothing after it is seen.  [default: the extract's end]",
)
@verb
def monitor(session: Session, as_of: datetime | None) -> None:
    """Look for drift, lost calibration, and rows that stop, double or come late.

    Everything is compared with the same company's own past, so that seasons and quarter-ends are
    no news. An alarm needs a change that is large, beyond luck, and beyond what has happened
    before; then the exit code is 1. Warnings are worth a look and leave it at 0. The settings are
    training.monitor.

    The page is HOME/data/monitor/DATE/report.html. With --json: `findings` (what, where, size,
    what was expected, low, high, severity, says), `notes` and `calibration`.

    Without --as-of it cannot tell that loading has stopped: the extract's end is its present. A
    scheduler should pass the time of the clock.

    \b
    pacesetter monitor
    pacesetter monitor --as-of 2025-06-01
    pacesetter monitor --as-of "$(date -u +%Y-%m-%dT%H:%M)" || notify
    """
    session.require_extract()
    from serving.home.home import Home
    from training.monitoring.page import render
    from training.monitoring.watch import watch

    home, console = Home(session.home, session.settings), session.console
    champions = _champions(home)
    for champion in champions:
        session.warn_of_hindsight(champion.bundle.until, as_of)
    warehouse, params = home.warehouse(), session.settings.training
    watched = watch(warehouse, champions, params, as_of, console.progress)
    page = session.home / "data" / "monitor" / f"{watched.as_of:%Y-%m-%dT%H%M}" / "report.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(watched, session.home.name), encoding="utf-8")
    # The pages read what was found; the file comes last, so that where it is, the report is too.
    findings = json.dumps(watched.to_json(), ensure_ascii=False)
    replace_atomically(page.with_name("findings.json"), findings)
    _say(session, watched)
    console.say(f"the page with charts: {page}")
    console.give({**watched.to_json(), "report": str(page)})
    if watched.alarms:
        others = len(watched.alarms) - 1
        more = f" (and {others} more)" if others else ""
        raise CheckFailed(f"as of {watched.as_of:%Y-%m-%d}: {watched.alarms[0].says}{more}")


def _champions(home: Home) -> list[Champion]:
    """Return every champion whose tables are there, with the steps of its kind."""
    from training.monitoring.watch import Champion

    unsupported, champions = home.unsupported(), []
    for kind in home.trained():
        if kind.name not in unsupported:
            model, steps = home.champion(kind), kind.steps
            named = (kind.subject, model.version)
            champions.append(Champion(*named, model.bundle, steps.later, steps.checks))
    return champions


def _say(session: Session, watched: Watched) -> None:
    console = session.console
    for note in watched.notes:
        console.say(note)
    for deviation in watched.deviations:
        console.say(
            f"{deviation.severity}: {deviation.says}",
            "bold red" if deviation.severity == "alarm" else "yellow",
        )
    if not watched.deviations:
        console.say(f"as of {watched.as_of:%Y-%m-%d}: nothing is out of the ordinary")
