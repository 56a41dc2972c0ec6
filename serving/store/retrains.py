"""The log of retrains: what each began from, what each step did, and how it ended.

A retrain writes a line when it begins and one when it ends. One that was killed has no second line,
and is never taken for finished. Rows are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Integer, MetaData, String, Table, insert, select

from serving.store.database import Store


class Event(StrEnum):
    """What a line tells of a retrain."""

    STARTED = "started"
    DONE = "done"
    STOPPED = "stopped by check"


@dataclass(frozen=True)
class RetrainLine:
    """One line of the log.

    Attributes:
        run: names the retrain; its lines share it.
        at: when, naive UTC.
        event: what the line tells.
        source: what was read: a folder or URL, without any password.
        mapping: the mapping file; None without one.
        inputs: the state of everything that the retrain depends on, by name.
        result: what stands at the end: warehouse, champions and scores; empty before the end.
        steps: what each step did, in words and figures; empty before the end.
    """

    run: str
    at: datetime
    event: Event
    source: str
    mapping: str | None
    inputs: Mapping[str, Any]
    result: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]


_RETRAINS = Table(
    "retrains",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("run", String),
    Column("at", DateTime),
    Column("event", String),
    Column("source", String),
    Column("mapping", String),
    Column("inputs", JSON),
    Column("result", JSON),
    Column("steps", JSON),
)


@dataclass(frozen=True)
class RetrainLog:
    """The log of retrains of one home.

    Attributes:
        store: where it is kept.
    """

    store: Store

    def append(self, line: RetrainLine) -> None:
        """Add a line."""
        row = vars(line) | {"event": line.event.value, "steps": list(line.steps)}
        with self.store.writing() as connection:
            connection.execute(insert(_RETRAINS), row)

    def last(self) -> RetrainLine | None:
        """Return the newest line; None before the first retrain."""
        query = select(*(c for c in _RETRAINS.columns if c.name != "id"))
        with self.store.reading() as connection:
            row = connection.execute(query.order_by(_RETRAINS.c.id.desc()).limit(1)).mappings()
            newest = row.one_or_none()
        return (
            None if newest is None else RetrainLine(**{**newest, "event": Event(newest["event"])})
        )
