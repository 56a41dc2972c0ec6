"""`pacesetter serve`: the champions behind HTTP, as a BentoML service. Owns bentoml.

The service is built for one home by `build_service` and runs in this process, on one port. Its
methods are thin: `Scores` holds the answers, `contracts` shapes them, `Guard` decides who may ask.
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

from features.clock import zulu
from features.errors import InputError, NotFoundError, NotReady
from serving.access.tokens import list_tokens
from serving.api import lead_answers as answers
from serving.api import rep_answers
from serving.api.guard import Guard
from serving.api.lead_contracts import (
    COACHING,
    ExplainLeadRequest,
    Health,
    HealthRequest,
    LeadExplanation,
    LeadScores,
    NextCalls,
    NextCallsRequest,
    ScoreLeadsRequest,
)
from serving.api.metrics import RequestMetrics
from serving.api.openapi import SYSTEM, Endpoint, document
from serving.api.rep_contracts import AtRiskReps, AtRiskRepsRequest, RepOutlook, RepOutlookRequest
from serving.api.server import keep_bentoml_quiet, listening, run
from serving.home.cache import ScoreCache
from serving.settings import Settings

TITLE = "Pacesetter"
SAYS = (
    "Forecasts for sales teams: whom to call next, who may miss the quota, and why. Every answer "
    "is made from what was known at its as_of. Times are UTC. " + COACHING
)
THREADS = 8
RETRY_SECONDS = 3
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
NOT_OURS = frozenset({"index", "static_content", "TimeoutMiddleware"})
"""What BentoML adds and we leave out: its page, whose files a browser could not fetch without a
token in every request, and its timeout, which ends no work, and which answers nothing until its
time is over where code below it fails."""

P = ParamSpec("P")
R = TypeVar("R")


def endpoint(answer: type[R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a method an endpoint that says in words what goes wrong on purpose.

    What it raised would be answered by BentoML with a traceback in the log.
    """

    def made(question: Callable[P, R]) -> Callable[P, R]:
        @wraps(question)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            try:
                return question(*args, **kwargs)
            except NotFoundError as error:
                return _error(404, str(error))
            except NotReady as error:
                return _error(503, str(error), {"Retry-After": str(RETRY_SECONDS)})
            except InputError as error:
                return _error(400, str(error))

        method: Callable[P, R] = bentoml.api(asked, output_spec=answer)
        return method

    return made


def _error(status: int, says: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": says}, status, headers)


class Endpoints:
    """What can be asked; a service of one home is a subclass that has its scores."""

    scores: ClassVar[ScoreCache]

    @endpoint(NextCalls)
    def next_calls(self, request: NextCallsRequest, /) -> NextCalls:
        """Whom a rep should call next, and why. Null asks for the leads that nobody owns."""
        return answers.next_calls(self.scores, request)

    @endpoint(LeadScores)
    def score_leads(self, request: ScoreLeadsRequest, /) -> LeadScores:
        """Scores of leads that come with the request. They are judged with the activities given."""
        return answers.score_leads(self.scores, request)

    @endpoint(LeadExplanation)
    def explain_lead(self, request: ExplainLeadRequest, /) -> LeadExplanation:
        """Why an open lead's score is what it is. Points add up to the score."""
        return answers.explain_lead(self.scores, request)

    @endpoint(AtRiskReps)
    def at_risk_reps(self, request: AtRiskRepsRequest, /) -> AtRiskReps:
        """Which of a manager's reps may miss their quota, and why. Null asks for the company."""
        return rep_answers.at_risk_reps(self.scores, request)

    @endpoint(RepOutlook)
    def rep_outlook(self, request: RepOutlookRequest, /) -> RepOutlook:
        """Where one rep stands in each running quota period, and why. Points add up."""
        return rep_answers.rep_outlook(self.scores, request)

    @endpoint(Health)
    def health(self, request: HealthRequest, /) -> Health:  # noqa: ARG002 - there is nothing to ask
        """Which models answer, from which data, and how old all are."""
        return answers.health(self.scores)

    @bentoml.on_startup  # type: ignore[untyped-decorator] # bentoml ships no types
    def start(self) -> None:
        """Begin to make scores."""
        self.scores.start()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator] # bentoml ships no types
    def stop(self) -> None:
        """End making scores."""
        self.scores.stop()


class GuardedService(bentoml.Service):  # type: ignore[misc] # bentoml ships no types
    """A BentoML service that cannot be run without its guard, however it is served."""

    def to_asgi(self, *, is_main: bool = True) -> ASGIApp:
        """Give the guarded application."""
        scores: ScoreCache = self.inner.scores
        app = super().to_asgi(is_main=is_main)
        app.user_middleware = [m for m in app.user_middleware if m.cls.__name__ not in NOT_OURS]
        own = [route for route in app.router.routes if route.name not in NOT_OURS]
        figures = RequestMetrics([*SYSTEM, *(e.path for e in ENDPOINTS.values())])
        app.router.routes = [*_routes(scores, figures), *own]
        app.add_exception_handler(HTTPException, _http_error)
        return Guard(app, scores.home, {e.path: e.request for e in ENDPOINTS.values()}, figures)


def _routes(scores: ScoreCache, figures: RequestMetrics) -> list[Route]:
    """Answer in words what BentoML answers with a bare status, and document what it cannot."""
    described = document(ENDPOINTS, TITLE, product_version(), SAYS)

    def readyz(_: Request) -> Response:
        try:
            sheet = scores.sheet(patience=0)
        except NotReady as error:
            return _error(503, str(error), {"Retry-After": str(RETRY_SECONDS)})
        told = {"status": "ready", "kinds": sheet.kinds, "scored_at": zulu(sheet.made_at)}
        return JSONResponse(told)

    def docs(_: Request) -> Response:
        return JSONResponse(described)

    def metrics(_: Request) -> Response:
        return figures.show()

    return [Route("/readyz", readyz), Route("/docs.json", docs), Route("/metrics", metrics)]


def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    says = {404: f"there is nothing at {request.url.path}; /docs.json names what there is"}
    return _error(error.status_code, says.get(error.status_code, error.detail), error.headers)


ENDPOINTS = {
    name: Endpoint(f"/{name}", request, answer, getattr(Endpoints, name).doc)
    for name, request, answer in (
        ("next_calls", NextCallsRequest, NextCalls),
        ("score_leads", ScoreLeadsRequest, LeadScores),
        ("explain_lead", ExplainLeadRequest, LeadExplanation),
        ("at_risk_reps", AtRiskRepsRequest, AtRiskReps),
        ("rep_outlook", RepOutlookRequest, RepOutlook),
        ("health", HealthRequest, Health),
    )
}


def product_version() -> str:
    """Name the installed version."""
    try:
        return version("pacesetter")
    except PackageNotFoundError:
        return "not installed"


def build_service(home: Path, settings: Settings) -> GuardedService:
    """Make the service of one home; nothing is read before it starts."""
    inner = type("PacesetterEndpoints", (Endpoints,), {"scores": ScoreCache(home, settings)})
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
        home: whose data and models.
        settings: all of them.
        host: 127.0.0.1 is this machine alone.
        port: 0 takes any that is free.

    Raises:
        InputError: the address cannot be had.
    """
    keep_bentoml_quiet(home)
    with listening(host, port) as taken:
        port = taken.getsockname()[1]
        run(build_service(home, settings).to_asgi(), taken, _greeting(home, host, port))
    return 0


def _greeting(home: Path, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    said = [f"Pacesetter answers on http://{shown}:{port} (/docs.json tells what). Ctrl-C ends it."]
    if not any(token.is_active for token in list_tokens(home)):
        said.append("Nobody has access yet: `pacesetter token create NAME` makes a token.")
    if host not in LOOPBACK:
        said.append("Tokens travel unencrypted: put a server that speaks HTTPS in front of it.")
    return "\n".join(said)
