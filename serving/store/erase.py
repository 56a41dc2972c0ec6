"""Takes the name of a forgotten person out of every table of the store, whatever its columns.

Tables are looked at as they are in the database, so that one that is added later is not forgotten.
A log keeps its row, with a pseudonym in the name's place; its guard is lifted within the very
transaction. Any other row that is about the person is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, Connection, MetaData, Table, delete, select, text, update
from sqlalchemy.types import LargeBinary, String

from serving.store.database import Store
from serving.store.tokens import TOKENS

LEFT_ALONE = frozenset({"alembic_version", "forgotten", "secrets"})
"""Tables that name nobody."""
ABOUT = {"lead": ("lead_id",), "rep": ("rep_id",)}
"""Columns that say whom a row is about, by kind of person."""
FEW = 20
"""People and names up to which each is looked for by itself."""
FIXED = frozenset(
    {"action", "arm", "band", "call_evidence", "event", "evidence", "how", "kind", "place", "role",
     "why"}
)  # fmt: skip
"""Columns that hold one of a few words of the product: a person may be called by one of them."""
_WORD = re.compile(r"[\w-]+")
OTHER_SUBJECT = {"lead": (), "rep": ("lead_id",)}
"""Columns that say that a row is about something else, of which the person is only a part."""


@dataclass(frozen=True)
class Erasure:
    """People of one kind whose names are to go, and what stands in their place.

    Attributes:
        kind: lead or rep.
        people: the pseudonym of each id.
        names: the pseudonym of what they are called, such as a rep's name and those of tokens.
    """

    kind: str
    people: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)

    def clean(self, value: Any) -> Any:
        """Return a value without the people: a text, or anything that JSON holds, or bytes."""
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, bytes):
            return self._clean_bytes(value)
        if isinstance(value, Mapping):
            return {self.clean(name): self.clean(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(inner) for inner in value]
        return value

    def _clean_text(self, value: str) -> str:
        alias = self.people.get(value) or self.names.get(value)
        if alias is not None:
            return alias
        # Most texts name nobody; for a few people the plain search is many times as quick.
        if len(self._searched) <= FEW and not any(name in value for name in self._searched):
            return value
        value = _WORD.sub(lambda word: self.people.get(word[0], word[0]), value)
        for pattern, pseudonym in self._patterns:
            value = pattern.sub(pseudonym, value)
        return value

    def _clean_bytes(self, value: bytes) -> bytes:
        try:
            return self._clean_text(value.decode()).encode()
        except UnicodeDecodeError:
            return value

    @cached_property
    def _searched(self) -> tuple[str, ...]:
        return (*self.people, *self.names)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """What is looked for within longer texts: ids of several words, and such names.

        A single word such as a first name means others too, so it counts only where it stands
        alone in its cell.
        """
        odd = {name: alias for name, alias in self.people.items() if not _WORD.fullmatch(name)}
        long_names = {name: alias for name, alias in self.names.items() if " " in name.strip()}
        return [
            (re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])"), alias)
            for name, alias in (odd | long_names).items()
        ]


def names_of_tokens(store: Store, people: Mapping[str, str]) -> dict[str, str]:
    """Return what reps' tokens are called, each with the pseudonym of its rep."""
    query = select(TOKENS.c.name, TOKENS.c.rep_id).where(TOKENS.c.rep_id.is_not(None))
    with store.reading() as connection:
        rows = connection.execute(query).all()
    return {name: people[rep_id] for name, rep_id in rows if rep_id in people}


def erase_from_store(store: Store, erasure: Erasure, now: datetime) -> dict[str, int]:
    """Take a person out of every table, all at once or not at all.

    A rep's tokens are revoked first: nobody signs in as a pseudonym.

    Returns:
        The rows that were changed or removed, by table.
    """
    counts = {}
    with store.locked(), store.writing() as connection:
        if erasure.kind == "rep":
            own = TOKENS.c.rep_id.in_(list(erasure.people)) & TOKENS.c.revoked_at.is_(None)
            connection.execute(update(TOKENS).where(own).values(revoked_at=now))
        tables = MetaData()
        tables.reflect(connection, schema=None)
        # Rows that refer to others come first.
        for table in reversed(tables.sorted_tables):
            if table.name not in LEFT_ALONE:
                counts[table.name] = _erase_from_table(connection, table, erasure)
    _shrink(store)
    return {name: count for name, count in counts.items() if count}


def _erase_from_table(connection: Connection, table: Table, erasure: Erasure) -> int:
    keys = list(table.primary_key.columns)
    kinds = String | JSON | LargeBinary
    columns = [c for c in table.columns if isinstance(c.type, kinds) and c.name not in FIXED]
    if not columns or not keys:
        return 0
    rows = _rows_with(connection, table, columns, erasure)
    if not rows:
        return 0
    with unguarded(connection, table) as is_log:
        for row, cleaned in rows:
            one = [key == row[key.name] for key in keys]
            if not is_log and _is_about(row, erasure):
                connection.execute(delete(table).where(*one))
            else:
                connection.execute(update(table).where(*one).values(cleaned))
    return len(rows)


def _rows_with(
    connection: Connection, table: Table, columns: Iterable[Any], erasure: Erasure
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows that name somebody, each with its columns as they should be."""
    found = []
    for row in connection.execute(select(table)).mappings():
        values = {column.name: row[column.name] for column in columns}
        cleaned = {name: erasure.clean(value) for name, value in values.items()}
        if cleaned != values:
            found.append((dict(row), cleaned))
    return found


def _is_about(row: Mapping[str, Any], erasure: Erasure) -> bool:
    """Tell whether a row is about the person and about nothing else; a token stays, revoked."""
    if "sha256" in row or any(row.get(name) for name in OTHER_SUBJECT[erasure.kind]):
        return False
    return any(row.get(name) in erasure.people for name in ABOUT[erasure.kind])


@contextmanager
def unguarded(connection: Connection, table: Table) -> Iterator[bool]:
    """Lift what keeps a log append-only, within this transaction; yields whether it is a log."""
    if connection.dialect.name == "postgresql":
        with _unguarded_on_postgres(connection, table) as is_log:
            yield is_log
        return
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name")
    triggers = connection.execute(query, {"name": table.name}).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield bool(triggers)
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


@contextmanager
def _unguarded_on_postgres(connection: Connection, table: Table) -> Iterator[bool]:
    query = text(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) "
        "AND NOT tgisinternal"
    )
    is_log = bool(connection.execute(query, {"name": table.name}).scalar())
    if is_log:
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
    yield is_log
    if is_log:
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')


def _shrink(store: Store) -> None:
    """Rewrite the file without the pages in which removed rows could still be read."""
    if store.schema is not None:
        return
    with store.reading() as connection:
        connection.commit()
        driver = connection.connection.driver_connection
        if driver is None:
            raise AssertionError("an open connection has a driver")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
