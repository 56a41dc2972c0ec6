"""One day of a company. Read `step` first: it is the whole machinery, in the order of a day.

Everything is a chance per day, for all leads and deals of all worlds at once. Each kind of event
draws from its own stream, so that two futures that differ in one thing stay the same in others.
"""

from __future__ import annotations

import numpy as np

from features.simulation import deal_work, lead_work
from features.simulation.calling import Calling, called
from features.simulation.day import Day, Exogenous, Luck, Rules, Streams
from features.simulation.outside import arrive, open_quarter, staff
from features.simulation.rows import Array, Rows
from features.simulation.state import SKILLS, State

TROUBLE = {
    "closing": {"closing": 0.5},
    "qualifying": {"qualifying": 0.57},
    "volume": {"volume": 0.4},
    "follow_up": {"speed": 0.12, "persistence": 0.4},
}
"""Factors of a rep's skills under a planted cause; the other causes act where they are named."""
LEAST_LOAD = 20.0
"""A seat whose leads and deals need less attention than this does not fill a day."""


class Machine(Rules):
    """Turns a company at the beginning of a day into the company at its end."""

    def step(
        self,
        state: State,
        streams: Streams,
        exogenous: Exogenous | None = None,
        *,
        with_chances: bool = False,
        is_recorded: bool = False,
        calling: Calling | None = None,
    ) -> Day:
        """Play one day; the state is changed.

        Args:
            state: at the beginning of the day.
            streams: where the draws come from.
            exogenous: what comes from outside; None draws it.
            with_chances: also return the chances of the day, not only what came of them.
            is_recorded: also return what only a CRM needs and what changes nothing in the company.
            calling: how reps choose whom to call; None leaves it to their habit.

        Returns:
            What happened.
        """
        streams.begin(state.day)
        if self.calendar.opens[state.day]:
            open_quarter(self, state, streams, exogenous)
        left = staff(self, state, streams, exogenous)
        old = len(state.leads)
        straight = arrive(self, state, streams, exogenous)
        day = Day(state.day, state.leads, state.deals, with_chances, left=left, straight=straight)
        if is_recorded:
            day.arrived = state.leads.take(np.arange(old, len(state.leads)))
        self._visit(state, streams.leads, day, is_recorded=is_recorded)
        if self.calendar.workday[state.day]:
            self._work(state, streams, day, calling)
        elif self.calendar.holiday[state.day]:
            lead_work.end_leads(self, state, streams.leads, self.skills_today(state), day)
        self._cool(state)
        state.day += 1
        return day

    def _visit(self, state: State, uniforms: Luck, day: Day, *, is_recorded: bool) -> None:
        """Draw which leads visit the web site; the more interested, the more often."""
        if not is_recorded:
            uniforms.skip(state.leads)
            return
        rate = self.settings.visits * state.leads["interest"] * self.pace(state.day)
        visited = (uniforms.all(state.leads) < 1 - np.exp(-rate)) & state.leads["open"]
        day.masks["visited"] = visited

    def skills_today(self, state: State) -> dict[str, Array]:
        """Return each seat's skills as they work today, with trouble and ramp.

        A skill is the product of what applies:

            the seat's own factor      1 for all in a counterfactual of average skills
            trouble                    `TROUBLE`, for the planted cause
            ramp                       volume 0.4 .. 1, qualifying and closing 0.55 .. 1, rising
                                       in a line from the day hired over `ramp_days`
            vacancy                    volume 0

        A rep of skill 1.2 for closing with the cause `closing`, halfway through the ramp, closes
        with 1.2 * 0.5 * 0.775 = 0.465.
        """
        seats = state.seats
        now = {n: np.ones(len(seats)) if self.counterfactual.average else seats[n] for n in SKILLS}
        for cause, harm in TROUBLE.items():
            has = self.has_cause(state, cause)
            for skill, factor in harm.items():
                now[skill] = np.where(has, now[skill] * factor, now[skill])
        if not self.counterfactual.ramped:
            ramp = np.clip((state.day - seats["hired"]) / self.settings.ramp_days, 0, 1)
            now["volume"] = now["volume"] * (0.4 + 0.6 * ramp)
            for skill in ("qualifying", "closing"):
                now[skill] = now[skill] * (0.55 + 0.45 * ramp)
        now["volume"] = np.where(seats["vacant"] < 0, now["volume"], 0.0)
        return now

    def _work(self, state: State, streams: Streams, day: Day, calling: Calling | None) -> None:
        """Let every rep spread a day's touches, then see what becomes of leads and deals.

        By habit, a rep's touches of the day go to leads and deals in proportion to the attention
        they need.
        """
        now = self.skills_today(state)
        leads, deals = state.leads, state.deals
        needed = lead_work.attention(state, now), deal_work.attention(state)
        total = np.bincount(leads["seat"], needed[0], minlength=len(state.seats))
        total += np.bincount(deals["seat"], needed[1], minlength=len(state.seats))
        capacity = self.settings.capacity * self.pace(state.day)
        touches = capacity * now["volume"] / np.maximum(total, LEAST_LOAD)
        touched_leads, touched_deals = (
            _touched(uniforms, rows, touches[rows["seat"]] * attention)
            for rows, uniforms, attention in (
                (leads, streams.leads, needed[0]),
                (deals, streams.deals, needed[1]),
            )
        )
        if calling is not None:
            touched_leads = called(calling, state, self, now, touched_leads)
        # Deals first: a deal that opens today is worked on from tomorrow.
        deal_work.work_deals(self, state, streams.deals, now, touched_deals, day)
        lead_work.work_leads(self, state, streams.leads, now, touched_leads, day)

    def _cool(self, state: State) -> None:
        """Let interest decay, slower once there has been contact."""
        settings, leads = self.settings, state.leads
        half_lives = np.array([settings.cold_half_life, settings.warm_half_life])
        daily = np.exp2(-1 / half_lives)
        leads["interest"] *= daily[(leads["stage"] >= lead_work.CONNECTED).astype(np.intp)]


def _touched(uniforms: Luck, rows: Rows, expected: Array) -> Array:
    """Return the places that get at least one touch, with a Poisson number of them expected."""
    u = uniforms.all(rows)
    # 1 - exp(-x) <= x: where u lies above x, the exponential need not be computed.
    maybe = np.flatnonzero(u <= expected + lead_work.SLACK)
    return maybe[u[maybe] < 1 - np.exp(-expected[maybe])]
