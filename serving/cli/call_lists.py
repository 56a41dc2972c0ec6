"""The call lists of a day, from the terminal's side: where they are kept, read and written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd

from serving.cli.session import Session
from serving.home.extract import moment_of
from serving.home.home import Home
from serving.home.today import WorkDesk
from serving.store.worklist import WorklistLog
from serving.worklist.outcomes import lots_drawn
from training.calls.holdout import Answer, Asked, answer
from training.files import LEAD_SCORES

FILE = "worklist.parquet"


def worklist_log(session: Session) -> WorklistLog:
    """Return the log of lists and lots of a home, or the one its company shares."""
    return WorkDesk(session.home, session.settings).lists


def day_lists(session: Session, as_of: datetime | None, by: str) -> pd.DataFrame:
    """Return everybody's list with the parts of each priority, as `worklist.parquet` has it.

    Without a moment, the lists of the day on which the data end are kept, and the lots drawn for
    them; with one, nothing is.

    Args:
        session: what the verb works with.
        as_of: the moment; None is the extract's end.
        by: who makes the lists, for the log.
    """
    outlook = Home(session.home, session.settings).open_leads()
    session.warn_of_hindsight(outlook.bundle.until, as_of)
    desk = WorkDesk(session.home, session.settings)
    log, handout = desk.lists, desk.handout(outlook.warehouse, outlook.score(as_of), as_of)
    return handout.table(handout.keep(log, by) if as_of is None else handout.look(log))


def keep_lists(session: Session, folder: Path) -> Iterator[str]:
    """Keep the lists of the day for scores that were just written, and write them beside.

    Args:
        session: what the verb works with.
        folder: holds `lead_scores.parquet`, if leads were scored.

    Yields:
        What was done, in words; nothing where no leads were scored.
    """
    file = folder / LEAD_SCORES.file
    if not file.is_file():
        return
    warehouse = Home(session.home, session.settings).warehouse()
    handout = WorkDesk(session.home, session.settings).handout(warehouse, pd.read_parquet(file))
    rows = handout.table(handout.keep(worklist_log(session), "retrain"))
    rows.to_parquet(folder / FILE, index=False)
    yield f"{len(rows):,} leads on the lists of the day"


def answer_of(session: Session, as_of: datetime | None) -> tuple[Answer, int]:
    """Return what the lots have shown by a moment, and how many of their leads are gone."""
    warehouse = Home(session.home, session.settings).warehouse()
    warehouse.require("leads", purpose="the worth of the call list")
    moment, params = moment_of(warehouse, as_of), session.settings.serving.worklist
    lots, gone = lots_drawn(worklist_log(session).enrolments(), warehouse, moment)
    asked = Asked(params.level, params.least_leads, params.least_converted, params.harm)
    return answer(lots, moment, asked), gone
