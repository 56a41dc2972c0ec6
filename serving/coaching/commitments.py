"""What was agreed and noted, and what became of it, read off the coaching log.

Whether a measured commitment worked is judged against what was to be expected without doing
anything: values that are off the usual drift back by themselves (regression to the mean).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.coaching.company import Company
from serving.coaching.numbers import value_of
from serving.store.coaching import BEGINS, CoachingEvent, CoachingLine
from training.coaching.goals.measures import MEASURES, WINDOW_DAYS, measured

OPEN, DONE, DROPPED, ANSWERED = "open", "done", "dropped", "answered"
_ENDS = {
    CoachingEvent.DONE: DONE,
    CoachingEvent.DROPPED: DROPPED,
    CoachingEvent.ANSWERED: ANSWERED,
}


@dataclass(frozen=True)
class Item:
    """A commitment, plan step, note or contested figure, with what became of it.

    Attributes:
        began: the line that began it.
        later: the lines about it since, the oldest first.
    """

    began: CoachingLine
    later: tuple[CoachingLine, ...]

    @property
    def state(self) -> str:
        """Return what became of it: what the newest line says."""
        return _ENDS[self.later[-1].event] if self.later else OPEN

    @property
    def is_open(self) -> bool:
        """Whether nothing has become of it yet."""
        return self.state == OPEN

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        later = [line.to_json() for line in self.later]
        return {**self.began.to_json(), "state": self.state, "later": later}


def items_of(lines: Sequence[CoachingLine], *events: CoachingEvent) -> list[Item]:
    """Return the items that one of the events began, the oldest first.

    Args:
        lines: of one rep, the oldest first.
        events: which kinds; all without any.
    """
    wanted = events or BEGINS
    return [
        Item(line, tuple(o for o in lines if o.item == line.item and o.event not in BEGINS))
        for line in lines
        if line.event in wanted
    ]


def contested(lines: Sequence[CoachingLine]) -> dict[str, Item]:
    """Return the figures that are contested and not answered, by name."""
    items = items_of(lines, CoachingEvent.CONTESTED)
    return {item.began.figure: item for item in items if item.is_open and item.began.figure}


def became(company: Company, item: Item) -> str:
    """Say what became of a commitment, its measure beside what was to be expected anyway."""
    line = item.began
    due = "" if line.due is None else f", due {line.due:%Y-%m-%d}"
    state = {OPEN: f"open{due}", DONE: "done", DROPPED: "dropped"}[item.state]
    words = [f"{state[:1].upper()}{state[1:]}."]
    words += [f"{late.by}: {late.text}" for late in item.later if late.text]
    if measure_words := _measured(company, line):
        words.append(measure_words)
    return " ".join(words)


def _measured(company: Company, line: CoachingLine) -> str:
    facts, measure = line.facts, MEASURES.get(line.figure or "")
    if measure is None or "value" not in facts:
        return ""
    end = company.as_of if line.due is None else min(company.as_of, line.due)
    begun = datetime.fromisoformat(facts["as_of"])
    agreed = f"{value_of(measure, facts['value'])} when agreed"
    if (end - begun).days < 1:
        return f"Measured by {measure.label}: {agreed}."
    rows = measured(company.record, measure, [end])
    own = rows.loc[rows["rep_id"] == line.rep_id, "value"]
    if own.empty:
        return f"Measured by {measure.label}: {agreed}; since then too little to count."
    now = float(own.iloc[0])
    days = min((end - begun).days, WINDOW_DAYS)
    said = f"Measured by {measure.label}: {agreed}, {value_of(measure, now)} now."
    if days < WINDOW_DAYS:
        return f"{said} Only {days} of the {WINDOW_DAYS} days it counts lie after that."
    return f"{said} {_beside_expected(line, now, measure.name)}"


def _beside_expected(line: CoachingLine, now: float, name: str) -> str:
    """Say whether a value lies beyond what was to be expected without doing anything."""
    facts, measure = line.facts, MEASURES[name]
    if "expected" not in facts:
        return "What was to be expected without doing anything is not known."
    span = (
        f"Without doing anything about {value_of(measure, facts['expected'])} was to be expected "
        f"({value_of(measure, facts['low'])} to {value_of(measure, facts['high'])} in 8 of 10 "
        "cases)"
    )
    if now > facts["high"]:
        return f"{span}: this is more."
    if now < facts["low"]:
        return f"{span}: this is less."
    return f"{span}: this lies within it, so it says little either way."


def baseline(company: Company, rep_id: str, name: str) -> dict[str, Any]:
    """Return what is known of a measure at the moment, kept with a commitment to it."""
    measure = MEASURES[name]
    own = company.goals.value(rep_id, measure)
    facts: dict[str, Any] = {"as_of": company.as_of.isoformat()}
    if own is None:
        return facts
    facts |= {"value": own[0], "count": own[1]}
    moves = company.goals.of[name]
    if moves.is_enough:
        expected, low, high = moves.expected(*own)
        facts |= {"expected": expected, "low": low, "high": high}
    return facts
