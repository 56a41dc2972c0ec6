"""What monitoring reports: a figure that lies outside what was to be expected of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is, the worst first."""

    ALARM = "alarm"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Deviation:
    """A figure outside what was to be expected of it.

    Attributes:
        what: the same kind of deviation has the same word here, for machines.
        where: the feature, segment, team or type of activity it is about, in words.
        size: the figure now.
        expected: what was to be expected; None where the figure has no usual value.
        low: the lower end of what was to be expected: by luck, and by this company's past.
        high: the upper end of it.
        severity: an alarm makes `monitor` end with 1, a warning is worth a look.
        says: what it is and what to do about it, in a sentence or two.
    """

    what: str
    where: str
    size: float
    expected: float | None
    low: float | None
    high: float | None
    severity: Severity
    says: str

    def to_json(self) -> dict[str, Any]:
        """Return it as `monitor --json` prints it."""
        return asdict(self)


def worst_first(deviations: Iterable[Deviation]) -> list[Deviation]:
    """Sort by severity; what is equally bad keeps its order."""
    order = list(Severity)
    return sorted(deviations, key=lambda deviation: order.index(deviation.severity))
