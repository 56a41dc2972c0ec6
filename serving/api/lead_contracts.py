"""Requests and answers about leads: the public API, as frozen values.

What every kind of forecast says of itself stands here too. `rep_contracts` has the requests and
answers about reps. The docstrings of these classes are their descriptions in the
OpenAPI document, so they speak to the people who call the API.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.clock import zulu
from features.evidence import EvidenceState
from serving.api.call_contracts import CallEvidence, CallReasons
from serving.api.fields import (
    Amount,
    Attribute,
    Contract,
    Id,
    MaybeId,
    MaybeMoment,
    MaybeText,
    Moment,
    Text,
    field,
)
from serving.api.trend_contracts import Trended

COACHING = (
    "Scores are for coaching and for planning the day, not for decisions on employment, pay or "
    "dismissal."
)
EVIDENCE = (
    "How much data the forecast rests on: `enough`, `thin` (less than advised), or `none` (too "
    "little: averages answer)."
)

Band = Literal["hot", "warm", "cool", "cold", "do not contact"]
Evidence = Literal[EvidenceState.ENOUGH, EvidenceState.THIN, EvidenceState.NONE]


def as_of_field() -> Any:
    """Return the field for the moment of an answer."""
    return field(
        "The moment the answer is for: the forecast uses only what was known before it. Default: "
        "the end of the data.",
        "2025-03-31T00:00:00Z",
        default=None,
    )


class NextCallsRequest(Contract):
    """Asks which leads a rep should call next."""

    rep_id: MaybeId = field("The rep; null asks for the leads without an owner.", "rep-7")
    limit: int | None = field(
        "The most leads to return. Default: `list_length` in the settings (20 unless changed).",
        5,
        default=None,
        ge=1,
        le=1000,
        strict=True,
    )
    as_of: MaybeMoment = as_of_field()


class InlineLead(BaseModel):
    """A lead sent with the request. Any further key is an attribute, named as in your data."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    lead_id: Id = field(
        "The lead's id. For this request it replaces a lead with the same id in the data.",
        "lead-1001",
    )
    created_at: Moment = field("When the lead was created.", "2025-03-02T09:30:00+01:00")
    rep_id: MaybeId = field("The rep who owns the lead.", "rep-7", default=None)
    account_id: MaybeId = field("The account the lead belongs to.", "acc-12", default=None)
    source: MaybeText = field("Where the lead came from.", "referral", default=None)
    value: Amount | None = field("The expected amount.", 12000.0, default=None)
    converted_at: MaybeMoment = field("When the lead converted, if it did.", None, default=None)
    lost_at: MaybeMoment = field("When the lead was lost, if it was.", None, default=None)
    do_not_contact_at: MaybeMoment = field(
        "Since when the lead must not be contacted, if so.", None, default=None
    )

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        for name, ended in (("converted_at", self.converted_at), ("lost_at", self.lost_at)):
            if ended is not None and ended < self.created_at:
                raise ValueError(
                    f"{name} {zulu(ended)} lies before created_at {zulu(self.created_at)}; "
                    "a lead ends at or after its creation"
                )
        return self


class InlineActivity(BaseModel):
    """An activity on one of the leads sent. Any further key is a number, named as in your data."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    lead_id: Id = field("The lead; it must be one of `leads`.", "lead-1001")
    occurred_at: Moment = field("When the activity happened.", "2025-03-04T14:05:00Z")
    type: Text = field("What kind of activity it was.", "call")
    activity_id: MaybeId = field("The activity's id.", "act-1", default=None)
    deal_id: MaybeId = field("The deal the activity belongs to.", None, default=None)
    rep_id: MaybeId = field("The rep who did it.", "rep-7", default=None)
    direction: MaybeText = field(
        "Who reached out: `inbound`, `outbound`.", "outbound", default=None
    )
    outcome: MaybeText = field("How it ended.", "no answer", default=None)
    duration_s: Amount | None = field("How long it took, in seconds.", 95.0, default=None)
    known_at: MaybeMoment = field(
        "When the CRM could first show it. Default: `occurred_at`.", None, default=None
    )


class ScoreLeadsRequest(Contract):
    """Sends leads with their activities to be scored, as if they were in the data."""

    leads: list[InlineLead] = field(
        "The leads to score.",
        [{"lead_id": "lead-1001", "created_at": "2025-03-02", "source": "referral"}],
        min_length=1,
    )
    activities: list[InlineActivity] = field(
        "All activities on these leads. They replace the activities that the data hold of leads "
        "with the same ids.",
        [{"lead_id": "lead-1001", "occurred_at": "2025-03-04T14:05:00Z", "type": "call"}],
        default=[],
    )
    as_of: MaybeMoment = as_of_field()

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        ids = Counter(lead.lead_id for lead in self.leads)
        _refuse_repeated(ids, "lead_id", "leads")
        named = (a.activity_id for a in self.activities if a.activity_id is not None)
        _refuse_repeated(Counter(named), "activity_id", "activities")
        for place, activity in enumerate(self.activities):
            if activity.lead_id not in ids:
                raise ValueError(
                    f"activities[{place}] belongs to lead {activity.lead_id!r}, which is not in "
                    "leads; add that lead, or leave the activity out"
                )
        return self


def _refuse_repeated(counts: Counter[str], key: str, where: str) -> None:
    for name, times in counts.items():
        if times > 1:
            raise ValueError(f"{key} {name!r} appears {times} times in {where}; ids must be unique")


class ExplainLeadRequest(Contract):
    """Asks for the reasons behind an open lead's score."""

    lead_id: Id = field("The lead.", "lead-1001")
    as_of: MaybeMoment = as_of_field()


class Precedents(Contract):
    """What became of leads that had a like value, in the history the model learned from."""

    count: int = field("Leads that were seen with such a value.", 210)
    rate: float | None = field(
        "The share of looks at such leads after which they converted in time; null for too few.",
        0.64,
    )
    all: float = field("The same share over all leads.", 0.41)


class Reason(Contract):
    """One reason that raises or lowers a forecast."""

    feature: str = field("The feature that speaks.", "touches_14d")
    label: str = field("What it is about.", "activity")
    value: str = field("Its value in a sentence.", "3 activities in the last 14 days")
    points: float = field("Percentage points it adds to or takes from the score.", 4.2)
    side: Literal["for", "against"] = field("Which way it speaks.", "for")
    who: str = field("Who can change it.", "rep")
    group: str = field("The same as a rep reads it, or `data issue`.", "you can change")


class LeadReason(Reason):
    """One reason behind a lead's score."""

    history: Precedents | None = field(
        "What became of leads with a like value; null where that is not counted.",
        {"count": 210, "rate": 0.64, "all": 0.41},
    )


class Reasons(Contract):
    """Why a forecast is what it is: base + points of all items + rest = the chance in percent."""

    base: float = field("The chance in percent of an average lead, or of an average rep.", 11.3)
    rest: float = field("The points of all features that are not listed.", -0.4)


class LeadReasons(Reasons):
    """Why a lead's chance is what it is."""

    items: list[LeadReason] = field("The strongest reasons.", [])


class Score(Contract):
    """The forecast for one lead."""

    lead_id: str = field("The lead.", "lead-1001")
    rep_id: str | None = field("The lead's owner as of the moment; null without one.", "rep-7")
    p: float = field("Chance to convert within the horizon, 0 to 1.", 0.184)
    score: float = field("The same in percent: 100 p.", 18.4)
    band: Band = field(
        "How the chance compares with the company's average; `do not contact` rules a call out.",
        "warm",
    )
    reach: float | None = field(
        "Chance that a call today gets through, 0 to 1; null where past calls do not tell.", 0.24
    )
    gain: float | None = field("What getting through adds to `p`; null likewise.", 0.07)
    priority: float = field(
        "What a call is worth now, in the currency of the lead's value; lists are ordered by it, "
        "highest first.",
        302.4,
    )
    call_evidence: CallEvidence = field(
        "`learned`: from how past calls went; `rule`: chance x value, less after a fresh touch.",
        "learned",
    )
    call_reasons: CallReasons = Field(description="What makes a call worth it today.")
    evidence: Evidence = field(EVIDENCE, "enough")
    reasons: LeadReasons = Field(description="Why the chance is what it is, in points.")


class Call(Trended, Score):
    """One lead in a call list."""

    rank: int | None = field(
        "The lead's place in its owner's list, 1 = call next; null where it must not be called.", 1
    )


class Answer(Contract):
    """What every forecast says about itself."""

    as_of: Moment = field("The moment the forecast is for.", "2025-03-31T00:00:00Z")
    model_version: str = field("The version of the model that answered.", "3")
    note: str = field("What to know before using the forecast.", COACHING)


class LeadAnswer(Answer):
    """What every forecast about leads says about itself."""

    horizon_days: int = field("How many days the forecast looks ahead.", 30)


class NextCalls(LeadAnswer):
    """The leads to call next, best first. Leads that must not be contacted are left out."""

    rep_id: str | None = field("The rep; null for the leads without an owner.", "rep-7")
    calls: list[Call] = Field(description="The leads, best first.")


class NotScored(Contract):
    """A lead of the request that was not scored."""

    lead_id: str = field("The lead.", "lead-1002")
    why: str = field(
        "Why it has no score.",
        "lead 'lead-1002' was won on 2025-03-05T10:00:00Z, before the as_of 2025-03-31T00:00:00Z; "
        "only open leads are scored",
    )


class ScoredLeads(LeadAnswer):
    """Scores of the leads in the request. Each lead is under `scores` or under `not_scored`."""

    scores: list[Score] = Field(description="The open leads, in the order of the request.")
    not_scored: list[NotScored] = Field(
        description="The other leads, in the order of the request, with the reason."
    )
    ignored: list[str] = field(
        "Keys of the request that have no column in the data and so had no effect.",
        ["leads.favourite_colour"],
    )


class LeadExplanation(LeadAnswer, Call):
    """A lead's score, its place in its owner's list, and the reasons."""
