"""The guard between the network and the service: who may ask, what may be sent, what is logged.

It is pure ASGI and the outermost layer, so that nothing but the open paths is reached without a
token or a session, metrics included. What a request may do is read from the table of rights; a path
that is not in it does not exist.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from math import ceil
from urllib.parse import quote, urlsplit

from pydantic import BaseModel
from starlette.authentication import AuthenticationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import PacesetterError
from serving.access.access import Access
from serving.access.authentication import TrustedProxy
from serving.access.people import Person, Role
from serving.access.policy import headers_of, new_nonce
from serving.access.rights import ROUTES, Needs, RouteMatch, RouteRight, match_route
from serving.access.sessions import SESSION_COOKIE, VISITOR_COOKIE, keep_cookie, new_visitor
from serving.api.answering import Sender
from serving.api.bodies import read_form, read_json, replay, require_no_pickle, validated
from serving.api.metrics import Exchange, RequestMetrics
from serving.api.refused import Refused, SignInFirst, unauthorized
from serving.api.subjects import own_subject, subjects_of, why_not, with_fields

LONGEST_PATH_LOGGED = 200
QUIET = frozenset({"/livez", "/readyz", "/healthz"})
"""Machines ask these every few seconds; that is not worth a line."""
SAFE = frozenset({"GET", "HEAD"})

log = logging.getLogger("pacesetter.serve")


class Guard:
    """Lets requests through to an application that their sender may make, and no others.

    An application behind it finds in `request.state`: `person`, who asks (None on an open path);
    `access`, which signs in and out, knows the tree and keeps views; and, on a page, `nonce` for
    its inline blocks and `csrf` for its forms.

    Args:
        app: the application.
        access: who may see what.
        bodies: the model of the body that a POST to each path should have.
        metrics: counts every request.
        routes: the table of rights.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        bodies: Mapping[str, type[BaseModel]],
        metrics: RequestMetrics,
        routes: tuple[RouteRight, ...] = ROUTES,
    ) -> None:
        """Stand in front of an application."""
        self.app = app
        self._access = access
        self._bodies = bodies
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(scope, receive, Sender(send))
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Sender) -> None:
        match = match_route(scope["path"], self._routes)
        request = _Request(scope, receive, send, match, self._access.proxy)
        send.headers = headers_of(None, is_https=request.is_https)
        try:
            received = await self._admit(request)
            await self.app(scope, received, send)
        except Refused as refused:
            await refused.answer(is_page=request.is_page)(scope, receive, send)
        except PacesetterError as error:
            log.error("%s: %s", _line(scope), error)  # noqa: TRY400 - one line says all of it
            if send.status is None:
                why = "the store cannot be used right now; see the log of the service"
                await Refused(503, why).answer(is_page=request.is_page)(scope, receive, send)
        except Exception:
            log.exception("%s failed", _line(scope))
        if send.status is None:
            answer = {"error": "the service failed; its log has the details"}
            await JSONResponse(answer, 500)(scope, receive, send)
        self._note(scope, send)

    def _note(self, scope: Scope, send: Sender) -> None:
        """Count a request and write one line about it; never what was sent."""
        seconds = time.perf_counter() - send.began
        self._metrics.count(Exchange(scope["path"], send.status, seconds))
        who = "" if send.person is None else f" by {send.person.id} {send.person.name!r}"
        level = logging.DEBUG if scope["path"] in QUIET else logging.INFO
        log.log(level, "%s %s %.0f ms%s", _line(scope), send.status or "-", 1000 * seconds, who)

    async def _admit(self, request: _Request) -> Receive:
        """Check a request; returns the channel the application may read the body from."""
        require_no_pickle(request.headers)
        match, right = request.match, request.right
        state = request.scope.setdefault("state", {})
        state["access"], state["person"] = self._access, None
        if right is not None and right.needs is Needs.OPEN and not right.is_page:
            return request.receive
        person = await self._person(request)
        request.send.person = state["person"] = person
        if match is None or right is None:
            raise _nowhere(request, person)
        if person is not None:
            self._count(person)
        if right.is_page:
            return await self._admit_to_page(request, match, right)
        if person is None:
            raise unauthorized("a token is required; send it as `Authorization: Bearer TOKEN`")
        if right.shows is not None:
            request.send.keeps = partial(self._access.keep_views, person, what=right.shows)
        return await self._admit_to_api(request, match, right, person)

    async def _person(self, request: _Request) -> Person | None:
        """Find who asks. A session counts on pages alone: a program has a token of its own."""
        access, headers = self._access, request.headers
        names_somebody = (
            "authorization" in headers or "cookie" in headers or access.proxy.user_header
        )
        if not names_somebody:
            return None
        if not access.directory.is_fresh():
            await run_in_threadpool(access.directory.refresh)
        try:
            found = await access.backend.authenticate(request.connection)
        except AuthenticationError as error:
            raise unauthorized(str(error)) from None
        if found is None:
            return None
        is_of_session = "authorization" not in headers and not access.proxy.user(request.connection)
        if is_of_session and not request.is_page:
            return None
        request.scope["auth"], request.scope["user"] = found
        return found[1].person

    def _count(self, person: Person) -> None:
        seconds = self._access.limiter.seconds_to_wait(person)
        if seconds:
            why = f"too many requests; wait {ceil(seconds)} seconds"
            raise Refused(429, why, {"Retry-After": str(ceil(seconds))})

    async def _admit_to_api(
        self, request: _Request, match: RouteMatch, right: RouteRight, person: Person
    ) -> Receive:
        model = self._bodies.get(request.path) if request.method == "POST" else None
        if model is None:
            await self._require_right(request, match, right, None)
            return request.receive
        content = await read_json(request.headers, request.receive)
        body = await validated(content, model)
        await self._require_right(request, match, right, body)
        own = own_subject(person, body) if right.needs in {Needs.OWN_REP, Needs.TEAM} else {}
        if own:
            content = with_fields(content, own)
            MutableHeaders(scope=request.scope)["content-length"] = str(len(content))
        return replay(content, request.receive)

    async def _admit_to_page(
        self, request: _Request, match: RouteMatch, right: RouteRight
    ) -> Receive:
        person, state = request.send.person, request.scope["state"]
        if person is None and right.needs is not Needs.OPEN:
            raise SignInFirst(request.scope)
        state["nonce"] = nonce = new_nonce()
        request.send.headers = headers_of(nonce, is_https=request.is_https)
        state["is_https"] = request.is_https
        await self._require_right(request, match, right, None)
        cookies = request.connection.cookies
        held = cookies.get(SESSION_COOKIE) if person is not None else None
        visitor = held or cookies.get(VISITOR_COOKIE)
        if visitor is None:
            visitor = new_visitor()
            request.send.cookies.append(_visitor_cookie(visitor, is_https=request.is_https))
        state["csrf"] = await run_in_threadpool(self._access.sessions.form_token, visitor)
        if request.method in SAFE:
            return request.receive
        _require_same_site(request)
        content, token = await read_form(request.headers, request.receive)
        if not self._access.sessions.is_form_token(token, visitor):
            raise Refused(403, "the form is too old or not from this page; open the page again")
        return replay(content, request.receive)

    async def _require_right(
        self, request: _Request, match: RouteMatch, right: RouteRight, body: BaseModel | None
    ) -> None:
        person = request.send.person
        if person is None or person.role is Role.ADMIN:
            return
        query = request.scope.get("query_string", b"").decode("latin-1")
        subjects = subjects_of(match.named, query, body)
        # In a thread: after an ingest the company is read from its files again.
        problem = await run_in_threadpool(why_not, self._access, person, right, subjects)
        if problem is not None:
            raise Refused(403, problem)


class _Request:
    """One request as the guard sees it.

    Attributes:
        match: what the table knows of its path.
        right: what it asks of its sender; None where the table has no such path or method.
        is_page: a browser asks for a page; it may be one that is not there.
        is_https: the browser came by HTTPS.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Sender,
        match: RouteMatch | None,
        proxy: TrustedProxy,
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.match = match
        self.connection = HTTPConnection(scope)
        self.headers: Headers = self.connection.headers
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.right = None if match is None else match.of(self.method)
        self.is_https = proxy.is_https(self.connection)
        if match is None:
            is_browser = "text/html" in self.headers.get("accept", "")
            self.is_page = is_browser and "authorization" not in self.headers
        else:
            self.is_page = any(right.is_page for right in match.rights.values())


def _nowhere(request: _Request, person: Person | None) -> Refused:
    """Return the refusal of a path or method that is not in the table."""
    path = quote(request.path)[:LONGEST_PATH_LOGGED]
    match = request.match
    is_open = match is not None and all(r.needs is Needs.OPEN for r in match.rights.values())
    if person is None and not is_open:
        if request.is_page:
            return SignInFirst(request.scope)
        return unauthorized("a token is required; send it as `Authorization: Bearer TOKEN`")
    if match is None:
        return Refused(404, f"there is no path {path}; /docs.json lists all paths")
    allowed = ", ".join(match.methods)
    why = f"{path} does not accept {request.method}; it accepts {allowed}"
    return Refused(405, why, {"Allow": allowed})


def _require_same_site(request: _Request) -> None:
    """Refuse a form that another site has sent, as far as the browser says so."""
    site = request.headers.get("sec-fetch-site")
    if site is None:
        # Browsers name the site over HTTPS and on this machine alone; the origin they always do.
        origin = urlsplit(request.headers.get("origin", "")).netloc
        is_own = origin in {"", request.headers.get("host")}
    else:
        is_own = site in {"same-origin", "none"}
    if not is_own:
        raise Refused(403, "the form was sent from another site; open the page again")


def _visitor_cookie(value: str, *, is_https: bool) -> str:
    response = Response()
    keep_cookie(response, VISITOR_COOKIE, value, is_https=is_https)
    return response.headers["set-cookie"]


def _line(scope: Scope) -> str:
    return f"{scope['method']} {quote(scope['path'])[:LONGEST_PATH_LOGGED]}"
