"""What a CRM records of deals: work as far as it is logged, stages, dates, amounts, and the end."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.simulation.day import Day
from features.simulation.ends import Ends, concatenated
from features.simulation.journal import ALL_STAGES, CONNECTED, HELD, NO_ANSWER, Act, Journal
from features.simulation.lead_records import LeadRecords
from features.simulation.parquet import DAY, HOUR, TIME, ids, table, timestamps
from features.simulation.rows import Array, Rows
from features.simulation.state import DEAL_STAGES, State

DEAL = pa.schema(
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
FIRST_STAGE = ALL_STAGES.index(DEAL_STAGES[0])
CALLS, REACHED, ANSWERED = 0.6, 0.5, 0.25
"""Shares: touches that are calls, calls that get through, touches that are answered."""


class DealRecords:
    """Keeps `deals`, and writes the journal of work on them."""

    def __init__(self, journal: Journal) -> None:
        """Begin with no deals.

        Args:
            journal: takes the work and the changes.
        """
        self._journal = journal
        self._deals: list[Rows] = []
        self._ends = Ends()

    @property
    def count(self) -> int:
        """How many deals there have been."""
        return sum(len(part) for part in self._deals)

    def open(self, day: Day, at: Array) -> None:
        """Take in new deals.

        Args:
            day: on which they were opened.
            at: when each of the day's leads ended, in microseconds.
        """
        new = day.opened
        if new is None:
            return
        at = at[day.masks["converted"]]
        self._deals.append(new.take(np.arange(len(new)), "id", "lead"))
        self._ends.record("amount", new["id"], new["amount"].copy())
        self._ends.record("due", new["id"], new["due"].copy())
        self._ends.record("created", new["id"], at)

    def introduce(self, day: Day, state: State, at: Array) -> Array:
        """Record how new deals stand, and return their owners."""
        new, journal = day.opened, self._journal
        if new is None:
            return np.zeros(0, dtype=np.int64)
        at = at[day.masks["converted"]]
        owner = state.seats["person"][new["seat"]]
        journal.change("deal", new["id"], at, "rep_id", owner)
        journal.change("deal", new["id"], at, "stage", np.full(len(new), FIRST_STAGE))
        journal.change("deal", new["id"], at, "amount", new["amount"])
        journal.change("deal", new["id"], at, "expected_close_at", new["due"])
        return owner

    def note(self, day: Day, at: Array) -> None:
        """Keep what became of deals; the tables show only the last of it."""
        deals, masks = day.deals, day.masks
        if "won" not in masks:
            return
        for name in ("won", "deal_lost"):
            which = np.flatnonzero(masks[name])
            self._ends.record(name, deals["id"][which], at[which])
        for name, mask in (("amount", "priced"), ("due", "pushed")):
            which = np.flatnonzero(masks[mask])
            self._ends.record(name, deals["id"][which], deals[name][which])

    def work(self, day: Day, state: State) -> None:
        """Record the work on deals and what became of them."""
        if "won" not in day.masks:
            return
        journal, deals, masks = self._journal, day.deals, day.masks
        rep = state.seats["person"][deals["seat"]]
        morning = journal.epoch + day.number * DAY + 9 * HOUR
        at = morning + (journal.draws.random(len(deals)) * 6 * HOUR).astype(np.int64)
        self._log(day, rep, at)
        for name, field, values in (
            ("deal_staged", "stage", deals["stage"] + np.int64(FIRST_STAGE)),
            ("pushed", "expected_close_at", deals["due"]),
            ("priced", "amount", deals["amount"]),
        ):
            which = np.flatnonzero(masks[name])
            late = None if name == "priced" else rep[which]
            moment = at[which] + 2 * HOUR
            journal.change("deal", deals["id"][which], moment, field, values[which], late)
        self.note(day, at + 3 * HOUR)
        for name, stage in (("won", "won"), ("deal_lost", "lost")):
            which = np.flatnonzero(masks[name])
            journal.stage("deal", deals["id"][which], at[which] + 3 * HOUR, stage)

    def _log(self, day: Day, rep: Array, at: Array) -> None:
        journal, deal, masks = self._journal, day.deals["id"], day.masks
        draws, count = journal.draws, len(deal)
        share = journal.habits.share[rep]
        logged = masks["deal_touched"] & (draws.random(count) < share)
        calls = draws.random(count) < CALLS
        outcome = np.where(draws.random(count) < REACHED, CONNECTED, NO_ANSWER)
        journal.act(Act("call", at, deal=deal, rep=rep, outcome=outcome), logged & calls)
        journal.act(Act("email", at, deal=deal, rep=rep), logged & ~calls)
        answers = masks["deal_touched"] & (draws.random(count) < ANSWERED)
        journal.act(Act("email", at + HOUR, "inbound", deal=deal, rep=rep), answers)
        held = masks["deal_staged"] & (draws.random(count) < np.sqrt(share))
        outcome = np.full(count, HELD)
        journal.act(Act("meeting", at + HOUR, deal=deal, rep=rep, outcome=outcome), held)

    def table(self, owner: Array, leads: LeadRecords) -> pa.Table:
        """Return `deals` as they stand.

        Args:
            owner: of each deal.
            leads: whose tables were made already.
        """
        journal, every, count = self._journal, concatenated(self._deals), len(owner)
        won, lost, created = (self._ends.last(n, count) for n in ("won", "deal_lost", "created"))
        closed = np.maximum(won, lost)
        kept = (closed < 0) | (closed >= journal.epoch + journal.begin * DAY)
        lead = every["lead"]
        columns = {
            "deal_id": ids("D", every["id"][kept]),
            "rep_id": ids("R", owner[kept]),
            "lead_id": ids("L", np.where(leads.kept[lead], lead, -1)[kept]),
            "account_id": ids("A", leads.account[lead][kept]),
            "created_at": created[kept],
            "amount": (self._ends.last("amount", count) / 100)[kept],
            "expected_close_at": (journal.epoch + self._ends.last("due", count) * DAY)[kept],
            "closed_at": timestamps(closed)[kept],
            "won": pa.array((won > 0)[kept], mask=(closed < 0)[kept]),
        }
        return table(columns, DEAL)
