"""The coaching log: what a rep and a manager agreed on, noted, or contested, by whom and when.

Each commitment, plan step, note and contested figure is an item with a number of its own within the
rep's lines; later lines of the same number say what became of it. Rows are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)

from features.clock import zulu
from serving.store.database import Store


class CoachingEvent(StrEnum):
    """What a line of the log tells."""

    COMMITTED = "committed"
    STEP = "plan step"
    DONE = "done"
    DROPPED = "dropped"
    NOTE = "note"
    CONTESTED = "contested"
    ANSWERED = "answered"


BEGINS = (
    CoachingEvent.COMMITTED,
    CoachingEvent.STEP,
    CoachingEvent.NOTE,
    CoachingEvent.CONTESTED,
)
"""Events that begin an item."""


@dataclass(frozen=True)
class CoachingLine:
    """One line of the log.

    Attributes:
        at: when, naive UTC.
        by: who wrote it.
        rep_id: whom it is about.
        event: what it tells.
        text: in that person's words.
        item: the number of the commitment, step, note or contested figure; 0 lets `add` choose the
            next one.
        figure: the figure that is contested or measured, by its name on the sheet.
        due: by when, for commitments and steps.
        facts: what was known of the figure then.
    """

    at: datetime
    by: str
    rep_id: str
    event: CoachingEvent
    text: str
    item: int = 0
    figure: str | None = None
    due: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return vars(self) | {
            "at": zulu(self.at),
            "event": self.event.value,
            "due": None if self.due is None else zulu(self.due),
            "facts": dict(self.facts),
        }


_COACHING = Table(
    "coaching",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("by", String),
    Column("rep_id", String),
    Column("item", Integer),
    Column("event", String),
    Column("text", String),
    Column("figure", String),
    Column("due", DateTime),
    Column("facts", JSON),
)


@dataclass(frozen=True)
class CoachingLog:
    """The coaching log of one home.

    Attributes:
        store: where it is kept.
    """

    store: Store

    def add(self, lines: Sequence[CoachingLine]) -> list[CoachingLine]:
        """Add lines, all of them or none, and return them with their numbers."""
        with self.store.locked(), self.store.writing() as connection:
            numbered = []
            for line in lines:
                own = _COACHING.c.rep_id == line.rep_id
                last = connection.execute(select(func.max(_COACHING.c.item)).where(own)).scalar()
                item = line.item or (last or 0) + 1
                numbered.append(replace(line, item=item))
                row = vars(numbered[-1]) | {
                    "event": line.event.value,
                    "facts": dict(line.facts),
                }
                connection.execute(insert(_COACHING), [row])
        return numbered

    def lines(self, rep_id: str | None = None) -> list[CoachingLine]:
        """Return the lines about a rep, or all, the oldest first."""
        query = select(*(c for c in _COACHING.columns if c.name != "id"))
        if rep_id is not None:
            query = query.where(_COACHING.c.rep_id == rep_id)
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(_COACHING.c.id)).mappings().all()
        return [CoachingLine(**{**row, "event": CoachingEvent(row["event"])}) for row in rows]
