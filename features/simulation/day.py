"""What a day is played with, and what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from features.simulation.rows import Array, Rows
from features.simulation.settings import CompanySettings
from features.simulation.state import CAUSES, Calendar, State, potentials

SHOCK = {"conversion": -0.30, "win": -0.25, "amount": 0.79, "pace": 0.69}
"""A broken market: log changes of two rates, factors of amount and speed.

Together they reproduce the published falls (win rate -18 %, size -21 %, slipped dates +44 %).
"""


class Uniforms:
    """Draws a number between 0 and 1 for every row, into memory that is used again.

    Every row gets its number, needed or not, so that each keeps its own luck whatever happens to
    the others.

    Attributes:
        draws: the generator.
    """

    def __init__(self, draws: np.random.Generator) -> None:
        self.draws = draws
        self._room = np.empty(0)

    def all(self, count: int) -> Array:
        """Return a number for each of so many rows; the next draw overwrites them."""
        if len(self._room) < count:
            self._room = np.empty(2 * count)
        return self.draws.random(out=self._room[:count])

    def at(self, places: Array, count: int) -> Array:
        """Draw for all rows and return the numbers of some places."""
        return self.all(count)[places]

    def skip(self, count: int) -> None:
        """Pass over numbers that nobody needs; each is one step of PCG64."""
        self.draws.bit_generator.advance(count)  # type: ignore[attr-defined] # of PCG64


@dataclass
class Streams:
    """One generator for each kind of event, so that a change in one leaves the others alone."""

    market: np.random.Generator
    staff: np.random.Generator
    arrivals: np.random.Generator
    leads: Uniforms
    deals: Uniforms

    @classmethod
    def of(cls, *seed: int) -> Streams:
        """Derive all streams from one seed."""
        children = np.random.SeedSequence(list(seed)).spawn(5)
        market, staff, arrivals, leads, deals = (
            np.random.Generator(np.random.PCG64(child)) for child in children
        )
        return cls(market, staff, arrivals, Uniforms(leads), Uniforms(deals))


@dataclass(frozen=True)
class Counterfactual:
    """What is different in a replay; nothing is, by default.

    Attributes:
        untroubled: no cause is planted.
        ramped: new reps work as well as experienced ones.
        level: all territories have the same potential.
        average: everybody has average skills.
    """

    untroubled: bool = False
    ramped: bool = False
    level: bool = False
    average: bool = False


ACTUAL = Counterfactual()
"""The company as it is."""


@dataclass
class Exogenous:
    """What came to a company from outside, by day, so that a replay can meet the same.

    Attributes:
        arrivals: new leads.
        seats: who sat where.
        market: log factor of the market, by the first day of each quarter.
    """

    arrivals: dict[int, Rows] = field(default_factory=dict)
    seats: dict[int, Rows] = field(default_factory=dict)
    market: dict[int, float] = field(default_factory=dict)


@dataclass
class Day:
    """What a day brought.

    Attributes:
        number: of the day.
        leads: the leads of that day; masks about leads have their length.
        deals: the deals of that day, except those opened on it; masks about deals have their
            length.
        with_chances: compute `chance`, `wins` and `revenue`.
        arrived: the new leads as they came in, before anybody worked on them.
        opened: new deals.
        masks: by event, which leads or deals it happened to.
        left: seat and person of those who left.
        chance: each lead's chance to become a deal on that day.
        wins: each deal's chance to be won on that day.
        revenue: that chance times the amount, in cents.
    """

    number: int
    leads: Rows
    deals: Rows
    with_chances: bool = False
    arrived: Rows | None = None
    opened: Rows | None = None
    masks: dict[str, Array] = field(default_factory=dict)
    left: list[tuple[int, int]] = field(default_factory=list)
    chance: Array | None = None
    wins: Array | None = None
    revenue: Array | None = None


@dataclass(frozen=True)
class Rules:
    """What every day of a company is played with.

    Attributes:
        settings: the company's numbers.
        calendar: its days.
        counterfactual: what is different from the company as it is.
    """

    settings: CompanySettings
    calendar: Calendar
    counterfactual: Counterfactual = ACTUAL

    @cached_property
    def potential(self) -> Array:
        """Each territory's potential, 1 on average."""
        true = potentials(self.settings)
        return np.ones_like(true) if self.counterfactual.level else true

    def pace(self, day: int) -> float:
        """Return the factor of everything that happens on a day."""
        return float(self.calendar.pace[day])

    def has_cause(self, state: State, cause: str) -> Array:
        """Return the mask of seats that have a planted cause."""
        if self.counterfactual.untroubled:
            return np.zeros(len(state.seats), dtype=np.bool_)
        return np.asarray(state.seats["cause"] == CAUSES.index(cause))

    def shock(self, day: int, what: str) -> float:
        """Return the log change of a broken market, 0 in any other."""
        return SHOCK[what] if self.is_shocked(day) else 0.0

    def is_shocked(self, day: int) -> bool:
        """Return whether the market is broken on a day."""
        month = self.settings.shock_month
        if not month:
            return False
        start = self.settings.start
        at = start.month - 1 + month
        moment = start.replace(year=start.year + at // 12, month=at % 12 + 1)
        return self.calendar.date(day) >= moment


def mask_of(count: int, places: Array) -> Array:
    """Return the mask of some places."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[places] = True
    return mask
