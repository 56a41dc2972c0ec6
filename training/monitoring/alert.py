"""What a monitoring run finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters."""

    ALARM = "alarm"
    """Something is wrong, or the model no longer fits: the exit code is 1."""
    WATCH = "watch"
    """Worth a look."""


@dataclass(frozen=True)
class Alert:
    """One finding.

    Attributes:
        what: its kind: "inputs", "calibration", "vanished_type" ...
        where: what it is about: a feature, a team, a type of activity.
        severity: how much it matters.
        size: what was measured now.
        expected: the same, as it usually is; None where there is no such figure.
        low: the lower end of what is usual, or of the interval of the size.
        high: the upper end.
        says: what was found, in a sentence.
        advice: what to do about it, in a sentence.
    """

    what: str
    where: str
    severity: Severity
    size: float
    expected: float | None
    low: float | None
    high: float | None
    says: str
    advice: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return vars(self) | {"severity": self.severity.value}
