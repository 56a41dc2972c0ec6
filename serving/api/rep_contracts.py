"""Requests and answers about reps: their chances to make quota, as frozen values."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from serving.api.fields import Contract, Id, MaybeId, MaybeMoment, Moment, field
from serving.api.lead_contracts import EVIDENCE, Answer, Evidence, Reason, Reasons, as_of_field

WITHHELD = (
    "Why the range should not be shown to people; null if it may be shown. The numbers are always "
    "filled."
)
UNSURE = (
    "Why the chance should not be shown to people as a number; null if it may be shown. The number "
    "is always filled."
)
SHORT = (
    "too little is known of this rep's selling yet (started 10 weeks ago, no ended quota period, "
    "no deal won, 6 open deals)"
)
RESTS_ON = "8 ended quota periods, 17 deals won in a year"


class AtRiskRepsRequest(Contract):
    """Asks which of a manager's reps may miss their quota."""

    manager_id: MaybeId = field(
        "The manager. Default, or null: the whole company.", "M002", default=None
    )
    limit: int | None = field(
        "The most reps to return. Default: `list_length` in the settings (20 unless changed).",
        10,
        default=None,
        ge=1,
        le=1000,
        strict=True,
    )
    offset: int = field(
        "How many reps of the list to skip, for the pages after the first.",
        0,
        default=0,
        ge=0,
        strict=True,
    )
    as_of: MaybeMoment = as_of_field()


class RepOutlookRequest(Contract):
    """Asks where one rep stands."""

    rep_id: Id = field("The rep.", "rep-7")
    as_of: MaybeMoment = as_of_field()


class Period(Contract):
    """A quota period, and what is expected in it. Amounts are in the currency of the deals."""

    period_start: Moment = field("When the quota period begins.", "2025-01-01T00:00:00Z")
    period_end: Moment = field("When it ends (exclusive).", "2025-04-01T00:00:00Z")
    quota: float = field("The quota, as known at the moment of the forecast.", 156000.0)
    expected_open: float = field(
        "The amount expected from open deals before the period ends.", 44786.2
    )
    expected_new: float = field(
        "The amount expected from deals still to be created in the period.", 29664.1
    )
    evidence: Evidence = field(EVIDENCE, "enough")
    evidence_says: str = field("The same in words.", RESTS_ON)
    range_withheld: str | None = field(
        WITHHELD, "it spans more than 1.5 quotas, which is too wide to plan with"
    )


class Rep(Contract):
    """The rep a forecast is for."""

    rep_id: str = field("The rep.", "rep-7")
    manager_id: str | None = field(
        "The rep's manager at the moment of the forecast; null if unknown.", "M002"
    )
    has_left: bool = field(
        "Whether the rep had left the company by the moment of the forecast.", example=False
    )


class RepReason(Reason):
    """One reason behind a rep's chance, beside what is usual in the same period."""

    usual: str = field("The value of the middle rep.", "85,000")
    at_usual: float = field("The chance in percent if this alone were as usual.", 41.5)
    says: str = field("The reason in a sentence.", "The quota: 90,000; 85,000 is usual.")


class RepReasons(Reasons):
    """Why a rep's chance is what it is."""

    items: list[RepReason] = field("The reasons, the strongest first.", [])


class RepForecast(Period, Rep):
    """The forecast for one rep in one quota period."""

    attained: float = field("The amount closed so far.", 61000.0)
    p_attain: float = field("Chance to make quota, 0 to 1.", 0.31)
    at_risk: bool = field("Whether the rep is at risk: the chance is below 0.5.", example=True)
    chance_withheld: str | None = field(UNSURE, SHORT)
    attainment_p10: float = field(
        "Attainment, as a share of quota, that the rep stays below in 1 of 10 cases.", 0.55
    )
    attainment_p50: float = field(
        "Attainment, as a share of quota, that the rep stays below in half of all cases.", 0.87
    )
    attainment_p90: float = field(
        "Attainment, as a share of quota, that the rep stays below in 9 of 10 cases.", 1.21
    )
    range_low: float = field(
        "Where the range for people begins, as a share of quota. The range is p10 to p90, but ends "
        "earlier where much of the chance lies on the amount it begins with, such as what is "
        "closed so far.",
        0.55,
    )
    range_high: float = field("Where the range for people ends, as a share of quota.", 1.21)
    p_in_range: float = field(
        "Share of cases that end within the range: about 0.8, or more where much of the chance "
        "lies on one amount.",
        0.81,
    )
    reasons: RepReasons = Field(description="Why, in percentage points of the chance.")
    says: str = field(
        "The forecast in plain words.",
        "31 % chance to make the quota of 156,000. 61,000 is closed so far (39 % of quota); …",
    )


class Team(Contract):
    """The team whose forecasts are added up."""

    level: Literal["manager", "company"] = field(
        "Whether this is a manager's team or the whole company.", "manager"
    )
    group: str = field("The manager's id, or `company`.", "M002")
    reps: int = field("How many reps have a quota in this period.", 7)
    left: int = field("How many of them have left the company.", 1)
    at_risk: int = field("How many of the others are at risk.", 3)


class TeamForecast(Period, Team):
    """The forecast for a manager's team, or the whole company, in one quota period.

    The range comes from adding up the simulated futures of the reps one by one. It is not the sum
    of the reps' ranges: not all of them are unlucky at once.
    """

    closed: float = field("The amount closed so far.", 194650.0)
    mean: float = field("The amount expected in total.", 891840.8)
    p10: float = field("The total stays below this amount in 1 of 10 cases.", 594809.9)
    p50: float = field("The total stays below this amount in half of all cases.", 872209.5)
    p90: float = field("The total stays below this amount in 9 of 10 cases.", 1222433.0)
    says: str = field(
        "The forecast in plain words.",
        "Quota 780,000. 194,650 is closed so far (25 % of quota); …",
    )


class AtRiskReps(Answer):
    """The reps of a manager, or of the company, who have a running quota, page by page.

    The least likely to make quota come first, reps who have left the company last. The forecasts of
    the team and of the company always cover all reps, not just those of the page.
    """

    manager_id: str | None = field("The manager; null for the whole company.", "M002")
    team: list[TeamForecast] = Field(
        description="The manager's team, once per running quota period; empty without a manager."
    )
    company: list[TeamForecast] = Field(
        description="The whole company, once per running quota period."
    )
    total: int = field(
        "How many reps all pages have; a rep with two running periods counts twice.", 12
    )
    offset: int = field("How many reps were skipped before this page.", 0)
    reps: list[RepForecast] = Field(
        description="The reps of this page, the least likely to make quota first."
    )


class RepOutlook(Answer):
    """Where one rep stands in each running quota period, and why."""

    rep_id: str = field("The rep.", "rep-7")
    periods: list[RepForecast] = Field(description="One forecast per running quota period.")
