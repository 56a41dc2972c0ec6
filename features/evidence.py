"""How much a claim rests on: the one vocabulary for extracts, models and reps."""

from __future__ import annotations

from enum import StrEnum


class EvidenceState(StrEnum):
    """From nothing to enough, in this order."""

    NONE = "none"
    THIN = "thin"
    ENOUGH = "enough"

    def capped(self, other: EvidenceState) -> EvidenceState:
        """Return the weaker of two states: nothing is better known than what it rests on.

        >>> EvidenceState.ENOUGH.capped(EvidenceState.THIN).value
        'thin'
        """
        order = list(EvidenceState)
        return min(self, other, key=order.index)
