"""Laws of the log of views: every look stays, its subject reads it and writes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from features.errors import NotFoundError
from features.storage.shared import PostgresSchema
from serving.access.access import Access
from serving.access.people import Person, Role
from serving.params import AccessParams
from serving.store.database import Store
from serving.store.secret import Purpose, replace_secret, secret_of
from serving.store.views import View, ViewLog, ViewNote

AT = datetime(2025, 3, 1, 12, 30, 0, 123456)


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    """A store in a file."""
    return Store(tmp_path)


@pytest.fixture
def server_store(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on PostgreSQL."""
    schema = PostgresSchema(postgres_url, "acme_views")
    yield Store(tmp_path, schema)
    schema.ask("DROP SCHEMA IF EXISTS acme_views CASCADE")


@pytest.fixture(params=["file_store", "server_store"])
def log(request: pytest.FixtureRequest) -> ViewLog:
    """The log of a store of each kind."""
    return ViewLog(request.getfixturevalue(request.param))


def view(number: int, rep_id: str = "r1") -> View:
    """Return a look, so many minutes after the first."""
    at = AT + timedelta(minutes=number)
    return View(at, f"t{number}", "Zoë “Z” Lee", "manager", rep_id, "rep outlook")


def test_views_come_back_newest_first(log: ViewLog) -> None:
    """Every field to the microsecond, of the rep asked about and no other."""
    log.add([view(0), view(1), view(2, "r2")])
    log.add([])
    listed = log.of("r1")
    assert [(v.at, v.viewer_id, v.viewer, v.role, v.what) for v in listed] == [
        (v.at, v.viewer_id, v.viewer, v.role, v.what) for v in (view(1), view(0))
    ]
    assert [v.viewer_id for v in log.of("r2")] == ["t2"]
    assert log.of("R1") == []
    assert listed[0].to_json()["at"] == "2025-03-01T12:31:00.123456Z"


def test_pages_of_views_leave_nothing_out(log: ViewLog) -> None:
    """Page by page every view comes once, also when new ones come in between."""
    log.add(view(number) for number in range(7))
    seen: list[str] = []
    before = None
    while page := log.of("r1", limit=3, before=before):
        seen += [v.viewer_id for v in page]
        before = page[-1].id
        log.add([view(99)])
    assert seen == [f"t{number}" for number in range(6, -1, -1)]


def test_notes_stand_beside_their_view(log: ViewLog) -> None:
    """In the order in which they were written, at their own view, whoever looked."""
    log.add([view(0), view(1)])
    newest, oldest = log.of("r1")
    for number, text in enumerate(["first", "second\n<b>", "third"]):
        log.annotate(newest.id, "r1", ViewNote(AT + timedelta(days=number), "Ann", text))
    newest, oldest = log.of("r1")
    assert [note.text for note in newest.notes] == ["first", "second\n<b>", "third"]
    assert oldest.notes == ()
    assert newest.to_json()["notes"][0] == {
        "at": "2025-03-01T12:30:00.123456Z",
        "by": "Ann",
        "text": "first",
    }


@pytest.mark.parametrize("rep_id", ["r2", "", "R1"])
def test_nobody_writes_beside_somebody_else_s_view(log: ViewLog, rep_id: str) -> None:
    """A view of another person is not there for the writer, and neither is one that never was."""
    log.add([view(0)])
    (kept,) = log.of("r1")
    for view_id in (kept.id, kept.id + 1, 0):
        with pytest.raises(NotFoundError, match="nobody looked at you under the number"):
            log.annotate(view_id, rep_id, ViewNote(AT, "Eve", "x"))
    assert log.of("r1")[0].notes == ()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE views SET viewer = 'nobody'",
        "DELETE FROM views",
        "UPDATE view_notes SET text = 'nothing'",
        "DELETE FROM view_notes",
    ],
)
def test_the_database_refuses_to_forget(log: ViewLog, change: str) -> None:
    """Neither a look nor a note is changed or removed, with pacesetter or without."""
    log.add([view(0)])
    log.annotate(log.of("r1")[0].id, "r1", ViewNote(AT, "Ann", "x"))
    before = log.of("r1")
    with pytest.raises(DatabaseError, match="append-only"), log.store.writing() as connection:
        connection.exec_driver_sql(change)
    assert log.of("r1") == before


def test_many_lookers_lose_nothing(log: ViewLog) -> None:
    """Threads that look at once each leave their rows."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: log.add([view(number)]), range(12)))
    assert sorted(v.viewer_id for v in log.of("r1")) == sorted(f"t{n}" for n in range(12))


def test_one_s_own_look_is_nobody_s_business(file_store: Store) -> None:
    """What a person sees of themselves is not kept; of others each once, whatever is repeated."""
    access = Access(file_store, AccessParams(), lambda: AT)
    manager = Person("t", "Ben", Role.MANAGER, "m1")
    access.keep_views(manager, ["m1", "r1", "r1", "r2"], "at-risk list")
    access.keep_views(manager, ["m1"], "rep outlook")
    assert [len(ViewLog(file_store).of(rep)) for rep in ("m1", "r1", "r2")] == [0, 1, 1]
    ann = Person("a", "Ann", Role.REP, "r1")
    (seen,) = access.views_of(ann)
    access.annotate(ann, seen.id, "thanks")
    assert access.views_of(ann)[0].notes == (ViewNote(AT, "Ann", "thanks"),)
    assert access.views_of(Person("d", "Di", Role.ADMIN)) == []


def test_a_secret_is_made_once(file_store: Store, tmp_path: Path) -> None:
    """Whoever asks first makes it, all others get the same; each purpose and home has its own."""
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(lambda _: secret_of(file_store, Purpose.SESSIONS), range(12)))
    assert len(made) == 1
    assert len(made.pop()) == 64
    other = Store(tmp_path / "other")
    secrets = {secret_of(store, purpose) for store in (file_store, other) for purpose in Purpose}
    assert len(secrets) == 4
    replace_secret(other, Purpose.FORGOTTEN, "x" * 64)
    assert secret_of(other, Purpose.FORGOTTEN) == "x" * 64
    assert secret_of(other, Purpose.SESSIONS) in secrets


def test_old_views_are_removed_and_the_log_is_guarded_again(log: ViewLog) -> None:
    """With what was written beside them; those at the moment and after it stay with theirs."""
    log.add([view(0), view(1), view(2)])
    for number, row in enumerate(log.of("r1")):
        log.annotate(row.id, "r1", ViewNote(AT, "r1", f"note {number}"))
    assert log.remove(view(1).at) == 1
    assert log.remove(view(1).at) == 0
    assert [(row.viewer_id, [note.text for note in row.notes]) for row in log.of("r1")] == [
        ("t2", ["note 0"]),
        ("t1", ["note 1"]),
    ]
    for table in ("views", "view_notes"):
        with log.store.writing() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        with log.store.reading() as connection:
            left = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
        assert left == 2
