"""From the rows of a history to columns, by way of runs of snapshots.

The snapshots of a lead stand together, by rising cutoff, so that a row is seen by a run of them:
from the first whose cutoff lies after it, to the lead's last, or to the last whose window still
holds it. A count is then +1 where each run starts, -1 where it stops, and one running sum over
all snapshots; the youngest row is the last that started. Rows are never joined with snapshots.
(Grouping that join in the engine was measured at ten times the processor time.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import FeatureError
from features.feature import DAY_US, Aggregate, Feature, Kind, Source, Unit
from features.snapshot import ENTITY, HAPPENED, SEEN, Spine

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger]
Rows = Ints | slice
HOUR_US = 3_600_000_000
SCALES = {Unit.DAYS: DAY_US, Unit.HOURS: HOUR_US, Unit.WORKING_HOURS: 1}
"""What ages are divided by; working hours are counted later, from the microseconds."""
THOUSANDTHS = {Unit.HOURS: 3_600_000}
"""What sums of thousandths are divided by; seconds become hours."""
DAY = "day"
DISTINCT = {Source.TOUCH_DAYS: DAY, Source.TOUCH_REPS: "rep_id"}
"""Sources that count the unlike values of a column, not the rows."""


def how_of(feature: Feature) -> Aggregate:
    """Give the aggregate that a feature of a history is."""
    if not isinstance(feature.how, Aggregate):
        raise FeatureError(f"feature {feature.name} is no aggregate")
    return feature.how


def columns_of(features: Iterable[Feature]) -> set[str]:
    """Name the columns of a history's rows that features are made of."""
    named = {name for f in features for name in (how_of(f).by, how_of(f).column)}
    named |= {DISTINCT.get(f.source) for f in features}
    return {name for name in named if name not in {None, DAY}}


def windows_of(features: Iterable[Feature]) -> set[int]:
    """Name the windows that features look through, in days."""
    days = {days for f in features for days in (f.window_days, how_of(f).wide_days)}
    return {length for length in days if length is not None}


class Runs:
    """The rows of a history, each with the run of snapshots that see it, and their columns."""

    def __init__(self, spine: Spine, fetched: pa.Table, windows: Iterable[int]) -> None:
        """Put rows in order and find their runs.

        Args:
            spine: the snapshots.
            fetched: what `sightings` gave, with columns of words and amounts.
            windows: the days of every window that is looked through.
        """
        self.spine = spine
        entity, happened = _whole(fetched[ENTITY]), _micros(fetched[HAPPENED])
        order = _order(entity, happened)
        self.entity, self.happened = entity[order], happened[order]
        del entity, happened
        self._fetched, self._order = fetched, order
        end = spine.end[self.entity]
        self.start = spine.first_after(_micros(fetched[SEEN])[order], self.entity, end)
        self._stops: dict[int | None, Ints] = {None: end}
        low = self.start
        for days in sorted(windows):
            # A longer window's run stops no earlier, so that less is left to search.
            low = spine.first_after(self.happened + days * DAY_US, low, end)
            self._stops[days] = low
        self._words: dict[str, tuple[Ints, Ints]] = {}

    def column(self, feature: Feature) -> Floats:
        """Make one feature: one value a snapshot, empty (NaN) where there is none."""
        how, days = how_of(feature), feature.window_days
        if feature.source in DISTINCT:
            return self._unlike(DISTINCT[feature.source], how, days)
        rows, scale = self._rows(how.by, how.code), SCALES.get(feature.unit, 1)
        makers: Mapping[Kind, Callable[[], Floats]] = {
            Kind.COUNT: lambda: self._count(rows, days),
            Kind.SUM: lambda: self._total(rows, feature),
            Kind.MEAN: lambda: self._mean(rows, feature),
            Kind.TREND: lambda: self._trend(rows, days or 0, how.wide_days or 0),
            Kind.SINCE_LAST: lambda: self._age(self._youngest(rows)) / scale,
            Kind.SINCE_FIRST: lambda: self._age(self._oldest(rows)) / scale,
            Kind.RESPONSE: lambda: self._response(rows) / scale,
            Kind.RHYTHM: lambda: self._rhythm(rows) / scale,
            Kind.LAST_WORD: lambda: self._newest(how.by, self._youngest)[0],
            Kind.SECOND_WORD: lambda: self._second_word(how.by),
            Kind.NEWEST_WORD: lambda: self._newest(how.by, self._oldest)[0],
            Kind.SINCE_NEWEST: lambda: self._newest(how.by, self._oldest)[1] / scale,
        }
        return makers[how.kind]()

    def _rows(self, by: str | None, code: int | None) -> Rows:
        """The rows with a word, or with any word, in their order."""
        if by is None:
            return slice(None)
        order, bounds = self._by_word(by)
        if code is None:
            return np.sort(order[bounds[0] :]) if bounds[0] else slice(None)
        return order[bounds[code] : bounds[code + 1]] if code + 1 < len(bounds) else order[:0]

    def _by_word(self, by: str) -> tuple[Ints, Ints]:
        """All rows ordered by their word, and where each word starts; empty words are first."""
        if by not in self._words:
            codes = _whole(self._fetched[by])[self._order]
            order = np.argsort(codes, kind="stable").astype(np.int32)
            bounds = np.cumsum(np.bincount(codes + 1))
            self._words[by] = order, bounds
        return self._words[by]

    def _spread(self, start: Ints, stop: Ints, amount: Ints | None = None) -> Ints:
        """Add up the runs that cover each snapshot, one each or their amounts.

        Whole numbers throughout: what lies outside a snapshot's runs cancels to the last bit.
        """
        size = len(self.spine) + 1
        if amount is None:
            steps = np.bincount(start, minlength=size) - np.bincount(stop, minlength=size)
        else:
            steps = np.zeros(size, np.int64)
            np.add.at(steps, start, amount)
            np.subtract.at(steps, stop, amount)
        return np.cumsum(steps[:-1])

    def _count(self, rows: Rows, days: int | None) -> Floats:
        return self._spread(self.start[rows], self._stop(rows, days)).astype(np.float64)

    def _stop(self, rows: Rows, days: int | None) -> Ints:
        return self._stops[days][rows]

    def _total(self, rows: Rows, feature: Feature) -> Floats:
        amount = _whole(self._fetched[str(how_of(feature).column)], empty=0)[self._order][rows]
        stop = self._stop(rows, feature.window_days)
        total = self._spread(self.start[rows], stop, amount)
        return total / THOUSANDTHS.get(feature.unit, 1000)

    def _mean(self, rows: Rows, feature: Feature) -> Floats:
        column = self._fetched[str(how_of(feature).column)]
        filled = column.is_valid().to_numpy()[self._order][rows]
        start, stop = self.start[rows][filled], self._stop(rows, feature.window_days)[filled]
        count, total = self._spread(start, stop), self._total(rows, feature)
        return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)

    def _trend(self, rows: Rows, days: int, wide: int) -> Floats:
        inner, outer = self._count(rows, days), self._count(rows, wide)
        return inner / days - (outer - inner) / (wide - days)

    def _rhythm(self, rows: Rows) -> Floats:
        span = self._age(self._oldest(rows)) - self._age(self._youngest(rows))
        gaps = self._count(rows, None) - 1
        return np.divide(span, gaps, out=np.full(len(span), np.nan), where=gaps > 0)

    def _youngest(self, rows: Rows) -> Ints:
        """Give the event time of the youngest row each snapshot sees; `NEVER` where none."""
        happened, start, entity = self.happened[rows], self.start[rows], self.entity[rows]
        last = np.full(len(self.spine) + 1, -1)
        last[start] = np.arange(len(start))  # of rows that start at one snapshot the last stays
        last = np.maximum.accumulate(last[:-1])
        own = last >= 0
        own[own] = entity[last[own]] == self.spine.entity[own]
        return _where(own, happened, last)

    def _oldest(self, rows: Rows) -> Ints:
        """Give the event time of the oldest row each snapshot sees; `NEVER` where none."""
        happened, start, entity = self.happened[rows], self.start[rows], self.entity[rows]
        # Numbers that fall from one entity to the next, so that none is taken for another's.
        far = len(start) + 1
        first = np.full(len(self.spine) + 1, far)
        first[start[::-1]] = (np.arange(len(start)) - entity.astype(np.int64) * far)[::-1]
        first = np.minimum.accumulate(first[:-1]) + self.spine.entity.astype(np.int64) * far
        return _where(first < len(start), happened, first)

    def _age(self, happened: Ints) -> Floats:
        age = (self.spine.cutoff - happened).astype(np.float64)
        age[happened == NEVER] = np.nan
        return age

    def _response(self, rows: Rows) -> Floats:
        """From the lead's arrival to the first row that is not older."""
        arrived = self.spine.born[self.entity[rows]]
        later = np.arange(len(self.happened))[rows][self.happened[rows] >= arrived]
        return self.spine.age - self._age(self._oldest(later))

    def _newest(
        self, by: str | None, of: Callable[[Rows], Ints], aside: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """The word whose youngest (or oldest) row is the youngest of all words', and its age.

        Of words with rows at one moment the later in the vocabulary counts; a word may be left
        aside for each snapshot.
        """
        size = len(self.spine)
        best, word = np.full(size, NEVER), np.full(size, np.nan)
        codes = 1 if by is None else len(self._by_word(by)[1]) - 1
        for code in range(codes):
            happened = of(self._rows(by, code))
            take = (happened >= best) & (happened != NEVER)
            if aside is not None:
                take &= aside != code
            best[take], word[take] = happened[take], code
        return word, self._age(best)

    def _second_word(self, by: str | None) -> Floats:
        first, _ = self._newest(by, self._youngest)
        return self._newest(by, self._youngest, aside=first)[0]

    def _unlike(self, column: str, how: Aggregate, days: int | None) -> Floats:
        """Count the unlike values of a column among the rows of a window."""
        if how != Aggregate(Kind.COUNT):
            raise FeatureError(f"days and reps are counted only, not asked for '{how.kind.value}'")
        if column not in self._words:
            self._words[column] = self._representatives(column)
        rows, replaced = self._words[column]
        stop = np.minimum(self._stop(rows, days), replaced)
        start = self.start[rows]
        return self._spread(start, np.maximum(start, stop)).astype(np.float64)

    def _representatives(self, column: str) -> tuple[Ints, Ints]:
        """Rows that for some snapshot are the youngest with their value, and until when.

        A row stands for its value until a later one of the same value is seen; counting only
        those that stand counts values.
        """
        if column == DAY:
            values = self.happened // DAY_US
            values -= values.min(initial=0)
        else:
            values = _whole(self._fetched[column])[self._order].astype(np.int64)
        rows = np.flatnonzero(values >= 0)
        key = self.entity[rows].astype(np.int64) * (values.max(initial=0) + 1) + values[rows]
        order = np.argsort(key, kind="stable")
        rows, key = rows[order], key[order]
        group = np.cumsum(np.diff(key, prepend=key[:1]) != 0)
        far = len(self.spine) + 1
        later = np.minimum.accumulate((group * far + self.start[rows])[::-1])[::-1]
        replaced = np.append(later[1:], np.iinfo(np.int64).max)[: len(rows)] - group * far
        stands = self.start[rows] < replaced
        return rows[stands].astype(np.int32), np.minimum(replaced[stands], far).astype(np.int32)


NEVER = np.iinfo(np.int64).min


def _where(filled: npt.NDArray[np.bool_], happened: Ints, place: Ints) -> Ints:
    made = np.full(len(filled), NEVER)
    made[filled] = happened[place[filled]]
    return made


def _order(entity: Ints, happened: Ints) -> Rows:
    """Give the order by entity and event time; files are written in it, engines shuffle parts."""
    order: Rows = slice(None)
    if not (entity[1:] >= entity[:-1]).all():
        order = np.argsort(entity, kind="stable")
    same, later = np.diff(entity[order]) == 0, np.diff(happened[order]) >= 0
    return order if (later | ~same).all() else np.lexsort((happened, entity))


def _whole(column: pa.ChunkedArray, empty: int = -1) -> Ints:
    """Whole numbers; texts are numbered as they come, `empty` stands for what is not filled."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.combine_chunks().dictionary_encode().indices
    filled = column.fill_null(empty) if column.null_count else column
    return filled.to_numpy()


def _micros(column: pa.ChunkedArray) -> Ints:
    return column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
