"""A company's history: every day is played and recorded, and kept where truth will be computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.progress import Advance, Progress, silent
from features.simulation.crm import Crm
from features.simulation.day import Day, Exogenous, Streams
from features.simulation.machine import Machine
from features.simulation.rows import Array
from features.simulation.settings import CompanySettings
from features.simulation.state import (
    BURN_IN,
    CAUSES,
    SKILLS,
    Calendar,
    State,
    calendar_of,
    new_company,
    potentials,
)

OVERSET = 1.4
"""Factor of a quota where `quota` is the planted cause."""
RAMP_QUOTA = ((90, 0.5), (180, 0.75))
"""A new rep's share of a full quota, by days since hired at the period's start."""
MONDAY = 0
NO_END = 1_000
"""A quarter beyond every history."""


@dataclass(frozen=True)
class Period:
    """One quota period and its quotas.

    Attributes:
        start: its first day.
        end: the day after its last.
        seat: of each rep with a quota.
        person: who they are.
        amount: their quotas, in cents.
        fair: the same without `quota` as a planted cause.
        share: of an average quota, by the company's guess of the territory's potential.
    """

    start: int
    end: int
    seat: Array
    person: Array
    amount: Array
    fair: Array
    share: Array


@dataclass
class Life:
    """What is kept of a company's history.

    Attributes:
        settings: the company's numbers.
        calendar: its days.
        end: the day after its last.
        exogenous: what came from outside.
        states: the company at the beginning of chosen days.
        periods: quota periods.
        conversions: day, seat and person of every lead that became a deal.
        wins: day, seat, person and cents of every won deal.
        trouble: each seat's planted cause, by the first day of the period.
    """

    settings: CompanySettings
    calendar: Calendar
    end: int
    exogenous: Exogenous = field(default_factory=Exogenous)
    states: dict[int, State] = field(default_factory=dict)
    periods: list[Period] = field(default_factory=list)
    conversions: list[Array] = field(default_factory=list)
    wins: list[Array] = field(default_factory=list)
    trouble: dict[int, Array] = field(default_factory=dict)

    def lead_cutoffs(self) -> list[int]:
        """Return the days of leads' true chances: Mondays, four weeks apart."""
        last = self.end - self.calendar_weekday(self.end)
        days = [last - 28 * k for k in range(self.settings.lead_cutoffs)]
        return sorted(day for day in days if day >= BURN_IN)

    def quota_cutoffs(self) -> list[int]:
        """Return the days of true attainment: Mondays of the newest quarters.

        Counted from the history's first Monday, every `quota_every` days; other days of that grid
        that are not Mondays are left out.
        """
        quarters = self.calendar.quarter
        newest = int(quarters[self.end - 1])
        every = self.settings.quota_every
        days = []
        for day in range(BURN_IN, self.end + 1):
            if quarters[day] > newest - self.settings.quota_quarters and quarters[day] <= newest:
                since_monday = day - BURN_IN - (-self.calendar_weekday(BURN_IN)) % 7
                if self.calendar_weekday(day) == MONDAY and since_monday % every == 0:
                    days.append(day)
        return days

    def moments(self, day: int, count: int) -> Array:
        """Return the moment a day begins, so many times."""
        return np.full(count, np.datetime64(self.calendar.date(day), "us"))

    def calendar_weekday(self, day: int) -> int:
        """Return the weekday of a day, Monday 0."""
        return self.calendar.date(day).weekday()


def live(settings: CompanySettings, out: Path, progress: Progress = silent) -> Life:
    """Play a company's history and write its tables.

    Args:
        settings: the company's numbers.
        out: the folder the tables are written to.
        progress: reports every day.

    Returns:
        What `truth.write_truth` needs of the history.
    """
    history = History(settings, out)
    with progress("living through its days", history.life.end) as advance:
        history.play(history.life.end, advance)
    history.crm.close()
    return history.life


class History:
    """A company that is being played: what is kept of it, how it stands, and its CRM.

    Attributes:
        life: what is kept.
        state: the company at the beginning of the next day.
        crm: records its days.
    """

    def __init__(self, settings: CompanySettings, out: Path) -> None:
        """Begin before the first day.

        Args:
            settings: the company's numbers.
            out: the folder the tables are written to.
        """
        calendar, last = calendar_of(settings)
        self.life = Life(settings, calendar, calendar.number(last))
        self._machine, self._streams = Machine(settings, calendar), Streams.of(settings.seed, 1)
        self.state = new_company(settings, self._streams.staff)
        if settings.special:
            seat_john_and_sally(self.state)
        self.crm = Crm(settings, calendar, out, BURN_IN)
        self._guess = guessed_potentials(settings, self._streams.market)

    def play(self, until: int, advance: Advance = lambda _days: None) -> None:
        """Play the days before one, record them, and keep what truth will need.

        Args:
            until: the day that is not played any more.
            advance: told of each day.
        """
        life, state, calendar = self.life, self.state, self.life.calendar
        keep = {*life.lead_cutoffs(), *life.quota_cutoffs()}
        while state.day < until:
            day = state.day
            opens = bool(calendar.opens[day]) and day > 0
            if day in keep or (opens and life.settings.cause_replays):
                life.states[day] = state.copy()
            played = self._machine.step(state, self._streams, is_recorded=True)
            if played.arrived is not None:
                life.exogenous.arrivals[day] = played.arrived
            if played.straight is not None:
                life.exogenous.straight[day] = played.straight
            life.exogenous.seats[day] = state.seats.copy()
            if calendar.opens[day]:
                life.exogenous.market[day] = float(state.market[0])
            _keep_outcomes(life, played, state)
            if opens and day >= BURN_IN:
                _set_quotas(life, state, day, self._guess, self.crm)
            self.crm.record(played, state)
            state.tidy()
            advance(1)
        if state.day in keep:
            life.states[state.day] = state.copy()

    def branch(self, start: int, end: int) -> Crm:
        """Play to a day from which the company is to be replayed, and on until another.

        The files hold what the CRM showed on the first of them. The life keeps the state of that
        day, and what comes from outside until the other.

        Returns:
            The CRM as it was on the first day, to be forked for each replay.
        """
        self.play(start)
        self.life.states[start] = self.state.copy()
        self.crm.close()
        crm = self.crm.forked()
        self.crm = crm.forked()
        self.play(end)
        return crm


def seat_john_and_sally(state: State) -> None:
    """Seat John, who has deals and cannot close them, and Sally, who cannot qualify leads."""
    seats = state.seats
    for name in SKILLS:
        seats[name][:2] = 1.0
    seats["hired"][:2] = -900
    seats["cause"][:2] = CAUSES.index("closing"), CAUSES.index("qualifying")
    seats["cause_end"][:2] = NO_END


def guessed_potentials(settings: CompanySettings, draws: np.random.Generator) -> Array:
    """Draw the company's guess of its territories' potentials: shrunken, and with noise."""
    noise = np.exp(draws.normal(0, settings.guess_noise, settings.territories))
    return np.asarray(potentials(settings) ** settings.guess_power * noise)


def _keep_outcomes(life: Life, day: Day, state: State) -> None:
    """Keep who turned which leads into deals, and who won which amounts."""
    person = state.seats["person"]
    if "converted" in day.masks:
        seat = day.leads["seat"][day.masks["converted"]]
        life.conversions.append(np.stack([np.full(len(seat), day.number), seat, person[seat]]))
    if "won" in day.masks:
        won = day.masks["won"]
        seat = day.deals["seat"][won]
        cents = day.deals["amount"][won]
        life.wins.append(np.stack([np.full(len(seat), day.number), seat, person[seat], cents]))


def _set_quotas(life: Life, state: State, day: int, guess: Array, crm: Crm) -> None:
    """Set quotas top-down.

    A quota is the product of

        half the company's bookings of the past 182 days, per seat
        `stretch`, and the territory's share by the company's guess of its potential
        a new rep's share, by days since hired: 0.5 below 90, 0.75 below 180, then 1

    rounded to 1,000 in money. Where `quota` is the planted cause, it is 1.4 times that.
    """
    settings, seats = life.settings, state.seats
    won = np.concatenate(life.wins, axis=1)
    past = won[3][(won[0] >= day - 182) & (won[0] < day)].sum() / 2
    territory = seats["territory"]
    share = guess[territory] / guess[territory].mean()
    filled = np.flatnonzero(seats["vacant"] < 0)
    tenure = day - seats["hired"][filled]
    part = np.ones(len(filled))
    for days, less in reversed(RAMP_QUOTA):
        part = np.where(tenure < days, less, part)
    fair = past / settings.reps * settings.stretch * share[filled] * part
    fair = np.maximum(np.rint(fair / 100_000), 1) * 100_000
    is_overset = seats["cause"][filled] == CAUSES.index("quota")
    amount = np.where(is_overset, np.rint(fair * OVERSET / 100_000) * 100_000, fair)
    end = int(day + np.argmax(life.calendar.quarter[day:] != life.calendar.quarter[day]))
    period = Period(day, end, filled, seats["person"][filled], amount, fair, share[filled])
    life.periods.append(period)
    life.trouble[day] = seats["cause"].copy()
    record_quotas(life, period, crm)


def record_quotas(life: Life, period: Period, crm: Crm) -> None:
    """Show the quotas of a period in a CRM."""
    start, end = life.calendar.date(period.start), life.calendar.date(period.end)
    crm.people.quota(period.person, start, end, period.amount / 100)
