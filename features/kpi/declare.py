"""A key figure as a value: what is counted, over what, and what people read of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from features.errors import FeatureError
from features.feature import Unit


class Level(StrEnum):
    """Where a figure stands in the tree: what people do, what it leads to, what comes of it."""

    DRIVER = "driver"
    KPI = "kpi"
    RESULT = "result"


class Good(StrEnum):
    """Which way a figure should go; of some, neither way is better by itself."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Fact(StrEnum):
    """The kinds of dated rows that are added up, each with the clock by which it is dated."""

    LEADS_CREATED = "leads by creation"
    LEADS_ENDED = "leads by their end"
    DEALS_CREATED = "deals by creation"
    DEALS_CLOSED = "deals by closing"
    DEALS_DUE = "deals by the period in which they were due"
    PIPELINE = "open deals at the borders of periods"
    ACTIVITIES = "activities"
    PROPOSALS = "proposals by the day they were made"
    ACCEPTED = "proposals by the day they were accepted"
    QUOTAS = "quotas, spread over their days"


class Made(Enum):
    """How a value comes out of sums."""

    SUM = "sum"
    RATIO = "ratio of two sums"
    MEDIAN = "median"
    CHANGE = "change against an earlier period"


class Since(Enum):
    """What a change is measured against."""

    PERIOD = "the period before"
    YEAR = "the same period a year before"


@dataclass(frozen=True)
class Part:
    """A column of one kind of fact, added up.

    Attributes:
        fact: the rows.
        column: of them.
    """

    fact: Fact
    column: str


@dataclass(frozen=True)
class Kpi:
    """A key figure, declared. The definitions that people read are made of these alone.

    Attributes:
        name: its name in files.
        label: its name on pages.
        says: its definition in a sentence or two.
        unit: how the value is read.
        level: driver, KPI or result.
        good: which way it should go.
        needs: the tables without which it cannot be known.
        numerator: what is added up; of a median, the column it is taken of.
        denominator: what it is divided by; None for sums, medians and changes.
        cases: what `n` counts: the cases that the value rests on; the denominator where None.
        made: how the value comes out of the sums.
        since: of a change, what it is measured against.
        still_rises: a newest period's value still rises as time goes on.
    """

    name: str
    label: str
    says: str
    unit: Unit
    level: Level
    good: Good
    needs: tuple[str, ...]
    numerator: Part
    denominator: Part | None = None
    cases: Part | None = None
    made: Made = Made.SUM
    since: Since | None = None
    still_rises: bool = False

    def __post_init__(self) -> None:
        """Refuse a figure whose parts do not fit how it is made.

        Raises:
            FeatureError: a ratio without a denominator, a change without what it is against, or
                the reverse.
        """
        if (self.made is Made.RATIO) != (self.denominator is not None):
            raise FeatureError(f"figure {self.name}: a denominator goes with a ratio")
        if (self.made is Made.CHANGE) != (self.since is not None):
            raise FeatureError(
                f"figure {self.name}: what it is measured against goes with a change"
            )

    @property
    def parts(self) -> tuple[Part, ...]:
        """All columns it is made of."""
        optional = (self.denominator, self.cases)
        return (self.numerator, *(part for part in optional if part is not None))

    @property
    def is_estimate(self) -> bool:
        """Whether few cases make it say little: rates, means and medians.

        What is set against a quota is a fact, however few deals it comes from.
        """
        against_quota = self.denominator is not None and self.denominator.fact is Fact.QUOTAS
        return self.made is Made.MEDIAN or (self.made is Made.RATIO and not against_quota)

    @property
    def counted(self) -> Part:
        """The column that `n` adds up."""
        return self.cases or self.denominator or self.numerator
