"""Changes of settings by an admin, laid over params.yaml: a log that only grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, DateTime, Integer, MetaData, String, Table, insert, select

from features.clock import utc_now
from serving.store.database import Store


@dataclass(frozen=True)
class Override:
    """One change of a setting.

    Attributes:
        at: when, naive UTC.
        by: who.
        name: the dotted name of the setting within the section `serving`.
        value: the new value; None takes earlier changes back, so that params.yaml counts again.
    """

    at: datetime
    by: str
    name: str
    value: float | int | None


_OVERRIDES = Table(
    "setting_overrides",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("by", String),
    Column("name", String),
    Column("value", JSON),
)


@dataclass(frozen=True)
class OverrideLog:
    """The changes of settings of one home, or of all homes of a company.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def add(self, name: str, value: float | None, by: str) -> None:
        """Keep one change."""
        row = {"at": utc_now(), "by": by, "name": name, "value": value}
        with self.store.writing() as connection:
            connection.execute(insert(_OVERRIDES), row)

    def all(self) -> Sequence[Override]:
        """Return every change, the oldest first."""
        columns = [column for column in _OVERRIDES.columns if column.name != "id"]
        with self.store.reading() as connection:
            rows = connection.execute(select(*columns).order_by(_OVERRIDES.c.id)).mappings()
            return [Override(**row) for row in rows]

    def newest(self) -> dict[str, Override]:
        """Return the change of each setting that counts."""
        return {row.name: row for row in self.all()}
