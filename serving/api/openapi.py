"""The OpenAPI document, made from the contracts alone.

BentoML's own keeps no examples, flattens what may be null, and names neither version nor access.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

TEMPLATE = "#/components/schemas/{model}"
SYSTEM = {
    "/livez": "Whether the process is alive.",
    "/healthz": "The same as /livez.",
    "/readyz": "Whether there are scores to answer from.",
    "/docs.json": "This document.",
    "/metrics": "Figures for Prometheus.",
}


@dataclass(frozen=True)
class Endpoint:
    """One question the service answers.

    Attributes:
        path: where.
        request: what is given.
        answer: what comes back.
        says: what it does, its first sentence being a summary.
    """

    path: str
    request: type[BaseModel]
    answer: type[BaseModel]
    says: str


class Error(BaseModel):
    """What was wrong, what was given, and what would be right."""

    error: str


ERRORS = {
    "400": "The body is wrong.",
    "401": "The token is missing, unknown or revoked.",
    "404": "No such rep, lead or manager.",
    "413": "The body is too long.",
    "415": "The body is not sent as application/json.",
    "503": "Not ready: no data, no model of this kind, or the scores are still being made.",
}


def document(
    endpoints: Mapping[str, Endpoint], title: str, version: str, says: str
) -> dict[str, Any]:
    """Describe the service by OpenAPI 3.1.

    Args:
        endpoints: by name.
        title: the product.
        version: its version.
        says: what it is for.
    """
    models = [(e.request, "validation") for e in endpoints.values()]
    answers = [(e.answer, "serialization") for e in endpoints.values()]
    _, made = models_json_schema(
        [*models, *answers, (Error, "validation")],  # type: ignore[list-item] # literals widen
        ref_template=TEMPLATE,
    )
    paths = {e.path: {"post": _operation(name, e)} for name, e in endpoints.items()}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": says},
        "security": [{"token": []}],
        "paths": paths | {path: {"get": _system(path)} for path in SYSTEM},
        "components": {
            "schemas": made["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made with `pacesetter token create NAME`.",
                }
            },
        },
    }
    plain: dict[str, Any] = TypeAdapter(dict[str, Any]).dump_python(described, mode="json")
    return plain


def _operation(name: str, endpoint: Endpoint) -> dict[str, Any]:
    failures = {
        status: {"description": says, "content": _content(Error)} for status, says in ERRORS.items()
    }
    answered = {"description": endpoint.answer.__doc__, "content": _content(endpoint.answer)}
    return {
        "operationId": name,
        "summary": endpoint.says.split(". ")[0].rstrip("."),
        "description": endpoint.says,
        "requestBody": {"required": True, "content": _content(endpoint.request)},
        "responses": {"200": answered, **failures},
    }


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": TEMPLATE.format(model=model.__name__)}}}


def _system(path: str) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "It is."}}
    if path == "/readyz":
        responses["503"] = {"description": "Not ready, with why.", "content": _content(Error)}
    told: dict[str, Any] = {"summary": SYSTEM[path], "responses": responses}
    # An empty list of needs opens a path; the metrics need the token like everything else.
    return told if path == "/metrics" else told | {"security": []}
