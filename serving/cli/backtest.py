"""`backtest` as the command line runs it: files, a report, and a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.errors import InputError
from features.ingest.commits import Commits, read_commits
from features.storage.warehouse import Warehouse
from serving.cli.figures import show_grade, show_truth
from serving.cli.session import Session
from serving.home.home import Home
from training.loop import record
from training.loop.kinds import Kind
from training.loop.results import Beside
from training.quota.commits import TURNED_AWAY, reading_notes
from training.rolling import Range


def backtest(
    session: Session,
    kind: Kind,
    asked: Range,
    out: Path,
    truth: Path | None = None,
    commits: Path | None = None,
) -> dict[str, Any]:
    """Run a backtest and write its files.

    Args:
        session: what the verb works with.
        kind: what to forecast.
        asked: the cutoffs.
        out: the folder for the files.
        truth: the folder of a sample company's truth, to grade the forecasts against.
        commits: the file of what people committed to, one more forecast to compare with.

    Returns:
        The metrics over all mature rows and the files' names.
    """
    home, console = Home(session.home, session.settings), session.console
    warehouse = home.warehouse()
    kind.require(warehouse, "a backtest of")
    # Read before the work begins, so that a wrong folder, file or grid costs no minutes.
    record.require_start(asked, warehouse)
    made_folder(out)
    known = kind.steps.truth(truth, asked, home.settings.training) if truth else None
    committed = _commits(session, warehouse, commits, out) if commits else None
    beside = Beside(known, committed)
    backtested = record.backtest(kind, warehouse, asked, home.recipe, beside, console.progress)
    files = [str(path) for path in backtested.write(out)]
    if committed and committed.report.quarantined:
        files.append(str(out / TURNED_AWAY))
    graded = backtested.graded
    immature = graded.evaluation.n_immature
    if immature:
        console.warn(f"{immature:,} forecasts have no outcome yet: they are written and not judged")
    show_grade(session, kind, f"{graded.overall.n_rows:,} forecasts judged", graded)
    for words in graded.says:
        console.say(words)
    console.say(f"report: {out / 'report.html'}")
    if graded.truth:
        show_truth(session, graded.truth)
    return {
        "files": files,
        "rows": len(backtested.backtested.frame),
        "metrics": graded.evaluation.to_json()["overall"]["model"],
        **({"truth": graded.truth.to_json()["model"]} if graded.truth else {}),
        **dict(graded.extras),
    }


def _commits(session: Session, warehouse: Warehouse, file: Path, out: Path) -> Commits:
    """Read what people committed to, and say what of it cannot be used before anyone waits."""
    params = session.settings.features.ingest
    commits = read_commits(file, warehouse, params, out / TURNED_AWAY)
    for words in reading_notes(commits):
        session.console.warn(words)
    return commits


def made_folder(out: Path) -> Path:
    """Make the folder for results before the work begins, so that no work is lost."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be made a folder: {error.strerror}") from None
    return out
