"""Laws of the promotion log: what was written stays, and tells where a rollback goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from features.errors import InputError
from features.storage.shared import PostgresSchema
from serving.store.database import Store
from serving.store.promotions import Entry, How, PromotionLog, before_present

REPLACE_BY_MOMENT = """
REPLACE INTO promotions SELECT id + 7, at, kind, from_version, 'x', how, by, reason, figures,
data_fingerprint, feature_fingerprint, model_version FROM promotions
"""
REPLACE_BY_ID = """
INSERT INTO acme.promotions SELECT * FROM acme.promotions
ON CONFLICT (id) DO UPDATE SET reason = 'another'
"""
AT = datetime(2025, 3, 1, 12, 30, 0, 123456)


def entry(number: int, how: How = How.PERSON, to: str | None = None) -> Entry:
    """A change of champion, so many minutes after the first."""
    return Entry(
        at=AT + timedelta(minutes=number),
        kind="leads",
        from_version=str(number) if number else None,
        to_version=to or str(number + 1),
        how=how,
        by="Zoë Lee",
        reason="reps' wish: “better”",
        figures={"gain": {"value": 0.01, "low": None}, "rows": [1, 2]},
        data_fingerprint="d",
        feature_fingerprint="f",
        model_version="m",
    )


@pytest.fixture
def log(tmp_path: Path) -> PromotionLog:
    """A log in a folder whose name holds signs that addresses use."""
    home = tmp_path / "100 % büro?#"
    home.mkdir()
    return PromotionLog(Store(home))


def test_what_is_written_comes_back(log: PromotionLog) -> None:
    """Every field of every entry, to the microsecond, in the order of writing."""
    entries = [entry(0, How.FIRST), entry(1), entry(2, How.GATE)]
    log.append(entries[:1])
    log.append(entries[1:])
    assert log.entries() == log.entries("leads") == entries
    assert log.entries("quota") == []
    assert entries[0].to_json()["at"] == "2025-03-01T12:30:00.123456Z"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE promotions SET reason = 'another'",
        "DELETE FROM promotions",
        "INSERT OR REPLACE INTO promotions SELECT * FROM promotions",
        REPLACE_BY_MOMENT,
    ],
)
def test_the_database_refuses_to_forget(log: PromotionLog, change: str) -> None:
    """Nobody who opens the file changes or removes a line, with pacesetter or without."""
    log.append([entry(0)])
    with (
        closing(sqlite3.connect(log.store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(change)
    assert log.entries() == [entry(0)]


def test_entries_are_added_all_or_none(log: PromotionLog) -> None:
    """A second entry of the same moment is refused, and what came with it is not kept."""
    log.append([entry(0)])
    with pytest.raises(Exception, match="append-only"):
        log.append([entry(1), entry(0)])
    assert log.entries() == [entry(0)]


def test_many_writers_lose_nothing(log: PromotionLog) -> None:
    """Threads that open a new store at once make its tables once and write every line."""
    numbers = range(12)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: log.append([entry(number)]), numbers))
    assert sorted(e.to_version for e in log.entries()) == sorted(str(n + 1) for n in numbers)


def test_the_store_writes_ahead(log: PromotionLog) -> None:
    """Readers do not wait for writers: the file is in WAL mode."""
    log.entries()
    with closing(sqlite3.connect(log.store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_store_is_refused(log: PromotionLog) -> None:
    """The error names the file and what to do."""
    log.store.path.parent.mkdir()
    log.store.path.write_text("no database at all, but long enough to be read as one" * 10)
    with pytest.raises(InputError, match=r"store\.sqlite cannot be used as a store"):
        log.entries()


def test_a_later_version_s_store_is_refused(log: PromotionLog) -> None:
    """A store with steps that this version does not know is left as it is."""
    log.entries()
    with closing(sqlite3.connect(log.store.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InputError, match="made by a later version of pacesetter"):
        log.entries()


@pytest.fixture
def shared_log(postgres_url: str, tmp_path: Path) -> Iterator[PromotionLog]:
    """A log on PostgreSQL, in a schema that is not there yet."""
    schema = PostgresSchema(postgres_url, "acme")
    yield PromotionLog(Store(tmp_path, schema))
    schema.ask("DROP SCHEMA IF EXISTS acme CASCADE")


def test_a_shared_store_keeps_what_is_written(shared_log: PromotionLog, tmp_path: Path) -> None:
    """On PostgreSQL too every field comes back, and nothing is written under the home."""
    entries = [entry(0, How.FIRST), entry(1)]
    shared_log.append(entries)
    assert shared_log.entries("leads") == entries
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE acme.promotions SET reason = 'another'",
        "DELETE FROM acme.promotions",
        "TRUNCATE acme.promotions",
        REPLACE_BY_ID,
    ],
)
def test_a_shared_store_refuses_to_forget(shared_log: PromotionLog, change: str) -> None:
    """Nobody who reaches the server changes or removes a line."""
    shared_log.append([entry(0)])
    schema = shared_log.store.schema
    assert schema is not None
    with pytest.raises(InputError, match="append-only"):
        schema.ask(change)
    assert shared_log.entries() == [entry(0)]


def test_many_machines_lose_nothing(shared_log: PromotionLog, tmp_path: Path) -> None:
    """Homes that open a new shared store at once make its tables once and write every line."""
    logs = [PromotionLog(Store(tmp_path / str(n), shared_log.store.schema)) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: logs[n].append([entry(n)]), range(6)))
    assert sorted(e.to_version for e in shared_log.entries()) == list("123456")


def test_companies_have_stores_of_their_own(shared_log: PromotionLog, postgres_url: str) -> None:
    """What one company decided is not in another one's log, though one database holds both."""
    other = PostgresSchema(postgres_url, "globex")
    try:
        shared_log.append([entry(0)])
        assert PromotionLog(Store(Path(), other)).entries() == []
    finally:
        other.ask("DROP SCHEMA IF EXISTS globex CASCADE")


def test_a_rollback_goes_to_the_champion_before() -> None:
    """The cases of the table, and every longer story: a rollback undoes what still stands."""
    first, second, third = entry(0, How.FIRST), entry(1), entry(2, How.GATE)
    assert before_present([]) is None
    assert before_present([first]) is None
    assert before_present([first, second, third]) == "2"
    assert before_present([first, second, third, entry(3, How.ROLLBACK, "2")]) == "1"
    assert before_present([first, second, entry(2, How.ROLLBACK, "1")]) is None
    for steps in product((True, False), repeat=6):
        entries, standing = [first], ["1"]
        for number, is_forward in enumerate(steps, start=1):
            if is_forward:
                entries.append(entry(number))
                standing.append(entries[-1].to_version)
            elif len(standing) > 1:
                standing.pop()
                entries.append(entry(number, How.ROLLBACK, standing[-1]))
        assert before_present(entries) == (standing[-2] if len(standing) > 1 else None)
