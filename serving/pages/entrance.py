"""Signing in and out, and the two files that every page needs."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.access.access import Access
from serving.access.people import Person
from serving.access.sessions import (
    CSRF_FIELD,
    SESSION_COOKIE,
    keep_cookie,
)
from serving.pages.frame import HOMES, SEE_OTHER, Form, Visit, html, read_form, static_file

UNTIL_NEXT_VERSION = "public, max-age=31536000, immutable"
WRONG = "This token is unknown, revoked or expired. Ask whoever gave it to you for a new one."


def style(_: Request) -> Response:
    """Return the style sheet."""
    return _file("pages.css", "text/css")


def script(_: Request) -> Response:
    """Return the few lines of script, without which everything works too."""
    return _file("pages.js", "text/javascript")


def _file(name: str, media_type: str) -> Response:
    headers = {"Cache-Control": UNTIL_NEXT_VERSION}
    return Response(static_file(name), media_type=media_type, headers=headers)


def start(visit: Visit) -> Response:
    """Lead everybody to where their role begins."""
    return RedirectResponse(HOMES[visit.person.role], SEE_OTHER)


def sign_in_form(request: Request) -> Response:
    """Show the form; whoever has signed in already goes on."""
    person: Person | None = getattr(request.state, "person", None)
    if person is not None:
        return RedirectResponse(next_path(request.query_params.get("next", "")), SEE_OTHER)
    return _form(request, request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    """Take a token, and begin a session."""
    form = await read_form(request)
    return await run_in_threadpool(_signed_in, request, form)


def _signed_in(request: Request, form: Form) -> Response:
    access: Access = request.state.access
    wanted = form.get("next", "")
    cookie = access.sessions.sign_in(form.get("token", ""))
    if cookie is None:
        return _form(request, wanted, WRONG, 401)
    response = RedirectResponse(next_path(wanted), SEE_OTHER)
    keep_cookie(response, SESSION_COOKIE, cookie, is_https=request.state.is_https)
    return response


def _form(request: Request, wanted: str, problem: str = "", status: int = 200) -> Response:
    return html(
        "sign_in.html.j2",
        status,
        csrf_field=CSRF_FIELD,
        csrf=request.state.csrf,
        next=next_path(wanted),
        problem=problem,
        person=None,
    )


def sign_out(visit: Visit) -> Response:
    """End the session."""
    visit.access.sessions.sign_out(visit.request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/sign-in", SEE_OTHER)
    keep_cookie(response, SESSION_COOKIE, "", is_https=visit.request.state.is_https)
    return response


def next_path(wanted: str) -> str:
    r"""Return where to go after signing in: a path of this service, never another site.

    >>> next_path("/team?x=1"), next_path("//evil.example"), next_path("/\\evil"), next_path("a")
    ('/team?x=1', '/', '/', '/')
    """
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_path and wanted.isprintable() and "\\" not in wanted else "/"
