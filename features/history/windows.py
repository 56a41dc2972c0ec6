"""From the rows of a history to columns, by way of runs of snapshots.

The snapshots of a lead stand together, by rising cutoff, so that a row is seen by a run of them:
from the first whose cutoff lies after it, to the lead's last, or to the last whose window still
holds it. A count is then +1 where each run starts, -1 where it stops, and one running sum over
all snapshots; the youngest row is the last that started. Rows are never joined with snapshots.
(Grouping that join in the engine was measured at 2.3 times the processor time.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from features.arrays import Bools, Floats, Ints
from features.errors import FeatureError
from features.feature import DAY_US, Aggregate, Aggregation, Feature, Relation, Unit
from features.history.counts import micros, spread, whole
from features.snapshot import AVAILABLE_AT, ENTITY, EVENT_TIME, Spine

Rows = Ints | slice
HOUR_US = 3_600_000_000
SCALES = {Unit.DAYS: DAY_US, Unit.HOURS: HOUR_US, Unit.WORKING_HOURS: 1}
"""What ages are divided by; working hours are counted later, from the microseconds."""
THOUSANDTHS = {Unit.HOURS: 3_600_000}
"""What sums of thousandths are divided by; seconds become hours."""
PART = 32_768
"""Snapshots that are worked on at a time: what is made of them stays in the cache."""
MOST_STRETCHES = 64
"""Stretches of rows up to which a part is put together from them."""
DISTINCT = {Relation.TOUCH_DAYS: "day", Relation.TOUCH_REPS: "rep_id"}
"""Sources that count the unlike values of a column, not the rows."""


def how_of(feature: Feature) -> Aggregate:
    """Give the aggregate that a feature of a history is."""
    if not isinstance(feature.how, Aggregate):
        raise FeatureError(f"feature {feature.name} is no aggregate")
    return feature.how


def groupings(features: Iterable[Feature]) -> dict[str | None, list[Feature]]:
    """Tell by which columns of words rows must be ordered, and for which features.

    Every activity has a type, so figures over all activities are read off the rows by type.
    """
    grouped: dict[str | None, list[Feature]] = {}
    has_types = any(how_of(feature).by == "type" for feature in features)
    for feature in features:
        by = DISTINCT.get(feature.source, how_of(feature).by)
        grouped.setdefault("type" if by is None and has_types else by, []).append(feature)
    return grouped


def columns_of(features: Iterable[Feature]) -> list[str]:
    """Name the columns that features of a history are made of."""
    named = {*groupings(features), *(how_of(feature).column for feature in features)}
    return sorted(name for name in named if name is not None)


def windows_of(features: Iterable[Feature]) -> set[int]:
    """Name the windows that features look through, in days."""
    days = {days for f in features for days in (f.window_days, how_of(f).wide_days)}
    return {length for length in days if length is not None}


def parts_of(spine: Spine, fetched: pa.Table) -> Iterator[tuple[Spine, pa.Table]]:
    """Cut the snapshots and their history into parts that fit the processor's cache."""
    entity = whole(fetched[ENTITY])
    order = np.argsort(entity, kind="stable")
    parts = list(spine.parts(PART))
    edges = np.array([*(part.offset for part in parts), len(spine)], dtype=entity.dtype)
    bounds = np.searchsorted(entity, edges, sorter=order)
    for part, low, high in zip(parts, bounds, bounds[1:], strict=False):
        yield part, _taken(fetched, order[low:high])


def _taken(fetched: pa.Table, rows: Ints) -> pa.Table:
    """Take some rows; engines keep the order of files in long stretches, which need no copy."""
    first = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    if len(first) > MOST_STRETCHES:
        return fetched.take(rows)
    ends = np.append(first[1:], len(rows))
    stretches = zip(rows[first].tolist(), (ends - first).tolist(), strict=True)
    return pa.concat_tables([fetched[:0], *(fetched.slice(at, size) for at, size in stretches)])


class EventLog:
    """The rows of a history by entity and event time, each with the snapshots that see it.

    Attributes:
        spine: the snapshots.
        entity: the number of the entity's first snapshot.
        happened: the event time in microseconds.
        stops: by window, the snapshot before which the run of those that see the row ends.
        start: the first snapshot that sees the row.
    """

    def __init__(self, spine: Spine, fetched: pa.Table, windows: Iterable[int]) -> None:
        """Put rows in order and find their runs.

        Args:
            spine: the snapshots.
            fetched: what `sightings` gave, with columns of words and amounts.
            windows: the days of all windows.
        """
        entity = whole(fetched[ENTITY]) - np.int32(spine.offset)
        happened = micros(fetched[EVENT_TIME])
        self.spine, self._fetched, self._order = spine, fetched, _order(entity, happened)
        self.entity, self.happened = entity[self._order], happened[self._order]
        end = spine.end[self.entity]
        self.start = spine.first_after(micros(fetched[AVAILABLE_AT])[self._order], self.entity, end)
        self.stops: dict[int | None, Ints] = {None: end}
        low = self.start
        for days in sorted(windows):
            # A longer window's run stops no earlier, so that less is left to search.
            low = spine.first_after(self.happened + days * DAY_US, low, end)
            self.stops[days] = low

    def words(self, name: str) -> Ints:
        """Give a column of words as small whole numbers, -1 where it is empty."""
        codes = whole(self._fetched[name])
        if pa.types.is_date(self._fetched[name].type):
            codes = codes - codes.min(initial=0)
        small = np.int16 if codes.max(initial=0) < np.iinfo(np.int16).max else np.int32
        return np.asarray(codes[self._order], dtype=small)

    def amounts(self, name: str) -> Ints:
        """Give a column of amounts, 0 where it is empty."""
        return whole(self._fetched[name], empty=0)[self._order]

    def filled(self, name: str) -> Bools:
        """Tell where a column is not empty."""
        return self._fetched[name].is_valid().to_numpy()[self._order]


class WindowAggregates:
    """The runs of a history's rows by word, those of one word by entity and event time."""

    def __init__(self, history: EventLog, by: str | None, features: Sequence[Feature]) -> None:
        """Put rows in the order of their words.

        Args:
            history: the rows.
            by: the column of words; None takes all rows as of one word.
            features: what will be asked for.
        """
        self.spine = history.spine
        order: Ints | slice = slice(None)
        self._bounds = np.array([0, 0, len(history.start)])
        if by is not None:
            words = history.words(by)
            order = np.argsort(words, kind="stable")
            self._bounds = np.append(0, np.cumsum(np.bincount(words + 1, minlength=1)))
        self.entity, self.happened = history.entity[order], history.happened[order]
        self.start = history.start[order]
        columns = {name for f in features if (name := how_of(f).column) is not None}
        self._amounts = {name: history.amounts(name)[order] for name in columns}
        self._filled = {name: history.filled(name)[order] for name in columns}
        windows = {None, *windows_of(features)}
        self._stops = {days: history.stops[days][order] for days in windows}
        self._ends: dict[tuple[str, int], Ints] = {}
        self._begun: dict[tuple[int, int], Ints] = {}

    def column(self, feature: Feature) -> Floats:
        """Make one feature: one value a snapshot, empty (NaN) where there is none."""
        if feature.source in DISTINCT:
            return self._unlike(feature)
        how, days = how_of(feature), feature.window_days
        rows, scale = self._rows(how.code), SCALES.get(feature.unit, 1)
        makers: Mapping[Aggregation, Callable[[], Floats]] = {
            Aggregation.COUNT: lambda: self._count(rows, days),
            Aggregation.SUM: lambda: self._total(rows, feature),
            Aggregation.MEAN: lambda: self._mean(rows, feature),
            Aggregation.TREND: lambda: self._trend(rows, days or 0, how.wide_days or 0),
            Aggregation.SINCE_LAST: lambda: self._age(self._youngest(how.code)) / scale,
            Aggregation.SINCE_FIRST: lambda: self._age(self._oldest(how.code)) / scale,
            Aggregation.RESPONSE: lambda: self._response(how.code) / scale,
            Aggregation.RHYTHM: lambda: self._rhythm(how.code) / scale,
            Aggregation.LAST_WORD: lambda: self._newest_words(self._youngest)[0],
            Aggregation.SECOND_WORD: lambda: self._newest_words(self._youngest)[1],
            Aggregation.NEWEST_WORD: lambda: self._newest_words(self._oldest)[0],
            Aggregation.SINCE_NEWEST: lambda: self._newest_words(self._oldest)[2] / scale,
        }
        return makers[how.kind]()

    def _unlike(self, feature: Feature) -> Floats:
        """Count the unlike words among the rows of a window.

        A row stands for its word until a later one of the same word is seen; counting only the
        rows while they stand counts words.
        """
        if how_of(feature) != Aggregate(Aggregation.COUNT):
            raise FeatureError(f"feature {feature.name}: days and reps can be counted only")
        rows = self._rows(None)
        start, stop = self.start[rows], self._stops[feature.window_days][rows]
        stop = np.minimum(stop, self._replaced)
        stands = start < stop
        return spread(len(self.spine), start[stands], stop[stands]).astype(np.float64)

    @cached_property
    def _replaced(self) -> Ints:
        """The first snapshot that sees a later row of the same entity and word."""
        rows = self._rows(None)
        start, entity = self.start[rows], self.entity[rows]
        word = np.repeat(np.arange(len(self._bounds) - 2), np.diff(self._bounds[1:]))
        group = np.cumsum((np.diff(entity, prepend=-1) != 0) | (np.diff(word, prepend=-1) != 0))
        # Numbers that rise from group to group, so that none is taken for another's.
        far = group * (len(self.spine) + 1)
        least = np.minimum.accumulate((far + start)[::-1])[::-1]
        later = np.append(least[1:], np.iinfo(np.int64).max)[: len(far)]
        return np.minimum(later - far, len(self.spine)).astype(np.int32)

    def _rows(self, code: int | None) -> slice:
        """The rows of a word, or of any word."""
        if code is None:
            return slice(int(self._bounds[1]), int(self._bounds[-1]))
        if code + 2 >= len(self._bounds):
            return slice(0, 0)
        return slice(int(self._bounds[code + 1]), int(self._bounds[code + 2]))

    def _count(self, rows: slice, days: int | None) -> Floats:
        if (rows.start, rows.stop) not in self._begun:
            begun = np.bincount(self.start[rows], minlength=len(self.spine) + 1)
            self._begun[rows.start, rows.stop] = begun
        ended = np.bincount(self._stops[days][rows], minlength=len(self.spine) + 1)
        steps = self._begun[rows.start, rows.stop] - ended
        return np.cumsum(steps[:-1], dtype=np.float64)

    def _total(self, rows: slice, feature: Feature) -> Floats:
        stop, amount = self._stops[feature.window_days], self._amounts[str(how_of(feature).column)]
        total = spread(len(self.spine), self.start[rows], stop[rows], amount[rows])
        return total / THOUSANDTHS.get(feature.unit, 1000)

    def _mean(self, rows: slice, feature: Feature) -> Floats:
        filled = self._filled[str(how_of(feature).column)][rows]
        start, stop = self.start[rows][filled], self._stops[feature.window_days][rows][filled]
        count, total = spread(len(self.spine), start, stop), self._total(rows, feature)
        return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)

    def _trend(self, rows: slice, days: int, wide: int) -> Floats:
        inner, outer = self._count(rows, days), self._count(rows, wide)
        return inner / days - (outer - inner) / (wide - days)

    def _rhythm(self, code: int | None) -> Floats:
        span = self._age(self._oldest(code)) - self._age(self._youngest(code))
        gaps = self._count(self._rows(code), None) - 1
        return np.divide(span, gaps, out=np.full(len(span), np.nan), where=gaps > 0)

    def _youngest(self, code: int | None) -> Ints:
        """Give the event time of a word's youngest row that each snapshot sees, else `NEVER`."""
        return self._over_words(self._last_started, np.maximum, code)

    def _oldest(self, code: int | None) -> Ints:
        """Give the event time of a word's oldest row that each snapshot sees, else `NEVER`."""
        return self._over_words(self._first_started, _earlier, code)

    def _over_words(
        self, of: Callable[[slice], Ints], better: Callable[[Ints, Ints], Ints], code: int | None
    ) -> Ints:
        """Give what each snapshot sees of one word, or the better of all words."""
        if code is not None:
            key = (of.__name__, code)
            if key not in self._ends:
                self._ends[key] = of(self._rows(code))
            return self._ends[key]
        made = np.full(len(self.spine), NEVER)
        for word in range(len(self._bounds) - 2):
            made = better(made, self._over_words(of, better, word))
        return made

    def _last_started(self, rows: slice) -> Ints:
        start, entity, happened = self.start[rows], self.entity[rows], self.happened[rows]
        last = np.full(len(self.spine) + 1, -1)
        last[start] = np.arange(len(start))  # of rows that start at one snapshot the last stays
        return self._of_own(np.maximum.accumulate(last[:-1]), entity, happened)

    def _first_started(self, rows: slice, *, answers: bool = False) -> Ints:
        start, entity, happened = self.start[rows], self.entity[rows], self.happened[rows]
        if answers:
            kept = happened >= self.spine.born[entity]
            start, entity, happened = start[kept], entity[kept], happened[kept]
        # Numbers that fall from one entity to the next, so that none is taken for another's.
        far = len(start) + 1
        first = np.full(len(self.spine) + 1, far)
        first[start[::-1]] = (np.arange(len(start)) - entity.astype(np.int64) * far)[::-1]
        place = np.minimum.accumulate(first[:-1]) + self.spine.entity.astype(np.int64) * far
        return self._of_own(np.where(place < len(start), place, -1), entity, happened)

    def _first_answer(self, rows: slice) -> Ints:
        return self._first_started(rows, answers=True)

    def _of_own(self, place: Ints, entity: Ints, happened: Ints) -> Ints:
        """Give the event times of the rows at these places, where they are the entity's own."""
        if not len(entity):
            return np.full(len(place), NEVER)
        own = (place >= 0) & (entity[place] == self.spine.entity)
        return np.where(own, happened[place], NEVER)

    def _age(self, happened: Ints) -> Floats:
        age = (self.spine.cutoff - happened).astype(np.float64)
        age[happened == NEVER] = np.nan
        return age

    def _response(self, code: int | None) -> Floats:
        """From the entity's beginning to the first row that is not older."""
        first = self._over_words(self._first_answer, _earlier, code)
        return self.spine.age - self._age(first)

    def _newest_words(self, of: Callable[[int], Ints]) -> tuple[Floats, Floats, Floats]:
        """The word whose youngest (or oldest) row is the youngest of all words', the next, the age.

        Of words with rows at one moment the later in the vocabulary counts.
        """
        size = len(self.spine)
        best, second = np.full(size, NEVER), np.full(size, NEVER)
        word, other = np.full(size, np.nan), np.full(size, np.nan)
        for code in range(len(self._bounds) - 2):
            happened = of(code)
            seen = happened != NEVER
            first, next_ = seen & (happened >= best), seen & (happened >= second)
            second = np.where(first, best, np.where(next_, happened, second))
            other = np.where(first, word, np.where(next_, code, other))
            best, word = np.where(first, happened, best), np.where(first, code, word)
        return word, other, self._age(best)


NEVER = np.iinfo(np.int64).min


def _earlier(one: Ints, other: Ints) -> Ints:
    """Give the earlier of two moments; one that is `NEVER` does not count."""
    return np.where(one == NEVER, other, np.where(other == NEVER, one, np.minimum(one, other)))


def _order(entity: Ints, happened: Ints) -> Ints:
    """Give the order by entity and event time, in which files are written but for odd parts."""
    order = np.argsort(entity, kind="stable")
    sorted_ = entity[order]
    odd = (np.diff(happened[order]) < 0) & (np.diff(sorted_) == 0)
    if odd.any():
        rows = np.flatnonzero(np.isin(sorted_, sorted_[1:][odd]))
        own = order[rows]
        order[rows] = own[np.lexsort((happened[own], entity[own]))]
    return order
