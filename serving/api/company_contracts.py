"""Requests and answers about key figures and models: the public API."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from features.params import Every
from serving.api.fields import Contract, MaybeId, MaybeMoment, MaybeText, Moment, Text, field
from serving.api.lead_contracts import EVIDENCE, Evidence

Name = Text


class KpisRequest(Contract):
    """Asks for key figures by period.

    Without a rep or team, a rep gets their own figures, a manager those of each rep of the team,
    an analyst those of the company, an admin those of the company.
    """

    names: list[Name] = field(
        "Which figures; empty: all that the data can tell.",
        ["win_rate"],
        default=[],
        max_length=100,
    )
    every: Every = field("How long periods are.", "month", default="month")
    rep_id: MaybeId = field("Figures of one rep.", "rep-7", default=None)
    team: MaybeText = field("Figures of each rep of a team that you may see.", None, default=None)
    by: MaybeText = field(
        "A column to slice by, such as `source`, `territory` or `accounts.industry`.",
        "source",
        default=None,
    )
    start: MaybeMoment = field(
        "No period ends before this. Default: the newest 25 periods.",
        "2025-01-01T00:00:00Z",
        default=None,
    )
    as_of: MaybeMoment = field(
        "Nothing is seen from here on. Default: the end of the data.",
        "2025-03-31T00:00:00Z",
        default=None,
    )


class KpiRow(Contract):
    """One figure of one period and group."""

    kpi: str = field("The figure.", "win_rate")
    period_start: Moment = field("The first moment of the period.", "2025-03-01T00:00:00Z")
    rep_id: str | None = field("Whose; null for the company, or for what has no rep.", "rep-7")
    group: str | None = field("The value of the column sliced by; null without one.", "referral")
    value: float | None = field("The figure; null where nothing can be divided.", 0.31)
    numerator: float | None = field("What is counted.", 14.0)
    denominator: float | None = field("What it is divided by; null where it is not.", 45.0)
    n: int = field("The cases it rests on.", 45)
    is_over: bool = field("Whether the whole period was seen.", example=True)
    is_few: bool = field("Too few cases for a page to show it as a number.", example=False)


class KpiDefinition(Contract):
    """What a figure means."""

    label: str = field("Its name for people.", "Win rate")
    unit: str = field("Its unit.", "share")
    says: str = field("How it is made.", "Deals won, over deals that closed in the period.")


class Kpis(Contract):
    """Key figures in long form, and what each of them means."""

    as_of: Moment = field("Nothing is seen from here on.", "2025-03-31T00:00:00Z")
    definitions: dict[str, KpiDefinition] = Field(description="By the name of the figure.")
    rows: list[KpiRow] = Field(description="The figures.")


class ModelInfoRequest(Contract):
    """Asks about the champions. It has no fields: send `{}`."""


class ModelInfo(Contract):
    """One champion: what it is, what it learned from, and how good it was on its test."""

    kind: Literal["leads", "quota"] = field("Of what.", "leads")
    model_version: str = field("Its version in the registry.", "3")
    registered_at: Moment = field("When it was registered.", "2025-03-01T04:00:00Z")
    trained_until: Moment = field("It learned from data before this.", "2025-03-01T00:00:00Z")
    evidence: Evidence = field(EVIDENCE, "enough")
    evidence_says: str = field("The same in words.", "3662 leads with mature labels")
    data: dict[str, str] = field(
        "Fingerprints of the data and the features, and the horizon.", {"horizon": "30 days"}
    )
    figures: dict[str, float] = field(
        "What was measured on later data: each with `_low` and `_high`, its interval.",
        {"auc": 0.77, "log_loss": 0.227},
    )
    calibration: dict[str, float] = field(
        "How far chances mean what they say: slope 1 and intercept 0 are perfect; `ece` is the "
        "mean gap between chance and share.",
        {"ece": 0.011, "calibration_slope": 0.98},
    )
    baselines: dict[str, dict[str, float]] = field(
        "The same figures of simple forecasts on the same data.", {"age_alone": {"auc": 0.61}}
    )
    is_in_use: bool = field("Whether it answers now.", example=True)


class ModelsInfo(Contract):
    """The champions of this service."""

    data_until: Moment = field("The end of the data.", "2025-03-31T00:00:00Z")
    champions: list[ModelInfo] = Field(description="One per kind that has a model.")
    promotions: list[dict[str, Any]] = field(
        "Who became champion when and why, the newest first.", [{"version": "3", "why": "first"}]
    )
