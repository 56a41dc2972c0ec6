"""Laws of the OpenAPI document: everything is described, and what it shows is right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from features.evidence import EvidenceState
from serving.api.openapi import SYSTEM, document
from serving.api.service import ENDPOINTS as FORECASTS
from serving.api.work_routes import WORK

ENDPOINTS = FORECASTS | dict(WORK)

NO_EXAMPLE = {
    "calls", "scores", "not_scored", "reasons", "call_reasons", "leads", "quota", "reps", "team",
    "company", "periods", "converted_at", "lost_at", "do_not_contact_at", "known_at", "deal_id",
    "problem", "undoes", "set_aside", "lists", "mark", "received", "absences", "rows", "changes",
    "item", "then", "now", "said", "bias", "definitions", "champions",
}  # fmt: skip
"""Fields that hold other contracts, or are usually empty."""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The document."""
    return document(ENDPOINTS, "Pacesetter", "1.2.3", "What it is for.")


def references(part: Any) -> list[str]:
    """Return the names of all schemas that a part of the document refers to."""
    if isinstance(part, dict):
        own = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
        return own + [name for value in part.values() for name in references(value)]
    return [name for value in part for name in references(value)] if isinstance(part, list) else []


def descriptions(part: Any) -> list[str]:
    """Return all descriptions and summaries in a part of the document."""
    if isinstance(part, dict):
        own = [v for k, v in part.items() if k in {"description", "summary"} and isinstance(v, str)]
        return own + [text for value in part.values() for text in descriptions(value)]
    return [t for value in part for t in descriptions(value)] if isinstance(part, list) else []


def test_every_field_is_described(described: dict[str, Any]) -> None:
    """Every field of every request and answer is described, and shown unless usually empty."""
    for name, schema in described["components"]["schemas"].items():
        assert schema["description"], name
        for field, values in schema.get("properties", {}).items():
            assert values["description"], (name, field)
            assert values.get("examples") or field in NO_EXAMPLE, (name, field)


def test_descriptions_are_sentences(described: dict[str, Any]) -> None:
    """A description begins like a sentence, ends like one, and is not indented like code."""
    for text in descriptions(described):
        assert re.match(r"[A-Z0-9`]", text), text
        assert not re.search(r"\n +", text), text
    for schema in described["components"]["schemas"].values():
        for values in schema.get("properties", {}).values():
            assert values["description"].endswith("."), values["description"]


def test_access_version_and_failures_are_stated(described: dict[str, Any]) -> None:
    """Version, title, the token and every failure stand in the document."""
    assert (described["openapi"], described["info"]["title"]) == ("3.1.0", "Pacesetter")
    assert described["info"]["version"] == "1.2.3"
    assert described["security"] == [{"token": []}]
    for endpoint in ENDPOINTS.values():
        operation = described["paths"][endpoint.path]["post"]
        assert {"200", "400", "401", "404", "413", "415", "503"} <= set(operation["responses"])
        assert operation["summary"]
        assert operation["description"].startswith(operation["summary"])


def test_open_paths_are_marked_as_open(described: dict[str, Any]) -> None:
    """Health and the document need no token; metrics, files and one's own views do."""
    operations = {path: described["paths"][path]["get"] for path in SYSTEM}
    is_open = {path: operation.get("security") == [] for path, operation in operations.items()}
    assert is_open == {path: path not in {"/metrics", "/me/views", "/leads.csv"} for path in SYSTEM}
    assert "503" in operations["/readyz"]["responses"]


def test_references_resolve_and_no_schema_is_left_over(described: dict[str, Any]) -> None:
    """Every schema is defined, and every one of them is used."""
    assert set(references(described)) == set(described["components"]["schemas"])


def test_evidence_has_the_states_of_the_product(described: dict[str, Any]) -> None:
    """Wherever evidence is told, its states are those of the forecasts."""
    states = [
        schema["properties"]["evidence"]["enum"]
        for schema in described["components"]["schemas"].values()
        if "evidence" in schema.get("properties", {})
    ]
    assert len(states) > 3
    assert all(set(state) == set(EvidenceState) for state in states)


def test_times_are_marked_as_times(described: dict[str, Any]) -> None:
    """Clients made from the document read times as such, in answers too."""
    for name, schema in described["components"]["schemas"].items():
        for field, values in schema.get("properties", {}).items():
            if field.endswith(("_at", "as_of", "_until")) or field.startswith("period_"):
                kinds = values.get("anyOf", [values])
                assert kinds[0].get("format") == "date-time", (name, field)


def test_the_document_is_plain_json(described: dict[str, Any]) -> None:
    """It survives being written and read."""
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize("name", list(ENDPOINTS))
def test_examples_are_right(name: str) -> None:
    """A request made of the examples is accepted, and so is every part of it."""
    fields = ENDPOINTS[name].request.model_fields
    shown = {name: field.examples[0] for name, field in fields.items() if field.examples}
    assert ENDPOINTS[name].request.model_validate(shown)
