"""Laws of copies of a store: whole while others write, and back to the last row."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from features.errors import InputError
from features.storage.shared import PostgresSchema
from serving.access import tokens
from serving.store.backup import back_up, put_back
from serving.store.coaching import CoachingEvent, CoachingLine, CoachingLog
from serving.store.database import Store
from serving.store.views import View, ViewLog

AT = datetime(2025, 3, 1, 12, 30, 0, 123456)


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    """A store in a file."""
    return Store(tmp_path / "home")


@pytest.fixture
def server_store(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on PostgreSQL."""
    schema = PostgresSchema(postgres_url, "acme_backup")
    yield Store(tmp_path / "home", schema)
    schema.ask("DROP SCHEMA IF EXISTS acme_backup CASCADE")


@pytest.fixture(params=["file_store", "server_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store."""
    store: Store = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where copies go."""
    place = tmp_path / "copy"
    place.mkdir()
    return place


def fill(store: Store, number: int) -> None:
    """Add rows of every kind of column."""
    tokens.create(store, f"token {number}")
    ViewLog(store).add([View(AT, "t", "Zoë", "manager", f"r{number}", "rep outlook")])
    line = CoachingLine(AT, "Zoë", f"r{number}", CoachingEvent.NOTE, "“x”\n", facts={"n": [number]})
    CoachingLog(store).add([line])


def content(store: Store) -> tuple[object, ...]:
    """Return what the store holds."""
    listed = [token.to_json() for token in tokens.list_tokens(store)]
    return listed, ViewLog(store).of("r1"), ViewLog(store).of("r2"), CoachingLog(store).lines()


def test_what_was_copied_comes_back(store: Store, folder: Path) -> None:
    """Every row of every table; later ones are gone, numbers go on, and logs stay guarded."""
    fill(store, 1)
    before = content(store)
    back_up(store, folder)
    fill(store, 2)
    assert content(store) != before
    put_back(store, folder)
    assert content(store) == before
    with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM views")
    fill(store, 2)
    assert len(ViewLog(store).of("r2")) == 1


def test_a_copy_is_whole_while_others_write(store: Store, folder: Path) -> None:
    """What is written together is in the copy together, or not at all."""
    stopped = threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            pair = [View(AT, "t", "Zoë", "manager", f"r{number}", w) for w in ("one", "other")]
            ViewLog(store).add(pair)

    ViewLog(store).of("r1")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            back_up(store, folder)
    finally:
        stopped.set()
        writer.join()
    put_back(store, folder)
    with store.reading() as connection:
        counts = connection.exec_driver_sql("SELECT rep_id, count(*) FROM views GROUP BY rep_id")
        assert {count for _, count in counts} <= {2}


@pytest.mark.parametrize("damage", ["cut", "line", "text", "gone"])
def test_a_damaged_copy_changes_nothing(store: Store, folder: Path, damage: str) -> None:
    """What is not whole is refused in words, and the store is as it was."""
    fill(store, 1)
    file = back_up(store, folder)
    fill(store, 2)
    before = content(store)
    if damage == "gone":
        file.unlink()
    elif damage == "text":
        file.write_text("no copy of anything\n" * 500)
    elif damage == "line":
        file.write_bytes(b"\n".join(file.read_bytes().split(b"\n")[:3]))
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match="store"):
        put_back(store, folder)
    assert content(store) == before


def test_a_copy_of_another_version_is_refused_on_a_server(
    server_store: Store, folder: Path
) -> None:
    """Rows of other columns are not poured into these tables."""
    fill(server_store, 1)
    file = back_up(server_store, folder)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines[:-1]:
        if line["table"] == "alembic_version":
            line["row"]["version_num"] = "0001"
    file.write_text("\n".join(map(json.dumps, lines)))
    before = content(server_store)
    with pytest.raises(InputError, match="another version of pacesetter"):
        put_back(server_store, folder)
    assert content(server_store) == before


def test_an_upgrade_says_what_it_did(store: Store) -> None:
    """A new store runs every step and names it; afterwards there is nothing to do."""
    steps = store.upgrade()
    assert steps[0].startswith("0001: The promotion log")
    assert any(step.startswith("0005: Tokens, sessions") for step in steps)
    assert store.upgrade() == []
