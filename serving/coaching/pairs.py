"""Pairs of reps who complement each other: one opens, one closes.

A need is a rep's main cause, a likely second one, or a year below the company's rates by more than
luck. It takes less certainty than to tell somebody a size: what is proposed is a talk.

| pair          | one                              | the other                        |
|---------------|----------------------------------|----------------------------------|
| complementary | needs help to win deals, and     | needs help to turn leads into    |
|               | none to turn leads into deals    | deals, and none to win them      |
| one-sided     | is told to need help in one of   | has the same manager, and lies   |
|               | the two                          | above the rates by more than luck|

Complementary pairs come first, and nobody is in two pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.coaching.causes import causes_of
from serving.coaching.company import Company
from serving.coaching.numbers import count
from training.coaching.goals.levels import CLOSING, QUALIFYING, Ratio

FIRST = 2
"""Only the first causes of a rep make a pair."""
LEAST_P = 0.3
"""The chance from which a second cause may make a pair; a main one always may."""
LEAST_WEIGHT = 0.15
"""What weighs less makes no pair."""
SKILLS = (QUALIFYING, CLOSING)


@dataclass(frozen=True)
class _Need:
    """What a rep could use help with.

    Attributes:
        skill: qualifying or closing.
        weight: how large and sure it is; the greater comes first.
        is_told: whether it is a cause whose size is told.
    """

    skill: str
    weight: float
    is_told: bool


@dataclass(frozen=True)
class Pair:
    """One proposed pair.

    Attributes:
        opens: the rep who turns leads into deals.
        closes: the rep who wins deals.
        says: why, in a sentence that names both.
        both: whether each has what the other could use.
        skill: where one is stronger, if only one is.
    """

    opens: str
    closes: str
    says: str
    both: bool
    skill: str = ""

    def other(self, rep_id: str) -> str | None:
        """Return the partner of a rep; None if the rep is not in it."""
        return {self.opens: self.closes, self.closes: self.opens}.get(rep_id)

    def invites(self, rep_id: str, partner: str) -> str:
        """Say the proposal on one rep's own sheet: who does what, and nothing else of the other.

        Args:
            rep_id: whose sheet.
            partner: the other one's name.
        """
        asks = "Worth a talk, if both like the idea:"
        if not self.both:
            what = "first conversations" if self.skill == QUALIFYING else "last meetings"
            return f"{asks} a few {what} together with {partner}."
        own, others = ("opening", "closing") if rep_id == self.opens else ("closing", "opening")
        return f"{asks} a few deals together with {partner}, {{you}} {own} and {partner} {others}."

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"opens": self.opens, "closes": self.closes, "both": self.both, "says": self.says}


def propose_pairs(company: Company) -> list[Pair]:
    """Propose pairs among the reps who have not left, the best supported first."""
    needs = {rep: need for rep in company.present() if (need := _need(company, rep)) is not None}
    candidates = [*_complementary(company, needs), *_one_sided(company, needs)]
    pairs: list[Pair] = []
    taken: set[str] = set()
    for _, pair in candidates:
        if not {pair.opens, pair.closes} & taken:
            pairs.append(pair)
            taken |= {pair.opens, pair.closes}
    return pairs


def _need(company: Company, rep_id: str) -> _Need | None:
    """Return what a rep could use help with; None where too little shows.

    A need weighs the cause's size, in which its chance is counted, and how far the year lies below
    the company's rates. With a least weight of 0.15:

    | first two causes    | a year of closing  | need                            |
    |---------------------|--------------------|---------------------------------|
    | closing first, 0.06 | 0.88 of the rates  | closing, 0.06 + 0.12 = 0.18     |
    | closing first, 0.06 | 0.96 of the rates  | none: 0.06 + 0.04 is too little |
    | none of the two     | 0.80, surely below | closing, 0.20                   |
    """
    for cause in causes_of(company.inputs.causes, rep_id)[:FIRST]:
        is_main = cause.rank == 1 or cause.p >= LEAST_P
        if cause.name in SKILLS and is_main:
            weight = cause.size + _distance(company, cause.name, rep_id)
            if weight >= LEAST_WEIGHT:
                return _Need(cause.name, weight, cause.is_told)
    ratios = {skill: _ratio(company, skill, rep_id) for skill in SKILLS}
    below = {
        skill: _distance(company, skill, rep_id)
        for skill, ratio in ratios.items()
        if ratio is not None and ratio.is_weak
    }
    skill = max(below, key=lambda name: below[name], default="")
    return (
        _Need(skill, below[skill], is_told=False) if below.get(skill, 0) >= LEAST_WEIGHT else None
    )


def _distance(company: Company, skill: str, rep_id: str) -> float:
    """Return how far a rep's year lies below the company's rates, 0 if it does not."""
    ratio = _ratio(company, skill, rep_id)
    return 0.0 if ratio is None else max(1 - ratio.level, 0.0)


def _lacks(company: Company, skill: str, rep_id: str) -> bool:
    """Whether a rep's year lies below the rates by more than luck, and by enough to be a need."""
    ratio = _ratio(company, skill, rep_id)
    weight = _distance(company, skill, rep_id)
    return ratio is not None and ratio.is_weak and weight >= LEAST_WEIGHT


def _ratio(company: Company, skill: str, rep_id: str) -> Ratio | None:
    return company.levels[skill].get(rep_id)


def _complementary(company: Company, needs: Mapping[str, _Need]) -> list[tuple[float, Pair]]:
    """Pair those who need what the other has; the largest and surest needs first."""
    lacking = {skill: [r for r, need in needs.items() if need.skill == skill] for skill in SKILLS}
    pairs = []
    for opener in lacking[CLOSING]:
        for closer in lacking[QUALIFYING]:
            if _lacks(company, QUALIFYING, opener) or _lacks(company, CLOSING, closer):
                continue
            weight = needs[opener].weight + needs[closer].weight
            says = (
                f"{company.name(opener)} could use help to win deals rather than to turn leads "
                f"into them; with {company.name(closer)} it is the other way round. A few deals "
                "together, one opening and one closing, are worth a talk."
            )
            pairs.append((weight, Pair(opener, closer, says, both=True)))
    return _ordered(pairs)


def _one_sided(company: Company, needs: Mapping[str, _Need]) -> list[tuple[float, Pair]]:
    """Pair a need with a colleague of the same manager who is strong there."""
    pairs = []
    told = {rep: need for rep, need in needs.items() if need.is_told}
    for rep, need in told.items():
        for other in company.present():
            ratio = _ratio(company, need.skill, other)
            is_team = company.manager_of(other) == company.manager_of(rep)
            if rep == other or not is_team or ratio is None or not ratio.is_strong:
                continue
            if other in needs and needs[other].skill == need.skill:
                continue
            opens, closes = (other, rep) if need.skill == QUALIFYING else (rep, other)
            says = _one_sided_words(company, need.skill, rep, other)
            pairs.append(
                (need.weight * ratio.low, Pair(opens, closes, says, both=False, skill=need.skill))
            )
    return _ordered(pairs)


def _ordered(pairs: list[tuple[float, Pair]]) -> list[tuple[float, Pair]]:
    return sorted(pairs, key=lambda item: (-item[0], item[1].opens, item[1].closes))


def _one_sided_words(company: Company, skill: str, rep: str, other: str) -> str:
    ratio = company.levels[skill][other]
    expected = f"about {count(ratio.expected)} at the company's rates"
    if skill == QUALIFYING:
        return (
            f"{company.name(other)} (over a year {ratio.won} leads into deals, {expected}) could "
            f"open a few conversations with {company.name(rep)}."
        )
    return (
        f"{company.name(other)} (over a year {ratio.won} deals won, {expected}) could join the "
        f"last meetings of {company.name(rep)}."
    )
