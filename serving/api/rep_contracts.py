"""What goes in and what comes out of the service of reps: their chances to make quota."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from serving.api.fields import Contract, Id, MaybeId, MaybeMoment, Moment
from serving.api.lead_contracts import Answer, EvidenceState, Reasons, field, moment_asked

WITHHELD = (
    "Why the range should not be shown to people; null if it may be. The numbers are given anyway."
)
UNSURE = (
    "Why the chance should not be shown to people as it stands; null if it may be. The number is "
    "given anyway."
)
SHORT = (
    "too little is known of this rep's selling yet (started 10 weeks ago, no ended quota period, "
    "no deal won, 6 open deals)"
)
RESTS_ON = "8 ended quota periods, 17 deals won in a year"


class AtRiskRepsRequest(Contract):
    """Ask which of a manager's reps may miss their quota."""

    manager_id: MaybeId = field(
        "The manager; null, or left out, asks for the whole company.", "M002", default=None
    )
    limit: int | None = field(
        "How many reps, at the most. Left out: the list length of the settings.",
        10,
        default=None,
        ge=1,
        le=1000,
        strict=True,
    )
    offset: int = field(
        "How many reps of the list to pass over: for the pages after the first.",
        0,
        default=0,
        ge=0,
        strict=True,
    )
    as_of: MaybeMoment = moment_asked()


class RepOutlookRequest(Contract):
    """Ask where one rep stands."""

    rep_id: Id = field("The rep.", "rep-7")
    as_of: MaybeMoment = moment_asked()


class Period(Contract):
    """A quota period, and what is closed and expected in it, as amounts."""

    period_start: Moment = field("When the quota period begins.", "2025-01-01T00:00:00Z")
    period_end: Moment = field("When it is over.", "2025-04-01T00:00:00Z")
    quota: float = field("The quota, as it is known at the moment.", 156000.0)
    expected_open: float = field("What open deals are expected to bring before the end.", 44786.2)
    expected_new: float = field("What deals that do not exist yet are expected to bring.", 29664.1)
    evidence: EvidenceState = field("How much the forecast rests on.", "enough")
    evidence_says: str = field("The same in words.", RESTS_ON)
    range_withheld: str | None = field(
        WITHHELD, "it spans more than 1.5 quotas, which is too wide to plan by"
    )


class Rep(Contract):
    """Who a forecast is of."""

    rep_id: str = field("The rep.", "rep-7")
    manager_id: str | None = field("The rep's manager at the moment, if known.", "M002")
    has_left: bool = field("Whether the rep has left by then.", example=False)


class RepForecast(Period, Rep):
    """One rep's forecast for one quota period."""

    attained: float = field("Amount closed so far.", 61000.0)
    p_attain: float = field("Chance to make quota, 0 to 1.", 0.31)
    at_risk: bool = field("Whether that chance is below one half.", example=True)
    chance_withheld: str | None = field(UNSURE, SHORT)
    attainment_p10: float = field("In 1 of 10 cases attainment is below this share.", 0.55)
    attainment_p50: float = field("In half of the cases attainment is below this share.", 0.87)
    attainment_p90: float = field("In 9 of 10 cases attainment is below this share.", 1.21)
    range_low: float = field(
        "Where the range begins, as a share of quota. It is p10 to p90, but ends earlier where it "
        "begins on an amount with much of the chance, such as nothing more being won.",
        0.55,
    )
    range_high: float = field("Where the range ends.", 1.21)
    p_in_range: float = field(
        "Share of cases that end within the range: 0.8, but more where so much of the chance lies "
        "on one amount.",
        0.81,
    )
    reasons: Reasons = Field(description="Why, in percentage points.")
    says: str = field(
        "All this in plain words.",
        "31 % chance to make the quota of 156,000. 61,000 is closed so far (39 % of it); …",
    )


class Team(Contract):
    """Whose forecasts are added up."""

    level: Literal["manager", "company"] = field("What is added up.", "manager")
    group: str = field("The manager, or `company`.", "M002")
    reps: int = field("Reps with a quota in this period.", 7)
    left: int = field("How many of them have left the company.", 1)
    at_risk: int = field("How many of the others are at risk.", 3)


class TeamForecast(Period, Team):
    """A manager's team, or the company, in one quota period.

    Its range is read off the reps' futures added up one by one; it is no sum of theirs.
    """

    closed: float = field("Amount closed so far.", 194650.0)
    mean: float = field("The amount expected in all.", 891840.8)
    p10: float = field("In 1 of 10 cases the final amount is below this.", 594809.9)
    p50: float = field("In half of the cases the final amount is below this.", 872209.5)
    p90: float = field("In 9 of 10 cases the final amount is below this.", 1222433.0)
    says: str = field(
        "All this in plain words.", "Quota 780,000. 194,650 is closed so far (25 % of it); …"
    )


class AtRiskReps(Answer):
    """A manager's reps with a running quota, the least likely to make it first.

    Who has left the company comes last. The list is cut into pages; teams are told whole.
    """

    manager_id: str | None = field("The manager; null for the whole company.", "M002")
    team: list[TeamForecast] = Field(
        description="The manager's team, one for each running period; empty without a manager."
    )
    company: list[TeamForecast] = Field(
        description="The whole company, one for each running period."
    )
    total: int = field("Reps on all pages; one with two running periods counts twice.", 12)
    offset: int = field("How many of them stand on earlier pages.", 0)
    reps: list[RepForecast] = Field(
        description="The reps of this page, the least likely to make quota first, leavers last."
    )


class RepOutlook(Answer):
    """Where one rep stands, and why. Points add up to the chance."""

    rep_id: str = field("The rep.", "rep-7")
    periods: list[RepForecast] = Field(description="One for each running quota period.")
