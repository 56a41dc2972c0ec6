"""Laws of the log of retrains: what was written stays, and the newest line is what counts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from serving.store.database import Store
from serving.store.promotions import PromotionLog
from serving.store.retrains import Event, RetrainLine, RetrainLog

REPLACE_BY_RUN = """
REPLACE INTO retrains
SELECT id + 7, run, at, event, 'x', mapping, inputs, result, steps FROM retrains
"""
LINE = RetrainLine(
    run="r1",
    at=datetime(2025, 3, 1, 12, 30, 0, 5),
    event=Event.STARTED,
    source="postgresql://crm:***@db/sales",
    mapping=None,
    inputs={"data": {"leads": ["7", None]}},
    result={},
    steps=[],
)
DONE = replace(LINE, event=Event.DONE, result={"scores": "s1"}, steps=[{"step": "ingest"}])


@pytest.fixture
def log(tmp_path: Path) -> RetrainLog:
    """A log without lines."""
    return RetrainLog(Store(tmp_path))


def test_the_newest_line_comes_back(log: RetrainLog) -> None:
    """A retrain that began and did not end is the newest; once it has ended, its end is."""
    assert log.last() is None
    for line in (LINE, DONE, replace(LINE, run="r2")):
        log.append(line)
        assert log.last() == line


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE retrains SET event = 'done'",
        "DELETE FROM retrains",
        "INSERT OR REPLACE INTO retrains SELECT * FROM retrains",
        REPLACE_BY_RUN,
    ],
)
def test_the_database_refuses_to_forget(log: RetrainLog, change: str) -> None:
    """Nobody who opens the file changes or removes a line, with pacesetter or without."""
    log.append(LINE)
    with (
        closing(sqlite3.connect(log.store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(change)
    assert log.last() == LINE


def test_an_older_store_gets_the_table(log: RetrainLog) -> None:
    """A store that knows promotions alone keeps them, and learns of retrains."""
    PromotionLog(log.store).entries()
    with closing(sqlite3.connect(log.store.path)) as connection, connection:
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        kept = {"promotions", "alembic_version", "sqlite_sequence"}
        for later in {name for (name,) in named} - kept:
            connection.execute(f"DROP TABLE {later}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    log.append(LINE)
    assert log.last() == LINE
    assert PromotionLog(log.store).entries() == []
