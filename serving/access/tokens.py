"""Access tokens of the service: create, list, revoke, and take over those of earlier versions.

A secret has 256 random bits and is shown once; only its SHA-256 is stored. A slow hash protects
passwords that people choose. Against 256 random bits guessing is hopeless, and every request would
pay for it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from features.clock import naive_utc, utc_now
from features.errors import InputError, NotFoundError
from serving.access.people import Role
from serving.store.database import Store
from serving.store.tokens import Token, TokenTable

PREFIX = "pace_"
LONGEST_NAME = 100
EARLIER_FILE = "tokens.json"
"""Where earlier versions kept tokens, below HOME/data."""
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Grant:
    """What a token lets its holder do; without anything said, everything.

    Attributes:
        role: decides what they may see.
        rep_id: the rep or manager that they are in the CRM.
        days: how long the token gives access; None for ever.
    """

    role: Role = Role.ADMIN
    rep_id: str | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rep who is nobody, and an analyst who is somebody.

        Raises:
            InputError: the role and the rep do not go together.
        """
        is_rep = self.role in {Role.REP, Role.MANAGER}
        if is_rep and not self.rep_id:
            raise InputError(
                f"a {self.role} needs the id that they have in the CRM: add --rep ID; what they "
                "may see follows from it"
            )
        if not is_rep and self.rep_id is not None:
            raise InputError(
                f"--rep goes with --role rep or --role manager; an {self.role} is nobody's rep"
            )


FULL_ACCESS = Grant()


def create(
    store: Store, name: str, grant: Grant = FULL_ACCESS, clock: Clock = utc_now
) -> tuple[str, str]:
    """Create a token.

    Args:
        store: of the home whose service it gives access to.
        name: the person or program it is for; several tokens may share a name, so that one can
            replace another.
        grant: what it lets them do, and for how long.
        clock: tells the time, naive UTC.

    Returns:
        Its id, and its secret, which cannot be shown again.

    Raises:
        InputError: the name would not be readable in lists and logs, or the tokens of an earlier
            version were not taken over yet.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"{name!r} cannot be the name of a token; it should be 1 to {LONGEST_NAME} printable "
            "characters, such as the person or program that will use it"
        )
    require_taken_over(store)
    now = clock().replace(microsecond=0)
    ends = None if grant.days is None else now + timedelta(days=grant.days)
    token = Token(secrets.token_hex(4), name, grant.role.value, grant.rep_id, now, ends)
    secret = PREFIX + secrets.token_urlsafe(32)
    TokenTable(store).add({sha256(secret): token})
    return token.id, secret


def list_tokens(store: Store) -> tuple[Token, ...]:
    """Return every token ever created, revoked and expired ones included, oldest first."""
    require_taken_over(store)
    return tuple(TokenTable(store).tokens().values())


def revoke(store: Store, token_id: str, clock: Clock = utc_now) -> Token:
    """End a token's access now, with the sessions that began with it.

    Returns:
        The revoked token; one that was revoked before stays as it is.

    Raises:
        NotFoundError: no token has the id.
    """
    if all(token.id != token_id for token in list_tokens(store)):
        known = ", ".join(token.id for token in list_tokens(store)) or "none"
        raise NotFoundError(f"no token has the id {token_id!r}; the ids are: {known}")
    TokenTable(store).revoke(token_id, clock().replace(microsecond=0))
    return next(token for token in list_tokens(store) if token.id == token_id)


def require_taken_over(store: Store) -> None:
    """Refuse a home whose tokens are still in a file of an earlier version.

    Raises:
        InputError: names the file and the command.
    """
    path = _earlier(store)
    if path.exists():
        raise InputError(
            f"{path} holds tokens of an earlier version; run `pacesetter upgrade`, which takes "
            "them over into the store, or remove the file if nobody needs them"
        )


def take_over(store: Store) -> int:
    """Move the tokens of an earlier version into the store, each with full access as before.

    Returns:
        How many there were; the file is gone afterwards.

    Raises:
        InputError: the file cannot be read.
    """
    path = _earlier(store)
    if not path.exists():
        return 0
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["tokens"]
        tokens = {str(entry["sha256"]): _earlier_token(entry["token"]) for entry in entries}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as tokens: {error}; restore it, or remove it and create new "
            "tokens"
        ) from None
    # One that was interrupted between the two steps finds its rows there already.
    known = TokenTable(store).tokens()
    TokenTable(store).add({key: token for key, token in tokens.items() if key not in known})
    path.unlink()
    return len(tokens)


def _earlier_token(entry: dict[str, str | None]) -> Token:
    created, revoked = str(entry["created_at"]), entry.get("revoked_at")
    return Token(
        str(entry["id"]),
        str(entry["name"]),
        Role.ADMIN.value,
        None,
        naive_utc(datetime.fromisoformat(created)),
        revoked_at=None if revoked is None else naive_utc(datetime.fromisoformat(revoked)),
    )


def _earlier(store: Store) -> Path:
    return store.home / "data" / EARLIER_FILE


def sha256(secret: str) -> str:
    """Return the hash by which a secret is known."""
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).hexdigest()
