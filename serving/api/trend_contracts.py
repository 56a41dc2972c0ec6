"""What answers say about how a score has moved: the public API, as frozen values."""

from __future__ import annotations

from serving.api.fields import Contract, Moment, field
from serving.store.trend import Trend


class MovedReason(Contract):
    """The reason that changed most between two scores of a lead."""

    feature: str = field("The feature that speaks.", "stage")
    label: str = field("What it is about.", "how far it has come")
    before: str | None = field(
        "Its value in a sentence then; null where it was not among the reasons.", "new"
    )
    now: str | None = field("The same now.", "meeting")
    points: float = field("By how many percentage points what it adds has changed.", 4.1)


class ScoreTrend(Contract):
    """How a lead's score has moved."""

    days: int = field("How many days back it looks.", 7)
    since: Moment = field("The moment of the earlier score.", "2025-03-24T00:00:00Z")
    before: float = field("The score then, in percent.", 12.0)
    change: float = field("The score now less the score then, in percentage points.", 6.4)
    is_same_model: bool = field(
        "Whether one model made both; else part of the change may be the model's.", example=True
    )
    moved: MovedReason | None = field(
        "The reason that changed most; null where none did.",
        {
            "feature": "stage",
            "label": "how far it has come",
            "before": "new",
            "now": "meeting",
            "points": 4.1,
        },
    )

    @classmethod
    def of(cls, trend: Trend) -> ScoreTrend:
        """Take a trend as the store tells it."""
        moved = None if trend.moved is None else MovedReason(**vars(trend.moved))
        return cls(**{**vars(trend), "moved": moved})


class Trended(Contract):
    """What has a score that moves."""

    trend: list[ScoreTrend] = field(
        "How the score has moved over 7 and 28 days, as far as scores of then are kept; only as of "
        "the end of the data.",
        [],
        default=[],
    )
