"""What a CRM records of a company's days: incompletely, late at times, and the end over the story.

Nothing here acts back on the company.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.simulation.machine import Day
from features.simulation.names import person_names
from features.simulation.rows import Array, Rows
from features.simulation.settings import SOURCES, Settings
from features.simulation.state import DEAL_STAGES, STAGES, Calendar, State

HOUR = 3_600_000_000
DAY = 24 * HOUR
INDUSTRIES = np.array(["software", "finance", "retail", "manufacturing", "health"])
TIME = pa.timestamp("us")
FLUSH_ROWS = 1_000_000
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


def ids(letter: str, numbers: Array) -> pa.Array:
    """Write numbers as ids: `L0000042`; below 0 there is none."""
    plain = pa.array(np.asarray(numbers), mask=np.asarray(numbers) < 0)
    digits = pc.utf8_lpad(pc.cast(plain, pa.string()), width=7, padding="0")
    return pc.binary_join_element_wise(pa.scalar(letter), digits, "")


class Growing:
    """A parquet file that is written in pieces."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema)
        self._parts: list[pa.Table] = []
        self.rows = 0

    def add(self, columns: Mapping[str, Array | list[object]]) -> None:
        """Add rows; columns left out are empty."""
        count = len(next(iter(columns.values())))
        arrays = [
            _arrow(columns[f.name], f.type) if f.name in columns else pa.nulls(count, f.type)
            for f in self._schema
        ]
        self._parts.append(pa.Table.from_arrays(arrays, schema=self._schema))
        self.rows += count
        if sum(len(part) for part in self._parts) >= FLUSH_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._parts:
            self._writer.write_table(pa.concat_tables(self._parts))
            self._parts = []


class Crm:
    """Writes the tables of contract §2 while a company lives."""

    def __init__(
        self, settings: Settings, calendar: Calendar, out: Path, begin: int, end: int
    ) -> None:
        """Open the files.

        Args:
            settings: how much is logged, and how late.
            calendar: gives days their dates.
            out: the folder.
            begin: the day the CRM is introduced; what is open then is carried over.
            end: the day after the last.
        """
        self._settings, self._calendar, self._out = settings, calendar, out
        self._begin, self._end = begin, end
        self._draws = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([settings.seed, 77]))
        )
        self._epoch = int(np.datetime64(calendar.first, "us").astype(np.int64))
        self._activities = Growing(out / "activities.parquet", ACTIVITY)
        self._changes = Growing(out / "changes.parquet", CHANGE)
        self._persons: list[dict[str, object]] = []
        self._share = np.zeros(0)
        self._lateness = np.zeros(0)
        self._leads: list[Rows] = []
        self._deals: list[Rows] = []
        self._ends: dict[str, list[tuple[Array, Array]]] = {
            name: []
            for name in ("created", "converted", "lost", "won", "deal_lost", "amount", "due")
        }
        self._owner = {"lead": np.full(1024, -1), "deal": np.full(1024, -1)}
        self._quotas: list[dict[str, object]] = []
        self._left: dict[int, int] = {}
        self._today = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self._opened_at = np.zeros(0, dtype=np.int64)

    # People and quotas.

    def people(self, state: State) -> None:
        """Take in whoever has joined."""
        draws, settings = self._draws, self._settings
        seats = state.seats
        for seat in np.flatnonzero(seats["person"] >= len(self._persons)):
            number = int(seats["person"][seat])
            low, high = settings.log_share
            self._share = np.append(self._share, draws.uniform(low, high))
            self._lateness = np.append(self._lateness, draws.uniform(0.2, 2.5))
            territory = int(seats["territory"][seat])
            self._persons.append(
                {
                    "number": number,
                    "manager_id": f"M{seat * settings.managers // settings.reps + 1:03d}",
                    "team": f"team {seat * settings.managers // settings.reps + 1}",
                    "territory": f"territory {territory + 1}",
                    "hired": int(seats["hired"][seat]),
                }
            )

    def quota(self, persons: Array, start: date, end: date, amounts: Array) -> None:
        """Write the quotas of a period, in money."""
        self._quotas.append(
            {
                "rep_id": persons,
                "period_start": [datetime(start.year, start.month, start.day)] * len(persons),
                "period_end": [datetime(end.year, end.month, end.day)] * len(persons),
                "amount": amounts,
            }
        )

    # Days.

    def record(self, day: Day, state: State) -> None:
        """Write down what of a day reaches the CRM."""
        self.people(state)
        for _, person in day.left:
            self._left[person] = day.number
        self._new_leads(day)
        if day.number < self._begin:
            self._note_ends(day, day.leads, self._at(day.number, 17 * HOUR, len(day.leads)))
            self._note_deals(day, self._at(day.number, 16 * HOUR, len(day.deals)))
            self._new_deals(day, None)
            return
        if day.number == self._begin:
            self._carry_over(state, day)
        self._change_owners(day, state)
        touched = self._touches(day, state)
        self._visits(day)
        self._note_ends(day, day.leads, touched)
        self._deal_day(day, state)
        self._new_deals(day, state)

    def _at(self, day: int, within: int, count: int) -> Array:
        return np.full(count, self._epoch + day * DAY + within)

    def _new_leads(self, day: Day) -> None:
        new = day.leads.take(day.arrived)
        self._leads.append(new)
        count = len(new)
        within = (self._draws.triangular(4, 10, 15, count) * HOUR).astype(np.int64)
        created = self._epoch + day.number * DAY + within
        self._ends["created"].append((new["id"], created))
        self._today = new["id"], created

    def _created_of(self, lead: Array) -> Array:
        """Give when today's new leads came in; 0 for older ones."""
        known = np.zeros(len(lead), dtype=np.int64)
        new, created = self._today
        if len(new):
            place = lead - new[0]
            mine = place >= 0
            known[mine] = created[place[mine]]
        return known

    def _change(
        self, kind: str, ids_: Array, at: Array, field: str, values: Array, reps: Array | None
    ) -> None:
        """Write changes; a rep who logs late shows them late."""
        if not len(ids_):
            return
        known = at if reps is None else at + self._delay(reps, 0.5)
        count = len(ids_)
        self._changes.add(
            {
                "entity_type": [kind] * count,
                "entity_id": ids(kind[0].upper(), ids_),
                "changed_at": at,
                "field": [field] * count,
                "value": values,
                "known_at": known,
            }
        )

    def _delay(self, reps: Array, share: float = 1.0) -> Array:
        late = self._draws.random(len(reps)) < self._settings.late_share * share
        days = np.minimum(self._draws.exponential(1.0, len(reps)) * self._lateness[reps], 7.0)
        return np.where(late, (days * DAY).astype(np.int64), 0)

    def _carry_over(self, state: State, day: Day) -> None:
        """Say of what is open on the first day how it stands."""
        for kind, rows, stages in (
            ("lead", state.leads, STAGES),
            ("deal", state.deals, DEAL_STAGES),
        ):
            old = rows.take(rows["open"] & (rows["created"] < day.number))
            at = self._at(day.number, 0, len(old))
            self._change(kind, old["id"], at, "stage", np.array(stages)[old["stage"]], None)
            if kind == "deal":
                self._change(kind, old["id"], at, "amount", _money(old["amount"]), None)
                self._change(kind, old["id"], at, "expected_close_at", self._iso(old["due"]), None)

    def _iso(self, days: Array) -> Array:
        dates = np.datetime64(self._calendar.first, "D") + days
        return np.asarray(dates.astype(str), dtype=object)

    def _change_owners(self, day: Day, state: State) -> None:
        person = state.seats["person"]
        for kind, rows in (("lead", day.leads), ("deal", day.deals)):
            if not len(rows):
                continue
            owner = self._grown(kind, rows["id"])
            now = person[rows["seat"]]
            other = owner[rows["id"]] != now
            changed = rows.take(other)
            owner[changed["id"]] = now[other]
            created = self._created_of(changed["id"]) if kind == "lead" else 0
            at = np.maximum(self._at(day.number, 6 * HOUR, len(changed)), created)
            if day.number == self._begin:
                at = np.maximum(self._at(day.number, 0, len(changed)), created)
            self._change(kind, changed["id"], at, "rep_id", ids("R", now[other]), None)
            if kind == "lead":
                new = changed.take(changed["created"] == day.number)
                at = self._created_of(new["id"])
                self._change(kind, new["id"], at, "stage", np.full(len(new), "new", object), None)

    def _grown(self, kind: str, numbers: Array) -> Array:
        """Give the recorded owners, with room for new numbers."""
        owner, most = self._owner[kind], int(numbers.max(initial=0))
        if most >= len(owner):
            owner = np.append(owner, np.full(max(len(owner), most), -1))
            self._owner[kind] = owner
        return owner

    def _touches(self, day: Day, state: State) -> Array:
        """Write down work on leads, and give when each lead was worked on (or 17:00)."""
        draws, leads = self._draws, day.leads
        moments = self._at(day.number, 17 * HOUR, len(leads))
        moments += (draws.random(len(leads)) * HOUR).astype(np.int64)
        if "touched" not in day.masks:
            return moments
        places = np.flatnonzero(day.masks["touched"])
        count = len(places)
        within = 9 * HOUR + (draws.random(count) * 7 * HOUR).astype(np.int64)
        at = self._epoch + day.number * DAY + within
        created = self._created_of(leads["id"][places])
        soon = (
            np.exp(draws.normal(0.0, 1.4, count))
            * 0.5
            / state.seats["speed"][leads["seat"][places]]
        )
        morning = self._epoch + day.number * DAY + 9 * HOUR
        first = np.maximum(created, morning) + (np.minimum(soon, 5.0) * HOUR).astype(np.int64)
        at = np.where(created > 0, first, at)
        moments[places] = at + HOUR
        rep = state.seats["person"][leads["seat"][places]]
        lead = leads["id"][places]
        connected, met = day.masks["connected"][places], day.masks["met"][places]
        share = self._share[rep]
        logged = draws.random(count) < np.where(connected, share**0.4, share)
        voicemail = np.where(draws.random(count) < 0.3, "voicemail", "no_answer")
        seconds = np.where(connected, np.exp(draws.normal(5.6, 0.6, count)), 25.0)
        self._act(
            "call",
            lead,
            None,
            rep,
            at,
            logged,
            "outbound",
            np.where(connected, "connected", voicemail),
            np.rint(seconds),
        )
        mails = logged & (draws.random(count) < self._settings.emails)
        self._act("email", lead, None, rep, at + HOUR // 3, mails, "outbound", None, None)
        replies = connected & (draws.random(count) < 0.35)
        self._act("email", lead, None, rep, at + HOUR // 2, replies, "inbound", None, None)
        self._act(
            "meeting",
            lead,
            None,
            rep,
            at + HOUR // 2,
            met & (draws.random(count) < share**0.4),
            "outbound",
            np.full(count, "held", object),
            np.rint(draws.uniform(1200, 3600, count)),
        )
        staged = day.masks["staged"][places]
        names = np.array(STAGES, dtype=object)[leads["stage"][places]]
        self._change(
            "lead", lead[staged], at[staged] + HOUR // 2, "stage", names[staged], rep[staged]
        )
        return moments

    def _act(
        self,
        type_: str,
        lead: Array,
        deal: Array | None,
        rep: Array | None,
        at: Array,
        which: Array,
        direction: str,
        outcome: Array | None,
        seconds: Array | None,
    ) -> None:
        count = int(which.sum())
        if not count:
            return
        known = at[which] if rep is None else at[which] + self._delay(rep[which])
        columns: dict[str, Array | list[object]] = {
            "activity_id": ids("T", self._activities.rows + np.arange(count)),
            "lead_id": ids("L", lead[which]),
            "occurred_at": at[which],
            "type": [type_] * count,
            "direction": [direction] * count,
            "known_at": known,
        }
        if rep is not None:
            columns["rep_id"] = ids("R", rep[which])
        if deal is not None:
            columns["deal_id"] = ids("D", deal[which])
        if outcome is not None:
            columns["outcome"] = outcome[which]
        if seconds is not None:
            columns["duration_s"] = seconds[which]
        self._activities.add(columns)

    def _visits(self, day: Day) -> None:
        places = np.flatnonzero(day.masks["visited"])
        lead = day.leads["id"][places]
        within = (self._draws.triangular(6, 14, 23, len(places)) * HOUR).astype(np.int64)
        at = self._epoch + day.number * DAY + within
        at = np.maximum(at, self._created_of(lead) + HOUR // 60)
        everyone = np.ones(len(places), dtype=np.bool_)
        self._act("web_visit", lead, None, None, at, everyone, "inbound", None, None)

    def _note_ends(self, day: Day, leads: Rows, at: Array) -> None:
        for name, stage in (("converted", "converted"), ("lost", "disqualified")):
            if name not in day.masks:
                continue
            which = day.masks[name]
            gone = leads.take(which)
            self._ends[name].append((gone["id"], at[which]))
            if day.number >= self._begin:
                self._change(
                    "lead", gone["id"], at[which], "stage", np.full(len(gone), stage, object), None
                )
        if day.opened is not None:
            self._opened_at = at[day.masks["converted"]]

    def _new_deals(self, day: Day, state: State | None) -> None:
        if day.opened is None:
            return
        new, at = day.opened, self._opened_at
        self._deals.append(new)
        self._ends["amount"].append((new["id"], new["amount"]))
        self._ends["due"].append((new["id"], new["due"]))
        self._ends.setdefault("deal_created", []).append((new["id"], at))
        if state is None:
            return
        owner = state.seats["person"][new["seat"]]
        self._grown("deal", new["id"])[new["id"]] = owner
        self._change("deal", new["id"], at, "rep_id", ids("R", owner), None)
        self._change(
            "deal", new["id"], at, "stage", np.full(len(new), DEAL_STAGES[0], object), None
        )
        self._change("deal", new["id"], at, "amount", _money(new["amount"]), None)
        self._change("deal", new["id"], at, "expected_close_at", self._iso(new["due"]), None)

    def _note_deals(self, day: Day, at: Array) -> None:
        for name in ("won", "deal_lost"):
            if name in day.masks:
                which = day.masks[name]
                self._ends[name].append((day.deals["id"][which], at[which]))
        for name, mask in (("amount", "priced"), ("due", "pushed")):
            if mask in day.masks:
                which = day.masks[mask]
                self._ends[name].append((day.deals["id"][which], day.deals[name][which]))

    def _deal_day(self, day: Day, state: State) -> None:
        """Write down work on deals and what became of them."""
        if "won" not in day.masks:
            return
        draws, deals, masks = self._draws, day.deals, day.masks
        count = len(deals)
        rep = state.seats["person"][deals["seat"]]
        at = (
            self._epoch
            + day.number * DAY
            + 9 * HOUR
            + (draws.random(count) * 6 * HOUR).astype(np.int64)
        )
        share = self._share[rep] if count else np.zeros(0)
        nobody = np.full(count, -1)
        logged = masks["deal_touched"] & (draws.random(count) < share)
        calls = draws.random(count) < 0.6
        self._act(
            "call",
            nobody,
            deals["id"],
            rep,
            at,
            logged & calls,
            "outbound",
            np.where(draws.random(count) < 0.5, "connected", "no_answer"),
            None,
        )
        self._act("email", nobody, deals["id"], rep, at, logged & ~calls, "outbound", None, None)
        answers = masks["deal_touched"] & (draws.random(count) < 0.25)
        self._act("email", nobody, deals["id"], rep, at + HOUR, answers, "inbound", None, None)
        meetings = masks["deal_staged"] & (draws.random(count) < np.sqrt(share))
        self._act(
            "meeting",
            nobody,
            deals["id"],
            rep,
            at + HOUR,
            meetings,
            "outbound",
            np.full(count, "held", object),
            None,
        )
        later = at + 2 * HOUR
        for name, field, values in (
            ("deal_staged", "stage", np.array(DEAL_STAGES, dtype=object)[deals["stage"]]),
            ("pushed", "expected_close_at", self._iso(deals["due"])),
            ("priced", "amount", _money(deals["amount"])),
        ):
            which = masks[name]
            late = None if name == "priced" else rep[which]
            self._change("deal", deals["id"][which], later[which], field, values[which], late)
        end = at + 3 * HOUR
        self._note_deals(day, end)
        for name, word in (("won", "won"), ("deal_lost", "lost")):
            which = masks[name]
            closed = deals["id"][which]
            self._change(
                "deal", closed, end[which], "stage", np.full(len(closed), word, object), None
            )

    # The end.

    def close(self, state: State) -> None:
        """Write the tables that show the end of the story."""
        self._activities.close()
        self._changes.close()
        self._write_leads(state)
        self._write_deals(state)
        self._write_reps()
        self._write_accounts()
        quotas = {
            name: np.concatenate([np.asarray(q[name]) for q in self._quotas])
            for name in ("rep_id", "period_start", "period_end", "amount")
        }
        quotas["rep_id"] = ids("R", quotas["rep_id"])
        schema = pa.schema(
            [
                ("rep_id", pa.string()),
                ("period_start", TIME),
                ("period_end", TIME),
                ("amount", pa.float64()),
            ]
        )
        self._write("quotas", quotas, schema)

    def _write(self, name: str, columns: Mapping[str, Array], schema: pa.Schema) -> None:
        arrays = [_arrow(columns[f.name], f.type) for f in schema]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), self._out / f"{name}.parquet")

    def _told(self, name: str, count: int) -> Array:
        """Give the last value told of each number; the smallest integer where none was."""
        filled = np.full(count, np.iinfo(np.int64).min)
        for numbers, values in self._ends.get(name, []):
            filled[numbers] = values
        return filled

    def _owners(self, kind: str, count: int) -> Array:
        owner = np.full(count, -1)
        known = self._owner[kind][:count]
        owner[: len(known)] = known
        return owner

    def _write_leads(self, state: State) -> None:
        every = _joined(self._leads)
        count = state.next_id["lead"]
        created, converted, lost = (self._told(n, count) for n in ("created", "converted", "lost"))
        start = self._epoch + self._begin * DAY
        kept = _ended(converted, lost) >= start
        number = every["id"][kept]
        account = self._accounts(count)
        met = np.isin(np.arange(count), number) & (converted > 0)
        # Typed in when the deal is made, and by some: it shows the end, and no history tells when.
        noted = met & (self._draws.random(count) < 0.6)
        reasons = np.array(["no budget", "no answer", "competitor", "no need"], dtype=object)
        why = reasons[self._draws.integers(0, len(reasons), count)]
        value = np.rint(every["value"] / 100) * 100
        columns = {
            "lead_id": ids("L", number),
            "created_at": created[kept],
            "rep_id": ids("R", self._owners("lead", count)[kept]),
            "account_id": ids("A", account[kept]),
            "source": np.array(SOURCES, dtype=object)[every["source"]][kept],
            "value": value[kept],
            "converted_at": _times(converted)[kept],
            "lost_at": _times(lost)[kept],
            "budget": np.where(noted, value * 1.1, np.nan)[kept],
            "lost_reason": np.where(lost > 0, why, None)[kept],
        }
        schema = pa.schema(
            [
                ("lead_id", pa.string()),
                ("created_at", TIME),
                ("rep_id", pa.string()),
                ("account_id", pa.string()),
                ("source", pa.string()),
                ("value", pa.float64()),
                ("converted_at", TIME),
                ("lost_at", TIME),
                ("budget", pa.float64()),
                ("lost_reason", pa.string()),
            ]
        )
        self._write("leads", columns, schema)
        self._value, self._account, self._kept_leads = value, account, kept

    def _accounts(self, count: int) -> Array:
        """Give each lead an account; one lead in five comes from one that is known already."""
        own = np.cumsum(self._draws.random(count) > 0.2)
        again = (self._draws.random(count) * own).astype(np.int64)
        fresh = np.diff(own, prepend=0) > 0
        return np.where(fresh, own, again)

    def _write_deals(self, state: State) -> None:
        every = _joined(self._deals)
        count = state.next_id["deal"]
        won, lost, created = (self._told(n, count) for n in ("won", "deal_lost", "deal_created"))
        closed = np.maximum(won, lost)
        kept = (closed < 0) | (closed >= self._epoch + self._begin * DAY)
        lead = every["lead"]
        known = self._kept_leads[lead]
        due = self._epoch + self._told("due", count) * DAY
        columns = {
            "deal_id": ids("D", every["id"][kept]),
            "rep_id": ids("R", self._owners("deal", count)[kept]),
            "lead_id": ids("L", np.where(known, lead, -1)[kept]),
            "account_id": ids("A", self._account[lead][kept]),
            "created_at": created[kept],
            "amount": (self._told("amount", count) / 100)[kept],
            "expected_close_at": due[kept],
            "closed_at": _times(closed)[kept],
            "won": np.where(closed < 0, None, won > 0)[kept],
        }
        schema = pa.schema(
            [
                ("deal_id", pa.string()),
                ("rep_id", pa.string()),
                ("lead_id", pa.string()),
                ("account_id", pa.string()),
                ("created_at", TIME),
                ("amount", pa.float64()),
                ("expected_close_at", TIME),
                ("closed_at", TIME),
                ("won", pa.bool_()),
            ]
        )
        self._write("deals", columns, schema)

    def _write_reps(self) -> None:
        persons = self._persons
        numbers = np.array([p["number"] for p in persons])
        hired = np.array([int(str(p["hired"])) for p in persons])
        left = np.array([self._left.get(int(n), -1) for n in numbers])
        begin = self._begin
        kept = (left < 0) | (left >= begin)
        left_at = np.where(left < 0, np.iinfo(np.int64).min, self._epoch + left * DAY + 5 * HOUR)
        columns = {
            "rep_id": ids("R", numbers[kept]),
            "name": person_names(len(persons), self._settings.special)[kept],
            "role": np.full(int(kept.sum()), "account executive", object),
            "hired_at": (self._epoch + hired * DAY)[kept],
            "left_at": _times(left_at)[kept],
            **{
                name: np.array([p[name] for p in persons], dtype=object)[kept]
                for name in ("manager_id", "team", "territory")
            },
        }
        schema = pa.schema(
            [
                ("rep_id", pa.string()),
                ("name", pa.string()),
                ("manager_id", pa.string()),
                ("role", pa.string()),
                ("team", pa.string()),
                ("territory", pa.string()),
                ("hired_at", TIME),
                ("left_at", TIME),
            ]
        )
        self._write("reps", columns, schema)

    def _write_accounts(self) -> None:
        numbers = np.unique(self._account)
        value = np.zeros(int(numbers.max()) + 1)
        value[self._account] = self._value
        staff = np.exp(self._draws.normal(0, 0.8, len(numbers))) * value[numbers] / 150
        columns = {
            "account_id": ids("A", numbers),
            "industry": INDUSTRIES.astype(object)[self._draws.integers(0, 5, len(numbers))],
            "employees": np.rint(np.maximum(staff, 2)),
        }
        schema = pa.schema(
            [("account_id", pa.string()), ("industry", pa.string()), ("employees", pa.float64())]
        )
        self._write("accounts", columns, schema)


def _arrow(values: Array | pa.Array | list[object], kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind, from_pandas=True)


def _joined(parts: list[Rows]) -> Rows:
    return Rows({n: np.concatenate([p[n] for p in parts]) for n in parts[0].columns})


def _money(cents: Array) -> Array:
    return np.array([f"{c // 100}.{c % 100:02d}" for c in cents.tolist()], dtype=object)


def _times(moments: Array) -> Array:
    """Give moments, empty where there is none."""
    made = moments.astype("datetime64[us]")
    made[moments < 0] = np.datetime64("NaT")
    return made


def _ended(*moments: Array) -> Array:
    """Give when a story ended; far in the future where it has not."""
    end = np.maximum.reduce(moments)
    return np.where(end < 0, np.iinfo(np.int64).max, end)
