"""Laws of the public API: what a request may hold, what is refused, what an answer says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from features.evidence import EvidenceState
from features.problems import say_problems
from serving.api.call_contracts import CallReasons
from serving.api.health_contracts import HealthRequest, LeadHealth
from serving.api.lead_contracts import (
    Answer,
    InlineActivity,
    InlineLead,
    NextCallsRequest,
    ScoreLeadsRequest,
)
from serving.api.rep_contracts import AtRiskRepsRequest, RepOutlookRequest

BORN = "2025-03-02"


def lead(**fields: Any) -> InlineLead:
    """Read a lead from JSON-like values."""
    return InlineLead.model_validate({"lead_id": "a", "created_at": BORN, **fields})


def test_a_lead_needs_an_id_and_a_beginning() -> None:
    """All else may be left out."""
    assert lead().model_dump(exclude_none=True) == {
        "lead_id": "a",
        "created_at": datetime(2025, 3, 2),
    }
    for name in ("lead_id", "created_at"):
        with pytest.raises(ValidationError, match=name):
            lead(**{name: None})


def test_further_keys_of_a_lead_are_attributes() -> None:
    """They are kept as they are, cleaned like every text; nested ones are refused."""
    read = lead(industry=" steel ", employees=12, is_partner=True, mood="NULL")
    assert read.model_dump(include={"industry", "employees", "is_partner", "mood"}) == {
        "industry": "steel",
        "employees": 12,
        "is_partner": True,
        "mood": None,
    }
    with pytest.raises(ValidationError, match="should be a text, a number"):
        lead(industry=["steel"])


@pytest.mark.parametrize("column", ["converted_at", "lost_at"])
def test_no_lead_ends_before_it_begins(column: str) -> None:
    """An end before creation is refused, as ingestion quarantines it; at creation it is right."""
    with pytest.raises(ValidationError, match=f"{column} 2025-03-01T00:00:00Z lies before created"):
        lead(**{column: "2025-03-01"})
    assert lead(**{column: BORN})


def test_a_zone_does_not_make_an_end_early() -> None:
    """Ends and beginnings are compared as moments, whatever zones they came with."""
    assert lead(created_at="2025-03-02T09:00:00+09:00", lost_at="2025-03-02T00:00:00Z")
    with pytest.raises(ValidationError, match="lies before"):
        lead(created_at="2025-03-02T00:00:00Z", lost_at="2025-03-02T08:59:00+09:00")


@pytest.mark.parametrize(
    ("activities", "words"),
    [
        ([{"lead_id": "b"}], "activities[0] belongs to lead 'b', which is not in leads"),
        (
            [{"activity_id": 1}, {"activity_id": "1"}],
            "activity_id '1' appears 2 times in activities; ids must be unique",
        ),
    ],
)
def test_activities_belong_to_the_leads_of_the_request(activities: list[Any], words: str) -> None:
    """An activity of another lead, or sent twice, is a mistake worth telling."""
    rows = [{"lead_id": "a", "occurred_at": BORN, "type": "call", **row} for row in activities]
    with pytest.raises(ValidationError) as caught:
        ScoreLeadsRequest.model_validate(
            {"leads": [{"lead_id": "a", "created_at": BORN}], "activities": rows}
        )
    assert words in say_problems(caught.value, ScoreLeadsRequest)


def test_activities_without_ids_may_be_alike() -> None:
    """Two calls at the same moment are two calls."""
    call = {"lead_id": 7, "occurred_at": BORN, "type": "call"}
    request = ScoreLeadsRequest.model_validate(
        {"leads": [{"lead_id": "7", "created_at": BORN}], "activities": [call, call]}
    )
    assert len(request.activities) == 2


def test_leads_are_sent_once() -> None:
    """Two leads of one id would hide one another, also where one id is a number."""
    twice = [{"lead_id": 1, "created_at": BORN}, {"lead_id": "1", "created_at": BORN}]
    with pytest.raises(ValidationError, match="lead_id '1' appears 2 times in leads; ids must be"):
        ScoreLeadsRequest.model_validate({"leads": twice})


def test_errors_are_few_and_short() -> None:
    """A body with hundreds of mistakes is answered by the first five, long values cut."""
    body = {"leads": [{"lead_id": "a", "created_at": "x" * 10_000}] * 300}
    with pytest.raises(ValidationError) as caught:
        ScoreLeadsRequest.model_validate(body)
    said = say_problems(caught.value, ScoreLeadsRequest, most=5)
    assert said.endswith("; and 295 more")
    assert len(said) < 1000


def test_scores_that_an_earlier_version_kept_can_be_read() -> None:
    """Their reasons to call lack what a try brings; after an upgrade they still serve."""
    kept = CallReasons.model_validate({"news": [], "says": "chance 12 %; 18,000; not touched yet"})
    assert kept.tried is None


def test_answers_say_that_they_are_utc() -> None:
    """A time that comes out carries its zone."""
    answer = Answer(as_of=datetime(2025, 3, 31), model_version="1", note="")
    assert answer.model_dump(mode="json")["as_of"] == "2025-03-31T00:00:00Z"


@pytest.mark.parametrize("state", list(EvidenceState))
def test_evidence_is_written_as_its_word(state: EvidenceState) -> None:
    """A state reads from its word and writes as its word; other words are refused."""
    values = {
        "model_version": "1",
        "trained_until": BORN,
        "evidence_says": "",
        "horizon_days": 30,
        "open_leads": 1,
    }
    health = LeadHealth.model_validate({**values, "evidence": state.value})
    assert health.evidence is state
    assert health.model_dump(mode="json")["evidence"] == state.value
    with pytest.raises(ValidationError):
        LeadHealth.model_validate({**values, "evidence": "plenty"})


@pytest.mark.parametrize("limit", [0, 1001, -1, "5", 5.0, True])
def test_a_limit_is_a_whole_number_within_bounds(limit: Any) -> None:
    """Lists of leads and of reps take the same limits."""
    for request, body in ((NextCallsRequest, {"rep_id": "a"}), (AtRiskRepsRequest, {})):
        with pytest.raises(ValidationError, match="limit"):
            request.model_validate({**body, "limit": limit})
        for right in (None, 1, 1000):
            assert request.model_validate({**body, "limit": right})


def test_nobody_and_everybody_are_asked_for_by_null() -> None:
    """Null is an answerable question for a list, and none for one rep."""
    assert NextCallsRequest.model_validate({"rep_id": None}).rep_id is None
    assert AtRiskRepsRequest.model_validate({}).manager_id is None
    for body in ({}, {"rep_id": None}):
        with pytest.raises(ValidationError):
            RepOutlookRequest.model_validate(body)
    with pytest.raises(ValidationError, match="rep_id"):
        NextCallsRequest.model_validate({})


def test_requests_refuse_what_they_do_not_know() -> None:
    """A misspelt key is an error, never silently without effect."""
    with pytest.raises(ValidationError, match="forbidden"):
        HealthRequest.model_validate({"deep": 1})
    request = NextCallsRequest(rep_id="a")
    with pytest.raises(ValidationError, match="frozen"):
        request.rep_id = "b"


def test_examples_of_inline_rows_are_right() -> None:
    """What the document shows of a lead and of an activity is accepted."""
    for contract in (InlineLead, InlineActivity):
        fields = contract.model_fields
        shown = {name: field.examples[0] for name, field in fields.items() if field.examples}
        assert contract.model_validate(shown)
