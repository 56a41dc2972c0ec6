"""`pacesetter serve`: the champions behind HTTP, as a BentoML service. Owns bentoml.

`build_service` makes the service of one home; it runs in this process, on one port. Its methods are
thin: `ScoreCache` has the scores, `lead_answers` and `rep_answers` make answers of them, and
`Guard` decides who may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, ParamSpec, TypeVar

import bentoml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from features.clock import utc_now, zulu
from features.errors import InputError, NotFoundError, NotReady
from serving.access.access import Access
from serving.access.tokens import list_tokens
from serving.api import lead_answers, rep_answers
from serving.api.guard import Guard
from serving.api.health_contracts import Health, HealthRequest
from serving.api.lead_contracts import (
    COACHING,
    ExplainLeadRequest,
    LeadExplanation,
    NextCalls,
    NextCallsRequest,
    ScoredLeads,
    ScoreLeadsRequest,
)
from serving.api.metrics import RequestMetrics
from serving.api.office import Office
from serving.api.openapi import SYSTEM, Endpoint, document
from serving.api.prepared import Prepared, PreparedAnswers
from serving.api.rep_contracts import AtRiskReps, AtRiskRepsRequest, RepOutlook, RepOutlookRequest
from serving.api.server import keep_bentoml_quiet, listening, run
from serving.api.view_routes import NOTES_PATH, ViewNoteKept, ViewNoteRequest, view_routes
from serving.api.watched_folder import WatchedFolder
from serving.api.work_routes import WORK, work_routes
from serving.home.cache import ScoreCache
from serving.pages.app import page_routes
from serving.pages.desk import Desk
from serving.settings import Settings

TITLE = "Pacesetter"
DESCRIPTION = (
    "Forecasts for sales teams: which leads to call next, which reps may miss their quota, and "
    "why. An answer uses only what was known before its `as_of`. Times are in UTC. " + COACHING
)
THREADS = 8
RETRY_SECONDS = 3
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LEFT_OUT = frozenset({"index", "static_content", "TimeoutMiddleware"})
"""What BentoML adds and this service leaves out: a page whose files a browser could not fetch
without a token in every request, and a timeout that stops no work and holds back the answer to a
failure until it is over."""

P = ParamSpec("P")
R = TypeVar("R")


def endpoint(answer: type[R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a method an endpoint that answers expected errors in words.

    BentoML would write a traceback to the log for them.

    Args:
        answer: the contract of the answer.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @wraps(method)
        def answered(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            try:
                return method(*args, **kwargs)
            except NotFoundError as error:
                return _error(404, str(error))
            except NotReady as error:
                return _not_ready(error)
            except InputError as error:
                return _error(400, str(error))

        api: Callable[P, R] = bentoml.api(answered, output_spec=answer)
        return api

    return decorate


def _error(status: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status, headers)


def _not_ready(error: NotReady) -> Response:
    return _error(503, str(error), {"Retry-After": str(RETRY_SECONDS)})


class Endpoints:
    """The endpoints; the service of one home is a subclass that has its scores.

    A method's docstring is the endpoint's description in the OpenAPI document.
    """

    scores: ClassVar[ScoreCache]
    desk: ClassVar[Desk]
    office: ClassVar[Office]
    settings: ClassVar[Settings]
    watched: ClassVar[WatchedFolder | None]

    @endpoint(NextCalls)
    def next_calls(self, request: NextCallsRequest, /) -> NextCalls:
        """The leads a rep should call next, and why."""
        return lead_answers.next_calls(self.scores, request)

    @endpoint(ScoredLeads)
    def score_leads(self, request: ScoreLeadsRequest, /) -> ScoredLeads:
        """Scores for leads sent with the request. Only activities in the request count for them."""
        return lead_answers.score_leads(self.scores, request)

    @endpoint(LeadExplanation)
    def explain_lead(self, request: ExplainLeadRequest, /) -> LeadExplanation:
        """The reasons behind an open lead's score. Their points add up to the score."""
        return lead_answers.explain_lead(self.scores, request)

    @endpoint(AtRiskReps)
    def at_risk_reps(self, request: AtRiskRepsRequest, /) -> AtRiskReps:
        """The reps of a manager or of the company, those most at risk first, and why."""
        return rep_answers.at_risk_reps(self.scores, request)

    @endpoint(RepOutlook)
    def rep_outlook(self, request: RepOutlookRequest, /) -> RepOutlook:
        """Where one rep stands in each running quota period, and why."""
        return rep_answers.rep_outlook(self.scores, request)

    @endpoint(Health)
    def health(self, request: HealthRequest, /) -> Health:  # noqa: ARG002 - there is nothing to ask
        """The models that answer, the data behind them, and how old both are."""
        return lead_answers.health(self.scores)

    @bentoml.on_startup  # type: ignore[untyped-decorator] # bentoml ships no types
    def start(self) -> None:
        """Begin to compute scores."""
        self.scores.start()
        self.desk.start()
        if self.watched is not None:
            self.watched.start()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator] # bentoml ships no types
    def stop(self) -> None:
        """Stop computing scores."""
        if self.watched is not None:
            self.watched.stop()
        self.desk.stop()
        self.scores.stop()


class GuardedService(bentoml.Service):  # type: ignore[misc] # bentoml ships no types
    """A BentoML service that cannot be run without its guard, however it is served."""

    def to_asgi(self, *, is_main: bool = True) -> ASGIApp:
        """Return the guarded application."""
        scores: ScoreCache = self.inner.scores
        app = super().to_asgi(is_main=is_main)
        app.user_middleware = [m for m in app.user_middleware if m.cls.__name__ not in LEFT_OUT]
        own = [route for route in app.router.routes if route.name not in LEFT_OUT]
        posts = {e.path: e.request for e in (*ENDPOINTS.values(), *ROUTED.values(), *WORK.values())}
        metrics = RequestMetrics([*SYSTEM, *posts])
        work = work_routes(self.inner.office)
        pages = page_routes(self.inner.desk)
        app.router.routes = [*_routes(scores, metrics), *view_routes(), *work, *pages, *own]
        app.add_exception_handler(HTTPException, _http_error)
        answering = PreparedAnswers(app, scores, PREPARED)
        return Guard(answering, Access.of(scores.home, scores.params), posts, metrics)


def _routes(scores: ScoreCache, metrics: RequestMetrics) -> list[Route]:
    """Return the paths that BentoML answers with a bare status, or cannot describe."""
    described = document(ENDPOINTS | ROUTED | dict(WORK), TITLE, product_version(), DESCRIPTION)

    def readyz(_: Request) -> Response:
        try:
            current = scores.current(patience=0)
        except NotReady as error:
            return _not_ready(error)
        scored_at = zulu(current.scored_at)
        return JSONResponse({"status": "ready", "kinds": current.kinds, "scored_at": scored_at})

    def docs(_: Request) -> Response:
        return JSONResponse(described)

    def counts(_: Request) -> Response:
        return metrics.response()

    return [Route("/readyz", readyz), Route("/docs.json", docs), Route("/metrics", counts)]


def _http_error(request: Request, error: Exception) -> Response:
    """Answer in words what Starlette answers with a bare status."""
    if not isinstance(error, HTTPException):
        raise error
    path, headers = request.url.path, error.headers
    # Starlette lists the methods in the order of a set, another one in each process.
    allowed = ", ".join(sorted((headers or {}).get("Allow", "").split(", ")))
    why = {
        404: f"there is no path {path}; /docs.json lists all paths",
        405: f"{path} does not accept {request.method}; it accepts {allowed}",
    }
    return _error(error.status_code, why.get(error.status_code, error.detail), headers)


ENDPOINTS = {
    name: Endpoint(f"/{name}", request, answer, getattr(Endpoints, name).doc)
    for name, request, answer in (
        ("next_calls", NextCallsRequest, NextCalls),
        ("score_leads", ScoreLeadsRequest, ScoredLeads),
        ("explain_lead", ExplainLeadRequest, LeadExplanation),
        ("at_risk_reps", AtRiskRepsRequest, AtRiskReps),
        ("rep_outlook", RepOutlookRequest, RepOutlook),
        ("health", HealthRequest, Health),
    )
}


PREPARED = {
    "/next_calls": Prepared(NextCallsRequest, lead_answers.next_calls),
    "/explain_lead": Prepared(ExplainLeadRequest, lead_answers.explain_lead),
    "/at_risk_reps": Prepared(AtRiskRepsRequest, rep_answers.at_risk_reps),
    "/rep_outlook": Prepared(RepOutlookRequest, rep_answers.rep_outlook),
}
"""Answers that change only with the scores."""

ROUTED = {
    "annotate_view": Endpoint(
        NOTES_PATH,
        ViewNoteRequest,
        ViewNoteKept,
        "Write beside somebody's view of your risk. Only they whose risk it is may.",
    )
}
"""Endpoints that are Starlette's, not BentoML's: they ask who is behind the request."""


def product_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("pacesetter")
    except PackageNotFoundError:
        return "not installed"


def build_service(home: Path, settings: Settings) -> GuardedService:
    """Return the service of one home; it reads nothing before it starts."""
    scores = ScoreCache(home, settings)
    desk = Desk(home, settings, scores)
    office, folder = Office.of(desk), settings.serving.watch_folder
    members = {
        "scores": scores,
        "settings": settings,
        "desk": desk,
        "office": office,
        "watched": WatchedFolder(home / folder, office) if folder else None,
    }
    inner = type("PacesetterEndpoints", (Endpoints,), members)
    service: GuardedService = bentoml.service(
        name="pacesetter",
        service_class=GuardedService,
        threads=THREADS,
        metrics={"enabled": False},
        logging={"access": {"enabled": False}},
    )(inner)
    return service


def serve(home: Path, settings: Settings, host: str, port: int) -> int:
    """Answer on an address until Ctrl-C or SIGTERM.

    Args:
        home: the folder whose data and models answer.
        settings: of the product.
        host: the address to listen on; 127.0.0.1 is reached from this machine alone.
        port: 0 takes any free one.

    Returns:
        The exit code.

    Raises:
        InputError: the address cannot be used.
    """
    keep_bentoml_quiet(home)
    with listening(host, port) as listener:
        port = listener.getsockname()[1]
        run(
            build_service(home, settings).to_asgi(), listener, _greeting(home, settings, host, port)
        )
    return 0


def _greeting(home: Path, settings: Settings, host: str, port: int) -> str:
    store = Access.of(home, settings.serving).store
    shown = f"[{host}]" if ":" in host else host
    lines = [f"Pacesetter answers on http://{shown}:{port} (see /docs.json). Ctrl-C stops it."]
    if not any(token.is_active(utc_now()) for token in list_tokens(store)):
        lines.append("Nobody has access yet: `pacesetter token create NAME` creates a token.")
    if host not in LOOPBACK:
        lines.append("Tokens travel unencrypted: put a server that speaks HTTPS in front of it.")
    return "\n".join(lines)
