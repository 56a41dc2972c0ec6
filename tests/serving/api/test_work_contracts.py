"""Laws of what may be sent about work: what does not make sense is refused, and says why."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from serving.api.event_contracts import EventsRequest, PostedChange
from serving.api.people_contracts import ForecastSent, WhatIfRequest
from serving.api.work_contracts import AbsenceSent, ActionSent, ActionsRequest, FeedbackRequest

ACTION = {"key": "k", "lead_id": "L1", "action": "done"}
ABSENCE = {"key": "k", "rep_id": "r1", "first_day": "2026-05-01", "last_day": "2026-05-01"}
FORECAST = {"key": "k", "rep_id": "r1", "commit": 5.0}
ACTIVITY = {"activity_id": "a", "occurred_at": "2026-05-01", "type": "call"}
CHANGE = {"entity_type": "lead", "entity_id": "L1", "changed_at": "2026-05-01", "field": "stage"}
WRONG: tuple[tuple[type[BaseModel], dict[str, Any], str], ...] = (
    (ActionSent, ACTION | {"action": "call"}, "'done', 'skip'"),
    (ActionSent, ACTION | {"key": ""}, "should not be empty"),
    (ActionSent, ACTION | {"key": "k" * 101}, "at most 100"),
    (ActionSent, ACTION | {"until": "2026-05-01"}, "goes with snooze and wrong"),
    (ActionSent, ACTION | {"undoes": "other"}, "goes with undo"),
    (ActionSent, ACTION | {"by": "Ann"}, "Extra inputs"),
    (ActionSent, ACTION | {"action": "snooze", "until": "soon"}, "soon"),
    (ActionsRequest, {"actions": []}, "at least 1"),
    (ActionsRequest, {"actions": [ACTION] * 101}, "at most 100"),
    (AbsenceSent, ABSENCE | {"first_day": "2026-05-02"}, "lies before first_day"),
    (AbsenceSent, ABSENCE | {"first_day": "May"}, "write it like 2026-05-20"),
    (AbsenceSent, ABSENCE | {"first_day": 5}, "date"),
    (FeedbackRequest, {"limit": 0}, "greater than or equal to 1"),
    (FeedbackRequest, {"after": "3"}, "integer"),
    (ForecastSent, FORECAST | {"commit": -1}, "greater than or equal to 0"),
    (ForecastSent, FORECAST | {"commit": float("nan")}, "finite"),
    (ForecastSent, FORECAST | {"commit": 1e13}, "less than or equal to"),
    (WhatIfRequest, {"rep_id": "r1", "volume": 0.1}, "greater than or equal to 0.25"),
    (WhatIfRequest, {"rep_id": "r1", "win_rate": 5}, "less than or equal to 4"),
    (WhatIfRequest, {"rep_id": "r1", "luck": 2}, "Extra inputs"),
    (EventsRequest, {"activities": [ACTIVITY | {"activity_id": None}]}, "should not be empty"),
    (EventsRequest, {"activities": [ACTIVITY | {"occurred_at": "later"}]}, "later"),
    (EventsRequest, {"activities": [ACTIVITY | {"mood": {"a": 1}}]}, "a text, a number"),
    (EventsRequest, {"activities": [ACTIVITY | {"duration_s": "long"}]}, "number"),
    (EventsRequest, {"leads": [{"lead_id": "L1"}]}, "Field required"),
    (EventsRequest, {"deals": []}, "Extra inputs"),
    (EventsRequest, {"changes": [CHANGE | {"entity_type": "quota"}]}, "'lead', 'deal'"),
    (EventsRequest, {"changes": [CHANGE | {"field": ""}]}, "should not be empty"),
)


@pytest.mark.parametrize(("model", "body", "says"), WRONG)
def test_what_makes_no_sense_is_refused(
    model: type[BaseModel], body: dict[str, Any], says: str
) -> None:
    """With words that tell what would be right."""
    with pytest.raises(ValidationError, match=says):
        model.model_validate(body)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (ActionSent, ACTION),
        (ActionSent, ACTION | {"action": "wrong", "reason": "left", "until": "2026-05-01"}),
        (AbsenceSent, ABSENCE),
        (ForecastSent, FORECAST),
        (EventsRequest, {"activities": [ACTIVITY | {"mood": "good"}], "changes": [CHANGE]}),
    ],
)
def test_what_makes_sense_is_read(model: type[BaseModel], body: dict[str, Any]) -> None:
    """The bodies that the others are made from are right."""
    assert model.model_validate(body)


def test_values_are_read_as_ingestion_reads_them() -> None:
    """An integer is an id, a moment with a zone is converted, an empty value empties a field."""
    change = PostedChange.model_validate(
        CHANGE | {"entity_id": 12345678901234567890, "changed_at": "2026-05-01T10:00:00+02:00"}
    )
    assert change.entity_id == "12345678901234567890"
    assert (change.changed_at.hour, change.value) == (8, None)
    assert change.model_dump(by_alias=True)["field"] == "stage"
    assert AbsenceSent.model_validate(ABSENCE).first_day == date(2026, 5, 1)
