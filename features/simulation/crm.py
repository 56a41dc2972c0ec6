"""What a CRM records of a company's days: some of it, some of that late, tables as they ended.

Nothing here acts back on the company.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.simulation.day import Day
from features.simulation.deal_records import FIRST_STAGE, DealRecords
from features.simulation.journal import Journal
from features.simulation.lead_records import LeadRecords
from features.simulation.parquet import HOUR
from features.simulation.people import People
from features.simulation.rows import Array
from features.simulation.settings import CompanySettings
from features.simulation.state import Calendar, State


class Crm:
    """Writes the tables of an extract while a company is played.

    Attributes:
        people: records reps and their quotas.
    """

    def __init__(
        self, settings: CompanySettings, calendar: Calendar, out: Path, begin: int
    ) -> None:
        """Open the files.

        Args:
            settings: how much is logged, and how late.
            calendar: gives days their dates.
            out: the folder.
            begin: the day the CRM is introduced; what is open then is entered as it stands.
        """
        self._journal = Journal(settings, calendar, out, begin)
        self._out = out
        self.people = People(self._journal)
        self._leads, self._deals = LeadRecords(self._journal), DealRecords(self._journal)
        self._owner = {"lead": np.full(1024, -1), "deal": np.full(1024, -1)}

    def record(self, day: Day, state: State) -> None:
        """Write down the part of a day that reaches the CRM."""
        journal, begin = self._journal, self._journal.begin
        self.people.join(state)
        for _, person in day.left:
            self.people.leave(person, day.number)
        self._leads.arrive(day)
        if day.number < begin:
            at = journal.at(day.number, 17 * HOUR, len(day.leads))
            self._leads.end(day, at)
            self._deals.note(day, journal.at(day.number, 16 * HOUR, len(day.deals)))
            self._deals.open(day, at)
            return
        if day.number == begin:
            self._carry_over(state, day)
        self._change_owners(day, state)
        at = self._leads.work(day, state)
        self._leads.visits(day)
        self._leads.end(day, at)
        self._deals.work(day, state)
        self._deals.open(day, at)
        owner = self._deals.introduce(day, state, at)
        if day.opened is not None:
            self._owners("deal", day.opened["id"])[day.opened["id"]] = owner

    def close(self) -> None:
        """Write the tables that show how everything ended."""
        self._journal.close()
        for name, rows in self.tables().items():
            pq.write_table(rows, self._out / f"{name}.parquet")

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables that show how everything stands, all but `activities` and `changes`."""
        lead = self._final("lead", self._leads.count)
        deal = self._final("deal", self._deals.count)
        leads = self._leads.tables(lead)
        return {**leads, "deals": self._deals.table(deal, self._leads), **self.people.tables()}

    def take(self) -> dict[str, pa.Table]:
        """Return the new rows of `activities` and `changes`; only of a fork."""
        return self._journal.take()

    def forked(self) -> Crm:
        """Return a CRM that goes on from here in memory, for a world that goes its own way.

        Whoever works there keeps the habit of logging late or never.
        """
        return copy.deepcopy(self)

    def _carry_over(self, state: State, day: Day) -> None:
        """Record how everything stands that is open on the CRM's first day."""
        for kind, rows, first in (("lead", state.leads, 0), ("deal", state.deals, FIRST_STAGE)):
            old = rows.take(rows["open"] & (rows["created"] < day.number))
            at = self._journal.at(day.number, 0, len(old))
            self._journal.change(kind, old["id"], at, "stage", old["stage"] + np.int64(first))
            if kind == "deal":
                self._journal.change(kind, old["id"], at, "amount", old["amount"])
                self._journal.change(kind, old["id"], at, "expected_close_at", old["due"])

    def _change_owners(self, day: Day, state: State) -> None:
        """Record the owners of what is new or has changed hands."""
        journal, person = self._journal, state.seats["person"]
        within = 0 if day.number == journal.begin else 6 * HOUR
        for kind, rows in (("lead", day.leads), ("deal", day.deals)):
            if not len(rows):
                continue
            owner, now = self._owners(kind, rows["id"]), person[rows["seat"]]
            other = np.flatnonzero(owner[rows["id"]] != now)
            number, now = rows["id"][other], now[other]
            owner[number] = now
            at = journal.at(day.number, within, len(number))
            if kind == "lead":
                at = np.maximum(at, self._leads.created(number))
            journal.change(kind, number, at, "rep_id", now)
            if kind == "lead":
                new = number[rows["created"][other] == day.number]
                journal.stage(kind, new, self._leads.created(new), "new")

    def _owners(self, kind: str, numbers: Array) -> Array:
        """Return the recorded owners, with room for new numbers."""
        owner, most = self._owner[kind], int(numbers.max(initial=0))
        if most >= len(owner):
            owner = np.append(owner, np.full(max(len(owner), most), -1))
            self._owner[kind] = owner
        return owner

    def _final(self, kind: str, count: int) -> Array:
        owner = np.full(count, -1)
        known = self._owner[kind][:count]
        owner[: len(known)] = known
        return owner
