"""What a person may write beside a sheet: commitments, a plan's start, notes, contested figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from features.errors import InputError
from serving.coaching.commitments import baseline
from serving.coaching.sheet import Sheet
from serving.store.coaching import CoachingEvent, CoachingLine
from training.coaching.goals.measures import MEASURES, WINDOW_DAYS

CLOSES = {
    CoachingEvent.DONE: (CoachingEvent.COMMITTED, CoachingEvent.STEP),
    CoachingEvent.DROPPED: (CoachingEvent.COMMITTED, CoachingEvent.STEP),
    CoachingEvent.ANSWERED: (CoachingEvent.CONTESTED,),
}
"""What each later event may be said of."""


@dataclass(frozen=True)
class Writer:
    """Who writes about whom, and when.

    Attributes:
        sheet: the rep's sheet as it is now.
        by: who writes.
        at: when, naive UTC.
    """

    sheet: Sheet
    by: str
    at: datetime

    def commit(self, text: str, due: datetime | None, measure: str | None) -> list[CoachingLine]:
        """Agree on something, perhaps measured; the measure's value now is kept with it.

        Args:
            text: what is agreed.
            due: by when; a measured commitment is due when its window is over, if None.
            measure: the measure that tells whether it worked, if any.

        Raises:
            InputError: the measure is unknown, or the date does not lie ahead of the sheet.
        """
        company = self.sheet.company
        if measure is not None and measure not in MEASURES:
            raise InputError(f"no measure is called {measure!r}: one of {', '.join(MEASURES)}")
        if measure is not None and due is None:
            due = company.as_of + timedelta(days=WINDOW_DAYS)
        if due is not None and (due - company.as_of) <= timedelta(0):
            raise InputError(
                f"--due {due:%Y-%m-%d} does not lie after {company.as_of:%Y-%m-%d}, the moment of "
                "the sheet; give a later date"
            )
        facts = {} if measure is None else baseline(company, self.sheet.rep_id, measure)
        line = self._line(CoachingEvent.COMMITTED, text)
        return [_with(line, figure=measure, due=due, facts=facts)]

    def start_plan(self) -> list[CoachingLine]:
        """Start the proposed plan: each of its steps becomes a dated item.

        Raises:
            InputError: none is proposed.
        """
        if not self.sheet.plan:
            has_one = any(
                i.began.event is CoachingEvent.STEP and i.is_open for i in self.sheet.items
            )
            why = (
                "one is running already; end its steps with --done or --drop"
                if has_one
                else "no cause is told that is large and sure enough to plan for"
            )
            raise InputError(f"no plan is proposed for {self.sheet.rep_id}: {why}")
        cause = self.sheet.advice[0].cause.name
        return [
            _with(self._line(CoachingEvent.STEP, step.text), figure=cause, due=step.due)
            for step in self.sheet.plan
        ]

    def note(self, text: str) -> list[CoachingLine]:
        """Note something beside the sheet."""
        return [self._line(CoachingEvent.NOTE, text)]

    def contest(self, figure: str, text: str) -> list[CoachingLine]:
        """Contest a figure of the sheet; it is marked for both readers until it is answered.

        Raises:
            InputError: the sheet has no such figure, or it is contested already.
        """
        figures = self.sheet.figures
        if figure not in figures:
            raise InputError(
                f"the sheet of {self.sheet.rep_id} has no figure {figure!r}; it has: "
                f"{', '.join(figures) or 'none'}"
            )
        if figure in self.sheet.contested:
            raise InputError(f"the figure {figure!r} is contested already, and not answered yet")
        return [_with(self._line(CoachingEvent.CONTESTED, text), figure=figure)]

    def close(self, event: CoachingEvent, number: int, text: str) -> list[CoachingLine]:
        """Say what became of an item.

        Args:
            event: done, dropped or answered.
            number: of the item.
            text: in words; may be empty.

        Raises:
            InputError: there is no open item of that number and kind.
        """
        allowed = CLOSES[event]
        items = {
            item.began.item: item
            for item in self.sheet.items
            if item.began.event in allowed and item.is_open
        }
        if number not in items:
            known = ", ".join(map(str, items)) or "none"
            kinds = " or ".join(kind.value for kind in allowed)
            raise InputError(
                f"{self.sheet.rep_id} has no open item {number} ({kinds}); open are: {known}"
            )
        return [_with(self._line(event, text), item=number, figure=items[number].began.figure)]

    def _line(self, event: CoachingEvent, text: str) -> CoachingLine:
        return CoachingLine(self.at, self.by, self.sheet.rep_id, event, text)


def _with(line: CoachingLine, **changes: object) -> CoachingLine:
    return CoachingLine(**{**vars(line), **changes})
