"""Access tokens of the service: create, list, revoke, verify.

A secret has 256 random bits and is shown once; only its SHA-256 is stored. A slow hash protects
passwords that people choose. Against 256 random bits guessing is hopeless, and every request would
pay for it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from features.errors import InputError, NotFoundError
from features.storage.files import held, replace_atomically

PREFIX = "pace_"
LONGEST_NAME = 100
_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Token:
    """One token, without its secret.

    Attributes:
        id: names it in lists and logs.
        name: the person or program it was created for.
        created_at: when it was created, UTC.
        revoked_at: when it was revoked, UTC; None while it gives access.
    """

    id: str
    name: str
    created_at: str
    revoked_at: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether it gives access."""
        return self.revoked_at is None


def create(home: Path, name: str) -> tuple[str, str]:
    """Create a token.

    Args:
        home: the folder whose service it gives access to.
        name: the person or program it is for; several tokens may share a name, so that one can
            replace another.

    Returns:
        Its id, and its secret, which cannot be shown again.

    Raises:
        InputError: the name would not be readable in lists and logs.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"{name!r} cannot be the name of a token; it should be 1 to {LONGEST_NAME} printable "
            "characters, such as the person or program that will use it"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(secrets.token_hex(4), name, _now())
    with _locked(home):
        _write(home, {**_read(home), token: _hash(secret)})
    return token.id, secret


def list_tokens(home: Path) -> tuple[Token, ...]:
    """Return every token ever created, revoked ones included, oldest first."""
    return tuple(_read(home))


def revoke(home: Path, token_id: str) -> Token:
    """End a token's access now; one that was revoked before stays as it is.

    Returns:
        The revoked token.

    Raises:
        NotFoundError: no token has the id.
    """
    with _locked(home):
        hashes = _read(home)
        token = next((token for token in hashes if token.id == token_id), None)
        if token is None:
            known = ", ".join(token.id for token in hashes) or "none"
            raise NotFoundError(f"no token has the id {token_id!r}; the ids are: {known}")
        if not token.is_active:
            return token
        revoked = replace(token, revoked_at=_now())
        _write(home, {revoked if key is token else key: value for key, value in hashes.items()})
    return revoked


def verify(home: Path, secret: str) -> Token | None:
    """Return the active token of a secret; None if there is none.

    The time it takes does not tell how much of a wrong secret is right.
    """
    presented, match = _hash(secret), None
    for token, stored in _read(home).items():
        if hmac.compare_digest(stored, presented) and token.is_active:
            match = token
    return match


def _read(home: Path) -> dict[Token, str]:
    """Return every token with the hash of its secret."""
    path = _path(home)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["tokens"]
        return {Token(**entry["token"]): str(entry["sha256"]) for entry in entries}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as tokens: {error}; restore it, or remove it and create new "
            "tokens"
        ) from None


def _write(home: Path, hashes: Mapping[Token, str]) -> None:
    entries = [{"token": asdict(token), "sha256": value} for token, value in hashes.items()]
    replace_atomically(_path(home), json.dumps({"tokens": entries}, indent=1), mode=_OWNER_ONLY)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(home: Path) -> Path:
    return home / "data" / "tokens.json"


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Let one process at a time change the tokens."""
    folder = _path(home).parent
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(folder / "tokens.lock", mode=_OWNER_ONLY))
        except OSError as error:
            raise InputError(f"cannot write under {folder}: {error.strerror}") from None
        yield
