"""Forecasts of quota attainment as typed values: what a sentence about a rep or a team rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from features.evidence import EvidenceState


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the forecast of a rep and that of a team share; amounts are in the deals' currency.

    Attributes:
        period_start: when the quota period begins.
        period_end: when it is over (exclusive).
        quota: the quota of the period; 0 or less is none.
        expected_open: the mean of what open deals will bring before the end.
        expected_new: the mean of what deals still to be created will bring before the end.
        evidence: how much the forecast rests on.
        evidence_says: the same in words.
    """

    period_start: datetime
    period_end: datetime
    quota: float
    expected_open: float
    expected_new: float
    evidence: EvidenceState
    evidence_says: str

    @property
    def has_quota(self) -> bool:
        """Whether there is a quota to make."""
        return self.quota > 0


@dataclass(frozen=True, kw_only=True)
class RepForecast(Forecast):
    """One rep's forecast for one quota period.

    Attributes:
        rep_id: the rep.
        manager_id: the rep's manager, if known.
        has_left: whether the rep has left the company by the moment of the forecast.
        attained: the amount closed so far.
        p_attain: the chance to make quota.
        at_risk: whether that chance is called a risk.
        attainment_p10: in 1 of 10 cases attainment ends below this share of quota.
        attainment_p50: in half of the cases.
        attainment_p90: in 9 of 10 cases.
        range_low: where the range shown to people begins, as a share of quota.
        range_high: where it ends.
        p_in_range: the share of cases that end within it.
    """

    rep_id: str
    manager_id: str | None
    has_left: bool
    attained: float
    p_attain: float
    at_risk: bool
    attainment_p10: float
    attainment_p50: float
    attainment_p90: float
    range_low: float
    range_high: float
    p_in_range: float

    @classmethod
    def from_row(cls, row: Mapping[Any, Any]) -> Self:
        """Read a row of the table that `score` makes; its other columns are left out."""
        manager = row["manager_id"]
        typed = {
            # A column of texts holds a float where it is empty.
            "manager_id": manager if isinstance(manager, str) else None,
            "has_left": bool(row["has_left"]),
            "at_risk": bool(row["at_risk"]),
            "evidence": EvidenceState(row["evidence"]),
        }
        return cls(**{field.name: row[field.name] for field in fields(cls)} | typed)


@dataclass(frozen=True, kw_only=True)
class TeamForecast(Forecast):
    """The forecasts of a manager's team, or of the whole company, added up for one quota period.

    Attributes:
        level: `manager` or `company`.
        group: the manager, or `company`.
        closed: the amount closed so far.
        mean: the amount expected in all.
        p10: in 1 of 10 cases the final amount is below this.
        p50: in half of the cases.
        p90: in 9 of 10 cases.
        reps: reps with a quota in the period.
        left: how many of them have left the company.
        at_risk: how many of the others are at risk.
    """

    level: str
    group: str
    closed: float
    mean: float
    p10: float
    p50: float
    p90: float
    reps: int
    left: int
    at_risk: int

    @classmethod
    def from_row(
        cls,
        row: Mapping[Any, Any],
        members: Sequence[RepForecast],
        evidence: tuple[str, str],
    ) -> Self:
        """Read a row of the roll-ups.

        Args:
            row: the amounts.
            members: the reps who were added up.
            evidence: how much their sum rests on, and the same in words.
        """
        counted: dict[str, Any] = {
            "reps": len(members),
            "left": sum(member.has_left for member in members),
            "at_risk": sum(member.at_risk and not member.has_left for member in members),
            "evidence": EvidenceState(evidence[0]),
            "evidence_says": evidence[1],
        }
        amounts = {field.name: row[field.name] for field in fields(cls) if field.name in row}
        return cls(**amounts | counted)
