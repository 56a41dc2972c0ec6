"""Requests and answers about posted events: activities, leads and changes since the last ingest."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.api.fields import (
    Amount,
    Attribute,
    Contract,
    Id,
    MaybeId,
    MaybeText,
    Moment,
    Text,
    field,
)
from serving.api.work_contracts import Received


class PostedActivity(BaseModel):
    """An activity. Any further key is a column of your data."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    activity_id: Id = field(
        "Its id in the CRM: sent twice it counts once, and the next ingest takes its place.",
        "act-90210",
    )
    occurred_at: Moment = field("When it happened.", "2025-03-31T14:05:00Z")
    type: Text = field("What kind of activity it was.", "call")
    lead_id: MaybeId = field("The lead.", "lead-1001", default=None)
    deal_id: MaybeId = field("The deal it belongs to.", None, default=None)
    rep_id: MaybeId = field("The rep who did it.", "rep-7", default=None)
    direction: MaybeText = field(
        "Who reached out: `inbound`, `outbound`.", "outbound", default=None
    )
    outcome: MaybeText = field("How it ended.", "connected", default=None)
    duration_s: Amount | None = field("How long it took, in seconds.", 95.0, default=None)


class PostedLead(BaseModel):
    """A new lead. Any further key is a column of your data."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    lead_id: Id = field(
        "Its id in the CRM: sent twice it counts once, and the next ingest takes its place.",
        "lead-2002",
    )
    created_at: Moment = field("When it was created.", "2025-03-31T13:50:00Z")
    rep_id: MaybeId = field("The rep who owns it.", "rep-7", default=None)
    account_id: MaybeId = field("The account it belongs to.", "acc-12", default=None)
    source: MaybeText = field("Where it came from.", "referral", default=None)
    value: Amount | None = field("The expected amount.", 12000.0, default=None)


class PostedChange(Contract):
    """A change of a field, or an end: `converted_at`, `lost_at` or `won`."""

    entity_type: Literal["lead", "deal", "rep", "account"] = field("Of what.", "lead")
    entity_id: Id = field("Its id.", "lead-1001")
    changed_at: Moment = field("When it changed.", "2025-03-31T14:05:00Z")
    field_name: Text = field("Which field.", "stage", alias="field", serialization_alias="field")
    value: MaybeText = field("The new value; null empties the field.", "qualified", default=None)


class EventsRequest(Contract):
    """Brings events that no ingest has brought yet; all are kept, or none."""

    activities: list[PostedActivity] = field(
        "Activities.",
        [
            {
                "activity_id": "act-90210",
                "occurred_at": "2025-03-31T14:05:00Z",
                "type": "call",
                "lead_id": "lead-1001",
            }
        ],
        default=[],
    )
    leads: list[PostedLead] = Field(description="New leads.", default=[])
    changes: list[PostedChange] = Field(description="Changes of leads and deals.", default=[])


class EventsKept(Contract):
    """What became of the posted events."""

    received: list[Received] = Field(
        description="One receipt per event: activities, leads, then changes."
    )
    ignored: list[str] = field(
        "Keys that have no column in the data and so have no effect.", ["activities.mood"]
    )
    waiting: list[str] = field(
        "Changed fields without a history in the data: these take effect with the next ingest.",
        ["lead.nickname"],
    )
    left_out: int = field(
        "How many events were about people who were forgotten; these were not kept.", 0
    )
    note: str = field(
        "What to know about the scores that follow.",
        "Scores follow within a minute.",
    )
