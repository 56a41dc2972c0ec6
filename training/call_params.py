"""The section `training.calls`: how outcomes of calls are read, and what makes a call worth it."""

from __future__ import annotations

from pydantic import Field

from features.params import Section
from training.effect_params import EffectParams


class CallParams(Section):
    """What a call is worth: how its answers are read, and how leads are ordered by it."""

    learn: bool = Field(
        default=True,
        description="learn from past calls what a call is worth; false: leads are ordered by the "
        "stated rule, and training is quicker",
    )
    reached_words: tuple[str, ...] = Field(
        default=(
            *("connect", "answer", "reach", "spoke", "talk", "convers", "contact", "interest"),
            *("erreicht", "gespr"),
        ),
        strict=False,
        description="parts of the names of outcomes in which somebody was reached",
    )
    missed_words: tuple[str, ...] = Field(
        default=(
            *("no answer", "not answer", "unanswer", "voicemail", "voice mail", "mailbox"),
            *("left message", "left a message", "busy", "missed", "no contact", "not connect"),
            *("not reach", "unreach", "no response", "wrong number", "disconnected", "failed"),
            *("nicht erreicht", "besetzt", "keine antwort"),
        ),
        strict=False,
        description="the same in which nobody was; they count first: 'no answer' is no answer",
    )
    most_attempts: int = Field(
        default=150_000, ge=1000, description="newest attempts that are learned from, at most"
    )
    least_attempts: int = Field(
        default=1000, ge=100, description="attempts below which nothing is learned from them"
    )
    least_converted: int = Field(
        default=50, ge=10, description="conversions after either answer, below which likewise"
    )
    least_overlap: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="share of attempts that might have gone either way (chance to get through "
        "from 5 to 95 %), below which likewise",
    )
    level: float = Field(default=0.9, gt=0, lt=1, description="coverage of the intervals")
    effects: EffectParams = EffectParams(folds=3, arm_rounds=3, arm_inverse_ridge=0.0003)
    reach: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="part that a lead's own chance to be reached has in what it counts as, the "
        "usual one has the rest",
    )
    amount: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="part that a lead's own amount has in what it counts as, the middle amount "
        "has the rest; these weights were chosen by replays of sample companies 21, 22, 23 and 25",
    )
    cool_down_days: float = Field(
        default=3.0,
        ge=0,
        description="days after a touch until getting through counts in full again; 0: at once",
    )
    rest: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="share of what getting through is worth that a touch just now takes away",
    )
    warmth: float = Field(
        default=0.035,
        ge=0,
        le=1,
        description="what a call that gets nobody brings, as a share of the chance to convert: "
        "leads that were tried lately convert more often",
    )
    warm_days: float = Field(
        default=7.0,
        ge=0,
        description="days after a touch until a mere try brings that in full again, and, where "
        "calls were not learned from, until the chance counts in full",
    )
