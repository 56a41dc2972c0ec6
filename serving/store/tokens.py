"""Tokens and the sessions that began with them, as rows: the hash of each secret, never the secret.

A token stands for one person or program. A session is one browser in which they signed in.
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
    delete,
    insert,
    select,
    update,
)

from features.clock import zulu
from serving.store.database import Store


@dataclass(frozen=True)
class Token:
    """One token, without its secret.

    Attributes:
        id: names it in lists and logs.
        name: the person or program it was created for.
        role: what that person may see: rep, manager, analyst or admin.
        rep_id: the rep that they are in the CRM; None for an analyst or an admin.
        created_at: when it was created, naive UTC.
        expires_at: from when on it gives no access; None for never.
        revoked_at: when it was revoked; None while it gives access.
    """

    id: str
    name: str
    role: str
    rep_id: str | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Tell whether it gives access at a moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        moments = {name: getattr(self, name) for name in ("created_at", "expires_at", "revoked_at")}
        return vars(self) | {n: None if m is None else zulu(m) for n, m in moments.items()}


@dataclass(frozen=True)
class Session:
    """A browser in which somebody signed in.

    Attributes:
        token_id: the token that was given.
        created_at: when, naive UTC.
        expires_at: from when on it is over.
        ended_at: when they signed out; None while it runs.
    """

    token_id: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Tell whether it runs at a moment."""
        return self.ended_at is None and now < self.expires_at


_META = MetaData()
TOKENS = Table(
    "tokens",
    _META,
    Column("number", Integer, primary_key=True),
    Column("id", String),
    Column("name", String),
    Column("role", String),
    Column("rep_id", String),
    Column("sha256", String),
    Column("created_at", DateTime),
    Column("expires_at", DateTime),
    Column("revoked_at", DateTime),
)
SESSIONS = Table(
    "sessions",
    _META,
    Column("sha256", String, primary_key=True),
    Column("token_id", String),
    Column("created_at", DateTime),
    Column("expires_at", DateTime),
    Column("ended_at", DateTime),
)


@dataclass(frozen=True)
class TokenTable:
    """The tokens and sessions of one home.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def add(self, tokens: Mapping[str, Token]) -> None:
        """Add tokens by the hash of their secret, all of them or none."""
        rows = [vars(token) | {"sha256": sha256} for sha256, token in tokens.items()]
        if rows:
            with self.store.writing() as connection:
                connection.execute(insert(TOKENS), rows)

    def tokens(self) -> dict[str, Token]:
        """Return every token ever created by the hash of its secret, the oldest first."""
        with self.store.reading() as connection:
            return _tokens(connection)

    def revoke(self, token_id: str, at: datetime) -> None:
        """Note when a token was revoked, unless it was before."""
        one = (TOKENS.c.id == token_id) & TOKENS.c.revoked_at.is_(None)
        with self.store.writing() as connection:
            connection.execute(update(TOKENS).where(one).values(revoked_at=at))

    def add_session(self, sha256: str, session: Session) -> None:
        """Note that a session has begun."""
        with self.store.writing() as connection:
            connection.execute(insert(SESSIONS), vars(session) | {"sha256": sha256})

    def access(self, now: datetime) -> tuple[dict[str, Token], dict[str, Session]]:
        """Return all tokens, and the sessions that run at a moment, by their hashes."""
        runs = (SESSIONS.c.expires_at > now) & SESSIONS.c.ended_at.is_(None)
        with self.store.reading() as connection:
            rows = _rows(connection, select(SESSIONS).where(runs))
            return _tokens(connection), {row.pop("sha256"): Session(**row) for row in rows}

    def remove_sessions(self, before: datetime) -> int:
        """Remove the sessions that were over before a moment; returns how many."""
        with self.store.writing() as connection:
            removed = connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < before))
            return int(removed.rowcount)

    def end_session(self, sha256: str, at: datetime) -> None:
        """Note that somebody has signed out."""
        one = (SESSIONS.c.sha256 == sha256) & SESSIONS.c.ended_at.is_(None)
        with self.store.writing() as connection:
            connection.execute(update(SESSIONS).where(one).values(ended_at=at))


def _tokens(connection: Connection) -> dict[str, Token]:
    query = select(*(c for c in TOKENS.columns if c.name != "number")).order_by(TOKENS.c.number)
    return {row.pop("sha256"): Token(**row) for row in _rows(connection, query)}


def _rows(connection: Connection, query: Any) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
