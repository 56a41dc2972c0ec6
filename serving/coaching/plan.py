"""The corrective plan: dated steps for one cause, proposed, and never started by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.clock import zulu
from serving.coaching.advice import Advice

LEAST_SIZE = 0.1
"""Share of quota below which no plan is proposed."""
START_DAYS, LOOK_DAYS = 7, 21
"""Days until the first talk, and until the evidence was looked at."""


@dataclass(frozen=True)
class Step:
    """One dated step of a plan.

    Attributes:
        due: by when.
        text: what is done, in the same words for both readers.
        who: `rep`, `manager` or `both`.
    """

    due: datetime
    text: str
    who: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"due": zulu(self.due), "who": self.who, "text": self.text}


def propose_plan(advice: Sequence[Advice], as_of: datetime) -> tuple[Step, ...]:
    """Propose dated steps for the cause that the first piece of advice answers.

    Args:
        advice: of one rep, the main one first.
        as_of: steps are dated from here.

    Returns:
        The steps, the first one first; none where nothing is told, or it is too small to plan for.
    """
    if not advice or advice[0].cause.size < LEAST_SIZE:
        return ()
    play = advice[0].play
    is_own = play.addressee == "rep"
    middle, end = play.weeks * 7 // 2, play.weeks * 7
    steps = [
        (START_DAYS, f"Talk about it, and agree whether to try: {play.lever}.", "both"),
        (
            LOOK_DAYS,
            f"Look at it together, with this at hand: {play.needs}.",
            "both" if is_own else "manager",
        ),
        (
            max(middle, LOOK_DAYS + 7),
            f"Half-way, talk about: {play.ask}",
            "rep" if is_own else "manager",
        ),
        (max(end, LOOK_DAYS + 14), _look_back(play.measure is not None), "both"),
    ]
    return tuple(Step(as_of + timedelta(days=days), text, who) for days, text, who in steps)


def _look_back(is_measured: bool) -> str:  # noqa: FBT001 - the one thing that it depends on
    what = "the measure beside what was to be expected anyway" if is_measured else "what changed"
    return f"Look back at {what}, and keep it, change it or drop it."
