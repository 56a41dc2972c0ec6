"""What people did with the leads of their work list, and which reps are away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Column, Date, DateTime, String

from serving.store.database import Store
from serving.store.keyed_log import KeyedLog, Receipt, keyed_table


class Act(StrEnum):
    """What somebody did with a lead of the list."""

    DONE = "done"
    SKIP = "skip"
    SNOOZE = "snooze"
    WRONG = "wrong"
    UNDO = "undo"


@dataclass(frozen=True)
class Action:
    """What somebody did with one lead.

    Attributes:
        key: the sender's; a key that is sent twice counts once.
        lead_id: which lead.
        action: what was done.
        rep_id: the lead's owner then; None for a lead without one.
        until: when a snoozed or wrong lead comes back, naive UTC.
        reason: why it is wrong, or a remark.
        undoes: the key of the action that this one takes back.
    """

    key: str
    lead_id: str
    action: Act
    rep_id: str | None = None
    until: datetime | None = None
    reason: str | None = None
    undoes: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeptAction(Action):
    """An action that was received.

    Attributes:
        at: when, naive UTC.
        by: who did it.
    """

    at: datetime
    by: str


@dataclass(frozen=True)
class Absence:
    """Days on which a rep is away.

    Attributes:
        key: the sender's.
        rep_id: who is away.
        first_day: of the business.
        last_day: inclusive.
        undoes: the key of the absence that this row takes back.
    """

    key: str
    rep_id: str
    first_day: date
    last_day: date
    undoes: str | None = None


_ACTIONS = keyed_table(
    "work_actions",
    Column("lead_id", String),
    Column("rep_id", String),
    Column("action", String),
    Column("until", DateTime),
    Column("reason", String),
    Column("undoes", String),
)
_ABSENCES = keyed_table(
    "absences",
    Column("rep_id", String),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("undoes", String),
)


@dataclass(frozen=True)
class ActionLog:
    """The actions and absences of one home, or those that the homes of a company share.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def add(self, actions: Sequence[Action], by: str) -> list[Receipt]:
        """Keep actions, all of them or none.

        Raises:
            InputError: a key was used before for something else.
        """
        rows = [asdict(action) | {"action": action.action.value} for action in actions]
        return KeyedLog(self.store, _ACTIONS, ("rep_id",)).add(rows, by)

    def all(self, since: datetime | None = None) -> list[KeptAction]:
        """Return every action that was kept, or those since a moment, the oldest first."""
        rows = KeyedLog(self.store, _ACTIONS).rows(since=since)
        return [
            KeptAction(
                **{**{k: v for k, v in row.items() if k != "id"}, "action": Act(row["action"])}
            )
            for row in rows
        ]

    def add_absences(self, absences: Sequence[Absence], by: str) -> list[Receipt]:
        """Keep absences, all of them or none.

        Raises:
            InputError: a key was used before for something else.
        """
        return KeyedLog(self.store, _ABSENCES).add([asdict(row) for row in absences], by)

    def all_absences(self) -> list[Absence]:
        """Return every absence that was kept, those that take one back included."""
        return [
            Absence(**{name: row[name] for name in Absence.__annotations__})
            for row in KeyedLog(self.store, _ABSENCES).rows()
        ]

    def absences(self) -> list[Absence]:
        """Return the absences that stand: those that no later row takes back."""
        rows = self.all_absences()
        undone = {row.undoes for row in rows}
        return [row for row in rows if row.undoes is None and row.key not in undone]
