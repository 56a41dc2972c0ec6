"""The two tables that grow every day: `activities` and `changes`, with rows shown late at times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.simulation.parquet import DAY, TIME, Columns, Growing, decoded, ids, money
from features.simulation.rows import Array
from features.simulation.settings import CompanySettings
from features.simulation.state import DEAL_STAGES, STAGES, Calendar

TYPES = ("call", "email", "meeting", "web_visit")
DIRECTIONS = ("outbound", "inbound")
OUTCOMES = ("connected", "voicemail", "no_answer", "held")
CONNECTED, VOICEMAIL, NO_ANSWER, HELD = range(len(OUTCOMES))
ENTITIES = ("lead", "deal")
FIELDS = ("stage", "rep_id", "amount", "expected_close_at")
ALL_STAGES = (*STAGES, *DEAL_STAGES, "converted", "disqualified", "won", "lost")
"""Everything that `stage` may change to, for leads and deals."""
MOST_DAYS_LATE = 7.0
ACTIVITY = pa.schema(
    [
        ("activity_id", pa.string()),
        ("lead_id", pa.string()),
        ("deal_id", pa.string()),
        ("rep_id", pa.string()),
        ("occurred_at", TIME),
        ("type", pa.string()),
        ("direction", pa.string()),
        ("outcome", pa.string()),
        ("duration_s", pa.float64()),
        ("known_at", TIME),
    ]
)
CHANGE = pa.schema(
    [
        ("entity_type", pa.string()),
        ("entity_id", pa.string()),
        ("changed_at", TIME),
        ("field", pa.string()),
        ("value", pa.string()),
        ("known_at", TIME),
    ]
)


@dataclass(frozen=True)
class Act:
    """Activities of one type.

    Attributes:
        type: of `TYPES`.
        at: when each happened, in microseconds.
        direction: of `DIRECTIONS`.
        lead: numbers of leads, or None.
        deal: numbers of deals, or None.
        rep: who did it and logs it; None where the CRM sees it by itself.
        outcome: codes of `OUTCOMES`, or None.
        seconds: how long it took, or None.
    """

    type: str
    at: Array
    direction: str = "outbound"
    lead: Array | None = None
    deal: Array | None = None
    rep: Array | None = None
    outcome: Array | None = None
    seconds: Array | None = None


@dataclass
class Habits:
    """How well each person keeps the CRM.

    Attributes:
        share: of their work that they log.
        lateness: mean days by which their late rows are late.
    """

    share: Array
    lateness: Array


class Journal:
    """Writes `activities` and `changes`.

    Attributes:
        settings: how much is logged, and how late.
        draws: the generator of everything recorded, apart from the company's own.
        habits: of everybody who has worked there.
        begin: the day the CRM is introduced.
        epoch: the moment day 0 begins, in microseconds.
    """

    def __init__(
        self, settings: CompanySettings, calendar: Calendar, out: Path, begin: int
    ) -> None:
        """Open both files.

        Args:
            settings: how much is logged, and how late.
            calendar: gives days their dates.
            out: the folder.
            begin: the day the CRM is introduced.
        """
        self.settings, self.begin = settings, begin
        self.draws = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([settings.seed, 77]))
        )
        self.epoch = int(np.datetime64(calendar.first, "us").astype(np.int64))
        self.habits = Habits(np.zeros(0), np.zeros(0))
        self._first = np.datetime64(calendar.first, "D")
        self._activities = Growing(out / "activities.parquet", ACTIVITY, _activity_columns)
        self._changes = Growing(out / "changes.parquet", CHANGE, self._change_columns)

    def at(self, day: int, within: int, count: int) -> Array:
        """Return one moment of a day, so many times."""
        return np.full(count, self.epoch + day * DAY + within)

    def act(self, act: Act, which: Array) -> None:
        """Record the activities that a mask selects."""
        places = np.flatnonzero(which)
        count = len(places)
        if not count:
            return
        nobody = np.full(count, -1)
        at = act.at[places]
        rep = nobody if act.rep is None else act.rep[places]
        self._activities.add(
            {
                "lead": nobody if act.lead is None else act.lead[places],
                "deal": nobody if act.deal is None else act.deal[places],
                "rep": rep,
                "at": at,
                "known": at if act.rep is None else at + self._delay(rep),
                "type": np.full(count, TYPES.index(act.type), dtype=np.int8),
                "direction": np.full(count, DIRECTIONS.index(act.direction), dtype=np.int8),
                "outcome": np.full(count, -1) if act.outcome is None else act.outcome[places],
                "seconds": np.full(count, np.nan) if act.seconds is None else act.seconds[places],
            }
        )

    def change(
        self,
        entity: str,
        numbers: Array,
        at: Array,
        field: str,
        values: Array,
        reps: Array | None = None,
    ) -> None:
        """Record changes.

        Args:
            entity: "lead" or "deal".
            numbers: which of them.
            at: when, in microseconds.
            field: what of them; see `FIELDS`.
            values: for each field in its own code: a place in `ALL_STAGES`, a person, cents, or a
                day.
            reps: who makes the change, and shows it late at times; None shows it at once.
        """
        count = len(numbers)
        if not count:
            return
        self._changes.add(
            {
                "entity": np.full(count, ENTITIES.index(entity), dtype=np.int8),
                "number": numbers,
                "at": at,
                "field": np.full(count, FIELDS.index(field), dtype=np.int8),
                "value": np.asarray(values, dtype=np.int64),
                "known": at if reps is None else at + self._delay(reps, 0.5),
            }
        )

    def stage(self, entity: str, numbers: Array, at: Array, stage: str) -> None:
        """Record that many came to the same stage; shown at once."""
        self.change(entity, numbers, at, "stage", np.full(len(numbers), ALL_STAGES.index(stage)))

    def close(self) -> None:
        """Write what is left."""
        self._activities.close()
        self._changes.close()

    def take(self) -> dict[str, pa.Table]:
        """Return what was recorded since this was asked last, by table; only of a copy."""
        return {"activities": self._activities.take(), "changes": self._changes.take()}

    def _delay(self, reps: Array, share: float = 1.0) -> Array:
        """Draw how late each row is shown, in microseconds, up to a week."""
        late = self.draws.random(len(reps)) < self.settings.late_share * share
        days = self.draws.exponential(1.0, len(reps)) * self.habits.lateness[reps]
        return np.where(late, (np.minimum(days, MOST_DAYS_LATE) * DAY).astype(np.int64), 0)

    def _change_columns(self, rows: Columns, _first: int) -> Columns:
        return {
            "entity_type": decoded(ENTITIES, rows["entity"]),
            "entity_id": _mixed(
                rows["entity"], rows["number"], [lambda n: ids("L", n), lambda n: ids("D", n)]
            ),
            "changed_at": rows["at"],
            "field": decoded(FIELDS, rows["field"]),
            "value": _mixed(
                rows["field"],
                rows["value"],
                [lambda v: decoded(ALL_STAGES, v), lambda v: ids("R", v), money, self._dates],
            ),
            "known_at": rows["known"],
        }

    def _dates(self, days: Array) -> pa.Array:
        known, place = np.unique(days, return_inverse=True)
        return decoded(tuple((self._first + known).astype(str).tolist()), place)


def _activity_columns(rows: Columns, first: int) -> Columns:
    return {
        "activity_id": ids("T", first + np.arange(len(rows["at"]))),
        "lead_id": ids("L", rows["lead"]),
        "deal_id": ids("D", rows["deal"]),
        "rep_id": ids("R", rows["rep"]),
        "occurred_at": rows["at"],
        "type": decoded(TYPES, rows["type"]),
        "direction": decoded(DIRECTIONS, rows["direction"]),
        "outcome": decoded(OUTCOMES, rows["outcome"]),
        "duration_s": rows["seconds"],
        "known_at": rows["known"],
    }


def _mixed(kinds: Array, values: Array, writers: Sequence[Callable[[Array], pa.Array]]) -> pa.Array:
    """Write each kind of value its own way, and leave every value at its place.

    Kinds are written one after the other and then put back in order. With A of kind 0, and a and
    b of kind 1:

        values                   a A b
        written, kind by kind    A a b    `places` 1 0 2
        taken at `back`          a A b    `back` 1 0 2: where each value was written
    """
    places = [np.flatnonzero(kinds == kind) for kind in range(len(writers))]
    parts = [writer(values[place]) for writer, place in zip(writers, places, strict=True)]
    back = np.empty(len(values), dtype=np.int64)
    back[np.concatenate(places)] = np.arange(len(values))
    return pa.concat_arrays(parts).take(pa.array(back))
