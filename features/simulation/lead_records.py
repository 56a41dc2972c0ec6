"""What a CRM records of leads: logged calls and mails, stages, and how they ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from features.simulation.day import Day
from features.simulation.ends import Ends, concatenated, end_moment
from features.simulation.journal import CONNECTED, HELD, NO_ANSWER, VOICEMAIL, Act, Journal
from features.simulation.parquet import DAY, HOUR, TIME, decoded, ids, timestamps, write
from features.simulation.rows import Array, Rows
from features.simulation.settings import SOURCES
from features.simulation.state import State

LEAD = pa.schema(
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
ACCOUNT = pa.schema(
    [("account_id", pa.string()), ("industry", pa.string()), ("employees", pa.float64())]
)
INDUSTRIES = ("software", "finance", "retail", "manufacturing", "health")
VOICEMAILS, REPLIES, NOTED, KNOWN_ACCOUNT = 0.3, 0.35, 0.6, 0.2
"""Shares: touches without contact that leave a message, contacts that write back, deals whose
budget is typed in, leads from a company that is known already."""
REASONS = ("no budget", "no answer", "competitor", "no need")


class LeadRecords:
    """Keeps `leads` and `accounts`, and writes the journal of work on leads.

    Attributes:
        account: of each lead, after the tables are written.
        kept: which leads are in the table, after it is written.
    """

    def __init__(self, journal: Journal) -> None:
        """Begin with no leads.

        Args:
            journal: takes the work and the changes.
        """
        self.account, self.kept = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        self._journal = journal
        self._leads: list[Rows] = []
        self._ends = Ends()
        self._today = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def arrive(self, day: Day) -> None:
        """Add new leads, and draw the moment of the day they came in."""
        if day.arrived is None:
            return
        new = day.arrived.take(np.arange(len(day.arrived)), "id", "source", "value")
        self._leads.append(new)
        within = (self._journal.draws.triangular(4, 10, 15, len(new)) * HOUR).astype(np.int64)
        created = self._journal.epoch + day.number * DAY + within
        self._ends.record("created", new["id"], created)
        self._today = new["id"], created

    def created(self, lead: Array) -> Array:
        """Return when today's new leads came in; 0 for older ones.

        New leads are numbered in a row, so a lead's number less the first is its place.
        """
        moments = np.zeros(len(lead), dtype=np.int64)
        new, created = self._today
        if len(new):
            place = lead - new[0]
            is_new = place >= 0
            moments[is_new] = created[place[is_new]]
        return moments

    def work(self, day: Day, state: State) -> Array:
        """Record the work on leads, and return when each lead was worked on (or after 17:00)."""
        journal, leads = self._journal, day.leads
        draws = journal.draws
        moments = journal.at(day.number, 17 * HOUR, len(leads))
        moments += (draws.random(len(leads)) * HOUR).astype(np.int64)
        if "touched" not in day.masks:
            return moments
        places = np.flatnonzero(day.masks["touched"])
        at = self._when(leads["id"][places], state.seats["speed"][leads["seat"][places]], day)
        moments[places] = at + HOUR
        rep, lead = state.seats["person"][leads["seat"][places]], leads["id"][places]
        self._log(day, places, lead, rep, at)
        which = day.masks["staged"][places]
        stage = leads["stage"][places][which]
        journal.change("lead", lead[which], at[which] + HOUR // 2, "stage", stage, rep[which])
        return moments

    def _when(self, lead: Array, speed: Array, day: Day) -> Array:
        """Draw the moment of each touch; the first one comes soon after the lead came in."""
        draws, midnight = self._journal.draws, self._journal.epoch + day.number * DAY
        at = midnight + 9 * HOUR + (draws.random(len(lead)) * 7 * HOUR).astype(np.int64)
        created = self.created(lead)
        soon = np.exp(draws.normal(0.0, 1.4, len(lead))) * 0.5 / speed
        morning = np.maximum(created, midnight + 9 * HOUR)
        first = morning + (np.minimum(soon, 5.0) * HOUR).astype(np.int64)
        return np.where(created > 0, first, at)

    def _log(self, day: Day, places: Array, lead: Array, rep: Array, at: Array) -> None:
        """Record the part of a day's touches that reps log, and the answers to them."""
        journal, draws, count = self._journal, self._journal.draws, len(places)
        connected, met = day.masks["connected"][places], day.masks["met"][places]
        share = journal.habits.share[rep]
        # A touch that got through is logged more often than one that did not.
        logged = draws.random(count) < np.where(connected, share**0.4, share)
        nothing = np.where(draws.random(count) < VOICEMAILS, VOICEMAIL, NO_ANSWER)
        outcome = np.where(connected, CONNECTED, nothing)
        seconds = np.rint(np.where(connected, np.exp(draws.normal(5.6, 0.6, count)), 25.0))
        call = Act("call", at, lead=lead, rep=rep, outcome=outcome, seconds=seconds)
        journal.act(call, logged)
        mails = logged & (draws.random(count) < journal.settings.emails)
        journal.act(Act("email", at + HOUR // 3, lead=lead, rep=rep), mails)
        replies = connected & (draws.random(count) < REPLIES)
        journal.act(Act("email", at + HOUR // 2, "inbound", lead=lead, rep=rep), replies)
        held = met & (draws.random(count) < share**0.4)
        seconds = np.rint(draws.uniform(1200, 3600, count))
        outcome = np.full(count, HELD)
        at = at + HOUR // 2
        journal.act(Act("meeting", at, lead=lead, rep=rep, outcome=outcome, seconds=seconds), held)

    def visits(self, day: Day) -> None:
        """Record visits to the web site, which the CRM sees by itself."""
        places = np.flatnonzero(day.masks["visited"])
        lead = day.leads["id"][places]
        draws, midnight = self._journal.draws, self._journal.epoch + day.number * DAY
        at = midnight + (draws.triangular(6, 14, 23, len(places)) * HOUR).astype(np.int64)
        at = np.maximum(at, self.created(lead) + HOUR // 60)
        everyone = np.ones(len(places), dtype=np.bool_)
        self._journal.act(Act("web_visit", at, "inbound", lead=lead), everyone)

    def end(self, day: Day, at: Array) -> None:
        """Record which leads became deals, and which were lost."""
        for name, stage in (("converted", "converted"), ("lost", "disqualified")):
            if name not in day.masks:
                continue
            which = np.flatnonzero(day.masks[name])
            leads, moments = day.leads["id"][which], at[which]
            self._ends.record(name, leads, moments)
            if day.number >= self._journal.begin:
                self._journal.stage("lead", leads, moments, stage)

    def write(self, out: Path, state: State, owner: Array) -> None:
        """Write both tables, as they stand at the end."""
        every, count = concatenated(self._leads), state.next_id["lead"]
        created, converted, lost = (
            self._ends.last(n, count) for n in ("created", "converted", "lost")
        )
        draws = self._journal.draws
        kept = end_moment(converted, lost) >= self._journal.epoch + self._journal.begin * DAY
        self.account, self.kept = self._accounts(count), kept
        # Some reps type in the budget when the deal is opened: the column gives away the outcome,
        # and no history says when it was filled.
        noted = (converted > 0) & (draws.random(count) < NOTED)
        why = draws.integers(0, len(REASONS), count)
        value = np.rint(every["value"] / 100) * 100
        columns = {
            "lead_id": ids("L", every["id"][kept]),
            "created_at": created[kept],
            "rep_id": ids("R", owner[kept]),
            "account_id": ids("A", self.account[kept]),
            "source": np.array(SOURCES, dtype=object)[every["source"]][kept],
            "value": value[kept],
            "converted_at": timestamps(converted)[kept],
            "lost_at": timestamps(lost)[kept],
            "budget": np.where(noted, value * 1.1, np.nan)[kept],
            "lost_reason": decoded(REASONS, np.where(lost > 0, why, -1)[kept]),
        }
        write(out / "leads.parquet", columns, LEAD)
        self._write_accounts(out, value)

    def _accounts(self, count: int) -> Array:
        """Draw each lead's account; one lead in five comes from an account known already.

        `newest` counts the accounts so far, so it is the number of a new one:

            lead               0   1   2          3
            new account        1   1   0          1
            newest             1   2   2          3
            account            1   2   0, 1       3        (drawn below `newest`)
        """
        draws = self._journal.draws
        newest = np.cumsum(draws.random(count) > KNOWN_ACCOUNT)
        known = (draws.random(count) * newest).astype(np.int64)
        is_new = np.diff(newest, prepend=0) > 0
        return np.where(is_new, newest, known)

    def _write_accounts(self, out: Path, value: Array) -> None:
        draws, numbers = self._journal.draws, np.unique(self.account)
        worth = np.zeros(int(numbers.max()) + 1)
        worth[self.account] = value
        staff = np.exp(draws.normal(0, 0.8, len(numbers))) * worth[numbers] / 150
        industry = draws.integers(0, len(INDUSTRIES), len(numbers))
        columns = {
            "account_id": ids("A", numbers),
            "industry": np.array(INDUSTRIES, dtype=object)[industry],
            "employees": np.rint(np.maximum(staff, 2)),
        }
        write(out / "accounts.parquet", columns, ACCOUNT)
