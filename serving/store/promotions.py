"""The promotion log: who made which model champion, when, why, and by which figures.

Rows are only added; the database itself refuses to change or remove one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Integer, MetaData, String, Table, insert, select

from features.clock import zulu
from serving.store.database import Store


class How(StrEnum):
    """In which way a model became champion."""

    FIRST = "first"
    TRAIN = "train --promote"
    GATE = "gate"
    PERSON = "person"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class Entry:
    """One change of champion.

    Attributes:
        at: when, naive UTC.
        kind: "leads" or "quota".
        from_version: the champion before; None for the first.
        to_version: the champion from then on.
        how: in which way.
        by: the person who decided; None where no person was named.
        reason: in words.
        figures: what was known of the model: the gate's figures, or those of its own test.
        data_fingerprint: of the extract it learned from.
        feature_fingerprint: of the declarations of its features.
        model_version: the name made of its content: equal content, equal name.
    """

    at: datetime
    kind: str
    from_version: str | None
    to_version: str
    how: How
    by: str | None
    reason: str
    figures: Mapping[str, Any]
    data_fingerprint: str
    feature_fingerprint: str
    model_version: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return vars(self) | {"at": zulu(self.at), "how": self.how.value}


_PROMOTIONS = Table(
    "promotions",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("kind", String),
    Column("from_version", String),
    Column("to_version", String),
    Column("how", String),
    Column("by", String),
    Column("reason", String),
    Column("figures", JSON),
    Column("data_fingerprint", String),
    Column("feature_fingerprint", String),
    Column("model_version", String),
)


@dataclass(frozen=True)
class PromotionLog:
    """The promotion log of one home.

    Attributes:
        store: where it is kept.
    """

    store: Store

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries, all of them or none."""
        if not entries:
            return
        rows = [vars(entry) | {"how": entry.how.value} for entry in entries]
        with self.store.writing() as connection:
            connection.execute(insert(_PROMOTIONS), rows)

    def entries(self, kind: str | None = None) -> list[Entry]:
        """Return the entries of a kind, or all, the oldest first."""
        query = select(*(c for c in _PROMOTIONS.columns if c.name != "id"))
        if kind is not None:
            query = query.where(_PROMOTIONS.c.kind == kind)
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(_PROMOTIONS.c.id)).mappings().all()
        return [Entry(**{**row, "how": How(row["how"])}) for row in rows]


def before_present(entries: Sequence[Entry]) -> str | None:
    """Return the version that a rollback goes back to; None if there is none.

    A rollback undoes the newest promotion that stands, and leaves the one before it on top:

    | entries so far                              | champion | a rollback goes to |
    |---------------------------------------------|----------|--------------------|
    | first 1                                     | 1        | nothing            |
    | first 1, person 2, gate 3                   | 3        | 2                  |
    | first 1, person 2, gate 3, rollback 2       | 2        | 1                  |
    | first 1, person 2, rollback 1               | 1        | nothing            |

    Args:
        entries: of one kind, the oldest first.
    """
    standing: list[str] = []
    for entry in entries:
        if entry.how is How.ROLLBACK:
            del standing[-1:]
        else:
            standing.append(entry.to_version)
    return standing[-2] if len(standing) > 1 else None
