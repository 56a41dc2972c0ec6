"""What stands between the network and the service: who may ask, what may be sent, what is logged.

Pure ASGI and outermost, so that nothing, metrics included, is reached or counted without a token.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import PacesetterError
from features.problems import say_problems
from serving.access.tokens import Token, verify
from serving.api.metrics import Exchange, RequestMetrics

OPEN = frozenset({"/livez", "/readyz", "/healthz", "/docs.json"})
MOST_BYTES = 16 * 2**20
LONGEST_PATH_LOGGED = 200
MOST_PROBLEMS = 5
"""Problems of one body that an answer names."""
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = logging.getLogger("pacesetter.serve")


class Refused(Exception):
    """A request that goes no further, and the answer to it."""

    def __init__(self, status: int, says: str, headers: Mapping[str, str] | None = None) -> None:
        """Word the answer."""
        super().__init__(says)
        self.response = JSONResponse({"error": says}, status, headers)


class Guard:
    """Lets requests with a token and a right body through to an application.

    Args:
        app: what is guarded.
        home: where the tokens are.
        bodies: what a POST to each path should hold.
        figures: told about every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        home: Path,
        bodies: Mapping[str, type[BaseModel]],
        figures: RequestMetrics,
    ) -> None:
        """Stand in front of an application."""
        self.app = app
        self._home = home
        self._bodies = bodies
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(scope, receive, _Sender(send))
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        try:
            received = await self._admit(scope, receive, send)
            await self.app(scope, received, send)
        except Refused as refused:
            await refused.response(scope, receive, send)
        except Exception:
            log.exception("%s failed", _line(scope))
        if send.status is None:
            answer = {"error": "the service failed at this; its log tells why"}
            await JSONResponse(answer, 500)(scope, receive, send)
        self._note(scope, send)

    def _note(self, scope: Scope, send: _Sender) -> None:
        """Count a request and write one line about it; never what was sent."""
        took = time.perf_counter() - send.began
        self._figures.count(Exchange(scope["path"], send.status, took))
        who = "" if send.token is None else f" by {send.token.id} {send.token.name!r}"
        # Machines ask for health every few seconds; that is no news.
        level = logging.DEBUG if scope["path"] in OPEN else logging.INFO
        log.log(level, "%s %s %.0f ms%s", _line(scope), send.status or "-", 1000 * took, who)

    async def _admit(self, scope: Scope, receive: Receive, send: _Sender) -> Receive:
        """Check a request; gives what the application may receive."""
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if "pickle" in media_type:
            raise _not_json(media_type)
        path = scope["path"]
        if path not in OPEN:
            send.token = self._token(headers)
        if path not in self._bodies:
            return receive
        if scope["method"] != "POST":
            says = f"{path} was asked with {scope['method']}; it answers POST with a JSON body"
            raise Refused(405, says, {"Allow": "POST"})
        if media_type not in ("", "application/json"):
            raise _not_json(media_type)
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "the body is compressed; send it as it is")
        body = await self._read(headers, receive) or b"{}"
        await _validate(body, self._bodies[path])
        return _replay(body, receive)

    def _token(self, headers: Headers) -> Token:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorized("no token was given; send it as `Authorization: Bearer TOKEN`")
        try:
            token = verify(self._home, secret.strip())
        except PacesetterError as error:
            log.error("%s", error)  # noqa: TRY400 - a broken file is told in one line
            raise Refused(503, "tokens cannot be checked at the moment; see the log") from None
        if token is None:
            raise _unauthorized("the token given is unknown or was revoked")
        return token

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        told = headers.get("content-length", "0")
        length = int(told) if told.isdecimal() else 0
        parts: list[bytes] = []
        more = length <= MOST_BYTES
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the body ended before it was complete")
            parts.append(message.get("body", b""))
            length = sum(map(len, parts))
            more = message.get("more_body", False) and length <= MOST_BYTES
        if length > MOST_BYTES:
            raise Refused(
                413,
                f"the body is longer than {MOST_BYTES:,} bytes; send fewer leads at a time",
                {"Connection": "close"},
            )
        return b"".join(parts)


class _Sender:
    """Sends an answer on, with the headers every answer has, and remembers how it went."""

    def __init__(self, send: Send) -> None:
        self.token: Token | None = None
        self.status: int | None = None
        self.began = time.perf_counter()
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            del headers["server"]
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _line(scope: Scope) -> str:
    return f"{scope['method']} {quote(scope['path'])[:LONGEST_PATH_LOGGED]}"


def _not_json(media_type: str) -> Refused:
    return Refused(415, f"the body was sent as {media_type!r}; send JSON as 'application/json'")


def _unauthorized(what: str) -> Refused:
    says = f"{what}. A token is made with `pacesetter token create NAME` on the service's machine"
    return Refused(401, says, {"WWW-Authenticate": 'Bearer realm="pacesetter"'})


async def _validate(body: bytes, model: type[BaseModel]) -> None:
    """Refuse a wrong body in words, before BentoML would with a traceback in the log."""
    try:
        # In a thread: a body of megabytes must not hold up everybody else.
        await run_in_threadpool(model.model_validate_json, body)
    except ValidationError as error:
        raise Refused(
            400, say_problems(error, model, whole="the body", most=MOST_PROBLEMS)
        ) from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Let the application read the body that was read already."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
