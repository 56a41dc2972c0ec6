"""Causes of a gap as typed values, and how firmly each may be told.

Files hold every number. Words withhold what little evidence would pretend to know:

| told    | when                                               | what people read               |
|---------|----------------------------------------------------|--------------------------------|
| firm    | the chance that it is there is 0.8 or more, and    | size with its interval         |
|         | its interval lies above 0                          |                                |
| leaning | the chance is 0.6 or more, and the interval does   | size with its interval, and    |
|         | not cross 0                                        | that it may be chance          |
| open    | anything else                                      | "too little evidence to tell"  |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pandas as pd

from features.clock import zulu

LUCK = "luck"
TIMELESS = ("quota", "ramp")
"""Causes whose beginning says nothing: a quota is set for a period, and everybody is new once."""
FIRM_FROM, LEANING_FROM = 0.8, 0.6
HINT_FROM = 0.15
"""The chance from which a cause that is not told is asked about."""
HALF_POINT = 0.005
"""Less than half a point of quota is read as 0."""
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "qualifying": "Turning leads into deals",
        "closing": "Winning deals",
        "volume": "Amount of work logged",
        "follow_up": "Speed of first and next touches",
        "deal_size": "Size of deals",
        "internal_delay": "Waiting on legal and finance",
        "territory": "Ground of the territory",
        "lead_mix": "Mix of leads dealt",
        "ramp": "Being new in the job",
        "quota": "Height of the quota",
        LUCK: "Within what chance explains",
    }
)
"""What each cause is called by people."""


class Told(StrEnum):
    """How firmly a cause may be told."""

    FIRM = "firm"
    LEANING = "leaning"
    OPEN = "open"


@dataclass(frozen=True)
class Cause:
    """One cause of one rep's gap in one quota period.

    Attributes:
        rep_id: whose gap.
        period_start: of the quota period.
        rank: 1 is the main one.
        name: the contract's name.
        size: expected attainment lost, as a share of quota.
        low: the lower end of its 80 % interval.
        high: the upper end.
        share: of the gap; None where the gap is too small to share out.
        since: when the spell began; None for a lasting one.
        p: the chance that it is there.
        theirs: whether it lies in the rep's own hands.
        evidence: how much is known of the rep.
    """

    rep_id: str
    period_start: datetime
    rank: int
    name: str
    size: float
    low: float
    high: float
    share: float | None
    since: datetime | None
    p: float
    theirs: bool
    evidence: str

    @property
    def label(self) -> str:
        """Return what people call it; a name that is not known stays as it is."""
        return LABELS.get(self.name, self.name)

    @property
    def told(self) -> Told:
        """Return how firmly it may be told."""
        is_there = self.p >= LEANING_FROM and self.size >= HALF_POINT and self.low > -HALF_POINT
        if self.name == LUCK or not is_there:
            return Told.OPEN
        return Told.FIRM if self.p >= FIRM_FROM and self.low >= HALF_POINT else Told.LEANING

    @property
    def is_told(self) -> bool:
        """Whether people read its size."""
        return self.told is not Told.OPEN

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, by the contract's names."""
        return {
            "rank": self.rank,
            "cause": self.name,
            "label": self.label,
            "size": self.size,
            "low": self.low,
            "high": self.high,
            "share": self.share,
            "since": None if self.since is None else zulu(self.since),
            "p": self.p,
            "theirs": self.theirs,
            "evidence": self.evidence,
            "told": self.told.value,
        }


def causes_of(frame: pd.DataFrame, rep_id: str) -> tuple[Cause, ...]:
    """Read one rep's causes from the frame of `rep_causes`, the main one first."""
    own = frame[frame["rep_id"] == rep_id].sort_values("rank")
    return tuple(_read(row) for row in own.to_dict("records"))


def _read(row: Mapping[Any, Any]) -> Cause:
    share = float(row["share"])
    return Cause(
        rep_id=str(row["rep_id"]),
        period_start=row["period_start"].to_pydatetime(),
        rank=int(row["rank"]),
        name=str(row["cause"]),
        size=float(row["size"]),
        low=float(row["low"]),
        high=float(row["high"]),
        share=None if math.isnan(share) else share,
        since=None if pd.isna(row["since"]) else row["since"].to_pydatetime(),
        p=float(row["p"]),
        theirs=bool(row["theirs"]),
        evidence=str(row["evidence"]),
    )


def told_of(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes whose size people read, the main one first.

    A rep may have a lasting weakness and a spell of one name: people read the main of the two.
    """
    by_name = {cause.name: cause for cause in reversed(causes) if cause.is_told}
    return tuple(cause for cause in causes if by_name.get(cause.name) is cause)


def open_of(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes that may play a part and are not told, the main one first.

    What is less likely than `HINT_FROM` is not worth asking about.
    """
    named = {LUCK, *(cause.name for cause in told_of(causes))}
    unsure = [cause for cause in causes if not cause.is_told and cause.name not in named]
    return tuple(cause for cause in unsure if cause.p >= HINT_FROM)


def size_in_words(cause: Cause) -> str:
    """Say a told size with its interval, in points of quota.

    >>> row = dict(rep_id="r", period_start=datetime(2025, 1, 1), rank=1, name="closing", p=0.9)
    >>> row |= dict(size=0.394, low=0.16, high=0.69, share=None, since=None, theirs=True)
    >>> size_in_words(Cause(**row, evidence="enough"))
    'about 39 points of quota (16 to 69)'
    """
    size, low, high = (round(100 * value) for value in (cause.size, cause.low, cause.high))
    return f"about {size} points of quota ({low} to {high})"


def since_in_words(cause: Cause) -> str:
    """Say whether a cause is a spell or has always been there."""
    if cause.name in TIMELESS or (not cause.theirs and cause.since is None):
        return ""
    if cause.since is None:
        return "for as long as the data reach back"
    return f"since about {cause.since:%B %Y}"
