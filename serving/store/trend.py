"""How a lead's score has moved over 7 and 28 days, and which reason moved it most."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from serving.store.scores import ScoreRun

DAYS = (7, 28)
NEAR = 0.25
"""A run this share of the days further back still counts as the run of then."""


@dataclass(frozen=True)
class PastScore:
    """A lead's score at a moment.

    Attributes:
        as_of: the moment, naive UTC.
        model_version: of the model in the registry.
        score: the chance in percent.
        reasons: as the contract has them: `base`, `items`, `rest`.
    """

    as_of: datetime
    model_version: str
    score: float
    reasons: Mapping[str, Any]


@dataclass(frozen=True)
class Moved:
    """A reason that changed.

    Attributes:
        feature: the feature that speaks.
        label: what it is about.
        before: its value in a sentence then; None where it was not among the reasons.
        now: the same now.
        points: by how many percentage points what it adds has changed.
    """

    feature: str
    label: str
    before: str | None
    now: str | None
    points: float


@dataclass(frozen=True)
class Trend:
    """How a score has moved.

    Attributes:
        days: how many days back one looks.
        since: the moment of the earlier score; near that many days back.
        before: the score then, in percent.
        change: the score now less the score then, in percentage points.
        is_same_model: whether one model made both; else part of the change may be the model's.
        moved: the reason that changed most the way the score went; None where none did.
    """

    days: int
    since: datetime
    before: float
    change: float
    is_same_model: bool
    moved: Moved | None

    @property
    def says(self) -> str:
        """It in a sentence.

        >>> moved = Moved("stage", "how far it has come", "new", "meeting", 4.1)
        >>> Trend(7, datetime(2026, 5, 22), 12.0, 6.4, False, moved).says
        '+6.4 points in 7 days, most by how far it has come: meeting (before: new); another model'
        """
        said = f"{self.change:+.1f} points in {self.days} days"
        if self.moved is not None:
            before = self.moved.before or "not among the reasons"
            now = self.moved.now or "not among the reasons any more"
            said += f", most by {self.moved.label}: {now} (before: {before})"
        return said if self.is_same_model else f"{said}; another model"


def trend(now: PastScore, before: PastScore, days: int) -> Trend:
    """Return how a score has moved from one moment to another.

    Args:
        now: the later score.
        before: the earlier one.
        days: what the earlier one stands for.
    """
    change = now.score - before.score
    return Trend(
        days=days,
        since=before.as_of,
        before=before.score,
        change=change,
        is_same_model=now.model_version == before.model_version,
        moved=moved_most(now.reasons, before.reasons, change),
    )


def moved_most(now: Mapping[str, Any], before: Mapping[str, Any], change: float) -> Moved | None:
    """Return the reason whose points changed most the way the score went; of equal ones the first.

    Only the strongest reasons are listed, so one that is not listed counts 0: its points were
    smaller than those of any that is. With the score up by 5:

        reason   points then   points now   changed
        stage    1.0           5.0          +4.0: moved most
        calls    2.0           not listed   -2.0, or -6.0: never named, since the score rose
        source   3.0           3.0           0.0
    """
    then, today = ({item["feature"]: item for item in all_["items"]} for all_ in (before, now))
    changes = {
        name: _points(today.get(name)) - _points(then.get(name)) for name in then.keys() | today
    }
    moved = {name: points for name, points in changes.items() if points * change > 0}
    if not moved:
        return None
    name = min(moved, key=lambda name: (-abs(moved[name]), name))
    item, past = today.get(name), then.get(name)
    return Moved(
        feature=name,
        label=str((item or past or {}).get("label", "")),
        before=None if past is None else past["value"],
        now=None if item is None else item["value"],
        points=round(moved[name], 4),
    )


def runs_before(runs: Sequence[ScoreRun], as_of: datetime) -> dict[int, ScoreRun]:
    """Return the run that stands for each number of days back, where there is one.

    That is the newest one at or before that moment, if it is not much older. For a list as of
    29 May, the runs of 1, 21 and 28 May say:

        days   moment   run      why
        7      22 May   21 May   the newest before it
        28     1 May    1 May    that very moment
    """
    standing = {}
    for days in DAYS:
        moment, oldest = as_of - timedelta(days=days), as_of - timedelta(days=days * (1 + NEAR))
        past = [run for run in runs if oldest <= run.as_of <= moment]
        if past:
            standing[days] = max(past, key=lambda run: run.as_of)
    return standing


def trends_of(
    now: Mapping[str, PastScore],
    past: Mapping[int, tuple[ScoreRun, Mapping[str, Mapping[str, Any]]]],
) -> dict[str, tuple[Trend, ...]]:
    """Return the trends of leads, by lead; a lead that no earlier run scored has none.

    Args:
        now: the leads' scores.
        past: for each number of days, the run that stands for then, and what `ScoreLog.of_leads`
            returned of it.
    """
    trends: dict[str, tuple[Trend, ...]] = {}
    for lead_id, score in now.items():
        own = tuple(
            trend(score, _past(run, scores[lead_id]), days)
            for days, (run, scores) in past.items()
            if lead_id in scores
        )
        if own:
            trends[lead_id] = own
    return trends


def _past(run: ScoreRun, row: Mapping[str, Any]) -> PastScore:
    return PastScore(run.as_of, run.model_version, row["score"], json.loads(row["reasons"]))


def _points(item: Mapping[str, Any] | None) -> float:
    return 0.0 if item is None else float(item["points"])
