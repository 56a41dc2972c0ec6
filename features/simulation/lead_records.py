"""What a CRM records of leads: calls and mails as far as they are logged, stages, and the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from features.simulation.day import Day
from features.simulation.ends import Ends, ended, joined
from features.simulation.journal import CONNECTED, HELD, NO_ANSWER, VOICEMAIL, Act, Journal
from features.simulation.parquet import DAY, HOUR, TIME, ids, times, words, write
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
"""Of touches without contact that leave a message; of contacts that write back; of deals whose
budget is typed in; of leads from a company that was known already."""
REASONS = ("no budget", "no answer", "competitor", "no need")


class LeadRecords:
    """Keeps `leads` and `accounts`, and writes the journal of work on leads.

    Attributes:
        account: of each lead, once the tables are written.
        kept: which leads are in the table, once it is written.
    """

    def __init__(self, journal: Journal) -> None:
        """Begin with no leads.

        Args:
            journal: where what happens is written down.
        """
        self.account, self.kept = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        self._journal = journal
        self._leads: list[Rows] = []
        self._ends = Ends()
        self._today = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def arrive(self, day: Day) -> None:
        """Note new leads, and the moment of the day they came."""
        if day.arrived is None:
            return
        new = day.arrived.take(np.arange(len(day.arrived)), "id", "source", "value")
        self._leads.append(new)
        within = (self._journal.draws.triangular(4, 10, 15, len(new)) * HOUR).astype(np.int64)
        created = self._journal.epoch + day.number * DAY + within
        self._ends.tell("created", new["id"], created)
        self._today = new["id"], created

    def created(self, lead: Array) -> Array:
        """Give when today's new leads came in; 0 for older ones."""
        known = np.zeros(len(lead), dtype=np.int64)
        new, created = self._today
        if len(new):
            place = lead - new[0]
            mine = place >= 0
            known[mine] = created[place[mine]]
        return known

    def work(self, day: Day, state: State) -> Array:
        """Write down work on leads, and give when each lead was worked on (or 17:00)."""
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
        """Draw when in the day each touch is; the first one soon after the lead came in."""
        draws, midnight = self._journal.draws, self._journal.epoch + day.number * DAY
        at = midnight + 9 * HOUR + (draws.random(len(lead)) * 7 * HOUR).astype(np.int64)
        created = self.created(lead)
        soon = np.exp(draws.normal(0.0, 1.4, len(lead))) * 0.5 / speed
        morning = np.maximum(created, midnight + 9 * HOUR)
        first = morning + (np.minimum(soon, 5.0) * HOUR).astype(np.int64)
        return np.where(created > 0, first, at)

    def _log(self, day: Day, places: Array, lead: Array, rep: Array, at: Array) -> None:
        """Log what reps log of a day's touches, and what the other side answers."""
        journal, draws, count = self._journal, self._journal.draws, len(places)
        connected, met = day.masks["connected"][places], day.masks["met"][places]
        share = journal.habits.share[rep]
        # What came of a touch is logged sooner than that there was one.
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
        """Write down visits to the web site, which the CRM sees by itself."""
        places = np.flatnonzero(day.masks["visited"])
        lead = day.leads["id"][places]
        draws, midnight = self._journal.draws, self._journal.epoch + day.number * DAY
        at = midnight + (draws.triangular(6, 14, 23, len(places)) * HOUR).astype(np.int64)
        at = np.maximum(at, self.created(lead) + HOUR // 60)
        everyone = np.ones(len(places), dtype=np.bool_)
        self._journal.act(Act("web_visit", at, "inbound", lead=lead), everyone)

    def end(self, day: Day, at: Array) -> None:
        """Note which leads became deals, and which were lost."""
        for name, stage in (("converted", "converted"), ("lost", "disqualified")):
            if name not in day.masks:
                continue
            which = np.flatnonzero(day.masks[name])
            gone, moment = day.leads["id"][which], at[which]
            self._ends.tell(name, gone, moment)
            if day.number >= self._journal.begin:
                self._journal.stage("lead", gone, moment, stage)

    def write(self, out: Path, state: State, owner: Array) -> None:
        """Write both tables, as they stand at the end."""
        every, count = joined(self._leads), state.next_id["lead"]
        created, converted, lost = (
            self._ends.told(n, count) for n in ("created", "converted", "lost")
        )
        draws = self._journal.draws
        kept = ended(converted, lost) >= self._journal.epoch + self._journal.begin * DAY
        self.account, self.kept = self._accounts(count), kept
        # Typed in when the deal is made, and by some: it shows the end, and no history tells when.
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
            "converted_at": times(converted)[kept],
            "lost_at": times(lost)[kept],
            "budget": np.where(noted, value * 1.1, np.nan)[kept],
            "lost_reason": words(REASONS, np.where(lost > 0, why, -1)[kept]),
        }
        write(out / "leads.parquet", columns, LEAD)
        self._write_accounts(out, value)

    def _accounts(self, count: int) -> Array:
        """Give each lead an account; one lead in five comes from one that is known already."""
        draws = self._journal.draws
        own = np.cumsum(draws.random(count) > KNOWN_ACCOUNT)
        again = (draws.random(count) * own).astype(np.int64)
        fresh = np.diff(own, prepend=0) > 0
        return np.where(fresh, own, again)

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
