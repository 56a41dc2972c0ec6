"""What people have said about the leads of their lists, as of a moment: pure, from the log.

    done      counts as a touch of that day, so the lead is worth less for some days
    skip      not today; nothing else changes
    snooze    off the lists until the moment that was named
    wrong     off the lists for the days that the settings name, or until the moment that was named
    undo      takes one of these back

The newest action that nobody took back is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from features.clock import MOMENT
from serving.store.actions import Absence, Act, KeptAction
from serving.worklist.inputs import local_days

FRESH = timedelta(days=4)
"""How old data may be and still be those of today's list: a long weekend lies between."""


@dataclass(frozen=True)
class Marks:
    """What counts of all actions.

    Attributes:
        standing: of each lead, the newest action that was not taken back.
        done_on: of each lead that was done, the last day.
        aside: leads that are snoozed, or wrong on the list.
        away: reps who are away today.
    """

    standing: Mapping[str, KeptAction]
    done_on: Mapping[str, date]
    aside: frozenset[str]
    away: frozenset[str] = frozenset()


NO_MARKS = Marks({}, {}, frozenset())


@dataclass(frozen=True)
class BusinessDay:
    """A moment by the business's calendar.

    Attributes:
        moment: in UTC, without a zone.
        day: what the business's calendar shows.
        zone: its time zone.
    """

    moment: datetime
    day: date
    zone: str

    @classmethod
    def at(cls, moment: datetime, zone: str) -> BusinessDay:
        """Return a moment with its day."""
        return cls(moment, local_day(moment, zone), zone)

    @classmethod
    def of_data(cls, as_of: datetime, now: datetime, zone: str) -> BusinessDay:
        """Return today, where the data are of these days; else the day on which they end.

        | data end          | now               | today (UTC) |
        |-------------------|-------------------|-------------|
        | Fri 27th, 00:00   | Fri 27th, 08:00   | Fri 27th    |
        | Sat 28th, 00:00   | Mon 30th, 08:00   | Mon 30th    |
        | Jun 30th, 00:00   | Fri Nov 27th      | Jun 30th    |

        Args:
            as_of: the moment that the scores are of.
            now: the moment by the clock on the wall.
            zone: the business's.
        """
        is_fresh = timedelta(0) <= now - as_of <= FRESH
        return cls.at(now if is_fresh else as_of, zone)


def local_day(moment: datetime, zone: str) -> date:
    """Return the date that the business's clock shows at a moment in UTC."""
    shown: date = local_days(np.array([moment], dtype=MOMENT), zone)[0].item()
    return shown


def marks_of(
    actions: Iterable[KeptAction], absences: Iterable[Absence], today: BusinessDay, wrong_days: int
) -> Marks:
    """Return what counts of all actions and absences.

    Args:
        actions: those received by now, the oldest first.
        absences: those that stand.
        today: the moment, and its day.
        wrong_days: days until a lead that was called wrong may be listed again.
    """
    valid = not_undone(actions)
    standing = {row.lead_id: row for row in valid}
    done_on: dict[str, date] = {}
    for row in valid:
        if row.action is Act.DONE:
            day = local_day(row.at, today.zone)
            done_on[row.lead_id] = max(day, done_on.get(row.lead_id, day))
    return Marks(
        standing,
        done_on,
        aside=frozenset(
            lead
            for lead, row in standing.items()
            if (ends := comes_back_at(row, wrong_days)) is not None and today.moment < ends
        ),
        away=frozenset(
            row.rep_id for row in absences if row.first_day <= today.day <= row.last_day
        ),
    )


def not_undone(actions: Iterable[KeptAction]) -> list[KeptAction]:
    """Return what was said and not taken back, the oldest first."""
    rows = list(actions)
    undone = {row.undoes for row in rows if row.action is Act.UNDO}
    return [row for row in rows if row.action is not Act.UNDO and row.key not in undone]


def comes_back_at(action: KeptAction, wrong_days: int) -> datetime | None:
    """Return when a lead may be listed again; None where the action does not take it off."""
    if action.action is Act.SNOOZE:
        return action.until
    if action.action is Act.WRONG:
        return action.until or action.at + timedelta(days=wrong_days)
    return None
