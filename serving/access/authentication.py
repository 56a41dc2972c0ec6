"""Who sends a request: a bearer token, a signed session, or the header of a trusted proxy.

Built on Starlette's authentication: the person is the request's `user`, and the role its scope, so
that `starlette.authentication.requires("admin")` works in any application behind the guard.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    BaseUser,
)
from starlette.requests import HTTPConnection

from serving.access.directory import Directory
from serving.access.people import Person
from serving.access.sessions import SESSION_COOKIE, Sessions


@dataclass(frozen=True)
class SignedIn(BaseUser):
    """A person as Starlette knows users.

    Attributes:
        person: who it is.
    """

    person: Person

    @property
    def is_authenticated(self) -> bool:
        """Always true: nobody is somebody else."""
        return True

    @property
    def display_name(self) -> str:
        """Their name."""
        return self.person.name

    @property
    def identity(self) -> str:
        """The id of their token."""
        return self.person.id


@dataclass(frozen=True)
class TrustedProxy:
    """A proxy that signs people in and says who they are.

    Attributes:
        addresses: those it connects from; headers from elsewhere say nothing.
        user_header: the header with the name of a token; empty: the proxy signs nobody in.
    """

    addresses: frozenset[str] = frozenset()
    user_header: str = ""

    def user(self, connection: HTTPConnection) -> str | None:
        """Return whom the proxy has signed in; None where it says nothing."""
        if not self.user_header or not self.is_from(connection):
            return None
        # Two lines of the header would be one of the proxy's and one of the browser's.
        values = connection.headers.getlist(self.user_header)
        return values[0].strip() or None if len(values) == 1 else None

    def is_https(self, connection: HTTPConnection) -> bool:
        """Tell whether the browser came by HTTPS, by the connection or by the proxy's word."""
        forwarded = connection.headers.get("x-forwarded-proto", "")
        said = self.is_from(connection) and forwarded.split(",")[-1].strip().lower() == "https"
        return said or connection.scope.get("scheme") == "https"

    def is_from(self, connection: HTTPConnection) -> bool:
        """Tell whether a request came through the proxy."""
        return connection.client is not None and connection.client.host in self.addresses


@dataclass(frozen=True)
class PersonBackend(AuthenticationBackend):
    """Finds the person behind a request.

    Attributes:
        directory: knows tokens and names.
        sessions: knows browsers.
        proxy: may sign people in.
    """

    directory: Directory
    sessions: Sessions
    proxy: TrustedProxy

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SignedIn] | None:
        """Return the role as a scope and the person as the user; None where nobody is named.

        Raises:
            AuthenticationError: somebody is named, but has no access; says why.
        """
        person = self._of_bearer(conn) or self._of_proxy(conn) or self._of_cookie(conn)
        return None if person is None else (AuthCredentials([person.role.value]), SignedIn(person))

    def _of_bearer(self, conn: HTTPConnection) -> Person | None:
        header = conn.headers.get("authorization")
        if header is None:
            return None
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise AuthenticationError(
                "a token is required; send it as `Authorization: Bearer TOKEN`"
            )
        person = self.directory.of_token(secret.strip())
        if person is None:
            raise AuthenticationError("the token is unknown or revoked, or has expired")
        return person

    def _of_proxy(self, conn: HTTPConnection) -> Person | None:
        user = self.proxy.user(conn)
        if user is None:
            return None
        person = self.directory.of_name(user)
        if person is None:
            raise AuthenticationError(
                f"the proxy has signed in {user!r}, but no active token has that name"
            )
        return person

    def _of_cookie(self, conn: HTTPConnection) -> Person | None:
        cookie = conn.cookies.get(SESSION_COOKIE)
        return None if cookie is None else self.sessions.person(cookie)
