"""Sessions of browsers, and the tokens of their forms: signed, expiring, revocable.

A session's cookie holds a random id, signed with a secret of the store. The store knows the hash of
the id, the token that was given and when the session ends; it ends earlier when the person signs
out or the token is revoked.

A form's token shows that the form came from this service and from the same browser: it is the
signature of the browser's own cookie, which another site can neither read nor set.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from itsdangerous import BadSignature, Signer
from starlette.responses import Response

from serving.access.directory import Directory
from serving.access.people import Person
from serving.access.tokens import Clock, sha256
from serving.store.database import Store
from serving.store.secret import Purpose, secret_of
from serving.store.tokens import Session, TokenTable

SESSION_COOKIE = "pacesetter_session"
VISITOR_COOKIE = "pacesetter_visitor"
"""Binds the form by which somebody signs in to the browser that asked for it."""
CSRF_FIELD = "csrf"
"""The field of every form that holds its token."""


@dataclass(frozen=True)
class Sessions:
    """The sessions of one home.

    Attributes:
        store: keeps them.
        directory: tells who is behind them.
        hours: how long one lasts.
        clock: tells the time, naive UTC.
    """

    store: Store
    directory: Directory
    hours: float
    clock: Clock

    def sign_in(self, secret: str) -> str | None:
        """Begin a session; returns the value of its cookie, or None where the token is wrong."""
        person = self.directory.of_token(secret.strip())
        if person is None:
            return None
        session_id, now = secrets.token_urlsafe(32), self.clock()
        session = Session(person.id, now, now + timedelta(hours=self.hours))
        TokenTable(self.store).add_session(sha256(session_id), session)
        return self._signer.sign(session_id).decode()

    def person(self, cookie: str) -> Person | None:
        """Return who signed in; None where the cookie is not ours or the session has ended."""
        session_id = self._session_id(cookie)
        return None if session_id is None else self.directory.of_session(session_id)

    def sign_out(self, cookie: str) -> None:
        """End a session at once; a cookie that is not ours ends nothing."""
        session_id = self._session_id(cookie)
        if session_id is not None:
            TokenTable(self.store).end_session(sha256(session_id), self.clock())

    def form_token(self, cookie: str) -> str:
        """Return the token for forms of the browser that holds a cookie, session's or visitor's."""
        return hmac.digest(self._key, f"form {cookie}".encode(), "sha256").hex()

    def is_form_token(self, token: str, cookie: str) -> bool:
        """Tell whether a form's token was made for the browser that holds a cookie."""
        return hmac.compare_digest(token.encode(), self.form_token(cookie).encode())

    def _session_id(self, cookie: str) -> str | None:
        try:
            return self._signer.unsign(cookie.encode()).decode()
        except (BadSignature, UnicodeError):
            return None

    @cached_property
    def _key(self) -> bytes:
        return secret_of(self.store, Purpose.SESSIONS).encode()

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self._key, salt="session")


def way_back(asked: str | None) -> str:
    """Return the path to go to after signing in: the one asked for, if it is one of this service.

    >>> way_back("/reps/r1?period=2025-01-01"), way_back("//elsewhere.example"), way_back(None)
    ('/reps/r1?period=2025-01-01', '/', '/')
    """
    is_own = asked is not None and asked.startswith("/") and asked.isprintable()
    # A browser takes two slashes, of whichever kind, for the beginning of another site's address.
    return asked if asked and is_own and asked[1:2] not in {"/", "\\"} else "/"


def new_visitor() -> str:
    """Return a value for the cookie of a browser without a session."""
    return secrets.token_urlsafe(16)


def keep_cookie(response: Response, name: str, value: str, *, is_https: bool) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send.

    Args:
        response: carries it.
        name: of the cookie.
        value: of the cookie; empty removes it.
        is_https: the browser reached the service by HTTPS; the cookie then travels by it alone.
    """
    set_cookie: Callable[..., None] = response.set_cookie
    set_cookie(
        name,
        value,
        max_age=None if value else 0,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="lax",
    )
