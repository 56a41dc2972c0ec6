"""The log of views: who looked at whose risk, when and where, and what that person says to it.

Rows are only added, and removed when they are older than views are kept. The person who was looked
at reads them, and may write beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
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
    delete,
    insert,
    select,
)

from features.clock import zulu
from features.errors import NotFoundError
from serving.store.database import Store
from serving.store.erase import unguarded


@dataclass(frozen=True)
class ViewNote:
    """What the person who was looked at wrote beside a view.

    Attributes:
        at: when, naive UTC.
        by: their name.
        text: in their words.
    """

    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class View:
    """One look at a person's risk.

    Attributes:
        at: when, naive UTC.
        viewer_id: the token of who looked; a user of this machine where it was the terminal.
        viewer: their name.
        role: what they were then.
        rep_id: whom they looked at.
        what: what they saw, such as `rep outlook`.
        id: names the view; 0 before it is kept.
        notes: what that person wrote beside it, the oldest first.
    """

    at: datetime
    viewer_id: str
    viewer: str
    role: str
    rep_id: str
    what: str
    id: int = 0
    notes: Sequence[ViewNote] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        notes = [vars(note) | {"at": zulu(note.at)} for note in self.notes]
        return vars(self) | {"at": zulu(self.at), "notes": notes}


_META = MetaData()
_VIEWS = Table(
    "views",
    _META,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("viewer_id", String),
    Column("viewer", String),
    Column("role", String),
    Column("rep_id", String),
    Column("what", String),
)
_NOTES = Table(
    "view_notes",
    _META,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("view_id", Integer),
    Column("by", String),
    Column("text", String),
)
_OWN = {"id", "notes"}
"""Fields of a view that the database fills."""


@dataclass(frozen=True)
class ViewLog:
    """The log of views of one home.

    Attributes:
        store: where it is kept.
    """

    store: Store

    def add(self, views: Iterable[View]) -> None:
        """Add views, all of them or none."""
        rows = [{k: v for k, v in vars(view).items() if k not in _OWN} for view in views]
        if rows:
            with self.store.writing() as connection:
                connection.execute(insert(_VIEWS), rows)

    def of(self, rep_id: str, limit: int = 100, before: int | None = None) -> list[View]:
        """Return who looked at a rep, the newest first, with what the rep wrote beside it.

        Args:
            rep_id: whom they looked at.
            limit: the most views to return.
            before: the `id` of the last view of the page before; None for the first page.
        """
        own = _VIEWS.c.rep_id == rep_id
        if before is not None:
            own &= _VIEWS.c.id < before
        query = select(_VIEWS).where(own).order_by(_VIEWS.c.id.desc()).limit(limit)
        with self.store.reading() as connection:
            views = [View(**row) for row in connection.execute(query).mappings()]
            notes = _notes(connection, [view.id for view in views])
        return [replace(view, notes=tuple(notes.get(view.id, ()))) for view in views]

    def remove(self, before: datetime) -> int:
        """Remove the views before a moment, with what was written beside them; returns how many.

        The log is only added to otherwise: what guards it is lifted within this transaction.
        """
        old = select(_VIEWS.c.id).where(_VIEWS.c.at < before)
        with self.store.locked(), self.store.writing() as connection:
            with unguarded(connection, _NOTES):
                connection.execute(delete(_NOTES).where(_NOTES.c.view_id.in_(old)))
            with unguarded(connection, _VIEWS):
                return connection.execute(delete(_VIEWS).where(_VIEWS.c.at < before)).rowcount

    def annotate(self, view_id: int, rep_id: str, note: ViewNote) -> None:
        """Write beside a view.

        Args:
            view_id: which.
            rep_id: the person who writes; only their own views can be written beside.
            note: what they write.

        Raises:
            NotFoundError: no view of that person has the id.
        """
        one = (_VIEWS.c.id == view_id) & (_VIEWS.c.rep_id == rep_id)
        with self.store.writing() as connection:
            if connection.execute(select(_VIEWS.c.id).where(one)).scalar() is None:
                raise NotFoundError(
                    f"nobody looked at you under the number {view_id}; write beside one of the "
                    "views that `GET /me/views` lists"
                )
            connection.execute(insert(_NOTES), vars(note) | {"view_id": view_id})


def _notes(connection: Connection, view_ids: Sequence[int]) -> dict[int, list[ViewNote]]:
    query = select(_NOTES).where(_NOTES.c.view_id.in_(view_ids)).order_by(_NOTES.c.id)
    notes: dict[int, list[ViewNote]] = {}
    for row in connection.execute(query).mappings():
        notes.setdefault(row["view_id"], []).append(ViewNote(row["at"], row["by"], row["text"]))
    return notes
