"""Laws of erasing from the store: no table names the person, logs keep their rows and guards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError

from features.storage.shared import PostgresSchema
from serving.access import tokens
from serving.access.people import Role
from serving.access.tokens import Grant
from serving.store.coaching import CoachingEvent, CoachingLine, CoachingLog
from serving.store.database import Store
from serving.store.erase import Erasure, erase_from_store, names_of_tokens
from serving.store.forgotten import ForgottenList
from serving.store.retrains import Event, RetrainLine, RetrainLog
from serving.store.views import View, ViewLog, ViewNote

AT = datetime(2025, 3, 1, 12)
ALIAS = "forgotten-0123456789abcdef"
REP, OTHER = "rep 7/ä", "rep 7/ää"
ERASURE = Erasure("rep", {REP: ALIAS}, {"Ada Abel": ALIAS, "ada": ALIAS})


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    """A store in a file."""
    return Store(tmp_path)


@pytest.fixture
def server_store(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on PostgreSQL."""
    schema = PostgresSchema(postgres_url, "acme_erase")
    yield Store(tmp_path, schema)
    schema.ask("DROP SCHEMA IF EXISTS acme_erase CASCADE")


@pytest.fixture(params=["file_store", "server_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store, with rows that name the rep wherever they can."""
    store: Store = request.getfixturevalue(request.param)
    tokens.create(store, "ada", Grant(Role.REP, REP))
    tokens.create(store, "bo", Grant(Role.REP, OTHER))
    ViewLog(store).add(
        View(AT, "t1", viewer, "manager", whom, "rep outlook")
        for viewer, whom in (("Ben", REP), ("Ada Abel", OTHER), ("Ben", OTHER))
    )
    (view,) = ViewLog(store).of(REP)
    ViewLog(store).annotate(view.id, REP, ViewNote(AT, "ada", f"I, Ada Abel ({REP}), was away"))
    CoachingLog(store).add(
        [
            CoachingLine(AT, "Ben", REP, CoachingEvent.NOTE, "ada calls more", facts={REP: [REP]}),
            CoachingLine(AT, "Ada Abel", OTHER, CoachingEvent.NOTE, f"as {REP} said, adamant"),
        ]
    )
    RetrainLog(store).append(
        RetrainLine("r", AT, Event.STARTED, "s", None, {}, {}, [{"says": f"{OTHER}, {REP}"}])
    )
    return store


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    with store.reading() as connection:
        names = inspect(connection).get_table_names()
        return {
            name: [
                dict(row)
                for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()
            ]
            for name in names
        }


def test_no_table_names_the_person_and_others_stay(store: Store) -> None:
    """The id and the name of several words are gone everywhere; ids that are longer stay."""
    before = everything(store)
    counts = erase_from_store(store, ERASURE, AT)
    after = everything(store)
    assert counts == {"tokens": 1, "views": 2, "view_notes": 1, "coaching": 2, "retrains": 1}
    whole = str(after)
    assert "Ada Abel" not in whole
    assert REP not in whole.replace(OTHER, "")
    assert whole.count(OTHER) == str(before).count(OTHER)
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    (note,) = ViewLog(store).of(ALIAS)[0].notes
    assert (note.by, note.text) == (ALIAS, f"I, {ALIAS} ({ALIAS}), was away")
    first, second = CoachingLog(store).lines()
    assert (first.rep_id, dict(first.facts), first.text) == (
        ALIAS,
        {ALIAS: [ALIAS]},
        "ada calls more",
    )
    assert (second.by, second.text) == (ALIAS, f"as {ALIAS} said, adamant")


def test_a_forgotten_rep_cannot_sign_in(store: Store) -> None:
    """Their tokens are revoked and renamed; those of others work on."""
    assert names_of_tokens(store, {REP: ALIAS}) == {"ada": ALIAS}
    erase_from_store(store, ERASURE, AT)
    ada, bo = tokens.list_tokens(store)
    assert (ada.name, ada.rep_id, ada.revoked_at) == (ALIAS, ALIAS, AT)
    assert (bo.name, bo.rep_id, bo.revoked_at) == ("bo", OTHER, None)


@pytest.mark.parametrize("change", ["UPDATE views SET what = 'x'", "DELETE FROM coaching"])
def test_logs_are_append_only_again(store: Store, change: str) -> None:
    """The guard is lifted for the erasure alone."""
    erase_from_store(store, ERASURE, AT)
    with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
        connection.exec_driver_sql(change)


def test_erasing_twice_changes_nothing_more(store: Store) -> None:
    """The second time nobody is found."""
    erase_from_store(store, ERASURE, AT)
    before = everything(store)
    assert erase_from_store(store, ERASURE, AT) == {}
    assert everything(store) == before


def test_rows_about_a_person_are_removed_where_they_are_no_log(store: Store) -> None:
    """Scores of a lead go with it; of a rep only those that are about the rep alone."""
    rows = "(1, 'L1', 'R1'), (2, 'L2', 'R1'), (3, NULL, 'R1'), (4, NULL, 'R2')"
    with store.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE some_scores (id INTEGER PRIMARY KEY, lead_id VARCHAR, rep_id VARCHAR)"
        )
        connection.exec_driver_sql(f"INSERT INTO some_scores VALUES {rows}")
    assert erase_from_store(store, Erasure("lead", {"L1": "x"}), AT) == {"some_scores": 1}
    assert erase_from_store(store, Erasure("rep", {"R1": "y"}), AT) == {"some_scores": 2}
    left = [tuple(row.values()) for row in everything(store)["some_scores"]]
    assert sorted(left) == [(2, "L2", "y"), (4, None, "R2")]


def test_nothing_is_left_in_the_file(file_store: Store) -> None:
    """Not even in pages that the database no longer uses."""
    lines = [
        CoachingLine(AT, "Ben", f"secret-lead-{number % 2}", CoachingEvent.NOTE, "x" * 500)
        for number in range(200)
    ]
    CoachingLog(file_store).add(lines)
    erase_from_store(file_store, Erasure("rep", {"secret-lead-1": "forgotten-1"}), AT)
    content = b"".join(file.read_bytes() for file in file_store.path.parent.glob("store.sqlite*"))
    assert b"secret-lead-0" in content
    assert b"secret-lead-1" not in content


def test_an_erasure_that_fails_changes_nothing(file_store: Store) -> None:
    """All tables or none: a row that cannot be changed leaves every other as it was, guarded."""
    ViewLog(file_store).add([View(AT, "t", "Ben", "manager", "R1", "x")])
    with closing(sqlite3.connect(file_store.path)) as connection, connection:
        connection.execute(
            "CREATE TABLE zz (id INTEGER PRIMARY KEY, rep_id TEXT CHECK (rep_id='R1'))"
        )
        connection.execute("INSERT INTO zz VALUES (1, 'R1')")
        connection.execute(
            "CREATE TRIGGER no_zz BEFORE DELETE ON zz BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(DatabaseError):
        erase_from_store(file_store, Erasure("rep", {"R1": "y"}), AT)
    assert len(ViewLog(file_store).of("R1")) == 1
    with pytest.raises(DatabaseError, match="append-only"), file_store.writing() as changed:
        changed.exec_driver_sql("DELETE FROM views")


def test_the_list_of_the_forgotten_names_nobody(store: Store) -> None:
    """Adding twice keeps one; what is kept is no id."""
    listed = ForgottenList(store)
    key = listed.people()
    for _ in range(2):
        listed.add("rep", {key.hash_of("rep", REP)}, AT)
    assert listed.people().among("rep", [REP, OTHER]) == {REP: key.pseudonym("rep", REP)}
    assert listed.people().among("lead", [REP]) == {}
    assert len(everything(store)["forgotten"]) == 1
    assert REP not in str(everything(store)["forgotten"])
