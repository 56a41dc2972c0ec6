"""What a company is like at one moment, and its calendar.

A state may hold many worlds at once: copies of the same company whose futures differ by chance.
World `w` owns `seats_each` seats, beginning with seat `w * seats_each`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from features.days_off import public_holidays
from features.errors import InputError
from features.simulation.rows import Array, Rows
from features.simulation.settings import CompanySettings

BURN_IN = 366
"""Days played before the history begins, so that it begins with a company at work."""
STAGES = ("new", "attempting", "connected", "meeting")
DEAL_STAGES = ("discovery", "proposal", "negotiation", "legal")
CAUSES = (
    "none",
    "closing",
    "qualifying",
    "volume",
    "follow_up",
    "internal_delay",
    "deal_size",
    "lead_mix",
    "quota",
)
"""What can be planted for a while; `territory` and `ramp` follow from a rep's seat and tenure."""
SKILLS = ("volume", "qualifying", "closing", "speed", "persistence")


@dataclass(frozen=True)
class Calendar:
    """Days numbered from the beginning of the burn-in.

    Attributes:
        first: date of day 0.
        days: how many there are.
        workday: whether reps work.
        holiday: whether they would, were it not for a public holiday.
        pace: factor of everything that happens on the day, 1 on most.
        quarter: number of the calendar quarter, 0 for the first.
        opens: whether the day is the first of its quarter.
        workdays_left: working days to the end of the quarter, that day included.
    """

    first: dt.date
    days: int
    workday: Array
    holiday: Array
    pace: Array
    quarter: Array
    opens: Array
    workdays_left: Array

    def date(self, day: int) -> dt.date:
        """Return the date of a day."""
        return self.first + dt.timedelta(days=int(day))

    def number(self, moment: dt.date) -> int:
        """Return the day of a date."""
        return (moment - self.first).days


def calendar_of(settings: CompanySettings) -> tuple[Calendar, dt.date]:
    """Return the calendar of a company, and the day after its history's last."""
    first = settings.start - dt.timedelta(days=BURN_IN)
    months = settings.start.month - 1 + settings.months
    end = dt.date(settings.start.year + months // 12, months % 12 + 1, 1)
    end += dt.timedelta(days=settings.running_days)
    # Futures are played to the end of the running quarter and a lead's horizon beyond the end.
    days = (end - first).days + 200
    dates = np.datetime64(first, "D") + np.arange(days)
    months_since = dates.astype("datetime64[M]").astype(int)
    quarter = months_since // 3
    weekday = (dates.astype(int) + 3) % 7
    is_off = days_off(settings, first, days)
    midweek = weekday < 5  # noqa: PLR2004 - Monday to Friday
    workday = midweek & ~is_off
    pace = pace_of(settings, first, days) * np.where(is_off, settings.holiday_pace, 1.0)
    opens = np.append(True, quarter[1:] != quarter[:-1])
    left = np.zeros(days, dtype=np.int64)
    count = 0
    for day in range(days - 1, -1, -1):
        if day + 1 < days and quarter[day + 1] != quarter[day]:
            count = 0
        count += int(workday[day])
        left[day] = count
    holiday = midweek & is_off
    return Calendar(first, days, workday, holiday, pace, quarter - quarter[0], opens, left), end


def days_off(settings: CompanySettings, first: dt.date, days: int) -> Array:
    """Return the mask of public holidays among some days."""
    last = first + dt.timedelta(days=days)
    listed = public_holidays(settings.holidays, first.year, last.year)
    return np.array([first + dt.timedelta(days=day) in listed for day in range(days)])


def pace_of(settings: CompanySettings, first: dt.date, days: int) -> Array:
    """Return the factor of each day's week of the year, 1 where that is no slow week."""
    factor = np.ones(54)
    for slow in settings.slow_weeks:
        week, _, share = slow.partition(":")
        factor[int(week)] = float(share)
    weeks = [(first + dt.timedelta(days=day)).isocalendar().week for day in range(days)]
    return factor[weeks]


@dataclass
class State:
    """A company at the beginning of a day, in one world or many.

    Attributes:
        day: the day that comes next.
        worlds: how many there are.
        seats: a row for each seat: who sits there, since when, with which skills and cause.
        leads: open leads, and those that have ended since the last `tidy`.
        deals: the same for deals.
        market: log factor of the market, by world.
        next_id: numbers for the next lead, deal and person.
    """

    day: int
    worlds: int
    seats: Rows
    leads: Rows
    deals: Rows
    market: Array
    next_id: dict[str, int] = field(default_factory=dict)

    @property
    def seats_each(self) -> int:
        """Seats of one world."""
        return len(self.seats) // self.worlds

    def copy(self) -> State:
        """Copy everything that a day could change."""
        return self.tiled(1)

    def tiled(self, worlds: int) -> State:
        """Return many worlds that are all copies of this one; their futures may differ.

        Raises:
            InputError: this state holds many worlds itself.
        """
        if worlds > 1 and self.worlds > 1:
            raise InputError(f"{self.worlds} worlds cannot be copied {worlds} times, only one can")
        leads, deals = self.leads.tiled(worlds), self.deals.tiled(worlds)
        for rows, original in ((leads, self.leads), (deals, self.deals)):
            first_seat = np.repeat(np.arange(worlds) * len(self.seats), len(original))
            rows["seat"] = rows["seat"] + first_seat
        return State(
            self.day,
            self.worlds * worlds,
            self.seats.tiled(worlds),
            leads,
            deals,
            np.tile(self.market, worlds),
            dict(self.next_id),
        )

    def tidy(self) -> None:
        """Remove the leads and deals that have ended."""
        self.leads = self.leads.take(self.leads["open"])
        self.deals = self.deals.take(self.deals["open"])


def potentials(settings: CompanySettings) -> Array:
    """Return the territories' true potentials, poorest to richest in equal ratios, mean 1."""
    low, high = settings.potential
    if settings.territories == 1:
        return np.ones(1)
    spread = np.exp(np.linspace(np.log(low), np.log(high), settings.territories))
    return np.asarray(spread / spread.mean())


def new_company(settings: CompanySettings, draws: np.random.Generator) -> State:
    """Return a company of people without any leads or deals."""
    count = settings.reps
    seats = Rows(
        {
            "person": np.arange(count),
            "hired": -draws.integers(0, 1_500, count),
            "vacant": np.full(count, -1),
            "territory": np.arange(count) * settings.territories // count,
            "cause": np.zeros(count, dtype=np.int8),
            "cause_end": np.zeros(count, dtype=np.int64),
            **skills(settings, draws, count),
        }
    )
    return State(
        day=0,
        worlds=1,
        seats=seats,
        leads=no_leads(),
        deals=no_deals(),
        market=np.zeros(1),
        next_id={"lead": 0, "deal": 0, "person": count},
    )


def skills(settings: CompanySettings, draws: np.random.Generator, count: int) -> dict[str, Array]:
    """Draw people's skills: factors whose median is 1."""
    spread = settings.skill_spread
    return {name: np.exp(draws.normal(0.0, spread, count)) for name in SKILLS}


def no_leads() -> Rows:
    """Return the columns of leads, without rows."""
    whole = ("id", "seat", "created", "last_touch")
    return Rows(
        {
            **{name: np.zeros(0, dtype=np.int64) for name in whole},
            **{name: np.zeros(0, dtype=np.int8) for name in ("source", "stage")},
            "touches": np.zeros(0, dtype=np.int16),
            **{name: np.zeros(0) for name in ("value", "fit", "interest")},
            "open": np.zeros(0, dtype=np.bool_),
        }
    )


def no_deals() -> Rows:
    """Return the columns of deals, without rows."""
    whole = ("id", "lead", "seat", "created", "last_touch", "due", "amount")
    return Rows(
        {
            **{name: np.zeros(0, dtype=np.int64) for name in whole},
            **{name: np.zeros(0, dtype=np.int8) for name in ("source", "stage", "pushes")},
            "quality": np.zeros(0),
            "open": np.zeros(0, dtype=np.bool_),
        }
    )
