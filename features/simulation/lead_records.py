"""What a CRM records of leads: logged calls and mails, stages, and how they ended."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.simulation.accounts import Accounts
from features.simulation.day import Day
from features.simulation.ends import Ends, concatenated, end_moment
from features.simulation.journal import CONNECTED, HELD, NO_ANSWER, VOICEMAIL, Act, Journal
from features.simulation.parquet import DAY, HOUR, TIME, decoded, ids, table, timestamps
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
VOICEMAILS, REPLIES, NOTED = 0.3, 0.35, 0.6
"""Shares: touches without contact that leave a message, contacts that write back, deals whose
budget is typed in."""
REASONS = ("no budget", "no answer", "competitor", "no need")


class LeadRecords:
    """Keeps `leads` and `accounts`, and writes the journal of work on leads.

    Attributes:
        kept: which leads are in the table, after it is made.
    """

    def __init__(self, journal: Journal) -> None:
        """Begin with no leads.

        Args:
            journal: takes the work and the changes.
        """
        self.kept = np.zeros(0, dtype=np.bool_)
        self._accounts = Accounts()
        self._noted, self._why = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)
        self._journal = journal
        self._leads: list[Rows] = []
        self._ends = Ends()
        self._today = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    @property
    def count(self) -> int:
        """How many leads there have been."""
        return sum(len(part) for part in self._leads)

    @property
    def account(self) -> Array:
        """The account of each lead, after the table is made."""
        return self._accounts.of_lead

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

    def tables(self, owner: Array) -> dict[str, pa.Table]:
        """Return `leads` and `accounts` as they stand.

        Args:
            owner: of each lead.
        """
        every, count = concatenated(self._leads), len(owner)
        created, converted, lost = (
            self._ends.last(n, count) for n in ("created", "converted", "lost")
        )
        kept = end_moment(converted, lost) >= self._journal.epoch + self._journal.begin * DAY
        value = np.rint(every["value"] / 100) * 100
        self._describe(value)
        self.kept = kept
        # Some reps type in the budget when the deal is opened: the column gives away the outcome,
        # and no history says when it was filled.
        noted = (converted > 0) & self._noted
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
            "lost_reason": decoded(REASONS, np.where(lost > 0, self._why, -1)[kept]),
        }
        return {"leads": table(columns, LEAD), "accounts": self._accounts.table()}

    def _describe(self, value: Array) -> None:
        """Draw what nobody needed before: accounts, and what is typed in when a lead ends.

        Where tables are asked for again, the leads that came since are described by draws of their
        own, so that asking changes nothing that is recorded later.

        Args:
            value: of every lead so far.
        """
        described, draws = len(self._noted), self._journal.draws
        if described:
            seed = [self._journal.settings.seed, 78, described]
            draws = np.random.Generator(np.random.PCG64(seed))
        count = len(value) - described
        self._accounts.assign(draws, count)
        self._noted = np.append(self._noted, draws.random(count) < NOTED)
        self._why = np.append(self._why, draws.integers(0, len(REASONS), count))
        self._accounts.describe(draws, value)
