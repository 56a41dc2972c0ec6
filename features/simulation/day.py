"""What a day is played by and what it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from features.simulation.rows import Array, Rows
from features.simulation.settings import CompanySettings
from features.simulation.state import CAUSES, Calendar, State, potentials

SHOCK = {"conversion": -0.30, "win": -0.25, "amount": 0.79, "pace": 0.69}
"""Together these bring about the published falls (win rate -18 %, size -21 %, slips +44 %)."""


class Lots:
    """Draws a number between 0 and 1 for every row, in memory that is used again.

    Every row has its lot, asked for or not, so that each keeps its own luck whatever others do.

    Attributes:
        draws: where the lots come from.
    """

    def __init__(self, draws: np.random.Generator) -> None:
        self.draws = draws
        self._room = np.empty(0)

    def all(self, count: int) -> Array:
        """Give the lots of all rows; they are good until the next are drawn."""
        if len(self._room) < count:
            self._room = np.empty(2 * count)
        return self.draws.random(out=self._room[:count])

    def at(self, places: Array, count: int) -> Array:
        """Give the lots of some places among all rows."""
        return self.all(count)[places]

    def skip(self, count: int) -> None:
        """Pass over lots that nobody asks for; each is one step of PCG64."""
        self.draws.bit_generator.advance(count)  # type: ignore[attr-defined] # of PCG64


@dataclass
class Streams:
    """Where each kind of chance comes from."""

    market: np.random.Generator
    staff: np.random.Generator
    arrivals: np.random.Generator
    leads: Lots
    deals: Lots

    @classmethod
    def of(cls, *seed: int) -> Streams:
        """Spread a seed over the streams."""
        children = np.random.SeedSequence(list(seed)).spawn(5)
        made = [np.random.Generator(np.random.PCG64(child)) for child in children]
        return cls(made[0], made[1], made[2], Lots(made[3]), Lots(made[4]))


@dataclass(frozen=True)
class Alike:
    """A world that differs from ours in what is asked of it.

    Attributes:
        untroubled: nothing is planted.
        ramped: new reps work like old ones.
        level: all territories have the same potential.
        average: everybody has average skills.
    """

    untroubled: bool = False
    ramped: bool = False
    level: bool = False
    average: bool = False


OURS = Alike()


@dataclass
class Given:
    """What came to a company from outside, day by day, to be given to another world of it."""

    arrivals: dict[int, Rows] = field(default_factory=dict)
    seats: dict[int, Rows] = field(default_factory=dict)
    market: dict[int, float] = field(default_factory=dict)


@dataclass
class Day:
    """What a day brought.

    Attributes:
        number: of the day.
        leads: the leads of that day, over which the masks about leads go.
        deals: the deals of that day, those opened on it excepted.
        is_summed: whether the chances of the day are wanted.
        arrived: the new leads as they came, before anybody worked on them.
        opened: new deals.
        masks: by event, which leads or deals it happened to.
        left: seat and person of those who left.
        chance: each lead's chance to become a deal on that day.
        wins: each deal's chance to be won on that day.
        revenue: that chance times the amount.
    """

    number: int
    leads: Rows
    deals: Rows
    is_summed: bool = False
    arrived: Rows | None = None
    opened: Rows | None = None
    masks: dict[str, Array] = field(default_factory=dict)
    left: list[tuple[int, int]] = field(default_factory=list)
    chance: Array | None = None
    wins: Array | None = None
    revenue: Array | None = None


@dataclass(frozen=True)
class Rules:
    """The settings and the calendar a day is played by, and in which world."""

    settings: CompanySettings
    calendar: Calendar
    alike: Alike = OURS

    @cached_property
    def potential(self) -> Array:
        """Each territory's potential."""
        true = potentials(self.settings)
        return np.ones_like(true) if self.alike.level else true

    def has(self, state: State, cause: str) -> Array:
        """Tell which seats have a planted cause."""
        if self.alike.untroubled:
            return np.zeros(len(state.seats), dtype=np.bool_)
        return np.asarray(state.seats["cause"] == CAUSES.index(cause))

    def shock(self, day: int, what: str) -> float:
        """Give the log change of a broken market, 0 before and without one."""
        return SHOCK[what] if self.is_shocked(day) else 0.0

    def is_shocked(self, day: int) -> bool:
        """Tell whether the market is broken."""
        month = self.settings.shock_month
        if not month:
            return False
        start = self.settings.start
        at = start.month - 1 + month
        moment = start.replace(year=start.year + at // 12, month=at % 12 + 1)
        return self.calendar.date(day) >= moment


def chosen(count: int, places: Array) -> Array:
    """Give the mask of some places."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[places] = True
    return mask
