"""What every page shares: the reader, the region, the navigation, the template."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from features.clock import utc_now
from features.errors import InputError, NotFoundError, NotReady
from serving.access.access import Access
from serving.access.people import Person, Role
from serving.access.sessions import CSRF_FIELD
from serving.coaching.voice import MANAGER, REP, Voice
from serving.home.overlay import overlaid
from serving.pages.desk import Desk
from serving.pages.facts import Facts
from serving.pages.region import Region, region_of
from serving.settings import Settings
from training.report.page import templates

SEE_OTHER = 303
RETRY_SECONDS = 3
MOST_FIELDS = 30
NAVIGATION: Mapping[Role, tuple[tuple[str, str], ...]] = {
    Role.REP: (("/today", "Today"), ("/quarter", "My quarter")),
    Role.MANAGER: (("/team", "Team"), ("/team/history", "Past forecasts"), ("/today", "Pool")),
    Role.ANALYST: (("/model", "Models"),),
    Role.ADMIN: (
        ("/team", "Team"),
        ("/team/history", "Past forecasts"),
        ("/model", "Models"),
        ("/people", "People"),
        ("/settings", "Settings"),
    ),
}
HOMES = {role: links[0][0] for role, links in NAVIGATION.items()}
"""Where each role begins."""

Form = Mapping[str, str]


@dataclass(frozen=True)
class Visit:
    """One request of somebody who has signed in.

    Attributes:
        request: the request.
        desk: what the pages answer from.
        form: the fields that were sent; none for a GET.
    """

    request: Request
    desk: Desk
    form: Form

    @property
    def person(self) -> Person:
        """Who asks."""
        person: Person = self.request.state.person
        return person

    @property
    def access(self) -> Access:
        """Who may see what."""
        access: Access = self.request.state.access
        return access

    @property
    def facts(self) -> Facts:
        """The newest facts.

        Raises:
            NotReady: there are none yet.
        """
        return self.desk.facts()

    @cached_property
    def settings(self) -> Settings:
        """The settings, with an admin's changes laid over them."""
        return overlaid(self.desk.settings, self.desk.store)

    @cached_property
    def region(self) -> Region:
        """How the reader's region writes things."""
        accepted = self.request.headers.get("accept-language", "")
        return region_of(accepted, self.desk.settings.serving.pages.currency)

    @property
    def rep_id(self) -> str:
        """Whom the request asks about; the reader themselves where it names nobody.

        Raises:
            NotFoundError: it names nobody, and the reader is nobody in the CRM.
        """
        named = self.request.query_params.get("rep_id") or self.person.rep_id
        if named is None:
            raise NotFoundError("say whose page: choose somebody on the team's page")
        return named

    def keep_view(self, what: str, *rep_ids: str) -> None:
        """Keep that the reader sees the risk of people, before they see it."""
        self.access.keep_views(self.person, rep_ids, what)

    def voice(self, rep_id: str) -> Voice:
        """Return how a page about somebody addresses the reader."""
        reader = REP if rep_id == self.person.rep_id else MANAGER
        return Voice(reader, self.facts.staff.name(rep_id))

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """Render a template."""
        return html(
            template,
            status,
            person=self.person,
            region=self.region,
            navigation=NAVIGATION[self.person.role],
            path=self.request.url.path,
            csrf_field=CSRF_FIELD,
            csrf=self.request.state.csrf,
            said=self.request.query_params.get("said", "")[:200],
            **values,
        )

    def back(self, path: str, said: str = "", **query: str) -> Response:
        """Lead to a page after a form, with a word on what was done."""
        asked = {**query, **({"said": said} if said else {})}
        tail = "&".join(f"{key}={quote(value, safe='')}" for key, value in asked.items())
        return RedirectResponse(f"{path}?{tail}" if tail else path, SEE_OTHER)


Handler = Callable[[Visit], Response]


def handled(desk: Desk, name: str) -> Callable[[Request], Awaitable[Response]]:
    """Make a handler an endpoint: forms are read, and errors answered as pages.

    Args:
        desk: what the pages answer from.
        name: the module and name of the handler; it is imported when it is first asked, so that
            the service answers while the models' libraries are still loading.
    """

    async def endpoint(request: Request) -> Response:
        form = dict(await read_form(request)) if request.method == "POST" else {}
        return await run_in_threadpool(_answer, Visit(request, desk, form), name)

    return endpoint


@cache
def handler_of(name: str) -> Handler:
    """Return the handler of a module of the pages, such as `team_pages.team`."""
    module, _, function = name.partition(".")
    handler: Handler = getattr(import_module(f"serving.pages.{module}"), function)
    return handler


def _answer(visit: Visit, name: str) -> Response:
    """Return the handler's answer, or a page that says what is wrong."""
    try:
        return handler_of(name)(visit)
    except NotReady as error:
        response = visit.page("wait.html.j2", 503, says=str(error))
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    except NotFoundError as error:
        return visit.page("problem.html.j2", 404, title="Not found", says=str(error))
    except InputError as error:
        return visit.page("problem.html.j2", 400, title="That did not work", says=str(error))


async def read_form(request: Request) -> Form:
    """Return the fields of a form, which the guard has checked; none where they are too many."""
    text = (await request.body()).decode("utf-8", errors="replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def html(template: str, status: int = 200, **values: object) -> Response:
    """Render a page; all that it is filled with is escaped."""
    page = environment().get_template(template)
    return HTMLResponse(page.render(now=utc_now(), style=style_path(), **values), status)


@cache
def environment() -> Any:
    """Return the templates of the pages."""
    made = templates(own="serving.pages")
    made.globals["script"] = f"/pages.js?{_hash('pages.js')}"
    return made


@cache
def static_file(name: str) -> str:
    """Return a file that comes with the pages."""
    return files("serving.pages").joinpath("static", name).read_text(encoding="utf-8")


def style_path() -> str:
    """Return the path of the style sheet; another content has another path."""
    return f"/pages.css?{_hash('pages.css')}"


@cache
def _hash(name: str) -> str:
    return hashlib.sha256(static_file(name).encode()).hexdigest()[:12]
