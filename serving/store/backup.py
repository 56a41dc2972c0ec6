"""Copies of a store: written while it is in use, and put back in its place.

A file is copied by SQLite's own backup, which waits for nobody and copies a whole state. A schema
of PostgreSQL is copied table by table within one snapshot of the server, as JSON lines, so that it
needs no program of the server's version; `pg_dump` does as well, and faster for large ones.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, LargeBinary, MetaData, Table, insert, select, text
from sqlalchemy.types import Date, DateTime

from features.errors import InputError
from serving.store.database import Store

FILE = "store.sqlite"
LINES = "store.jsonl"
REVISION = "alembic_version"
ROWS_AT_A_TIME = 1000


def back_up(store: Store, folder: Path) -> Path:
    """Copy a store into a folder; returns the file.

    Raises:
        InputError: the store cannot be read, or the folder cannot be written to.
    """
    with store.reading() as connection:
        if store.schema is not None:
            return _write_lines(connection, folder / LINES)
    target = folder / FILE
    with closing(sqlite3.connect(store.path)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return target


def put_back(store: Store, folder: Path) -> None:
    """Put a copy in a store's place, all of it or nothing.

    Raises:
        InputError: the folder holds no copy for this kind of store, or it is not whole.
    """
    if store.schema is None:
        _put_file_back(store, folder / FILE)
        return
    source = folder / LINES
    if not source.is_file():
        raise InputError(f"there is no {source}; a store on PostgreSQL is restored from that file")
    with store.locked(), store.writing() as connection:
        _read_lines(connection, source)


def _put_file_back(store: Store, source: Path) -> None:
    if not source.is_file():
        raise InputError(f"there is no {source}; a store in a file is restored from that file")
    with closing(sqlite3.connect(source)) as copy:
        try:
            problem = copy.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            problem = str(error)
        if problem != "ok":
            raise InputError(f"{source} is damaged: {problem}; take another backup")
        store.path.parent.mkdir(parents=True, exist_ok=True)
        # Into the file that is there, so that whoever has it open reads the new content.
        with store.locked(), closing(sqlite3.connect(store.path, timeout=30)) as present:
            copy.backup(present)
            present.execute("PRAGMA journal_mode=WAL")


def _write_lines(connection: Connection, target: Path) -> Path:
    connection.commit()
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    count = 0
    with target.open("w", encoding="utf-8") as file:
        for table in _tables(connection):
            for row in connection.execute(select(table)).mappings():
                line = {"table": table.name, "row": {k: _plain(v) for k, v in row.items()}}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        file.write(json.dumps({"rows": count}) + "\n")
    return target


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _read_lines(connection: Connection, source: Path) -> None:
    tables = {table.name: table for table in _tables(connection)}
    rows = list(_lines(source, tables))
    revision = [row["version_num"] for table, row in rows if table.name == REVISION]
    present = connection.execute(text(f"SELECT version_num FROM {REVISION}")).scalars().all()  # noqa: S608 - a constant
    if revision != list(present):
        raise InputError(
            f"{source} was written by another version of pacesetter (step {revision} of the store, "
            f"here {list(present)}); restore it with that version, then run `pacesetter upgrade`"
        )
    for table in reversed(tables.values()):
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
        connection.execute(table.delete())
    for table in tables.values():
        own = [row for of, row in rows if of is table]
        for start in range(0, len(own), ROWS_AT_A_TIME):
            connection.execute(insert(table), own[start : start + ROWS_AT_A_TIME])
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')
        _count_on(connection, table)


def _lines(source: Path, tables: dict[str, Table]) -> Iterator[tuple[Table, dict[str, Any]]]:
    # Not `splitlines`: a text may hold other signs that end a line.
    *lines, last = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    if last != json.dumps({"rows": len(lines)}):
        raise InputError(f"{source} is not a whole copy of a store; take another backup")
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
            table = tables[content["table"]]
            yield table, {name: _typed(table, name, v) for name, v in content["row"].items()}
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{source}, line {number}, is no row of a store; take another backup"
            ) from None


def _typed(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name].type
    if value is None or isinstance(kind, JSON):
        return value
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return bytes.fromhex(value) if isinstance(kind, LargeBinary) else value


def _count_on(connection: Connection, table: Table) -> None:
    """Let a table's numbers go on behind the highest that was put back."""
    for column in table.primary_key.columns:
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        ).scalar()
        if sequence is not None:
            connection.execute(
                text(
                    f'SELECT setval(:sequence, coalesce((SELECT max("{column.name}") '  # noqa: S608 - names of our own tables
                    f'FROM "{table.name}"), 0) + 1, false)'
                ),
                {"sequence": sequence},
            )


def _tables(connection: Connection) -> list[Table]:
    """Return all tables, those that others refer to first."""
    tables = MetaData()
    tables.reflect(connection)
    return list(tables.sorted_tables)
