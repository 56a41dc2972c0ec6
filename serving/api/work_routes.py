"""The endpoints that ask who is behind the request: Starlette's, not BentoML's.

Forecasts are BentoML's, and the same for everybody who may see them. What people write, and what
depends on who asks, is answered here; `Guard` has let the request in and checked its body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from features.errors import InputError, NotReady
from serving.access.access import Access
from serving.api import company_answers, event_answers, person_answers, work_answers
from serving.api.company_contracts import Kpis, KpisRequest, ModelInfoRequest, ModelsInfo
from serving.api.event_contracts import EventsKept, EventsRequest
from serving.api.failures import NotAllowed, TooEarly, failure
from serving.api.office import Asker, Office
from serving.api.openapi import Endpoint
from serving.api.people_contracts import (
    Annotations,
    AnnotationSent,
    CoachSheet,
    CoachSheetRequest,
    ExplainRepRequest,
    ForecastHistory,
    ForecastHistoryRequest,
    ForecastSent,
    RepExplanation,
    WhatIfAnswer,
    WhatIfRequest,
)
from serving.api.work_contracts import (
    Absences,
    AbsenceSent,
    ActionsRequest,
    Feedback,
    FeedbackRequest,
    Receipts,
    Worklist,
    WorklistRequest,
)

Answers = Callable[[Office, Asker, Any], BaseModel]


@dataclass(frozen=True)
class WorkEndpoint(Endpoint):
    """An endpoint whose answer depends on who asks.

    Attributes:
        answers: makes the answer.
    """

    answers: Answers


def _alone(make: Callable[[Office, Any], BaseModel]) -> Answers:
    """Return an answer that is the same for everybody who may ask for it."""
    return lambda office, _asker, request: make(office, request)


def _of_home(make: Callable[[Office], BaseModel]) -> Answers:
    """Return an answer that there is only one of."""
    return lambda office, _asker, _request: make(office)


WORK: Mapping[str, WorkEndpoint] = {
    "worklist": WorkEndpoint(
        "/worklist",
        WorklistRequest,
        Worklist,
        "Today's work list, and what became of each lead. It is made once a day and kept.",
        work_answers.worklist,
    ),
    "worklist_actions": WorkEndpoint(
        "/worklist/actions",
        ActionsRequest,
        Receipts,
        "Say what became of listed leads: done, skip, snooze, wrong, undo. A key counts once.",
        work_answers.act,
    ),
    "absences": WorkEndpoint(
        "/absences",
        AbsenceSent,
        Absences,
        "Say when a rep is away. The leads show in the manager's pool meanwhile.",
        work_answers.add_absence,
    ),
    "feedback": WorkEndpoint(
        "/feedback",
        FeedbackRequest,
        Feedback,
        "What people said about listed leads, for the data scientist. Nobody is named.",
        _alone(work_answers.feedback),
    ),
    "events": WorkEndpoint(
        "/events",
        EventsRequest,
        EventsKept,
        "Post activities, leads and changes. Scores follow within a minute, training does not.",
        event_answers.post_events,
    ),
    "coach_sheet": WorkEndpoint(
        "/coach_sheet",
        CoachSheetRequest,
        CoachSheet,
        "The 1:1 sheet of a rep. The rep reads the same facts as the manager.",
        _alone(person_answers.coach_sheet),
        unfinished=[("202", "The first sheets since the start are being worked out.")],
    ),
    "what_if": WorkEndpoint(
        "/what_if",
        WhatIfRequest,
        WhatIfAnswer,
        "A rep's forecast with another volume, win rate or deal size. An association.",
        _alone(person_answers.what_if),
    ),
    "explain_rep": WorkEndpoint(
        "/explain_rep",
        ExplainRepRequest,
        RepExplanation,
        "The reasons behind a rep's chance to make quota. Their points add up to it.",
        _alone(person_answers.explain_rep),
    ),
    "annotations": WorkEndpoint(
        "/annotations",
        AnnotationSent,
        Annotations,
        "Note something beside a rep's sheet, contest a figure, or answer one.",
        person_answers.annotate,
        unfinished=[("409", "The first sheets are being worked out; nothing was kept.")],
    ),
    "forecasts": WorkEndpoint(
        "/forecasts",
        ForecastSent,
        ForecastHistory,
        "Enter what a rep commits to. It stands beside the model's forecast and is never changed.",
        company_answers.add_forecast,
    ),
    "forecast_history": WorkEndpoint(
        "/forecast_history",
        ForecastHistoryRequest,
        ForecastHistory,
        "What a rep committed to and what came of it, bias told apart from luck.",
        _alone(company_answers.forecast_history),
    ),
    "kpis": WorkEndpoint(
        "/kpis",
        KpisRequest,
        Kpis,
        "Key figures by period, sliced by any attribute.",
        company_answers.kpis,
    ),
    "model_info": WorkEndpoint(
        "/model_info",
        ModelInfoRequest,
        ModelsInfo,
        "The champions: what they learned from, how good they are, how well they are calibrated.",
        _of_home(company_answers.model_info),
    ),
}
"""By name."""


def work_routes(office: Office) -> list[Route]:
    """Return the routes of one home."""
    return [
        Route(endpoint.path, _handler(office, endpoint), methods=["POST"], name=name)
        for name, endpoint in WORK.items()
    ]


def _handler(office: Office, endpoint: WorkEndpoint) -> Callable[[Request], Any]:
    async def handle(request: Request) -> Response:
        asked = endpoint.request.model_validate_json(await request.body())
        return await run_in_threadpool(_answer, office, endpoint, request, asked)

    return handle


def _answer(office: Office, endpoint: WorkEndpoint, request: Request, asked: BaseModel) -> Response:
    access: Access = request.state.access
    company = access.company.current()
    asker = Asker(request.state.person, company.tree, company.owners)
    try:
        answer = endpoint.answers(office, asker, asked)
    except (InputError, NotReady, NotAllowed, TooEarly) as error:
        return failure(error)
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")
