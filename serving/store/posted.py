"""Events that were posted to the service and that no extract has brought yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, String

from serving.store.database import Store
from serving.store.keyed_log import KeyedLog, Receipt, keyed_table


class EventKind(StrEnum):
    """Which table a posted row belongs to."""

    ACTIVITY = "activity"
    LEAD = "lead"
    CHANGE = "change"


@dataclass(frozen=True)
class PostedEvent:
    """One posted row.

    Attributes:
        kind: which table it belongs to.
        id: the `activity_id` or `lead_id`, or what tells a change apart.
        row: its values by column, moments as texts in UTC.
        known_at: when it arrived, naive UTC; None before it is kept.
    """

    kind: EventKind
    id: str
    row: Mapping[str, Any]
    known_at: datetime | None = None


_EVENTS = keyed_table("posted_events", Column("kind", String), Column("row", JSON))


@dataclass(frozen=True)
class PostedLog:
    """The posted events of one home, or those that the homes of a company share.

    Attributes:
        store: where they are kept.
    """

    store: Store

    @property
    def _log(self) -> KeyedLog:
        return KeyedLog(self.store, _EVENTS)

    def add(self, events: Sequence[PostedEvent], by: str) -> list[Receipt]:
        """Keep events, all of them or none; an event that was posted before counts once.

        Raises:
            InputError: an id was used before for another event.
        """
        rows = [
            {"key": f"{event.kind}:{event.id}", "kind": event.kind.value, "row": dict(event.row)}
            for event in events
        ]
        return self._log.add(rows, by)

    def all(self) -> list[PostedEvent]:
        """Return every event, the oldest first."""
        return [
            PostedEvent(EventKind(row["kind"]), row["key"].partition(":")[2], row["row"], row["at"])
            for row in self._log.rows()
        ]

    def mark(self) -> int:
        """Return a number that grows with every new event."""
        return self._log.last_id()
