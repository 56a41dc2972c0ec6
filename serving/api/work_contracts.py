"""Requests and answers about the work list, and what people do with it: the public API."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from serving.api.call_contracts import CallEvidence, CallReasons
from serving.api.fields import Contract, Id, MaybeId, MaybeMoment, MaybeText, Moment, field
from serving.api.lead_contracts import Band, LeadAnswer, LeadReasons
from serving.store.worklist import Why

MOST_ACTIONS = 100
LONGEST_KEY = 100
KEY = (
    "A text of your own that names this row, such as a random UUID. The same row under the same "
    "key counts once, so it may be sent again after a failure."
)
State = Literal["open", "done", "skip", "snooze", "wrong"]
WhyListed = Literal[Why.ORDER, Why.LONG_TAIL, Why.LOT]


def _day(value: object) -> object:
    """Read a text as a date; strict models take no texts otherwise."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value[:40]!r} is no date; write it like 2026-05-20") from None


Day = Annotated[date, BeforeValidator(_day)]
Key = Annotated[Id, Field(max_length=LONGEST_KEY)]


class WorklistRequest(Contract):
    """Asks for today's list of a rep, or for those of a manager's team.

    Without either, a rep gets their own list, a manager those of the team, an admin all.
    """

    rep_id: MaybeId = field("The rep.", "rep-7", default=None)
    manager_id: MaybeId = field(
        "The manager: the lists of the team, and the pool of leads whose rep has left or is away.",
        "rep-1",
        default=None,
    )


class Mark(Contract):
    """What somebody said about a listed lead."""

    key: str = field("The key of the action; undo it by this.", "5f0c1c9e")
    at: Moment = field("When it was received.", "2025-03-31T09:12:00Z")
    by: str = field("Who said it.", "Ann Lee")
    until: Moment | None = field(
        "When a snoozed or wrong lead may be listed again.", "2025-04-07T00:00:00Z"
    )
    reason: str | None = field("Why, in that person's words.", "is a customer already")


class ListedLead(Contract):
    """One lead on a work list. Parts of a lead that has ended since are null."""

    position: int = field("Its place on the list, 1 = call first.", 1)
    lead_id: str = field("The lead.", "lead-1001")
    rep_id: str | None = field("The lead's owner; null without one.", "rep-7")
    why: WhyListed = field(
        "`order`: by what a call is worth; `long tail`: it has waited longest; `lot`: drawn, which "
        "measures what the list is worth.",
        "order",
    )
    priority: float = field("What a call was worth when the list was made.", 302.4)
    p: float | None = field("Chance to convert within the horizon, 0 to 1.", 0.184)
    reach: float | None = field("Chance that a call today gets through, 0 to 1.", 0.24)
    gain: float | None = field("What getting through adds to `p`.", 0.07)
    band: Band | None = field("How the chance compares with the company's average.", "warm")
    call_evidence: CallEvidence | None = field("What the priority rests on.", "learned")
    call_reasons: CallReasons | None = Field(description="What makes a call worth it today.")
    reasons: LeadReasons | None = Field(description="Why the chance is what it is, in points.")
    state: State = field("What became of it today; `open` until somebody says.", "open")
    mark: Mark | None = Field(description="Who said so, and when; null while it is open.")


class WorkList(Contract):
    """The list of one rep, or of one pool."""

    rep_id: str | None = field("Whose list; null for a pool.", "rep-7")
    pool_of: str | None = field(
        "The manager whose pool it is; empty for leads that nobody is there for; null for a rep's "
        "own list.",
        "",
    )
    leads: list[ListedLead] = Field(description="The leads to call, first call first.")
    set_aside: list[ListedLead] = Field(
        description="Leads of the list that somebody snoozed or called wrong since."
    )


class Worklist(LeadAnswer):
    """The work lists of a day. They are made once; whoever asks again gets the same."""

    day: date = field("The day by the business's calendar.", "2025-03-31")
    is_working_day: bool = field("Whether the business works on it.", example=True)
    lists: list[WorkList] = Field(description="The lists that the caller may see.")


class ActionSent(Contract):
    """What somebody did with one lead."""

    key: Key = field(KEY, "5f0c1c9e-7a54-4c5c-9d53-0d8f3a0b8a11")
    lead_id: Id = field("The lead.", "lead-1001")
    action: Literal["done", "skip", "snooze", "wrong", "undo"] = field(
        "`done`: called; `skip`: not today; `snooze`: not before `until`; `wrong`: should not be "
        "listed, because `reason`; `undo`: take the action with the key `undoes` back.",
        "snooze",
    )
    until: MaybeMoment = field(
        "When a snoozed (required) or wrong lead may be listed again.",
        "2025-04-07T00:00:00Z",
        default=None,
    )
    reason: MaybeText = field(
        "Why the lead is wrong (required), or a remark.", "asked us to call in May", default=None
    )
    undoes: MaybeId = field("The key of the action to take back.", None, default=None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needs = {"snooze": "until", "wrong": "reason", "undo": "undoes"}
        needed = needs.get(self.action)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"action {self.action!r} needs {needed!r}")
        if self.until is not None and self.action not in {"snooze", "wrong"}:
            raise ValueError(f"'until' goes with snooze and wrong, not with {self.action!r}")
        if self.undoes is not None and self.action != "undo":
            raise ValueError(f"'undoes' goes with undo, not with {self.action!r}")
        return self


class ActionsRequest(Contract):
    """Says what became of leads on the list; all rows are kept, or none."""

    actions: list[ActionSent] = field(
        "What was done, in order.",
        [{"key": "5f0c1c9e", "lead_id": "lead-1001", "action": "done"}],
        min_length=1,
        max_length=MOST_ACTIONS,
    )


class Received(Contract):
    """What became of one row that was sent."""

    key: str = field("Its key.", "5f0c1c9e")
    at: Moment = field("When it was first received.", "2025-03-31T09:12:00Z")
    is_repeated: bool = field("It had been received before, and changed nothing.", example=False)


class Receipts(Contract):
    """What became of the rows that were sent, in their order."""

    received: list[Received] = Field(description="One receipt per row.")


class AbsenceSent(Contract):
    """Days on which a rep is away: the leads show in the manager's pool meanwhile."""

    key: Key = field(KEY, "holiday-rep-7-april")
    rep_id: Id = field("Who is away.", "rep-7")
    first_day: Day = field("The first day, by the business's calendar.", "2025-04-07")
    last_day: Day = field("The last day, inclusive.", "2025-04-11")
    undoes: MaybeId = field(
        "The key of an absence of the same rep to take back.", None, default=None
    )

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError(
                f"last_day {self.last_day} lies before first_day {self.first_day}; an absence ends "
                "on the day it begins or later"
            )
        return self


class Absences(Contract):
    """The absences that stand, and the receipt of the row that was sent."""

    received: Received = Field(description="What became of the row.")
    absences: list[AbsenceSent] = Field(description="All absences of that rep that stand.")


class FeedbackRequest(Contract):
    """Asks what people said about listed leads. No names of people are in the answer."""

    after: int = field(
        "Rows behind this number, for the pages after the first.", 0, default=0, ge=0, strict=True
    )
    limit: int = field("The most rows.", 1000, default=1000, ge=1, le=10_000, strict=True)


class FeedbackRow(Contract):
    """What somebody said about a lead, beside what the list had said."""

    number: int = field("The row's number, rising.", 17)
    at: Moment = field("When it was received.", "2025-03-31T09:12:00Z")
    lead_id: str = field("The lead.", "lead-1001")
    action: str = field("What was done.", "wrong")
    reason: str | None = field("Why, in words.", "is a customer already")
    until: Moment | None = field("When it may be listed again.", "2025-04-07T00:00:00Z")
    is_undone: bool = field("Somebody took it back.", example=False)
    listed_on: date | None = field("The last day on which it had been listed.", "2025-03-31")
    position: int | None = field("Its place on that list.", 3)
    why: WhyListed | None = field("Why it was on that list.", "order")
    priority: float | None = field("What a call was worth then.", 302.4)
    model_version: str | None = field("The model behind that.", "3")


class Feedback(Contract):
    """What people said about listed leads, the oldest first."""

    rows: list[FeedbackRow] = Field(description="The rows.")
    last: int = field("The number to go on after.", 17)
