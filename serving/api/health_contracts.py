"""The request and the answer about health: the public API, as frozen values."""

from __future__ import annotations

from typing import Literal

from serving.api.fields import Contract, Moment, field
from serving.api.lead_contracts import Evidence


class HealthRequest(Contract):
    """Asks for the state of the service. It has no fields: send `{}`."""


class ModelHealth(Contract):
    """A model in use."""

    model_version: str = field("The version of the model in use.", "3")
    trained_until: Moment = field(
        "The model was trained on data before this.", "2025-03-01T00:00:00Z"
    )
    evidence: Evidence = field("How much data the model was trained on.", "enough")


class LeadHealth(ModelHealth):
    """The model that scores leads."""

    evidence_says: str = field(
        "The same in words.", "3662 leads with mature labels, 410 converted, 3252 not"
    )
    horizon_days: int = field("How many days the forecast looks ahead.", 30)
    open_leads: int = field("How many leads are scored.", 853)


class QuotaHealth(ModelHealth):
    """The model that forecasts quota attainment."""

    evidence_says: str = field(
        "The same in words.", "learned from 1470 won deals and 204 ended quota periods"
    )
    reps: int = field("How many reps with a running quota have a forecast.", 38)


class Health(Contract):
    """The state of the service, its models and its data."""

    status: Literal["ready"] = field("Always `ready`: a service that is not answers 503.", "ready")
    data_until: Moment = field("The end of the data.", "2025-03-31T00:00:00Z")
    data_age_days: float = field("How many days ago that was.", 0.4)
    scored_at: Moment = field("When the scores were computed.", "2025-03-31T09:00:00Z")
    leads: LeadHealth | None = field("The lead model; null without one.", None)
    quota: QuotaHealth | None = field("The quota model; null without one.", None)
    lacking: list[str] = field(
        "Why a kind of forecast is not available; empty if both are.",
        ["there is no quota model in mlruns; run `pacesetter train quota`"],
    )
    warnings: list[str] = field(
        "What is wrong or odd about the data, the gravest first; empty if nothing is.",
        ["deals.amount: 614 of 614 (100 %) filled values cannot be read and count as empty"],
    )
    problem: str | None = field("Why the scores could not be renewed; null if all is well.", None)
    stale: list[str] = field(
        "What is older than it should be, the data or a model; empty if nothing is.", []
    )
