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

WITHHELD = "Too little evidence to tell, so ask rather than tell."


@dataclass(frozen=True)
class Advice:
    """One proposed thing to try.

    Attributes:
        play: the entry of the playbook.
        cause: the cause that it answers: the reason behind the advice.
    """

    play: Play
    cause: Cause

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
            "because": self.cause.to_json(),
        }


def advise(causes: Sequence[Cause], book: Playbook) -> list[Advice]:
    """Choose advice: first one piece for each told cause, the main one first, then second ones.

    Args:
        causes: of one rep.
        book: the playbook.
    """
    told = told_of(causes)
    plays = {cause.name: list(book.fitting(cause)) for cause in told}
    turns = max((len(fitting) for fitting in plays.values()), default=0)
    ordered = [
        Advice(plays[cause.name][turn], cause)
        for turn in range(turns)
        for cause in told
        if turn < len(plays[cause.name])
    ]
    return ordered[:MOST]


def cause_sentence(cause: Cause) -> str:
    """Say a cause: its size and interval, whose it is, since when, what it rests on, how sure."""
    rests_on = f" {sentence(cause.evidence)}" if cause.evidence else ""
    if not cause.is_told:
        return f"{cause.label} may play a part.{rests_on} {WITHHELD}"
    whose = "" if cause.theirs else " Not {yours} to change."
    since = since_in_words(cause)
    when = f" It shows {since}." if since else ""
    hedge = (
        f" It may still be chance: {_of_ten(cause.p)} that it is there."
        if cause.told is Told.LEANING
        else ""
    )
    return f"{cause.label}: {size_in_words(cause)}.{whose}{when}{rests_on}{hedge}"


def sentence(words: str) -> str:
    """Begin words with a capital and end them with a full stop.

    >>> sentence("4 deals left it in 172 deal-days of waiting; 17 is usual")
    '4 deals left it in 172 deal-days of waiting; 17 is usual.'
    """
    end = "" if words.endswith((".", "?", "!")) else "."
    return f"{words[:1].upper()}{words[1:]}{end}".replace("%", " %").replace("  %", " %")


def _of_ten(p: float) -> str:
    """Say a chance as so many of ten.

    >>> _of_ten(0.63)
    'about 6 of 10'
    """
    return f"about {round(10 * p)} of 10"
