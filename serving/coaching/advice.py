"""At most three pieces of advice for a rep, each with the reason behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from serving.coaching.causes import (
    Cause,
    Told,
    since_in_words,
    size_in_words,
    told_of,
)
from serving.coaching.playbook import Play, Playbook

MOST = 3
PURPOSE = "For coaching, not for employment decisions."
ASSOCIATION = (
    "Advice rests on what goes together in this company's data. No experiment has shown that "
    "following it brings a gain."
)


@dataclass(frozen=True)
class Advice:
    """One proposed thing to try.

    Attributes:
        play: the entry of the playbook.
        cause: the cause that it answers.
        evidence: the counts behind the cause, in words that depend on the reader.
    """

    play: Play
    cause: Cause
    evidence: str

    @property
    def reason(self) -> str:
        """Return the reason: the cause with its size, interval, chance and counts."""
        return f"{cause_sentence(self.cause)} {self.evidence}".strip()

    def to_json(self, name: str) -> dict[str, Any]:
        """Return it as plain values.

        Args:
            name: the rep's name.
        """
        return {
            "play": self.play.name,
            "for": self.play.addressee,
            "lever": self.play.lever,
            "cause": self.cause.name,
            "manager": self.play.wording(name, for_rep=False),
            "rep": self.play.wording(name, for_rep=True),
            "ask": self.play.ask,
            "needs": self.play.needs,
            "measure": self.play.measure,
            "weeks": self.play.weeks,
            "basis": self.play.basis,
            "because": {
                name: getattr(self.cause, name) for name in ("size", "low", "high", "p", "theirs")
            },
        }


def advise(causes: Sequence[Cause], book: Playbook, evidence: dict[str, str]) -> list[Advice]:
    """Choose advice: first one piece for each told cause, the main one first, then second ones.

    Args:
        causes: of one rep.
        book: the playbook.
        evidence: the counts behind each cause, by its name.
    """
    told = told_of(causes)
    plays = {cause.name: list(book.fitting(cause)) for cause in told}
    turns = max((len(fitting) for fitting in plays.values()), default=0)
    ordered = [
        Advice(plays[cause.name][turn], cause, evidence.get(cause.name, ""))
        for turn in range(turns)
        for cause in told
        if turn < len(plays[cause.name])
    ]
    return ordered[:MOST]


def cause_sentence(cause: Cause) -> str:
    """Say a cause: its size with the interval, whose it is, since when, and how sure it is."""
    if not cause.is_told:
        return f"{cause.label}: too little evidence to tell; ask rather than tell."
    whose = "" if cause.theirs else " Not {yours}."
    since = since_in_words(cause)
    when = f" It shows {since}." if since else ""
    hedge = (
        f" It may still be chance: {_of_ten(cause.p)} that it is there."
        if cause.told is Told.LEANING
        else ""
    )
    return f"{cause.label}: {size_in_words(cause)}.{whose}{when}{hedge}"


def _of_ten(p: float) -> str:
    """Say a chance as so many of ten.

    >>> _of_ten(0.63)
    'about 6 of 10'
    """
    return f"about {round(10 * p)} of 10"
