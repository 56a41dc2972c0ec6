"""The verb `monitor`: is everything as it was?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from features.errors import CheckFailed
from serving.cli.session import MomentParam, Session, verb

if TYPE_CHECKING:
    from training.monitoring.watch import Run

FOLDER = Path("data") / "monitor"


@click.command("monitor", short_help="Is everything as it was? Inputs, forecasts, records.")
@click.option("--as-of", type=MomentParam(), help="The moment.  [default: the extract's end]")
@verb
def monitor(session: Session, as_of: datetime | None) -> None:
    """Watch what goes wrong without a sound, as of a moment; made for a scheduler.

    \b
    records       types of activities that vanish or appear, a loader that counts twice, a team
                  whose logging stops, rows and conversions that come late, unanswered activity
    inputs        how far the champion's inputs have shifted, overall and in parts of the company
    forecasts     the same of the forecasts, and whether those with a known outcome came true

    Every week is compared with the weeks before it, each as it was visible at its own end, and a
    shift counts only where it is larger than those this company is used to. The exit code is 1 with
    an alarm and 0 without; "watch" is worth a look and no alarm. The page with all charts is
    HOME/data/monitor/DAY.html; thresholds are training.monitor in params.yaml.

    With --json: `findings` (what, where, severity, size, expected, low, high, says, advice) and
    `champions` (shifts and calibration of each).

    \b
    pacesetter monitor
    pacesetter monitor --as-of 2026-06-01
    """
    session.require_extract()
    from features.storage.files import replace_atomically
    from serving.home.home import Home
    from training.loop.kinds import KINDS
    from training.monitoring.page import monitor_page
    from training.monitoring.watch import monitor as watch

    home, console = Home(session.home, session.settings), session.console
    params = session.settings.training.monitor
    models = [home.tracking.champion(k) for k in KINDS if home.tracking.live(k) is not None]
    if not models:
        console.warn("there is no model yet, so only the records are looked at")
    for model in models:
        session.warn_of_hindsight(model.bundle.until, as_of)
    run = watch(home.warehouse().until(as_of), models, params, console.progress)
    page = session.home / FOLDER / f"{run.as_of:%Y-%m-%d}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    replace_atomically(page, monitor_page(run, session.home.resolve().name, params).render())
    _show(session, run, page)
    console.give(run.to_json() | {"page": str(page)})
    if run.is_alarming:
        alarms = [alert.says for alert in run.alerts if alert.severity == "alarm"]
        raise CheckFailed(f"{len(alarms)} alarm{'s' * (len(alarms) > 1)}: {'; '.join(alarms)}")


def _show(session: Session, run: Run, page: Path) -> None:
    console = session.console
    for champion in run.watched:
        for note in champion.notes:
            console.say(note)
    rows = [[a.severity.value, a.what, a.says, a.advice] for a in run.alerts]
    if rows:
        console.show(
            f"Found as of {run.as_of:%Y-%m-%d}", ["severity", "what", "found", "what to do"], rows
        )
    else:
        console.say(f"nothing unusual as of {run.as_of:%Y-%m-%d}")
    console.say(f"written: {page}")
