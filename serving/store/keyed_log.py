"""Logs whose rows carry a key of the sender's: a row that is sent twice counts once.

A phone without a signal sends again, and a retry must not count twice. So every row has a key that
its sender chose. The first row of a key is kept; the same row again changes nothing; another row
under the same key is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)

from features.clock import utc_now
from features.errors import InputError
from serving.store.database import Store

ABOUT_ROW = ("id", "at", "by")
"""Columns that tell of the row and not of what it says."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What became of one row that was sent.

    Attributes:
        key: the sender's.
        at: when it was first received, naive UTC.
        is_repeated: it had been received before, and changes nothing.
    """

    key: str
    at: datetime
    is_repeated: bool


def keyed_table(name: str, *columns: Column[Any]) -> Table:
    """Describe a keyed log of the store."""
    return Table(
        name,
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("at", DateTime),
        Column("by", String),
        Column("key", String),
        *columns,
    )


@dataclass(frozen=True)
class KeyedLog:
    """One keyed log.

    Attributes:
        store: where it is kept.
        table: its columns.
        derived: columns that the service fills in by itself: a repetition may differ in them.
    """

    store: Store
    table: Table
    derived: tuple[str, ...] = ()

    def add(self, rows: Sequence[Row], by: str) -> list[Receipt]:
        """Keep rows, all of them or none.

        A clock that was set back does not put a row before those that came earlier.

        Args:
            rows: each has `key` and the columns of the log, but for `id`, `at` and `by`.
            by: who sends them.

        Raises:
            InputError: a key was used before for something else.
        """
        with self.store.locked(), self.store.writing() as connection:
            last = self._last(connection)
            now = utc_now()
            at = now if last is None else max(now, last)
            return [self._add(connection, row, by, at) for row in rows]

    def rows(self, after: int = 0, since: datetime | None = None) -> list[dict[str, Any]]:
        """Return rows, the oldest first, with `id`, `at` and `by`.

        Args:
            after: only rows behind this number.
            since: only rows that came at this moment or later; None: whenever they came.
        """
        columns = self.table.c
        query = select(self.table).where(columns.id > after).order_by(columns.id)
        if since is not None:
            # Moments never go back, so the last earlier row is soon found from the end.
            earlier = select(columns.id).where(columns.at < since)
            last = earlier.order_by(columns.id.desc()).limit(1).scalar_subquery()
            query = query.where(columns.id > func.coalesce(last, 0))
        with self.store.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def last_id(self) -> int:
        """Return the number of the newest row; 0 without one."""
        newest = select(self.table.c.id).order_by(self.table.c.id.desc()).limit(1)
        with self.store.reading() as connection:
            return int(connection.execute(newest).scalar() or 0)

    def _add(self, connection: Connection, row: Row, by: str, at: datetime) -> Receipt:
        same_key = select(self.table).where(self.table.c.key == row["key"])
        kept = connection.execute(same_key).mappings().first()
        if kept is None:
            connection.execute(insert(self.table), [{**row, "at": at, "by": by}])
            return Receipt(row["key"], at, is_repeated=False)
        ours = {*ABOUT_ROW, *self.derived}
        before = {name: value for name, value in kept.items() if name not in ours}
        if before != {name: row.get(name) for name in before}:
            raise InputError(
                f"the key {row['key']!r} was used before, for something else; send a new key with "
                "something new, and the same key only to repeat the same"
            )
        return Receipt(row["key"], kept["at"], is_repeated=True)

    def _last(self, connection: Connection) -> datetime | None:
        newest = select(self.table.c.at).order_by(self.table.c.id.desc()).limit(1)
        last: datetime | None = connection.execute(newest).scalar()
        return last
