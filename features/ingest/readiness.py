"""What an extract supports: which models, on how much evidence, and what its gaps cost.

Pure: counts in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.params import MinimumParams

Model = Literal["leads", "quota"]
Evidence = Literal["enough", "thin", "none"]

NEEDS: dict[Model, tuple[str, str]] = {
    "leads": ("leads", "activities"),
    "quota": ("deals", "quotas"),
}
_WHAT: dict[Model, str] = {"leads": "lead conversion", "quota": "quota risk"}
_COST = {
    "changes": "no `changes`: no history of stages, owners and amounts; what is not known at "
    "creation is no feature",
    "reps": "no `reps`: no hiring dates, teams and territories, nothing on who has left",
    "accounts": "no `accounts`: nothing about the customers",
    "activities": "no `activities`: nothing about calls, mails and meetings",
    "leads": "no `leads`: no lead rankings and nothing on what deals came from",
    "deals": "no `deals`: no revenue",
    "quotas": "no `quotas`: no targets",
}


@dataclass(frozen=True)
class Counts:
    """What an extract holds, in numbers.

    Attributes:
        present: the tables that are there.
        leads: accepted leads.
        converted: those that converted.
        unconverted: those that did not, although they are at least 30 days old.
        activities: accepted activities.
        deals: accepted deals.
        won: won and closed deals.
        periods: quota periods of one rep that have ended (revisions count once).
        data_until: events are known up to here.
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


@dataclass(frozen=True)
class Readiness:
    """One sentence of the verdict.

    Attributes:
        says: the sentence.
        evidence: whether there is enough to fit the model; "thin" means its fallback answers,
            "none" that the tables it needs are not there.
        model: the kind of model it is about; None for the extract as a whole.
        missing: tables that lack, or minimums that are not met.
    """

    says: str
    evidence: Evidence
    model: Model | None = None
    missing: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether the model it is about can be had at all, if only as its fallback."""
        return self.model is None or self.evidence != "none"


def readiness_of(counts: Counts, minimum: MinimumParams, now: datetime) -> tuple[Readiness, ...]:
    """Say what an extract supports.

    Args:
        counts: what it holds.
        minimum: what a model needs.
        now: the present, naive UTC; an extract cannot know what comes after.
    """
    models = (_judge_model(model, counts, minimum) for model in NEEDS)
    return (*models, *_whole(counts, now))


def _judge_model(model: Model, counts: Counts, minimum: MinimumParams) -> Readiness:
    what = _WHAT[model]
    absent = tuple(name for name in NEEDS[model] if name not in counts.present)
    if absent:
        names = " and ".join(f"`{name}`" for name in absent)
        return Readiness(f"{what}: not possible without {names}", "none", model, absent)
    short = tuple(
        f"{have} {words}, at least {need} are needed"
        for words, have, need in _minimums(model, counts, minimum)
        if have < need
    )
    if short:
        says = f"{what}: possible on thin evidence, the fallback answers: {'; '.join(short)}"
        return Readiness(says, "thin", model, short)
    held = ", ".join(f"{have:,} {words}" for words, have, _ in _minimums(model, counts, minimum))
    return Readiness(f"{what}: possible ({held})", "enough", model)


def _minimums(
    model: Model, counts: Counts, minimum: MinimumParams
) -> Iterator[tuple[str, int, int]]:
    if model == "leads":
        yield "leads", counts.leads, minimum.leads
        yield "conversions", counts.converted, minimum.converted
        yield "unconverted leads older than 30 days", counts.unconverted, minimum.unconverted
    else:
        yield "won deals", counts.won, minimum.won
        yield "ended quota periods of a rep", counts.periods, minimum.periods


def _whole(counts: Counts, now: datetime) -> Iterator[Readiness]:
    for name, cost in _COST.items():
        if name not in counts.present:
            yield Readiness(cost, "none", missing=(name,))
    if "activities" in counts.present and counts.activities == 0:
        says = "`activities` has no rows: leads are judged by what was known at their creation"
        yield Readiness(says, "thin")
    if counts.data_until is None:
        says = "there is no event in the data: nothing can be learned from it"
        yield Readiness(says, "none")
    elif counts.data_until > now:
        says = (
            f"the data ends in the future, at {counts.data_until:%Y-%m-%d %H:%M}: a date in it "
            "is wrong, or give the true end as --data-until"
        )
        yield Readiness(says, "thin")
