"""From the rows of a history to columns, by way of cells: (snapshot, ring, word).

A ring is the band between two neighbouring windows. The engine groups every row once, into the
cell it lies in; a window is then the sum of its rings, so that any number of windows and words
costs one pass. (Counting each window by its own filter was measured at 15 times the time.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.feature import DAY_US, Aggregate, Feature, Kind, Unit
from features.snapshot import SNAPSHOT

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HOUR_US = 3_600_000_000
SCALES = {Unit.DAYS: DAY_US, Unit.HOURS: HOUR_US, Unit.WORKING_HOURS: 1}
"""What ages are divided by; working hours are counted later, from the microseconds."""
THOUSANDTHS = {Unit.HOURS: 3_600_000}
"""What sums of thousandths are divided by; seconds become hours."""


@dataclass(frozen=True)
class Plan:
    """One grouping: the word column, the windows' edges in days, the columns to add up."""

    by: str | None
    features: tuple[Feature, ...]

    @property
    def edges(self) -> tuple[int, ...]:
        """The lengths of all windows, rising."""
        days = {f.window_days for f in self.features} | {_how(f).wide_days for f in self.features}
        return tuple(sorted(edge for edge in days if edge))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are added up."""
        return tuple(sorted({c for f in self.features if (c := _how(f).column) is not None}))

    @property
    def response(self) -> bool:
        """Whether the time to the first row after the lead's arrival is wanted."""
        return any(_how(f).kind is Kind.RESPONSE for f in self.features)


def plans(features: tuple[Feature, ...]) -> list[Plan]:
    """Tell which groupings a source's features need: one for each column of words.

    Every activity has a type, so figures over all activities are read off the cells by type.
    """
    grouped: dict[str | None, list[Feature]] = {}
    has_types = any(_how(feature).by == "type" for feature in features)
    for feature in features:
        by = _how(feature).by
        grouped.setdefault("type" if by is None and has_types else by, []).append(feature)
    return [Plan(by, tuple(own)) for by, own in grouped.items()]


def _how(feature: Feature) -> Aggregate:
    if not isinstance(feature.how, Aggregate):
        raise TypeError(f"feature {feature.name} is no aggregate")
    return feature.how


def cells(rows: ir.Table, plan: Plan) -> ir.Table:
    """Group the rows of a history into their cells: one row a cell that is not empty."""
    if plan.by is not None:
        rows = rows.filter(rows[plan.by].notnull())
    code = ibis.literal(0, "int64") if plan.by is None else rows[plan.by]
    ring: ir.IntegerValue = ibis.literal(len(plan.edges), "int64")
    if plan.edges:
        branches = [
            (rows.age_us <= days * DAY_US, ibis.literal(i, "int64"))
            for i, days in enumerate(plan.edges)
        ]
        ring = ibis.cases(*branches, else_=ring)
    measures: dict[str, ir.Value] = {
        "n": rows.count(),
        "youngest": rows.age_us.min(),
        "oldest": rows.age_us.max(),
    }
    for column in plan.columns:
        measures[f"sum_{column}"] = rows[column].sum().fill_null(0).cast("int64")
        measures[f"filled_{column}"] = rows[column].count()
    if plan.response:
        waited = rows.lead_age_us - rows.age_us
        measures["response"] = waited.min(where=waited >= 0)
    return rows.group_by(SNAPSHOT, ring=ring, code=code).aggregate(**measures)


class Cube:
    """The cells of one grouping, fetched, and the columns that can be read off them."""

    def __init__(self, plan: Plan, fetched: pa.Table, snapshots: int) -> None:
        """Put the cells in order of their words.

        Args:
            plan: how they were grouped.
            fetched: what `cells` gave.
            snapshots: how many snapshots there are; their numbers are 0 .. snapshots - 1.
        """
        self.plan, self.snapshots = plan, snapshots
        self._edges = plan.edges
        self.rings = len(self._edges) + 1
        columns = {name: _integers(fetched[name]) for name in fetched.column_names}
        order = np.argsort(columns["code"], kind="stable")
        self._columns = {name: values[order] for name, values in columns.items()}
        self._bounds = np.searchsorted(
            self._columns["code"], np.arange(int(columns["code"].max(initial=0)) + 2)
        )
        self._memory: dict[tuple[str, int | None], Floats] = {}

    def column(self, feature: Feature) -> Floats:
        """Read one feature off the cells: one value a snapshot, empty (NaN) where none."""
        readers: Mapping[Kind, Callable[[Feature, Aggregate], Floats]] = {
            Kind.COUNT: lambda f, h: self._sum("n", h.code, f.window_days),
            Kind.SUM: self._total,
            Kind.MEAN: self._mean,
            Kind.TREND: self._trend,
            Kind.SINCE_LAST: lambda f, h: self._extreme("youngest", h.code) / SCALES[f.unit],
            Kind.SINCE_FIRST: lambda f, h: self._extreme("oldest", h.code) / SCALES[f.unit],
            Kind.RESPONSE: lambda f, h: self._extreme("response", h.code) / SCALES[f.unit],
            Kind.RHYTHM: lambda f, h: self._rhythm(h.code) / SCALES[f.unit],
            Kind.LAST_WORD: lambda f, h: self._youngest_word("youngest")[0],
            Kind.SECOND_WORD: lambda f, h: self._second_word(),
            Kind.NEWEST_WORD: lambda f, h: self._youngest_word("oldest")[0],
            Kind.SINCE_NEWEST: lambda f, h: self._youngest_word("oldest")[1] / SCALES[f.unit],
        }
        return readers[_how(feature).kind](feature, _how(feature))

    def _rows(self, code: int | None) -> slice:
        if code is None:
            return slice(None)
        if code + 1 >= len(self._bounds):
            return slice(0, 0)
        return slice(int(self._bounds[code]), int(self._bounds[code + 1]))

    def _sum(self, name: str, code: int | None, days: int | None) -> Floats:
        """Sum over the rings of a window; the sums of all windows are made at once and kept."""
        if (name, code) not in self._memory:
            # One word's sums at a time are kept: all of them together would fill the memory.
            self._memory = {k: v for k, v in self._memory.items() if k[1] == code}
            rows = self._rows(code)
            place = self._columns["ring"][rows] * self.snapshots + self._columns[SNAPSHOT][rows]
            made = np.bincount(
                place, weights=self._columns[name][rows], minlength=self.rings * self.snapshots
            )
            self._memory[name, code] = np.cumsum(
                made.reshape(self.rings, self.snapshots), axis=0
            )
        ring = self.rings - 1 if days is None else self._edges.index(days)
        return self._memory[name, code][ring].copy()

    def _total(self, feature: Feature, how: Aggregate) -> Floats:
        scale = THOUSANDTHS.get(feature.unit, 1000)
        return self._sum(f"sum_{how.column}", how.code, feature.window_days) / scale

    def _mean(self, feature: Feature, how: Aggregate) -> Floats:
        filled = self._sum(f"filled_{how.column}", how.code, feature.window_days)
        total = self._total(feature, how)
        return np.divide(total, filled, out=np.full(self.snapshots, np.nan), where=filled > 0)

    def _trend(self, feature: Feature, how: Aggregate) -> Floats:
        days, wide = feature.window_days or 0, how.wide_days or 0
        inner, outer = self._sum("n", how.code, days), self._sum("n", how.code, wide)
        return inner / days - (outer - inner) / (wide - days)

    def _rhythm(self, code: int | None) -> Floats:
        span = self._extreme("oldest", code) - self._extreme("youngest", code)
        gaps = self._sum("n", code, None) - 1
        return np.divide(span, gaps, out=np.full(self.snapshots, np.nan), where=gaps > 0)

    def _extreme(self, name: str, code: int | None) -> Floats:
        """The greatest `oldest`, or the least of the others, over all rings."""
        rows, least = self._rows(code), name != "oldest"
        values = self._columns[name][rows]
        filled = values >= 0
        start = np.iinfo(np.int64).max if least else -1
        best = np.full(self.snapshots, start, dtype=np.int64)
        where = self._columns[SNAPSHOT][rows][filled]
        (np.minimum if least else np.maximum).at(best, where, values[filled])
        return np.where(best == start, np.nan, best.astype(np.float64))

    def _youngest_word(self, name: str, aside: Floats | None = None) -> tuple[Floats, Floats]:
        """The word whose `youngest` or `oldest` row is the youngest of all words', and its age.

        Of words with rows at one moment the later in the vocabulary counts; a word may be left
        aside for each snapshot.
        """
        best, word = np.full(self.snapshots, np.nan), np.full(self.snapshots, np.nan)
        for code in range(len(self._bounds) - 1):
            age = self._extreme(name, code)
            if aside is not None:
                age = np.where(aside == code, np.nan, age)
            take = (age <= best) | (np.isnan(best) & ~np.isnan(age))
            best, word = np.where(take, age, best), np.where(take, code, word)
        return word, best

    def _second_word(self) -> Floats:
        first, _ = self._youngest_word("youngest")
        return self._youngest_word("youngest", aside=first)[0]


def _integers(column: pa.ChunkedArray) -> Ints:
    """Whole numbers; -1 stands for empty, which no age, count or place is."""
    filled = column.fill_null(-1) if column.null_count else column
    return filled.to_numpy().astype(np.int64, copy=False)
