"""Requests that go no further, and the answers to them, for programs and for browsers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import Scope

SIGN_IN = "/sign-in"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{why}</p><p><a href="/">Back to the start</a></p></main></body>
</html>
"""
TITLES = {403: "Not for you", 404: "There is no such page", 429: "Too many requests"}


class Refused(Exception):
    """A request that goes no further, and the answer to it.

    Attributes:
        status: of the answer.
        headers: of the answer.
    """

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        """Say why."""
        super().__init__(why)
        self.status = status
        self.headers = headers

    def answer(self, *, is_page: bool) -> Response:
        """Return the answer: JSON for a program, a short page for a browser."""
        why = str(self)
        if not is_page:
            return JSONResponse({"error": why}, self.status, self.headers)
        title = TITLES.get(self.status, "This did not work")
        text = PAGE.format(title=title, why=html.escape(why))
        return HTMLResponse(text, self.status, self.headers)


class SignInFirst(Refused):
    """A page that nobody sees without signing in; leads there, and back afterwards."""

    def __init__(self, scope: Scope) -> None:
        """Remember where the browser wanted to go, if it can go there again."""
        super().__init__(303, "sign in first")
        query = scope.get("query_string", b"").decode("latin-1")
        self._next = quote(scope["path"]) + (f"?{query}" if query else "")
        self._is_get = scope["method"] in {"GET", "HEAD"}

    def answer(self, *, is_page: bool) -> Response:  # noqa: ARG002 - browsers alone are led
        """Return the way to the sign-in page."""
        back = f"?next={quote(self._next, safe='')}" if self._is_get else ""
        return RedirectResponse(f"{SIGN_IN}{back}", self.status)


def not_json(media_type: str) -> Refused:
    """Return the refusal of a body that is not JSON."""
    why = f"content type {media_type!r} is not accepted; send JSON as 'application/json'"
    return Refused(415, why)


def unauthorized(problem: str) -> Refused:
    """Return the refusal of a program without access."""
    remedy = "To create one, run `pacesetter token create NAME` on the machine of the service"
    return Refused(401, f"{problem}. {remedy}", {"WWW-Authenticate": 'Bearer realm="pacesetter"'})
