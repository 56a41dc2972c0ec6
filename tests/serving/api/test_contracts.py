"""Laws of the public API: what is read, what is refused, what the document says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from features.clock import zulu
from features.problems import say_problems
from features.texts import EMPTY
from serving.api.lead_contracts import (
    Answer,
    GivenActivity,
    GivenLead,
    NextCallsRequest,
    ScoreLeadsRequest,
)
from serving.api.openapi import document
from serving.api.service import ENDPOINTS

BORN = "2025-03-02"


def lead(**fields: Any) -> GivenLead:
    """Read a lead from JSON-like values."""
    return GivenLead.model_validate({"lead_id": "a", "created_at": BORN, **fields})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-03-02", datetime(2025, 3, 2)),
        ("2025-03-02T09:30", datetime(2025, 3, 2, 9, 30)),
        ("2025-03-02 09:30:00.5", datetime(2025, 3, 2, 9, 30, 0, 500_000)),
        ("2025-03-02T09:30:00Z", datetime(2025, 3, 2, 9, 30)),
        ("2025-03-02T00:30:00+01:00", datetime(2025, 3, 1, 23, 30)),
        (" 2025-03-02T20:00:00-05:00 ", datetime(2025, 3, 3, 1)),
    ],
)
def test_times_are_read_as_the_law_says(written: str, read: datetime) -> None:
    """A zone is converted to UTC, none means UTC, a date is its midnight."""
    assert lead(created_at=written).created_at == read


@pytest.mark.parametrize(
    "written", [17, 1.5, True, "1740873600", "02/03/2025", "0001-01-01T00:00:00+14:00", "", None]
)
def test_other_things_are_no_times(written: Any) -> None:
    """Numbers, local formats and moments before the first year are refused, never guessed."""
    with pytest.raises(ValidationError):
        lead(created_at=written)


@pytest.mark.parametrize(
    ("written", "read"),
    [("007", "007"), (7, "7"), (2**70, str(2**70)), (" a ", "a"), ("1e5", "1e5"), (-1, "-1")],
)
def test_ids_stay_strings(written: Any, read: str) -> None:
    """An id is a string; an integer becomes its digits, however long."""
    assert lead(lead_id=written).lead_id == read


@pytest.mark.parametrize("written", [1.0, True, None, [], {}, "", "NULL", "x" * 201])
def test_other_things_are_no_ids(written: Any) -> None:
    """What is not exact, or says "nothing", names no lead."""
    with pytest.raises(ValidationError):
        lead(lead_id=written)


@pytest.mark.parametrize("word", EMPTY)
def test_words_for_nothing_are_nothing(word: str) -> None:
    """What ingestion takes for an empty value is one here too."""
    read = lead(rep_id=word, source=word, lost_at=word, industry=word)
    assert (read.rep_id, read.source, read.lost_at) == (None, None, None)
    assert read.model_dump()["industry"] is None


@pytest.mark.parametrize("value", ["12", float("nan"), float("inf"), True])
def test_amounts_are_finite_numbers(value: Any) -> None:
    """Texts, truths and what is not finite are no amounts."""
    with pytest.raises(ValidationError):
        lead(value=value)


@pytest.mark.parametrize("value", [{"a": 1}, [1], float("nan")])
def test_attributes_are_plain_values(value: Any) -> None:
    """An attribute is a text, a number, true, false or nothing."""
    with pytest.raises(ValidationError, match="an attribute"):
        lead(colour=value)


@pytest.mark.parametrize("column", ["converted_at", "lost_at"])
def test_no_lead_ends_before_it_begins(column: str) -> None:
    """An end before creation is refused, as ingestion quarantines it; at creation it is right."""
    with pytest.raises(ValidationError, match=f"{column} 2025-03-01T00:00:00Z lies before created"):
        lead(**{column: "2025-03-01"})
    assert lead(**{column: BORN})


@pytest.mark.parametrize(
    ("activities", "says"),
    [
        ([{"lead_id": "b"}], "activities[0] is of lead 'b', which is none of the 1 leads given"),
        ([{"activity_id": 1}, {"activity_id": "1"}], "activity_id '1' is given 2 times"),
    ],
)
def test_activities_belong_to_the_leads_given(activities: list[Any], says: str) -> None:
    """An activity of another lead, or given twice, is a mistake worth telling."""
    rows = [{"lead_id": "a", "occurred_at": BORN, "type": "call", **row} for row in activities]
    with pytest.raises(ValidationError) as caught:
        ScoreLeadsRequest.model_validate(
            {"leads": [{"lead_id": "a", "created_at": BORN}], "activities": rows}
        )
    assert says in say_problems(caught.value, ScoreLeadsRequest)


def test_leads_are_given_once() -> None:
    """Two leads of one id would hide one another."""
    twice = [{"lead_id": 1, "created_at": BORN}, {"lead_id": "1", "created_at": BORN}]
    with pytest.raises(
        ValidationError, match="lead_id '1' is given 2 times in leads; once is right"
    ):
        ScoreLeadsRequest.model_validate({"leads": twice})


def test_errors_are_few_and_short() -> None:
    """A body with hundreds of mistakes is answered by the first five, long values cut."""
    body = {"leads": [{"lead_id": "a", "created_at": "x" * 10_000}] * 300}
    with pytest.raises(ValidationError) as caught:
        ScoreLeadsRequest.model_validate(body)
    said = say_problems(caught.value, ScoreLeadsRequest, most=5)
    assert said.endswith("; and 295 more")
    assert len(said) < 1000


def test_answers_say_that_they_are_utc() -> None:
    """A time that comes out carries its zone."""
    read_moment = datetime(2025, 3, 31)
    answer = Answer(as_of=read_moment, model_version="1", note="")
    assert answer.model_dump(mode="json")["as_of"] == zulu(read_moment) == "2025-03-31T00:00:00Z"


def test_requests_do_not_change() -> None:
    """A request is a value."""
    request = NextCallsRequest(rep_id="a")
    with pytest.raises(ValidationError, match="frozen"):
        request.rep_id = "b"


def described() -> dict[str, Any]:
    """Make the document."""
    return document(ENDPOINTS, "Pacesetter", "1.2.3", "says")


def test_the_document_names_every_field() -> None:
    """Every field of every request and answer is described, and shown unless usually empty."""
    made = described()
    silent = {"calls", "scores", "not_scored", "reasons", "converted_at", "lost_at",
              "do_not_contact_at", "known_at", "deal_id", "problem", "leads", "quota",
              "reps", "team", "company", "periods"}  # fmt: skip
    for name, schema in made["components"]["schemas"].items():
        assert schema["description"], name
        for field, told in schema.get("properties", {}).items():
            if name != "Error":
                assert told["description"], (name, field)
                assert told.get("examples") or field in silent, (name, field)


def test_the_document_names_access_version_and_failures() -> None:
    """Version, title, the token and every failure stand in the document; references resolve."""
    made = described()
    assert (made["openapi"], made["info"]["title"]) == ("3.1.0", "Pacesetter")
    assert made["info"]["version"] == "1.2.3"
    assert made["security"] == [{"token": []}]
    assert made["paths"]["/livez"]["get"]["security"] == []
    assert "security" not in made["paths"]["/metrics"]["get"]
    for endpoint in ENDPOINTS.values():
        told = made["paths"][endpoint.path]["post"]
        assert {"200", "400", "401", "404", "413", "415", "503"} <= set(told["responses"])
        assert told["summary"]
    schemas = made["components"]["schemas"]
    assert all(ref in schemas for ref in _references(made))


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for value in part.values() for ref in _references(value)]
    return [ref for value in part for ref in _references(value)] if isinstance(part, list) else []


def test_examples_are_right() -> None:
    """What the document shows as an example is accepted."""
    for endpoint in ENDPOINTS.values():
        fields = endpoint.request.model_fields
        shown = {name: field.examples[0] for name, field in fields.items() if field.examples}
        endpoint.request.model_validate(shown)
    activity = {n: f.examples[0] for n, f in GivenActivity.model_fields.items() if f.examples}
    assert GivenActivity.model_validate(activity).lead_id == "lead-1001"
