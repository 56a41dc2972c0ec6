"""A feature as a value: where its rows come from, what is made of them, what people read of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import ibis
import ibis.expr.types as ir

from features.errors import FeatureError
from features.texts import PLAIN, About, Phrase, Who

DAY_US = 86_400_000_000


class Relation(Enum):
    """The kinds of rows features are made of; `features.history.relations` says what each holds.

    Histories hold many rows for one snapshot; the others, a context among them, exactly one.
    """

    TOUCHES = "touches"
    TOUCH_DAYS = "touch_days"
    TOUCH_REPS = "touch_reps"
    STAGES = "stages"
    MOVES = "moves"
    LEAD = "lead"
    DEAL = "deal"
    REP = "rep"
    CONTEXT = "context"
    DEAL_CONTEXT = "deal context"
    COLUMNS = "columns"
    AHEAD = "time ahead"


class Segment(Enum):
    """Parts of a company that evidence and reports are split by."""

    SOURCE = "source"
    STAGE = "stage"
    TEAM = "team"


class Unit(Enum):
    """How a value is read: a share of a whole as "24 %", a ratio of any two things as "1.3"."""

    COUNT = "count"
    DAYS = "days"
    HOURS = "hours"
    WORKING_HOURS = "working hours"
    SHARE = "share"
    RATIO = "ratio"
    AMOUNT = "amount"
    BOOLEAN = "yes or no"
    CATEGORY = "category"


class Aggregation(Enum):
    """What is made of the rows of a history."""

    COUNT = "count"
    SINCE_LAST = "since last"
    SINCE_FIRST = "since first"
    LAST_WORD = "last word"
    SECOND_WORD = "second word"
    NEWEST_WORD = "newest word"
    SINCE_NEWEST = "since newest"
    TREND = "trend"
    SUM = "sum"
    MEAN = "mean"
    RESPONSE = "response"
    RHYTHM = "rhythm"


WINDOWED = frozenset({Aggregation.COUNT, Aggregation.SUM, Aggregation.MEAN, Aggregation.TREND})
"""Kinds that can look through a window; the others look at all of a history."""


@dataclass(frozen=True)
class Aggregate:
    """An aggregate over the rows of a history that lie in the feature's window.

    Attributes:
        kind: COUNT of rows; SINCE_LAST and SINCE_FIRST, the time from the youngest and the
            oldest row to the cutoff; LAST_WORD, the word of the youngest row (of rows at one
            moment, the word that comes later in the vocabulary), and SECOND_WORD, the word of the
            youngest row with another word; NEWEST_WORD, the word whose first
            row is the youngest (how far the story has come; ties as before), and SINCE_NEWEST,
            the time since that row; TREND, rows a day in the window
            less rows a day from `wide_days` before the cutoff up to it; SUM and MEAN of a
            column; RESPONSE, the time from the lead's creation to the first row after it; RHYTHM,
            the mean time between neighbouring rows.
        by: the column of words ("type", "direction", ...); None takes all rows.
        code: the word's place in its vocabulary; None takes all words.
        column: what SUM and MEAN add up.
        wide_days: what TREND compares with.
    """

    kind: Aggregation
    by: str | None = None
    code: int | None = None
    column: str | None = None
    wide_days: int | None = None


@dataclass(frozen=True)
class Expression:
    """A value taken from the one row that a snapshot has in a relation.

    Attributes:
        value: builds the ibis expression from the rows. For WORKING_HOURS it gives the
            microseconds before the cutoff from which they are counted.
    """

    value: Callable[[ir.Table], ir.Value] = field(compare=False)


@dataclass(frozen=True)
class Ready:
    """A value that a relation holds ready for each snapshot.

    Attributes:
        column: its name there.
    """

    column: str


@dataclass(frozen=True)
class PeerRank:
    """Where a lead ranks among all leads open at its cutoff, as a share, by another feature.

    Attributes:
        of: the feature that is compared; its highest value ranks 1.
        within: a category within which it is compared; None takes all leads of the cutoff.
    """

    of: str
    within: str | None = None


@dataclass(frozen=True)
class Ratio:
    """One feature over another plus a constant, which keeps small denominators calm."""

    of: str
    over: str
    plus: float


@dataclass(frozen=True)
class WorkingDaysAhead:
    """The working days in the so many days after a cutoff."""

    horizon_days: int


How = Aggregate | Expression | Ready | PeerRank | Ratio | WorkingDaysAhead


@dataclass(frozen=True)
class Feature:
    """One column of the training set, declared.

    Attributes:
        name: `<what>_<window>`; letters, digits and underscores.
        source: where its rows come from.
        how: what is made of them.
        says: what it measures, in words: "calls in the last 14 days".
        about: its topic, and who can do something about it.
        unit: how the number is read.
        window_days: how far back it looks; None for the whole history.
        categories: the frozen list of a category's words; the value is a place in it, and the
            place after the last stands for every other word.
        phrase: how its value is said in a sentence.
        segment: the part of the company that it names, if evidence or reports are split by it.
        is_common: every row of a cutoff has the same value: it tells trees the date.
    """

    name: str
    source: Relation
    how: How
    says: str
    about: About
    unit: Unit = Unit.COUNT
    window_days: int | None = None
    categories: tuple[str, ...] | None = None
    phrase: Phrase = PLAIN
    segment: Segment | None = None
    is_common: bool = False

    @property
    def topic(self) -> str:
        """What it is about: features of one topic make one reason."""
        return self.about.topic

    @property
    def who(self) -> Who:
        """Who can change what it measures."""
        return self.about.who

    @property
    def lever(self) -> str | None:
        """What somebody could change about it; None if nobody can."""
        return self.about.lever

    @property
    def made_of(self) -> frozenset[str]:
        """The features it is computed from; none unless it is made of other features."""
        if isinstance(self.how, Ratio):
            return frozenset({self.how.of, self.how.over})
        if isinstance(self.how, PeerRank):
            within = set() if self.how.within is None else {self.how.within}
            return frozenset({self.how.of, *within})
        return frozenset()

    def __post_init__(self) -> None:
        """Refuse names that LightGBM or a file format would change."""
        if not re.fullmatch(r"[A-Za-z0-9_]+", self.name):
            raise FeatureError(f"feature name {self.name!r} may hold letters, digits and _ only")
        if (self.unit is Unit.CATEGORY) != (self.categories is not None):
            raise FeatureError(f"feature {self.name}: categories go with the unit category")
        if isinstance(self.how, Aggregate):
            self._check_window(self.how)

    def _check_window(self, how: Aggregate) -> None:
        """Refuse windows that would not be looked through."""
        if self.window_days is not None and how.kind not in WINDOWED:
            raise FeatureError(f"feature {self.name}: '{how.kind.value}' looks at all of a history")
        if how.kind is Aggregation.TREND and not 0 < (self.window_days or 0) < (how.wide_days or 0):
            raise FeatureError(f"feature {self.name}: a trend compares a window with a wider one")


@dataclass(frozen=True)
class FeatureSet:
    """Features with unlike names, in a fixed order.

    Attributes:
        entity: what they describe.
        features: the declarations.
        rows: the columns that expressions may use, by source; the fingerprint compiles them.
        aside: features that were left out but that others are made of: built, and not kept.
    """

    entity: str
    features: tuple[Feature, ...]
    rows: Mapping[Relation, Mapping[str, str]] = field(default_factory=dict, repr=False)
    aside: tuple[Feature, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two features of one name."""
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FeatureError(f"features declared twice: {twice}")

    def __iter__(self) -> Iterator[Feature]:
        """Walk the features in their order."""
        return iter(self.features)

    def __len__(self) -> int:
        """Count the features."""
        return len(self.features)

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return [feature.name for feature in self.features]

    @property
    def categorical(self) -> list[str]:
        """The columns that hold categories."""
        return [feature.name for feature in self.features if feature.categories is not None]

    def joined(self, features: Iterable[Feature]) -> FeatureSet:
        """Put further features behind these."""
        return replace(self, features=(*self.features, *features))

    def of(self, source: Relation) -> tuple[Feature, ...]:
        """The features made of one kind of rows, those set aside included."""
        return tuple(f for f in (*self.features, *self.aside) if f.source is source)

    def without(self, names: frozenset[str]) -> FeatureSet:
        """Leave some features out; what the others are made of is set aside."""
        kept = tuple(feature for feature in self.features if feature.name not in names)
        dropped = [f for f in (*self.features, *self.aside) if f not in kept]
        needed = {name for feature in kept for name in feature.made_of}
        for feature in reversed(dropped):
            needed |= feature.made_of if feature.name in needed else frozenset()
        return replace(self, features=kept, aside=tuple(f for f in dropped if f.name in needed))

    def depends_on(self, names: Collection[str]) -> frozenset[str]:
        """The features that are made of any of these, directly or by way of others."""
        dependants: frozenset[str] = frozenset()
        while True:
            sources = dependants.union(names)
            wider = frozenset(f.name for f in (*self.features, *self.aside) if f.made_of & sources)
            if wider == dependants:
                return dependants
            dependants = wider

    @property
    def fingerprint(self) -> str:
        """A digest that changes when, and only when, the meaning of a column does.

        It is taken from the declarations, what people read of them aside, and, for expressions,
        from what they compile to.
        """
        meanings = [_meaning(feature) for feature in (*self.features, *self.aside)]
        parts = [json.dumps(meanings, sort_keys=True, ensure_ascii=False)]
        for source, columns in self.rows.items():
            table = ibis.table(dict(columns), name=source.value)
            values = {
                f.name: f.how.value(table) for f in self.of(source) if isinstance(f.how, Expression)
            }
            if values:
                parts.append(ibis.to_sql(table.select(**values), dialect="duckdb"))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def describe(self) -> list[dict[str, object]]:
        """Return what each feature is, in words and plain values."""
        return [
            {
                **_meaning(feature),
                "says": feature.says,
                "topic": feature.topic,
                "who": feature.who.value,
                "lever": feature.lever,
                "segment": None if feature.segment is None else feature.segment.value,
            }
            for feature in self.features
        ]


def _meaning(feature: Feature) -> dict[str, object]:
    """Return what decides a feature's values, as plain values."""
    return {
        "name": feature.name,
        "source": feature.source.value,
        "how": None if isinstance(feature.how, Expression) else repr(feature.how),
        "unit": feature.unit.value,
        "window_days": feature.window_days,
        "categories": None if feature.categories is None else list(feature.categories),
    }
