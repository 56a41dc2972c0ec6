"""Laws of a store's age: whichever version made it, opening it keeps every row and every guard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DatabaseError

from features.errors import InputError
from serving.store.coaching import CoachingLog
from serving.store.database import MIGRATIONS, Store
from serving.store.promotions import How, PromotionLog
from serving.store.retrains import Event, RetrainLog
from serving.store.worklist import Why, WorklistLog

REVISIONS = [f"{number:04}" for number in range(1, 10)]
AT = datetime(2025, 3, 1, 12, 30, 0, 123456)
LOGS = {
    "promotions", "retrains", "coaching", "lot_secret", "enrolments", "listings", "views",
    "view_notes", "forgotten", "work_actions", "absences", "posted_events", "rep_commits",
    "setting_overrides", "digests",
}  # fmt: skip
"""Tables whose rows are only ever added."""
GUARDED = re.compile(r"append-only|never changes|stays forgotten")
"""What a database answers to whoever changes a log."""
ONE_ROW = {"lot_secret"}
WORDS = {"how": "gate", "event": "done", "why": "order", "place": "next in line", "arm": "listed"}
"""What stands in columns that hold one of a few words."""


def version_of(home: Path, revision: str) -> Store:
    """Make the store as the version with that last step made it."""
    store = Store(home)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    store.path.parent.mkdir(parents=True)
    # The product's own engine, so that its pragmas hold for the old store too.
    with store._file_engine().begin() as connection:  # noqa: SLF001 - opening would bring it up
        config.attributes["connection"] = connection
        upgrade(config, revision)
        fill(connection)
    return store


def tables_of(connection: Connection) -> list[Table]:
    """Return the tables of a store, those that others refer to first."""
    meta = MetaData()
    meta.reflect(connection)
    return [table for table in meta.sorted_tables if table.name != "alembic_version"]


def value_of(column: Column[Any], number: int) -> Any:
    """Return a value that fits a column."""
    if column.name in WORDS:
        return WORDS[column.name]
    kinds: list[tuple[type[Any], Any]] = [
        (Boolean, number % 2 == 0), (Integer, number), (Float, number / 7), (DateTime, AT),
        (Date, date(2025, 3, number)), (JSON, {"ä": [number, None]}),
        (LargeBinary, bytes([0, number])),
    ]  # fmt: skip
    fitting = (value for kind, value in kinds if isinstance(column.type, kind))
    return next(
        fitting, f"“{column.name}” {number}" if not column.foreign_keys else f"“id” {number}"
    )


def fill(connection: Connection) -> None:
    """Add two rows to every table, with something in every column."""
    for table in tables_of(connection):
        for number in (1,) if table.name in ONE_ROW else (1, 2):
            row = {column.name: value_of(column, number) for column in table.columns}
            connection.execute(insert(table), row)


def rows_of(store_connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    return {
        table.name: [dict(row) for row in store_connection.execute(select(table)).mappings()]
        for table in tables_of(store_connection)
    }


def before(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return what an old store holds, without opening it as this version does."""
    with store._file_engine().connect() as connection:  # noqa: SLF001 - opening would bring it up
        return rows_of(connection)


@dataclass(frozen=True)
class Aged:
    """A store of an earlier version, which this version has opened.

    Attributes:
        revision: the last step of that version.
        old: the rows that it held before.
        steps: what the upgrade said.
        store: it, as it is now.
    """

    revision: str
    old: Mapping[str, Sequence[Mapping[str, Any]]]
    steps: Sequence[str]
    store: Store


@pytest.fixture(scope="module", params=REVISIONS)
def aged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Aged:
    """A store of each version that ever was, upgraded once for all tests."""
    store = version_of(tmp_path_factory.mktemp("aged") / "home", request.param)
    old = before(store)
    return Aged(request.param, old, store.upgrade(), store)


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that this version made."""
    store = Store(tmp_path_factory.mktemp("newest") / "home")
    store.upgrade()
    return store


def test_an_old_store_keeps_every_row(aged: Aged) -> None:
    """Opened by this version, each table holds what it held, value by value."""
    assert all(aged.old.values())
    with aged.store.reading() as connection:
        new = rows_of(connection)
    assert set(aged.old) <= set(new)
    for name, rows in aged.old.items():
        assert [{column: row[column] for column in rows[0]} for row in new[name]] == rows


def test_an_old_store_has_the_tables_of_a_new_one(aged: Aged, newest: Store) -> None:
    """Columns, types, keys and triggers are the same, whether made at once or step by step."""
    schemas = []
    for store in (aged.store, newest):
        with store.reading() as connection:
            known = inspect(connection)
            columns = {
                name: {(c["name"], str(c["type"]), c["nullable"]) for c in known.get_columns(name)}
                for name in known.get_table_names()
            }
            query = (
                "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY 1"
            )
            schemas.append((columns, connection.exec_driver_sql(query).all()))
    assert schemas[0] == schemas[1]


def test_an_upgrade_names_the_steps_that_were_missing(aged: Aged) -> None:
    """All steps behind the store's own, in order; a second time there is nothing to do."""
    steps = [line.partition(":")[0] for line in aged.steps]
    assert steps == [step for step in REVISIONS if step > aged.revision]
    assert aged.store.upgrade() == []


@pytest.mark.parametrize(
    "change",
    ["UPDATE {} SET at = at", "DELETE FROM {}", "INSERT OR REPLACE INTO {} SELECT * FROM {}"],
)
def test_old_rows_stay_guarded(aged: Aged, change: str) -> None:
    """Rows of an earlier version can no more be changed, removed or replaced than new ones."""
    guarded = LOGS & set(aged.old)
    assert guarded
    with aged.store.reading() as connection:
        for name in sorted(guarded):
            with pytest.raises(DatabaseError, match=GUARDED):
                connection.exec_driver_sql(change.format(name, name))
        connection.rollback()
        new = rows_of(connection)
    assert all(len(new[name]) == len(aged.old[name]) for name in guarded)


def test_logs_are_those_with_a_guard(newest: Store) -> None:
    """Each log has its triggers, and no other table refuses a change."""
    with newest.reading() as connection:
        query = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        assert set(connection.exec_driver_sql(query).scalars()) == LOGS


def test_a_number_is_never_given_twice(aged: Aged) -> None:
    """Logs count on from their newest row, so that a mark of "everything up to here" holds."""
    with aged.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
    last = {row.name: row.seq for row in rows}
    kept = LOGS & set(aged.old) - ONE_ROW
    assert {name: last.get(name) for name in kept} == dict.fromkeys(kept, 2)


def test_rows_of_the_first_versions_are_read_as_ever(tmp_path: Path) -> None:
    """The logs of the first four steps give their rows back through the product."""
    store = version_of(tmp_path, "0004")
    assert [(entry.how, entry.figures) for entry in PromotionLog(store).entries()] == [
        (How.GATE, {"ä": [1, None]}),
        (How.GATE, {"ä": [2, None]}),
    ]
    newest = RetrainLog(store).last()
    assert newest is not None
    assert (newest.run, newest.event, newest.at) == ("“run” 2", Event.DONE, AT)
    assert [line.item for line in CoachingLog(store).lines("“rep_id” 1")] == [1]
    (listing,) = WorklistLog(store).of_day(date(2025, 3, 2))
    assert (listing.why, listing.lead_id, listing.pool_of) == (Why.ORDER, "“lead_id” 2", None)
    assert [lot.number for lot in WorklistLog(store).enrolments()] == [1, 2]


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """This version cannot know what a later one keeps: it says so and changes nothing."""
    store = version_of(tmp_path, REVISIONS[-1])
    with store._file_engine().begin() as connection:  # noqa: SLF001 - what a later version does
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    old = store.path.read_bytes()
    for attempt in (store.upgrade, lambda: PromotionLog(store).entries()):
        with pytest.raises(InputError, match=r"later version of pacesetter .* update pacesetter"):
            attempt()
    assert store.path.read_bytes() == old


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look like one" * 9]
)
def test_a_file_that_is_no_store_is_named(tmp_path: Path, content: bytes) -> None:
    """The message says which file, and what to do; the file stays as it is."""
    store = Store(tmp_path)
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(content)
    with pytest.raises(InputError, match=r"store\.sqlite cannot be used as a store.*backup"):
        PromotionLog(store).entries()
    assert store.path.read_bytes() == content


def test_a_home_with_a_percent_sign_has_a_store(tmp_path: Path) -> None:
    """No character of a path is taken for a placeholder."""
    store = Store(tmp_path / "100 % s%(here)s")
    assert len(store.upgrade()) == len(REVISIONS)


def test_a_guard_looks_ids_up_and_never_at_every_row(tmp_path: Path) -> None:
    """A new row costs as much in a log of a year as in one of a day, in every log of the store."""
    store = Store(tmp_path)
    with store.reading() as connection:
        query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_no_replace'"
        guards = [sql for (sql,) in connection.exec_driver_sql(query)]
        assert len(guards) > 10
        plans = {}
        for guard in guards:
            looked = re.sub(
                r"NEW\.\w+", "'x'", guard[guard.index("SELECT") : guard.index(") BEGIN")]
            )
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looked}").all()
            plans[looked] = [row[3] for row in rows if row[3].startswith("SCAN")]
    # The secret of the lots is one row.
    assert [looked for looked, scans in plans.items() if scans and "lot_secret" not in looked] == []
