"""The OpenAPI document, made from the contracts alone.

BentoML's own keeps no examples, flattens what may be null, and names neither version nor access.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from inspect import getdoc
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from serving.api.fields import field

TEMPLATE = "#/components/schemas/{model}"


@dataclass(frozen=True)
class SystemPath:
    """A path beside the endpoints, asked with GET.

    Attributes:
        summary: what it tells.
        answer: what 200 means.
    """

    summary: str
    answer: str


SYSTEM = {
    "/livez": SystemPath("Is the process alive?", "The process is alive."),
    "/healthz": SystemPath("Is the process alive? The same as /livez.", "The process is alive."),
    "/readyz": SystemPath("Are there scores to answer from?", "There are scores to answer from."),
    "/docs.json": SystemPath("This document.", "The OpenAPI document."),
    "/metrics": SystemPath("Metrics for Prometheus.", "Counts and durations of requests."),
    "/leads.csv": SystemPath(
        "Scores of your open leads, or of those of your team, as CSV.",
        "A row for each lead. `?rep_id=` or `?manager_id=` names whose, `?for=` the CRM that "
        "imports it. No cell begins like a formula. Risks of reps are never exported.",
    ),
    "/me/views": SystemPath(
        "Who looked at your risk, and what you wrote beside it?",
        "The views, the newest first: `id`, `at`, `viewer`, `role`, `what` and `notes` of each.",
    ),
}
NEED_TOKEN = frozenset({"/metrics", "/me/views", "/leads.csv"})
NOT_READY = "Not ready: there is no data or no model yet, or scores are still being computed."
ERRORS = {
    "400": "The body is not as described here.",
    "401": "The token is missing, unknown or revoked, or has expired.",
    "403": "The token's role does not see this, or not this person.",
    "404": "No such lead, rep or manager, or nothing to forecast for it.",
    "413": "The body is too large.",
    "415": "The body is not sent as `application/json`.",
    "429": "Too many requests; `Retry-After` says how many seconds to wait.",
    "500": "The service failed. Its log has the details.",
    "503": NOT_READY,
}


@dataclass(frozen=True)
class Endpoint:
    """One question the service answers.

    Attributes:
        path: where to send it, by POST.
        request: the body.
        answer: what comes back.
        description: what it does; its first sentence is the summary.
        unfinished: statuses while what the answer rests on is being worked out, with what each
            means; 202 carries `Waiting`, the others `Error`.
    """

    path: str
    request: type[BaseModel]
    answer: type[BaseModel]
    description: str
    _: KW_ONLY
    unfinished: Sequence[tuple[str, str]] = ()


class Error(BaseModel):
    """The answer to a request that failed."""

    error: str = field(
        "What is wrong, what was sent, and what would be right.",
        "no lead has the id 'lead-9999' in the data",
    )


class Waiting(BaseModel):
    """What was asked for is being worked out; `Retry-After` says when to ask again."""

    waiting: str = field(
        "What is being worked out.",
        "the sheets are being worked out; ask again in half a minute",
    )


def document(
    endpoints: Mapping[str, Endpoint], title: str, version: str, description: str
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the service as plain values.

    Args:
        endpoints: by name.
        title: the product.
        version: its version.
        description: what it is for.
    """
    requests = [(e.request, "validation") for e in endpoints.values()]
    answers = [(e.answer, "serialization") for e in endpoints.values()]
    _, schemas = models_json_schema(
        [*requests, *answers, *((model, "validation") for model in (Error, Waiting))],  # type: ignore[list-item] # literals widen
        ref_template=TEMPLATE,
    )
    paths = {e.path: {"post": _operation(name, e)} for name, e in endpoints.items()}
    system = {path: {"get": _system_operation(path)} for path in SYSTEM}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "security": [{"token": []}],
        "paths": paths | system,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Create one with `pacesetter token create NAME`.",
                }
            },
        },
    }
    plain: dict[str, Any] = TypeAdapter(dict[str, Any]).dump_python(described, mode="json")
    return plain


def _operation(name: str, endpoint: Endpoint) -> dict[str, Any]:
    others = {
        status: {"description": why, "content": _content(Waiting if status == "202" else Error)}
        for status, why in (*ERRORS.items(), *endpoint.unfinished)
    }
    answer = {"description": getdoc(endpoint.answer), "content": _content(endpoint.answer)}
    return {
        "operationId": name,
        "summary": endpoint.description.split(". ")[0].rstrip("."),
        "description": endpoint.description,
        "requestBody": {"required": True, "content": _content(endpoint.request)},
        "responses": {"200": answer, **others},
    }


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": TEMPLATE.format(model=model.__name__)}}}


def _system_operation(path: str) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": SYSTEM[path].answer}}
    if path == "/readyz":
        responses["503"] = {"description": NOT_READY, "content": _content(Error)}
    operation: dict[str, Any] = {"summary": SYSTEM[path].summary, "responses": responses}
    # An empty list of needs opens a path.
    return operation if path in NEED_TOKEN else operation | {"security": []}
