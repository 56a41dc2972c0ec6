"""Who is behind a secret: tokens and sessions in memory, read again when the store changes.

A request must not wait for a database, and a revoked token must not work. On SQLite every write
shows in the store's files, whose state is asked for at each look; on PostgreSQL, and for whatever
the files' clock is too coarse to show, everything is read again after a second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.access.people import Person, Role
from serving.access.tokens import Clock, require_taken_over, sha256
from serving.store.database import Store
from serving.store.tokens import Session, Token, TokenTable

LONGEST_SECONDS = 1.0
"""How long what was read counts without being read again."""

Mark = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class _Snapshot:
    """Everybody who had access when the store was read.

    Attributes:
        tokens: by the hash of their secret.
        by_id: the same tokens by id.
        sessions: by the hash of their id.
        mark: the state of the store's files before they were read.
        read_at: when, on a clock that never goes back.
    """

    tokens: Mapping[str, Token]
    by_id: Mapping[str, Token]
    sessions: Mapping[str, Session]
    mark: Mark
    read_at: float


class Directory:
    """Tells who a token, a session or a name stands for.

    Args:
        store: holds tokens and sessions.
        clock: tells the time, naive UTC; decides what has expired.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Read nothing yet."""
        self._store = store
        self._clock = clock
        self._snapshot: _Snapshot | None = None

    def is_fresh(self) -> bool:
        """Tell whether `refresh` would find nothing new, without opening the store."""
        snapshot = self._snapshot
        if snapshot is None or time.monotonic() - snapshot.read_at > LONGEST_SECONDS:
            return False
        return snapshot.mark == self._mark()

    def refresh(self) -> _Snapshot:
        """Read the store.

        Raises:
            InputError: it cannot be read, or the tokens are still in an earlier version's file.
        """
        mark, read_at = self._mark(), time.monotonic()
        require_taken_over(self._store)
        tokens, sessions = TokenTable(self._store).access(self._clock())
        by_id = {token.id: token for token in tokens.values()}
        snapshot = _Snapshot(tokens, by_id, sessions, mark, read_at)
        self._snapshot = snapshot
        return snapshot

    def of_token(self, secret: str) -> Person | None:
        """Return whom a token's secret stands for; None where it gives no access.

        The time it takes does not tell how much of a wrong secret is right: hashes are looked up,
        not secrets.
        """
        return self._person(self._read().tokens.get(sha256(secret)))

    def of_session(self, session_id: str) -> Person | None:
        """Return who signed in to a session; None where it or its token has ended."""
        snapshot = self._read()
        session = snapshot.sessions.get(sha256(session_id))
        if session is None or not session.is_active(self._clock()):
            return None
        return self._person(snapshot.by_id.get(session.token_id))

    def of_name(self, name: str) -> Person | None:
        """Return whom a name stands for: the newest token of that name that gives access."""
        now, tokens = self._clock(), self._read().tokens.values()
        named = [token for token in tokens if token.name == name and token.is_active(now)]
        return self._person(named[-1]) if named else None

    def _person(self, token: Token | None) -> Person | None:
        if token is None or not token.is_active(self._clock()):
            return None
        return Person(token.id, token.name, Role(token.role), token.rep_id)

    def _read(self) -> _Snapshot:
        if self._snapshot is None or not self.is_fresh():
            return self.refresh()
        return self._snapshot

    def _mark(self) -> Mark:
        if self._store.schema is not None:
            return ()
        path = self._store.path
        return tuple(_state(path.with_name(path.name + end)) for end in ("", "-wal"))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
