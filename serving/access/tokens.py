"""Tokens that open the service: made, listed, revoked, verified.

A secret has 256 random bits and is shown once; only its SHA-256 is kept. A slow hash guards words
people choose; against 256 random bits there is nothing to guess, and every request pays for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from features.errors import InputError, NotFoundError

PREFIX = "pace_"
LONGEST_NAME = 100
_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Token:
    """One token, its secret aside.

    Attributes:
        id: names it in lists and logs.
        name: whom or what it was made for.
        created_at: when it was made, UTC.
        revoked_at: when it was revoked, UTC; None while it opens the service.
    """

    id: str
    name: str
    created_at: str
    revoked_at: str | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether it opens the service."""
        return self.revoked_at is None


def create(home: Path, name: str) -> tuple[str, str]:
    """Make a token; returns its id and its secret, which cannot be shown again.

    Args:
        home: the folder whose service it opens.
        name: whom or what it is for; several tokens may share a name, so that one can be replaced.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"a token's name was given as {name!r}; it should be 1 to {LONGEST_NAME} printable "
            "characters, such as the person or program that will use it"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(secrets.token_hex(4), name, _now())
    with _exclusive(home):
        _write(home, {**_read(home), token: _hash(secret)})
    return token.id, secret


def list_tokens(home: Path) -> tuple[Token, ...]:
    """Give every token ever made, revoked ones included, oldest first."""
    return tuple(_read(home))


def revoke(home: Path, token_id: str) -> Token:
    """Close the service to a token from now on; one that is revoked already stays as it is."""
    with _exclusive(home):
        tokens = _read(home)
        found = next((token for token in tokens if token.id == token_id), None)
        if found is None:
            known = ", ".join(token.id for token in tokens) or "none"
            raise NotFoundError(f"no token has the id {token_id!r}; the ids are: {known}")
        if not found.is_active:
            return found
        revoked = replace(found, revoked_at=_now())
        _write(home, {revoked if token is found else token: of for token, of in tokens.items()})
    return revoked


def verify(home: Path, secret: str) -> Token | None:
    """Find the active token of a secret; the time taken does not tell how nearly it fits."""
    presented, match = _hash(secret), None
    for token, kept in _read(home).items():
        if hmac.compare_digest(kept, presented) and token.is_active:
            match = token
    return match


def _read(home: Path) -> dict[Token, str]:
    """Give every token with the hash of its secret."""
    path = _path(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {Token(**one["token"]): str(one["sha256"]) for one in content["tokens"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as tokens: {error}; restore it, or remove it and create new "
            "ones"
        ) from None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(home: Path) -> Path:
    return home / "data" / "tokens.json"


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """Let one process at a time change the tokens; the system frees the lock of a dead one."""
    folder = _path(home).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(folder / "tokens.lock", os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    except OSError as error:
        raise InputError(f"cannot write under {folder}: {error.strerror}") from None
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _write(home: Path, tokens: Mapping[Token, str]) -> None:
    """Replace the file in one step; it is never readable by others, not even for a moment."""
    path = _path(home)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        rows = [{"token": asdict(token), "sha256": of} for token, of in tokens.items()]
        json.dump({"tokens": rows}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
