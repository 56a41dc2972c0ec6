"""The digests that were made: for whom, when, and what they were based on. Rows are only added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Integer, MetaData, String, Table, insert, select

from features.clock import utc_now
from serving.store.database import Store


@dataclass(frozen=True)
class SentDigest:
    """One digest.

    Attributes:
        at: when it was made, naive UTC.
        reader: the rep or manager that it was for.
        items: the figures that it was based on, by name.
    """

    at: datetime
    reader: str
    items: Mapping[str, Any]


_DIGESTS = Table(
    "digests",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("reader", String),
    Column("items", JSON),
)


@dataclass(frozen=True)
class DigestLog:
    """The digests of one home, or of all homes of a company.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def add(self, reader: str, items: Mapping[str, Any]) -> None:
        """Keep that somebody got a digest."""
        row = {"at": utc_now(), "reader": reader, "items": dict(items)}
        with self.store.writing() as connection:
            connection.execute(insert(_DIGESTS), row)

    def newest(self) -> dict[str, SentDigest]:
        """Return each reader's newest digest."""
        columns = [column for column in _DIGESTS.columns if column.name != "id"]
        with self.store.reading() as connection:
            rows = connection.execute(select(*columns).order_by(_DIGESTS.c.id)).mappings().all()
        return {row["reader"]: SentDigest(**row) for row in rows}
