"""Laws of the coaching log: lines are numbered within a rep, come back, and stay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from serving.store.coaching import CoachingEvent, CoachingLine, CoachingLog
from serving.store.database import Store

REPLACE_BY_ITEM = """
REPLACE INTO coaching SELECT id + 7, at, by, rep_id, item, event, 'x', figure, due, facts
FROM coaching
"""
AT = datetime(2026, 5, 20, 9, 30, 0, 123456)


def line(rep_id: str = "r1", **values: object) -> CoachingLine:
    """A commitment."""
    facts = {"value": 0.42, "as_of": "2026-05-20T00:00:00"}
    base = CoachingLine(AT, "Zoë", rep_id, CoachingEvent.COMMITTED, "“Call” early", facts=facts)
    return CoachingLine(**{**vars(base), **values})


@pytest.fixture
def log(tmp_path: Path) -> CoachingLog:
    """An empty log."""
    return CoachingLog(Store(tmp_path))


def test_lines_are_numbered_within_a_rep_and_come_back(log: CoachingLog) -> None:
    """Every field comes back; each rep's items count from 1; later lines keep the number."""
    kept = log.add([line(), line("r2"), line(event=CoachingEvent.NOTE, due=AT)])
    assert [one.item for one in kept] == [1, 1, 2]
    kept += log.add([line(item=1, event=CoachingEvent.DONE)])
    assert log.lines() == kept
    assert log.lines("r1") == [one for one in kept if one.rep_id == "r1"]
    assert kept[0].to_json()["at"] == "2026-05-20T09:30:00.123456Z"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE coaching SET text = 'another'",
        "DELETE FROM coaching",
        "INSERT OR REPLACE INTO coaching SELECT * FROM coaching",
        REPLACE_BY_ITEM,
    ],
)
def test_the_database_refuses_to_forget(log: CoachingLog, change: str) -> None:
    """Nobody changes what was agreed or contested, with pacesetter or without."""
    kept = log.add([line()])
    with (
        closing(sqlite3.connect(log.store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(change)
    assert log.lines() == kept
