"""The people who are forgotten, as the store knows them: a keyed hash each, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, insert, select

from features.ingest.forgotten import KINDS, Forgotten
from serving.store.database import Store
from serving.store.secret import Purpose, secret_of

_FORGOTTEN = Table(
    "forgotten",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("kind", String),
    Column("hash", String),
)


@dataclass(frozen=True)
class ForgottenList:
    """The forgotten people of one home, or of the homes that share a store.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def people(self) -> Forgotten:
        """Return the key and the hashes; the first who asks makes the key."""
        key = secret_of(self.store, Purpose.FORGOTTEN)
        with self.store.reading() as connection:
            rows = connection.execute(select(_FORGOTTEN.c.kind, _FORGOTTEN.c.hash)).all()
        hashes = {kind: frozenset(row.hash for row in rows if row.kind == kind) for kind in KINDS}
        return Forgotten(key, hashes)

    def add(self, kind: str, hashes: set[str], at: datetime) -> None:
        """Add people, all of them or none; those who are there already stay as they are."""
        new = hashes - self.people().hashes[kind]
        if new:
            rows = [{"at": at, "kind": kind, "hash": value} for value in sorted(new)]
            with self.store.writing() as connection:
                connection.execute(insert(_FORGOTTEN), rows)
