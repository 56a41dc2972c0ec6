"""What answers say about calls to leads: the public API, as frozen values."""

from __future__ import annotations

from typing import Literal

from serving.api.fields import Contract, field

CallEvidence = Literal["learned", "rule"]


class CallReasons(Contract):
    """Why a call is worth it now."""

    news: list[str] = field(
        "What the lead did since the last working day, newest first.",
        ["last web visit 5 hours ago"],
    )
    says: str = field(
        "The parts of the priority.",
        "reached with 24 %; if reached, +7 points; if not, +0.4; 18,000, counted as 19,900; "
        "last touched 4 days ago",
    )
    tried: float | None = field(
        "What a call is worth to a lead that was left alone, got through or not, in the currency "
        "of the priority; empty in scores that an earlier version kept.",
        92.5,
        default=None,
    )
