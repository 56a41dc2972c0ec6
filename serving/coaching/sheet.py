"""The 1:1 sheet: one praise, one opportunity, two questions, commitments, at most five numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features.clock import zulu
from serving.coaching.advice import WITHHELD, Advice, advise, cause_sentence
from serving.coaching.causes import LUCK, TIMELESS, Cause, causes_of, open_of, told_of
from serving.coaching.commitments import Item, contested, items_of
from serving.coaching.company import Company, Period
from serving.coaching.figures import MOST_NUMBERS, Number, numbers_of
from serving.coaching.pairs import Pair
from serving.coaching.plan import Step, propose_plan
from serving.coaching.playbook import Playbook
from serving.coaching.praise import below_expectation, ground_sentence, praise
from serving.store.coaching import CoachingEvent
from training.coaching.goals.propose import Goal

MOST_CAUSES, QUESTIONS, MOST_GOALS = 3, 2, 3
ONE_PERIOD = "One period's result alone says little about anybody."
ON_TRACK = 0.05
"""A gap below this share of quota is none."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Everything that a 1:1 sheet says, before it is put into words for its reader.

    Sentences hold words in braces that depend on the reader; see `voice`.

    Attributes:
        rep_id: whose sheet.
        name: the rep's name.
        company: what it rests on.
        period: the quota period; None without a quota.
        causes: all causes, the main one first.
        is_short: whether less than the quota is to be expected, as far as it is known.
        praise: one true and specific good thing.
        opportunity: the one thing to talk about.
        questions: two of them.
        numbers: at most five.
        advice: at most three pieces.
        goals: of the told causes in the rep's own hands.
        pair: the proposed pair, if any.
        plan: proposed steps; none where a plan was started already.
        items: what was agreed, noted and contested.
    """

    rep_id: str
    name: str
    company: Company
    period: Period | None
    causes: tuple[Cause, ...]
    is_short: bool
    praise: str
    opportunity: str
    questions: tuple[str, ...]
    numbers: tuple[Number, ...]
    advice: tuple[Advice, ...]
    goals: tuple[Goal, ...]
    pair: Pair | None
    plan: tuple[Step, ...]
    items: tuple[Item, ...]

    @property
    def told(self) -> tuple[Cause, ...]:
        """The causes whose size people read, at most three."""
        return told_of(_worth_saying(self.causes, is_short=self.is_short))[:MOST_CAUSES]

    @property
    def open(self) -> tuple[Cause, ...]:
        """The causes that may play a part in a gap and are not told, at most three."""
        return (
            ()
            if not self.is_short
            else open_of(_worth_saying(self.causes, is_short=self.is_short))[:MOST_CAUSES]
        )

    @property
    def contested(self) -> dict[str, Item]:
        """The figures that the rep or the manager contests, by name."""
        return contested([line for item in self.items for line in (item.began, *item.later)])

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures that can be contested."""
        names = [number.figure for number in self.numbers] + [cause.name for cause in self.told]
        return tuple(dict.fromkeys(names))

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        period = self.period
        return {
            "rep_id": self.rep_id,
            "name": self.name,
            "as_of": zulu(self.company.as_of),
            "period_start": None if period is None else zulu(period.start),
            "period_end": None if period is None else zulu(period.end),
            "quota": None if period is None else period.quota,
            "attained": None if period is None else period.attained,
        }


def make_sheet(company: Company, rep_id: str, book: Playbook, pairs: Sequence[Pair]) -> Sheet:
    """Make one rep's sheet.

    Args:
        company: what is known.
        rep_id: whose.
        book: the playbook.
        pairs: the proposed pairs of the company.

    Raises:
        NotFoundError: nobody has the id.
    """
    company.person(rep_id)
    every = causes_of(company.inputs.causes, rep_id)
    is_short = _is_short(company.expected_share(rep_id), every)
    causes = _worth_saying(every, is_short=is_short)
    advice = advise(causes, book)
    items = items_of(company.log_of(rep_id))
    goals = [
        goal
        for cause in told_of(causes)
        if cause.theirs
        for goal in company.goals.propose(rep_id, cause.name)
    ]
    has_plan = any(i.began.event is CoachingEvent.STEP and i.is_open for i in items)
    own_pairs = [pair for pair in pairs if pair.other(rep_id)]
    may_plan = is_short and not has_plan
    return Sheet(
        rep_id=rep_id,
        name=company.name(rep_id),
        company=company,
        period=company.periods.get(rep_id),
        causes=every,
        is_short=is_short,
        praise=praise(company, rep_id, [c.name for c in told_of(causes)]),
        opportunity=_opportunity(company, rep_id, causes),
        questions=_questions(advice, book),
        numbers=tuple(numbers_of(company, rep_id, causes))[:MOST_NUMBERS],
        advice=tuple(advice),
        goals=tuple(goals[:MOST_GOALS]),
        pair=own_pairs[0] if own_pairs else None,
        plan=propose_plan(advice, company.as_of) if may_plan else (),
        items=tuple(items),
    )


def _worth_saying(causes: Sequence[Cause], *, is_short: bool) -> tuple[Cause, ...]:
    """Leave out being new and a high quota where the quota is in reach: nobody needs to hear it."""
    return tuple(cause for cause in causes if is_short or cause.name not in TIMELESS)


def _is_short(expected: float | None, causes: Sequence[Cause]) -> bool:
    """Tell whether there is a gap: by what is expected, else by the causes' shares of one."""
    if expected is not None:
        return expected < 1 - ON_TRACK
    return any(cause.share is not None for cause in causes)


def _questions(advice: Sequence[Advice], book: Playbook) -> tuple[str, ...]:
    """Return two questions: those of the advice, then those of the playbook."""
    asked = dict.fromkeys([*(piece.play.ask for piece in advice), *book.questions])
    return tuple(asked)[:QUESTIONS]


def _opportunity(company: Company, rep_id: str, causes: Sequence[Cause]) -> str:
    """Return the one thing to talk about: the main told cause in the rep's hands, else the main.

    | told causes                  | the opportunity                                          |
    |------------------------------|----------------------------------------------------------|
    | one of the rep's own         | that one                                                 |
    | only outside ones            | the main one, and that it is not the rep's to change     |
    | none, and no gap             | what is worth keeping                                    |
    | none                         | what lies below expectation, and what may play a part:   |
    |                              | ask, not tell                                            |
    """
    told = told_of(causes)
    chosen = next((cause for cause in told if cause.theirs), told[0] if told else None)
    if chosen is not None:
        return cause_sentence(chosen)
    if rep_id not in company.periods:
        return "There is no quota in this period, so there is no gap to explain. Ask what is next."
    if causes_of(company.inputs.causes, rep_id) == ():
        return "Causes cannot be told from these tables. Ask what is in the way."
    return _nothing_told(company, rep_id, causes)


def _nothing_told(company: Company, rep_id: str, causes: Sequence[Cause]) -> str:
    period = company.periods.get(rep_id)
    if period is not None and period.share is not None and period.share >= 1:
        return "The quota is made, and nothing stands out against it. Ask what is worth keeping."
    if all(cause.name == LUCK and cause.size < ON_TRACK for cause in causes):
        return "On track, and nothing stands out against it. Ask what is worth keeping."
    below = below_expectation(company, rep_id)
    came = "" if below is None else f"{ground_sentence(below)} "
    if unsure := open_of(causes):
        return f"{came}{cause_sentence(unsure[0])}"
    return f"{came}No cause stands out. {WITHHELD} {ONE_PERIOD}"
