"""The guard between the network and the service: who may ask, what may be sent, what is logged.

It is pure ASGI and the outermost layer, so that nothing but the open paths is reached without a
token, metrics included.
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

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        """Make the answer."""
        super().__init__(why)
        self.response = JSONResponse({"error": why}, status, headers)


class Guard:
    """Lets requests with a token and a valid body through to an application.

    Args:
        app: the application.
        home: the folder whose tokens count.
        bodies: the model of the body that a POST to each path should have.
        metrics: counts every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        home: Path,
        bodies: Mapping[str, type[BaseModel]],
        metrics: RequestMetrics,
    ) -> None:
        """Stand in front of an application."""
        self.app = app
        self._home = home
        self._bodies = bodies
        self._metrics = metrics

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
            answer = {"error": "the service failed; its log has the details"}
            await JSONResponse(answer, 500)(scope, receive, send)
        self._note(scope, send)

    def _note(self, scope: Scope, send: _Sender) -> None:
        """Count a request and write one line about it; never what was sent."""
        seconds = time.perf_counter() - send.began
        self._metrics.count(Exchange(scope["path"], send.status, seconds))
        who = "" if send.token is None else f" by {send.token.id} {send.token.name!r}"
        # Machines ask for health every few seconds; that is not worth a line.
        level = logging.DEBUG if scope["path"] in OPEN else logging.INFO
        log.log(level, "%s %s %.0f ms%s", _line(scope), send.status or "-", 1000 * seconds, who)

    async def _admit(self, scope: Scope, receive: Receive, send: _Sender) -> Receive:
        """Check a request; returns the channel the application may read the body from."""
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
            why = f"{path} does not accept {scope['method']}; send a POST with a JSON body"
            raise Refused(405, why, {"Allow": "POST"})
        if media_type not in ("", "application/json"):
            raise _not_json(media_type)
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "compressed bodies are not accepted; send the body as it is")
        body = await self._read(headers, receive) or b"{}"
        await _validate(body, self._bodies[path])
        return _replay(body, receive)

    def _token(self, headers: Headers) -> Token:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorized("a token is required; send it as `Authorization: Bearer TOKEN`")
        try:
            token = verify(self._home, secret.strip())
        except PacesetterError as error:
            log.error("%s", error)  # noqa: TRY400 - one line says all about a broken file
            why = "tokens cannot be checked right now; see the log of the service"
            raise Refused(503, why) from None
        if token is None:
            raise _unauthorized("the token is unknown or revoked")
        return token

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        length = int(declared) if declared.isdecimal() else 0
        parts: list[bytes] = []
        more = length <= MOST_BYTES
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the connection closed before the body was complete")
            parts.append(message.get("body", b""))
            length = sum(map(len, parts))
            more = message.get("more_body", False) and length <= MOST_BYTES
        if length > MOST_BYTES:
            raise Refused(
                413,
                f"the body is larger than {MOST_BYTES:,} bytes; send fewer leads at a time",
                {"Connection": "close"},
            )
        return b"".join(parts)


class _Sender:
    """Sends an answer on, with the headers every answer has, and remembers its status."""

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
    why = f"content type {media_type!r} is not accepted; send JSON as 'application/json'"
    return Refused(415, why)


def _unauthorized(problem: str) -> Refused:
    remedy = "To create one, run `pacesetter token create NAME` on the machine of the service"
    return Refused(401, f"{problem}. {remedy}", {"WWW-Authenticate": 'Bearer realm="pacesetter"'})


async def _validate(body: bytes, model: type[BaseModel]) -> None:
    """Refuse an invalid body in words; BentoML would with a traceback in the log."""
    try:
        # In a thread: a body of megabytes must not hold up everybody else.
        await run_in_threadpool(model.model_validate_json, body)
    except ValidationError as error:
        raise Refused(
            400, say_problems(error, model, whole="the body", most=MOST_PROBLEMS)
        ) from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Let the application read a body that was read here before."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
