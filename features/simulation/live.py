"""A company's life: every day played, written down, and remembered where truth is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.progress import Progress, silent
from features.simulation.crm import Crm
from features.simulation.day import Day, Given, Streams
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
    founded,
    potentials,
)

OVERSET = 1.4
"""What a quota is multiplied by where `quota` is the planted cause."""
RAMP_QUOTA = ((90, 0.5), (180, 0.75))
"""A new rep's share of a full quota, by days since hired at the period's start."""
MONDAY = 0
FOR_EVER = 1_000
"""A quarter that never comes."""


@dataclass(frozen=True)
class Period:
    """One quota period: who has which quota, in cents.

    Attributes:
        start: its first day.
        end: the day after its last.
        seat: of each rep with a quota.
        person: who they are.
        amount: their quotas, in cents.
        fair: what the quotas would be without `quota` as a planted cause.
        share: of an average quota, by the guess of the territory's potential.
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
    """What is remembered of a company.

    Attributes:
        settings: how it was made.
        calendar: its days.
        end: the day after its last.
        given: what came from outside.
        states: the company at the beginning of chosen days.
        periods: quota periods.
        conversions: day, seat and person of every lead that became a deal.
        wins: day, seat, person and cents of every won deal.
        trouble: each seat's planted cause, by the first day of the period.
    """

    settings: CompanySettings
    calendar: Calendar
    end: int
    given: Given = field(default_factory=Given)
    states: dict[int, State] = field(default_factory=dict)
    periods: list[Period] = field(default_factory=list)
    conversions: list[Array] = field(default_factory=list)
    wins: list[Array] = field(default_factory=list)
    trouble: dict[int, Array] = field(default_factory=dict)

    def lead_cutoffs(self) -> list[int]:
        """Give the days at which leads' true chances are told: Mondays, four weeks apart."""
        last = self.end - self.calendar_weekday(self.end)
        found = [last - 28 * k for k in range(self.settings.lead_cutoffs)]
        return sorted(day for day in found if day >= BURN_IN)

    def quota_cutoffs(self) -> list[int]:
        """Give the days at which true attainment is told: Mondays of the newest quarters."""
        quarters = self.calendar.quarter
        newest = int(quarters[self.end - 1])
        every = self.settings.quota_every
        days = []
        for day in range(BURN_IN, self.end + 1):
            if quarters[day] > newest - self.settings.quota_quarters and quarters[day] <= newest:
                monday = day - BURN_IN - (-self.calendar_weekday(BURN_IN)) % 7
                if self.calendar_weekday(day) == MONDAY and monday % every == 0:
                    days.append(day)
        return days

    def moments(self, day: int, count: int) -> Array:
        """Give the moment a day begins, so many times."""
        return np.full(count, np.datetime64(self.calendar.date(day), "us"))

    def calendar_weekday(self, day: int) -> int:
        """Give the weekday of a day, Monday 0."""
        return self.calendar.date(day).weekday()


def live(settings: CompanySettings, out: Path, progress: Progress = silent) -> Life:
    """Play a company's history and write its tables.

    Args:
        settings: how it is made.
        out: the folder the tables are written to.
        progress: told of every month.
    """
    calendar, last = calendar_of(settings)
    life = Life(settings, calendar, calendar.number(last))
    machine, streams = Machine(settings, calendar), Streams.of(settings.seed, 1)
    state = founded(settings, streams.staff)
    if settings.special:
        cast(state)
    crm = Crm(settings, calendar, out, BURN_IN)
    keep = {*life.lead_cutoffs(), *life.quota_cutoffs()}
    guess = guesses(settings, streams.market)
    with progress("living through its days", life.end) as advance:
        while state.day < life.end:
            day = state.day
            opens = bool(calendar.opens[day]) and day > 0
            if day in keep or (opens and settings.cause_replays):
                life.states[day] = state.copy()
            happened = machine.step(state, streams, is_told=True)
            if happened.arrived is not None:
                life.given.arrivals[day] = happened.arrived
            life.given.seats[day] = state.seats.copy()
            if calendar.opens[day]:
                life.given.market[day] = float(state.market[0])
            _remember(life, happened, state)
            if opens and day >= BURN_IN:
                _set_quotas(life, state, day, guess, crm)
            crm.record(happened, state)
            state.tidy()
            advance(1)
    if life.end in keep:
        life.states[life.end] = state.copy()
    crm.close(state)
    return life


def cast(state: State) -> None:
    """Seat John, who fills his pipeline and cannot close, and Sally, who cannot qualify."""
    seats = state.seats
    for name in SKILLS:
        seats[name][:2] = 1.0
    seats["hired"][:2] = -900
    seats["cause"][:2] = CAUSES.index("closing"), CAUSES.index("qualifying")
    seats["cause_end"][:2] = FOR_EVER


def guesses(settings: CompanySettings, draws: np.random.Generator) -> Array:
    """Guess the territories' potentials, as a company does that knows them a little."""
    noise = np.exp(draws.normal(0, settings.guess_noise, settings.territories))
    return np.asarray(potentials(settings) ** settings.guess_power * noise)


def _remember(life: Life, day: Day, state: State) -> None:
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
    """Set quotas top-down: the company's past bookings, stretched, split by the guess."""
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
    overset = seats["cause"][filled] == CAUSES.index("quota")
    amount = np.where(overset, np.rint(fair * OVERSET / 100_000) * 100_000, fair)
    end = int(day + np.argmax(life.calendar.quarter[day:] != life.calendar.quarter[day]))
    period = Period(day, end, filled, seats["person"][filled], amount, fair, share[filled])
    life.periods.append(period)
    life.trouble[day] = seats["cause"].copy()
    start_date, end_date = life.calendar.date(day), life.calendar.date(end)
    crm.people.quota(period.person, start_date, end_date, amount / 100)
