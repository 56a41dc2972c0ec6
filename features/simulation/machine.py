"""One day of a company. Read `step` first: it is the whole machinery, in the order of a day.

Everything is a chance per day, for all leads and deals of all worlds at once. Draws come from one
stream for each kind of event, so that two futures that differ in one thing stay alike in others.
"""

from __future__ import annotations

import numpy as np

from features.simulation import deal_work, lead_work
from features.simulation.day import Day, Given, Lots, Rules, Streams
from features.simulation.outside import arrive, open_quarter, staff
from features.simulation.rows import Array
from features.simulation.state import SKILLS, State

TROUBLE = {
    "closing": {"closing": 0.5},
    "qualifying": {"qualifying": 0.57},
    "volume": {"volume": 0.4},
    "follow_up": {"speed": 0.12, "persistence": 0.4},
}
"""What a planted cause does to a rep's skills; the others act where they are named."""
LEAST_LOAD = 20.0
"""A seat that asks for less attention than this does not fill a day."""


class Machine(Rules):
    """What turns a company at the beginning of a day into that at its end."""

    def step(
        self,
        state: State,
        streams: Streams,
        given: Given | None = None,
        *,
        is_summed: bool = False,
        is_told: bool = False,
    ) -> Day:
        """Play one day; the state is changed.

        Args:
            state: at the beginning of the day.
            streams: chances.
            given: what comes from outside; None draws it.
            is_summed: also tell the chances of the day, not only what came of them.
            is_told: also tell what changes nothing in the company.

        Returns:
            What happened, for those who write it down.
        """
        if self.calendar.opens[state.day]:
            open_quarter(self, state, streams, given)
        left = staff(self, state, streams, given)
        old = len(state.leads)
        arrive(self, state, streams, given)
        day = Day(state.day, state.leads, state.deals, is_summed, left=left)
        if is_told:
            day.arrived = state.leads.take(np.arange(old, len(state.leads)))
        self._visit(state, streams.leads, day, is_told=is_told)
        if self.calendar.workday[state.day]:
            self._work(state, streams, day)
        self._cool(state)
        state.day += 1
        return day

    def _visit(self, state: State, lots: Lots, day: Day, *, is_told: bool) -> None:
        """Say which leads come to the web site by themselves; interest shows in that."""
        if not is_told:
            lots.skip(len(state.leads))
            return
        rate = self.settings.visits * state.leads["interest"]
        visited = (lots.all(len(rate)) < 1 - np.exp(-rate)) & state.leads["open"]
        day.masks["visited"] = visited

    def traits(self, state: State) -> dict[str, Array]:
        """Give each seat's skills as they work today, trouble and ramp included."""
        seats = state.seats
        now = {n: np.ones(len(seats)) if self.alike.average else seats[n] for n in SKILLS}
        for cause, harm in TROUBLE.items():
            has = self.has(state, cause)
            for skill, factor in harm.items():
                now[skill] = np.where(has, now[skill] * factor, now[skill])
        if not self.alike.ramped:
            ramp = np.clip((state.day - seats["hired"]) / self.settings.ramp_days, 0, 1)
            now["volume"] = now["volume"] * (0.4 + 0.6 * ramp)
            for skill in ("qualifying", "closing"):
                now[skill] = now[skill] * (0.55 + 0.45 * ramp)
        now["volume"] = np.where(seats["vacant"] < 0, now["volume"], 0.0)
        return now

    def _work(self, state: State, streams: Streams, day: Day) -> None:
        """Let every rep spread a day's touches, then see what becomes of leads and deals."""
        now = self.traits(state)
        leads, deals = state.leads, state.deals
        wishes = lead_work.wish(state, now), deal_work.wish(state)
        total = np.bincount(leads["seat"], wishes[0], minlength=len(state.seats))
        total += np.bincount(deals["seat"], wishes[1], minlength=len(state.seats))
        each = self.settings.capacity * now["volume"] / np.maximum(total, LEAST_LOAD)
        touched_leads, touched_deals = (
            _touched(lots, each[rows["seat"]] * weight)
            for rows, lots, weight in (
                (leads, streams.leads, wishes[0]),
                (deals, streams.deals, wishes[1]),
            )
        )
        # Deals first: what a lead becomes today is worked on from tomorrow.
        deal_work.work_deals(self, state, streams.deals, now, touched_deals, day)
        lead_work.work_leads(self, state, streams.leads, now, touched_leads, day)

    def _cool(self, state: State) -> None:
        """Let interest fall, slower once there has been contact."""
        settings, leads = self.settings, state.leads
        lives = np.array([settings.cold_half_life, settings.warm_half_life])
        left = np.exp2(-1 / lives)
        leads["interest"] *= left[(leads["stage"] >= lead_work.CONNECTED).astype(np.intp)]


def _touched(lots: Lots, expected: Array) -> Array:
    """Give the places that get at least one of their expected touches."""
    u = lots.all(len(expected))
    # No chance is larger than what is expected; only below it is the exponential worth its time.
    maybe = np.flatnonzero(u <= expected + lead_work.SLACK)
    return maybe[u[maybe] < 1 - np.exp(-expected[maybe])]
