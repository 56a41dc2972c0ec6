"""What a day is played with, and what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.special import ndtri

from features.simulation.rows import Array, Rows
from features.simulation.settings import CompanySettings
from features.simulation.state import CAUSES, Calendar, State, potentials

SHOCK = {"conversion": -0.30, "win": -0.25, "amount": 0.79, "pace": 0.69}
"""A broken market: log changes of two rates, factors of amount and speed.

Together they reproduce the published falls (win rate -18 %, size -21 %, slipped dates +44 %).
"""


class Luck(Protocol):
    """Draws numbers for rows of leads or of deals, a kind of event after the other."""

    def begin(self, day: int) -> None:
        """Begin a day."""

    def all(self, rows: Rows) -> Array:
        """Return a number between 0 and 1 for each row; the next draw may overwrite them."""

    def at(self, places: Array, rows: Rows) -> Array:
        """Return what `all` would for the rows at some places, as one draw."""

    def some(self, rows: Rows) -> Array:
        """Return a number between 0 and 1 for each of some rows, which may be none."""

    def normal(self, rows: Rows, mean: float, deviation: float) -> Array:
        """Return a normally distributed number for each row."""

    def skip(self, rows: Rows) -> None:
        """Pass over numbers that nobody needs."""


class Uniforms:
    """Draws a number for every row, into memory that is used again.

    Every row gets its number, needed or not, so that each keeps its own luck whatever happens to
    the others, as long as it keeps its place.

    Attributes:
        draws: the generator.
    """

    def __init__(self, draws: np.random.Generator) -> None:
        self.draws = draws
        self._room = np.empty(0)

    def begin(self, day: int) -> None:
        """Do nothing: the generator goes on where the day before left it."""

    def all(self, rows: Rows) -> Array:
        """Return a number for each row; the next draw overwrites them."""
        count = len(rows)
        if len(self._room) < count:
            self._room = np.empty(2 * count)
        return self.draws.random(out=self._room[:count])

    def at(self, places: Array, rows: Rows) -> Array:
        """Draw for all rows and return the numbers of some places."""
        return self.all(rows)[places]

    def some(self, rows: Rows) -> Array:
        """Return a number for each of some rows, which take their places in turn."""
        return self.draws.random(len(rows))

    def normal(self, rows: Rows, mean: float, deviation: float) -> Array:
        """Return a normally distributed number for each row."""
        return self.draws.normal(mean, deviation, len(rows))

    def skip(self, rows: Rows) -> None:
        """Pass over numbers that nobody needs; each is one step of PCG64."""
        self.draws.bit_generator.advance(len(rows))  # type: ignore[attr-defined] # of PCG64


class KeyedUniforms:
    """Gives each lead and deal its own luck, whichever row it stands in, whatever stands beside it.

    A number is a hash of the lead, its world, the day and the number of the draw within the day.
    Two replays that differ in one thing therefore differ by that thing alone: with a generator, one
    lead that becomes a deal a day earlier moves every row behind it, and so everybody's luck.

    Source: the finaliser of SplitMix64; Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators" (2014).

    Attributes:
        seed: begins every hash.
        seats_each: seats of one world, which tell a row's world from its seat.
        column: the column that names a row's lead: a deal is its lead's.
    """

    def __init__(self, seed: np.random.SeedSequence, seats_each: int, column: str) -> None:
        self._seed = [int(word) for word in seed.generate_state(4)]
        self._seats_each, self._column = seats_each, column
        self._day, self._draw = 0, 0

    def begin(self, day: int) -> None:
        """Begin a day: its draws are counted anew."""
        self._day, self._draw = day, 0

    def all(self, rows: Rows) -> Array:
        """Return a number for each row."""
        state = np.random.SeedSequence([*self._seed, self._day, self._draw])
        self._draw += 1
        start = state.generate_state(1, np.uint64)[0]
        world = (rows["seat"] // self._seats_each).astype(np.uint64)
        key = rows[self._column].astype(np.uint64) + (world << np.uint64(40))
        key *= np.uint64(0x9E3779B97F4A7C15)
        key += start
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            key ^= key >> np.uint64(shift)
            key *= np.uint64(factor)
        key ^= key >> np.uint64(31)
        return (key >> np.uint64(11)) * 2.0**-53

    def at(self, places: Array, rows: Rows) -> Array:
        """Return the numbers of some places."""
        return self.all(rows.take(places, "seat", self._column))

    def some(self, rows: Rows) -> Array:
        """Return a number for each of some rows."""
        return self.all(rows)

    def normal(self, rows: Rows, mean: float, deviation: float) -> Array:
        """Return a normally distributed number for each row, by inverting its distribution."""
        return mean + deviation * ndtri(self.all(rows))

    def skip(self, rows: Rows) -> None:
        """Pass over one draw."""
        del rows
        self._draw += 1


@dataclass
class Streams:
    """One source for each kind of event, so that a change in one leaves the others alone."""

    market: np.random.Generator
    staff: np.random.Generator
    arrivals: np.random.Generator
    leads: Luck
    deals: Luck

    @classmethod
    def of(cls, *seed: int) -> Streams:
        """Derive all streams from one seed."""
        generators = [np.random.Generator(np.random.PCG64(child)) for child in _children(seed)]
        market, staff, arrivals, leads, deals = generators
        return cls(market, staff, arrivals, Uniforms(leads), Uniforms(deals))

    @classmethod
    def keyed(cls, seats_each: int, *seed: int) -> Streams:
        """Derive all streams from one seed; leads and deals have luck of their own.

        Args:
            seats_each: seats of one world.
            seed: whole numbers.
        """
        children = _children(seed)
        market, staff, arrivals = (
            np.random.Generator(np.random.PCG64(child)) for child in children[:3]
        )
        leads = KeyedUniforms(children[3], seats_each, "id")
        return cls(market, staff, arrivals, leads, KeyedUniforms(children[4], seats_each, "lead"))

    def begin(self, day: int) -> None:
        """Begin a day."""
        self.leads.begin(day)
        self.deals.begin(day)


def _children(seed: tuple[int, ...]) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(list(seed)).spawn(5)


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
        straight: their source and interest without `lead_mix` as a planted cause.
        seats: who sat where.
        market: log factor of the market, by the first day of each quarter.
    """

    arrivals: dict[int, Rows] = field(default_factory=dict)
    straight: dict[int, Rows] = field(default_factory=dict)
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
        straight: their source and interest without `lead_mix` as a planted cause.
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
    straight: Rows | None = None
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
