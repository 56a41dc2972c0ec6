"""Pairs of reps who complement each other: one opens, one closes.

| pair          | one                              | the other                        | proposed when        |
|---------------|----------------------------------|----------------------------------|----------------------|
| complementary | told to turn few leads into      | told to win few deals, and no    | both are told        |
|               | deals, and no weakness in deals  | weakness in leads                |                      |
| one-sided     | told to turn few leads into      | the surplus over the company's   | same manager, and    |
|               | deals (or to win few deals)      | rates is more than luck there    | not paired already   |

Nobody is in two pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.coaching.causes import Cause, causes_of
from serving.coaching.company import Company
from serving.coaching.numbers import count
from training.coaching.goals.levels import CLOSING, QUALIFYING, Ratio

FIRST = 2
"""Only the first causes of a rep make a pair."""
SKILLS = (QUALIFYING, CLOSING)


@dataclass(frozen=True)
class Pair:
    """One proposed pair.

    Attributes:
        opens: the rep who turns leads into deals.
        closes: the rep who wins deals.
        says: why, in a sentence that names both.
        both: whether each has what the other lacks.
    """

    opens: str
    closes: str
    says: str
    both: bool

    def other(self, rep_id: str) -> str | None:
        """Return the partner of a rep; None if the rep is not in it."""
        return {self.opens: self.closes, self.closes: self.opens}.get(rep_id)

    def invites(self, rep_id: str, partner: str) -> str:
        """Say the proposal on one rep's own sheet: who does what, and nothing else of the other.

        Args:
            rep_id: whose sheet.
            partner: the other one's name.
        """
        own, others = ("opening", "closing") if rep_id == self.opens else ("closing", "opening")
        return (
            f"Worth a talk, if both like the idea: a few deals together with {partner}, {{you}} "
            f"{own} and {partner} {others}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"opens": self.opens, "closes": self.closes, "both": self.both, "says": self.says}


def propose_pairs(company: Company) -> list[Pair]:
    """Propose pairs among the reps who have not left, the best supported first."""
    present = company.present()
    causes = {rep: causes_of(company.inputs.causes, rep)[:FIRST] for rep in present}
    needs = {rep: _need(causes[rep]) for rep in present}
    candidates = [*_complementary(company, needs), *_one_sided(company, needs)]
    pairs: list[Pair] = []
    taken: set[str] = set()
    for _, pair in candidates:
        if not {pair.opens, pair.closes} & taken:
            pairs.append(pair)
            taken |= {pair.opens, pair.closes}
    return pairs


def _need(causes: Sequence[Cause]) -> Cause | None:
    """Return the told weakness in leads or deals, the main one first; None without one."""
    told = [cause for cause in causes if cause.is_told and cause.name in SKILLS]
    return told[0] if told else None


def _ratio(company: Company, skill: str, rep_id: str) -> Ratio | None:
    return company.levels[skill].get(rep_id)


def _complementary(
    company: Company, needs: Mapping[str, Cause | None]
) -> list[tuple[float, Pair]]:
    """Pair those who lack what the other has; the surest weaknesses first."""
    lacking = {
        skill: [rep for rep, need in needs.items() if need is not None and need.name == skill]
        for skill in SKILLS
    }
    pairs = []
    for opener in lacking[CLOSING]:
        for closer in lacking[QUALIFYING]:
            opens = _ratio(company, QUALIFYING, opener)
            closes = _ratio(company, CLOSING, closer)
            if (opens and opens.is_weak) or (closes and closes.is_weak):
                continue
            weight = sum(need.p * need.size for need in (needs[opener], needs[closer]) if need)
            says = (
                f"{company.name(opener)} turns leads into deals like others and wins fewer of them; "
                f"with {company.name(closer)} it is the other way round. A few deals together, one "
                "opening and one closing, are worth a talk."
            )
            pairs.append((weight, Pair(opener, closer, says, both=True)))
    return sorted(pairs, key=lambda item: (-item[0], item[1].opens, item[1].closes))


def _one_sided(company: Company, needs: Mapping[str, Cause | None]) -> list[tuple[float, Pair]]:
    """Pair a told weakness with a colleague of the same manager who is strong there."""
    pairs = []
    for rep, need in needs.items():
        if need is None:
            continue
        for other in company.present():
            ratio = _ratio(company, need.name, other)
            other_need = needs[other]
            is_team = company.manager_of(other) == company.manager_of(rep)
            if rep == other or not is_team or ratio is None or not ratio.is_strong:
                continue
            if other_need is not None and other_need.name == need.name:
                continue
            opens, closes = (other, rep) if need.name == QUALIFYING else (rep, other)
            says = _one_sided_words(company, need, other, ratio)
            pairs.append((need.p * need.size * ratio.low, Pair(opens, closes, says, both=False)))
    return sorted(pairs, key=lambda item: (-item[0], item[1].opens, item[1].closes))


def _one_sided_words(company: Company, need: Cause, other: str, ratio: Ratio) -> str:
    what = "leads into deals" if need.name == QUALIFYING else "deals won"
    return (
        f"{company.name(other)} ({ratio.won} {what} over a year, about {count(ratio.expected)} at "
        f"the company's rates) could open a few conversations with {company.name(need.rep_id)}."
        if need.name == QUALIFYING
        else f"{company.name(other)} ({ratio.won} {what} over a year, about "
        f"{count(ratio.expected)} at the company's rates) could join the last meetings of "
        f"{company.name(need.rep_id)}."
    )
