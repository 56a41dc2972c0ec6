"""The verdict on an extract: which models its data supports, and what its gaps cost.

Pure: counts in, statements out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.evidence import EvidenceState
from features.params import MinimumParams

Model = Literal["leads", "quota"]

NEEDS: dict[Model, tuple[str, str]] = {
    "leads": ("leads", "activities"),
    "quota": ("deals", "quotas"),
}
"""The tables that each kind of model cannot do without."""
_FORECAST: dict[Model, str] = {"leads": "lead conversion", "quota": "quota risk"}
_COST = {
    "changes": "no `changes`: no history of stages, owners and amounts, and no features but those "
    "known at creation",
    "reps": "no `reps`: no hiring dates, teams and territories, and nobody is known to have left",
    "accounts": "no `accounts`: nothing about the customers",
    "activities": "no `activities`: nothing about calls, mails and meetings",
    "leads": "no `leads`: no lead rankings, and no origin of deals",
    "deals": "no `deals`: no revenue",
    "quotas": "no `quotas`: no targets",
}


@dataclass(frozen=True)
class Counts:
    """What an extract holds, in numbers.

    Attributes:
        present: the tables that the source held.
        leads: accepted leads.
        converted: leads that converted.
        unconverted: leads that did not, although they are at least 30 days old.
        activities: accepted activities.
        deals: accepted deals.
        won: won and closed deals.
        periods: quota periods of one rep that have ended (revisions count once).
        data_until: events are known up to here; None without a single event.
        beyond: the first moment that was set aside as implausibly far beyond the others.
        bulk_end: the moment that the bulk of the extract does not exceed, where some were.
    """

    present: frozenset[str]
    leads: int = 0
    converted: int = 0
    unconverted: int = 0
    activities: int = 0
    deals: int = 0
    won: int = 0
    periods: int = 0
    data_until: datetime | None = None
    beyond: datetime | None = None
    bulk_end: datetime | None = None


@dataclass(frozen=True)
class Readiness:
    """One statement of the verdict, on a kind of model or on a gap in the extract.

    Attributes:
        says: the statement, in one sentence.
        evidence: for a model, whether there is enough to fit it; where it is thin, the fallback
            answers, and where there is none, the model's tables are missing. For a gap, what is
            left: none of a missing table, thin where there is something.
        model: the kind of model it is about; None for a gap.
        missing: tables that are not there, or minimums that are not met.
    """

    says: str
    evidence: EvidenceState
    model: Model | None = None
    missing: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether there will be forecasts of this kind, be it from the fallback; true for a gap."""
        return self.model is None or self.evidence is not EvidenceState.NONE


def readiness_of(counts: Counts, minimum: MinimumParams, now: datetime) -> tuple[Readiness, ...]:
    """Return the verdict on an extract: a statement for each kind of model, then the gaps.

    Args:
        counts: what the extract holds.
        minimum: what a model needs.
        now: the present, naive UTC; events after it cannot be right.
    """
    models = (_model_readiness(model, counts, minimum) for model in NEEDS)
    return (*models, *_gaps(counts, now))


def _model_readiness(model: Model, counts: Counts, minimum: MinimumParams) -> Readiness:
    forecast = _FORECAST[model]
    absent = tuple(name for name in NEEDS[model] if name not in counts.present)
    if absent:
        tables = " and ".join(f"`{name}`" for name in absent)
        says = f"{forecast}: not possible without {tables}"
        return Readiness(says, EvidenceState.NONE, model, absent)
    needs = list(_minimums(model, counts, minimum))
    short = tuple(
        f"{have} {things}, at least {need} are needed"
        for things, have, need in needs
        if have < need
    )
    if short:
        thin = "possible, but the evidence is thin and the fallback answers"
        says = f"{forecast}: {thin}: {'; '.join(short)}"
        return Readiness(says, EvidenceState.THIN, model, short)
    held = ", ".join(f"{have:,} {things}" for things, have, _ in needs)
    return Readiness(f"{forecast}: possible ({held})", EvidenceState.ENOUGH, model)


def _minimums(
    model: Model, counts: Counts, minimum: MinimumParams
) -> Iterator[tuple[str, int, int]]:
    """Go through what a model needs: the things, how many there are, how many it takes."""
    if model == "leads":
        yield "leads", counts.leads, minimum.leads
        yield "conversions", counts.converted, minimum.converted
        yield "unconverted leads older than 30 days", counts.unconverted, minimum.unconverted
    else:
        yield "won deals", counts.won, minimum.won
        yield "ended quota periods of a rep", counts.periods, minimum.periods


def _gaps(counts: Counts, now: datetime) -> Iterator[Readiness]:
    for name, cost in _COST.items():
        if name not in counts.present:
            yield Readiness(cost, EvidenceState.NONE, missing=(name,))
    if "activities" in counts.present and counts.activities == 0:
        says = "`activities` has no rows: leads are judged by what was known at their creation"
        yield Readiness(says, EvidenceState.THIN)
    if counts.beyond is not None and counts.bulk_end is not None:
        says = (
            f"dates from {counts.beyond:%Y-%m-%d} on were set aside: they lie implausibly far "
            f"beyond the others, whose bulk ends at {counts.bulk_end:%Y-%m-%d %H:%M}; if they are "
            "right, give the end of the data as --data-until"
        )
        yield Readiness(says, EvidenceState.THIN)
    if counts.data_until is None:
        says = "there is no event in the data: nothing can be learned from it"
        yield Readiness(says, EvidenceState.NONE)
    elif counts.data_until > now:
        says = (
            f"the data ends in the future, at {counts.data_until:%Y-%m-%d %H:%M}: a date in it "
            "is wrong, or the true end should be given as --data-until"
        )
        yield Readiness(says, EvidenceState.THIN)
