"""What goes in and what comes out of the service of leads: its public API, as frozen values.

What every kind of forecast says, and health, stand here too; `rep_contracts` has those of reps.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.clock import zulu
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
)

COACHING = (
    "Scores are for coaching and for planning the day, not for decisions on employment, pay or "
    "dismissal."
)


Band = Literal["hot", "warm", "cool", "cold", "do not contact"]
EvidenceState = Literal["enough", "thin", "none"]


def field(says: str, example: Any, **more: Any) -> Any:
    """Describe a field and show it; what is usually empty has no example."""
    return Field(description=says, examples=None if example is None else [example], **more)


def moment_asked() -> Any:
    """Describe the moment of an answer."""
    return field(
        "The moment the answer is made for: nothing at or after it is seen. Left out: the moment "
        "up to which the data are known.",
        "2025-03-31T00:00:00Z",
        default=None,
    )


class NextCallsRequest(Contract):
    """Ask whom a rep should call next."""

    rep_id: MaybeId = field("The rep; null asks for the leads that nobody owns.", "rep-7")
    limit: int | None = field(
        "How many leads, at the most. Left out: the list length of the settings.",
        5,
        default=None,
        ge=1,
        le=1000,
        strict=True,
    )
    as_of: MaybeMoment = moment_asked()


class GivenLead(BaseModel):
    """A lead that comes with the request; further keys are attributes, as in the extract."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    lead_id: Id = field("Names the lead; it takes the place of one with this id.", "lead-1001")
    created_at: Moment = field("When the lead came in.", "2025-03-02T09:30:00+01:00")
    rep_id: MaybeId = field("The rep who was given it.", "rep-7", default=None)
    account_id: MaybeId = field("The account it belongs to.", "acc-12", default=None)
    source: MaybeText = field("Where it came from.", "referral", default=None)
    value: Amount | None = field("The amount expected.", 12000.0, default=None)
    converted_at: MaybeMoment = field("When it was won, if it was.", None, default=None)
    lost_at: MaybeMoment = field("When it was lost, if it was.", None, default=None)
    do_not_contact_at: MaybeMoment = field(
        "From when on nobody may call, if so.", None, default=None
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


class GivenActivity(BaseModel):
    """An activity on one of the given leads; further keys are numbers, as in the extract."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Attribute]

    lead_id: Id = field("The lead, one of those in the same request.", "lead-1001")
    occurred_at: Moment = field("When it happened.", "2025-03-04T14:05:00Z")
    type: Text = field("What was done.", "call")
    activity_id: MaybeId = field("Names the activity.", "act-1", default=None)
    deal_id: MaybeId = field("The deal it belongs to.", None, default=None)
    rep_id: MaybeId = field("The rep who did it.", "rep-7", default=None)
    direction: MaybeText = field("Whose doing it was.", "outbound", default=None)
    outcome: MaybeText = field("What came of it.", "no answer", default=None)
    duration_s: Amount | None = field("How long it took, in seconds.", 95.0, default=None)
    known_at: MaybeMoment = field(
        "When the CRM could first show it. Left out: when it happened.", None, default=None
    )


class ScoreLeadsRequest(Contract):
    """Score leads that come with the request, as if they had been ingested."""

    leads: list[GivenLead] = field(
        "The leads.",
        [{"lead_id": "lead-1001", "created_at": "2025-03-02", "source": "referral"}],
        min_length=1,
    )
    activities: list[GivenActivity] = field(
        "Everything done on these leads; what the data hold of leads with the same ids is put "
        "aside.",
        [{"lead_id": "lead-1001", "occurred_at": "2025-03-04T14:05:00Z", "type": "call"}],
        default=[],
    )
    as_of: MaybeMoment = moment_asked()

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        ids = Counter(lead.lead_id for lead in self.leads)
        _refuse_twice(ids, "lead_id", "leads")
        named = (a.activity_id for a in self.activities if a.activity_id is not None)
        _refuse_twice(Counter(named), "activity_id", "activities")
        for place, activity in enumerate(self.activities):
            if activity.lead_id not in ids:
                raise ValueError(
                    f"activities[{place}] is of lead {activity.lead_id!r}, which is none of the "
                    f"{len(ids)} leads given; give that lead too, or leave the activity out"
                )
        return self


def _refuse_twice(counted: Counter[str], key: str, where: str) -> None:
    for name, times in counted.items():
        if times > 1:
            raise ValueError(f"{key} {name!r} is given {times} times in {where}; once is right")


class ExplainLeadRequest(Contract):
    """Ask for the reasons behind an open lead's score."""

    lead_id: Id = field("The lead.", "lead-1001")
    as_of: MaybeMoment = moment_asked()


class HealthRequest(Contract):
    """Ask how the service is: there is nothing to give, `{}` is right."""


class Reason(Contract):
    """One thing that speaks for or against a lead or a rep."""

    feature: str = field("The feature that speaks.", "touches_14d")
    label: str = field("What it is about.", "activity")
    value: str = field("Its value in a sentence.", "3 activities in the last 14 days")
    points: float = field("Percentage points it adds to or takes from the score.", 4.2)
    side: Literal["for", "against"] = field("Which way it speaks.", "for")
    who: str = field("Who can change it.", "rep")


class Reasons(Contract):
    """Reasons that add up: base + the points of the items + rest = 100 times the chance."""

    base: float = field("The chance in percent of a lead, or a rep, like any other.", 11.3)
    items: list[Reason] = field("The strongest reasons.", [])
    rest: float = field("Points of everything that is not listed.", -0.4)


class Score(Contract):
    """One lead's forecast."""

    lead_id: str = field("The lead.", "lead-1001")
    rep_id: str | None = field("Who owned it at the moment, if anybody.", "rep-7")
    p: float = field("Chance to convert within the horizon, 0 to 1.", 0.184)
    score: float = field("100 p.", 18.4)
    band: Band = field("The score beside the company's usual rate.", "warm")
    priority: float = field("What the list is ordered by.", 18.4)
    evidence: EvidenceState = field("How much the forecast rests on.", "enough")
    reasons: Reasons = Field(description="Why, in percentage points.")


class Call(Score):
    """One lead in a call list."""

    rank: int = field("Its place in the owner's list, 1 = next.", 1)


class Answer(Contract):
    """What every forecast says about itself."""

    as_of: Moment = field("The moment it is made for.", "2025-03-31T00:00:00Z")
    model_version: str = field("The model that answered.", "3")
    note: str = field("What to know before using it.", COACHING)


class LeadAnswer(Answer):
    """What every forecast of leads says about itself."""

    horizon_days: int = field("How far the forecast looks ahead.", 30)


class NextCalls(LeadAnswer):
    """Whom to call next, best first. Who asked not to be contacted is not listed."""

    rep_id: str | None = field("The rep; null for the leads that nobody owns.", "rep-7")
    calls: list[Call] = Field(description="The leads, best first.")


class NotScored(Contract):
    """A given lead that was not scored."""

    lead_id: str = field("The lead.", "lead-1002")
    why: str = field("Why not.", "it was won on 2025-03-05T10:00:00Z, before the as_of")


class LeadScores(LeadAnswer):
    """Scores of the given leads: each of them is under `scores` or under `not_scored`."""

    scores: list[Score] = Field(description="The open leads, in the order given.")
    not_scored: list[NotScored] = Field(description="The others, in the order given, with why.")
    ignored: list[str] = field(
        "Keys that no column of the data knows, so that they changed nothing.",
        ["leads.favourite_colour"],
    )


class LeadExplanation(LeadAnswer, Call):
    """A lead's score, its place in the list, and the reasons."""


class ModelHealth(Contract):
    """A model in use."""

    model_version: str = field("The model in use.", "3")
    trained_until: Moment = field("The model saw nothing after this.", "2025-03-01T00:00:00Z")
    evidence: EvidenceState = field("How much the model learned from.", "enough")
    evidence_says: str = field("The same in words.", "3662 leads with ripe labels, 410 converted")


class LeadHealth(ModelHealth):
    """The model of leads, and what it scores."""

    horizon_days: int = field("How far the forecast looks ahead.", 30)
    open_leads: int = field("Leads that are scored.", 853)


class QuotaHealth(ModelHealth):
    """The model of quota attainment, and what it forecasts."""

    reps: int = field("Reps with a running quota.", 38)


class Health(Contract):
    """How the service is, and how old what it knows."""

    status: Literal["ready"] = field("`ready`; anything else is answered by 503.", "ready")
    data_until: Moment = field("The data are known up to here.", "2025-03-31T00:00:00Z")
    data_age_days: float = field("How long ago that is.", 0.4)
    scored_at: Moment = field("When the scores were made.", "2025-03-31T09:00:00Z")
    leads: LeadHealth | None = field("Forecasts of leads, if there are any.", None)
    quota: QuotaHealth | None = field("Forecasts of reps' quota attainment, if any.", None)
    lacking: list[str] = field(
        "Why a kind of forecasts is not there.",
        ["there is no quota model in mlruns; run `pacesetter train quota`"],
    )
    problem: str | None = field("Why newer scores could not be made, if so.", None)
