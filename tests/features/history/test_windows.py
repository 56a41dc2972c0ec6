"""Each kind of aggregate by hand: what a lead's rows come to at each of its snapshots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from by_hand import events, spine_of

from features.arrays import Floats
from features.errors import FeatureError
from features.feature import (
    Aggregate,
    Aggregation,
    Expression,
    Feature,
    FeatureSet,
    Relation,
    Unit,
)
from features.history.event_log import EventLog
from features.history.windows import (
    WindowAggregates,
    aggregate_of,
    columns_of,
    groupings,
    windows_of,
)
from features.snapshot import DELETED_AT
from features.spine import Spine
from features.texts import About, Who

NAN = math.nan
CALL, MAIL, VISIT = 0, 1, 2
"""The codes of a vocabulary."""

ABOUT = About("calls", "calls", Who.REP)
"""What every feature here is about; the windows do not care."""


def feature(
    how: Aggregate, unit: Unit = Unit.COUNT, days: int | None = None, **more: Any
) -> Feature:
    """Declare a feature of touches."""
    source = more.pop("source", Relation.TOUCHES)
    return Feature("x", source, how, "says", ABOUT, unit, days, **more)


def column(
    declared: Feature,
    rows: Sequence[tuple[int, float, float]],
    spine: Spine | None = None,
    **columns: Any,
) -> Floats:
    """Compute one feature; without a spine, for one lead with cutoffs on days 10, 20 and 30."""
    spine = spine_of([10, 20, 30]) if spine is None else spine
    arrays = {
        name: pa.array(values, pa.int16() if name == "type" else None)
        for name, values in columns.items()
    }
    log = EventLog(spine, events(rows, **arrays), windows_of([declared]))
    by = next(iter(groupings([declared])))
    return WindowAggregates(log, by, [declared]).column(declared)


def equal(values: Floats, expected: Sequence[float]) -> bool:
    """Compare to the last bit; NaN equals NaN."""
    return np.array_equal(values, np.array(expected, dtype=np.float64), equal_nan=True)


SOME = [(0, 5, 5), (0, 8, 25), (0, 15, 15), (0, 21, 21)]
"""One lead: events on days 5, 8 (shown late), 15 and 21."""
TYPES = [CALL, MAIL, MAIL, CALL]


def test_a_count_is_of_one_category_or_of_all() -> None:
    """All: 1, 2, 4 by the cutoffs on days 10, 20 and 30. Mails: 0, 1, 2."""
    for code, expected in (
        (None, [1, 2, 4]),
        (CALL, [1, 1, 2]),
        (MAIL, [0, 1, 2]),
        (VISIT, [0, 0, 0]),
    ):
        how = Aggregate(Aggregation.COUNT, by="type", code=code)
        assert equal(column(feature(how), SOME, type=TYPES), expected)


def test_a_category_that_is_empty_counts_for_none() -> None:
    """By category, rows without one are left out."""
    how = Aggregate(Aggregation.COUNT, by="type")
    assert equal(column(feature(how), SOME, type=[CALL, None, None, CALL]), [1, 1, 2])


def test_a_window_looks_so_many_days_back() -> None:
    """10 days back from days 10, 20 and 30: the events of days 5, 15 and 21."""
    how = Aggregate(Aggregation.COUNT)
    assert equal(column(feature(how, days=10), SOME), [1, 1, 1])
    # 15 days back from day 20: day 5 to the moment; from day 30: days 15 and 21.
    assert equal(column(feature(how, days=15), SOME), [1, 2, 2])


def test_sums_and_means_are_over_filled_amounts() -> None:
    """Amounts come in thousandths: 3, empty, 5 and 0."""
    amounts = {"duration": pa.array([3000, None, 5000, 0], pa.int64())}
    total = Aggregate(Aggregation.SUM, column="duration")
    mean = Aggregate(Aggregation.MEAN, column="duration")
    assert equal(column(feature(total), SOME, **amounts), [3, 8, 8])
    assert equal(column(feature(mean), SOME, **amounts), [3, 4, 8 / 3])
    # Within 6 days of days 10, 20 and 30: the event of day 5, that of day 15, and none.
    assert equal(column(feature(mean, days=6), SOME, **amounts), [3, 5, NAN])
    # A duration is in seconds; as hours it is divided by 3600.
    assert equal(
        column(feature(total, Unit.HOURS), SOME, **amounts), [3 / 3600, 8 / 3600, 8 / 3600]
    )


def test_a_trend_is_the_pace_of_late_less_the_pace_before() -> None:
    """Rows a day in the last 5 days, less rows a day in the 10 before them."""
    how = Aggregate(Aggregation.TREND, wide_days=15)
    # Day 10: 1 in 5 days, 0 in 10. Day 20: 1 (day 15), 1 (day 5). Day 30: 0, 2 (days 15 and 21).
    assert equal(column(feature(how, days=5), SOME), [1 / 5, 1 / 5 - 1 / 10, -2 / 10])


def test_ages_are_of_the_newest_and_the_oldest_row_seen() -> None:
    """What is shown late is old at once: it changes the newest never, the oldest perhaps."""
    newest, oldest = Aggregate(Aggregation.SINCE_LAST), Aggregate(Aggregation.SINCE_FIRST)
    assert equal(column(feature(newest, Unit.DAYS), SOME), [5, 5, 9])
    assert equal(column(feature(oldest, Unit.DAYS), SOME), [5, 15, 25])
    late = [(0, 3, 15), (0, 12, 12)]
    # Nothing by day 10; by day 20 both, by day 30 both.
    assert equal(column(feature(newest, Unit.HOURS), late), [NAN, 8 * 24, 18 * 24])
    assert equal(column(feature(oldest, Unit.DAYS), late), [NAN, 17, 27])


def test_leads_do_not_lend_each_other_rows() -> None:
    """A lead without rows of its own has no age, whoever stands beside it."""
    spine = spine_of([10, 20], [10, 20], [10, 20])
    rows = [(0, 1, 1), (4, 15, 15)]
    for kind in (Aggregation.SINCE_LAST, Aggregation.SINCE_FIRST):
        values = column(feature(Aggregate(kind), Unit.DAYS), rows, spine)
        assert equal(values, [9, 19, NAN, NAN, NAN, 5])


def test_a_response_is_counted_from_creation_to_the_first_row_after_it() -> None:
    """Rows from before the lead was there answer nothing; one at its creation answers at once."""
    how = Aggregate(Aggregation.RESPONSE)
    spine = spine_of([10, 20, 30], created=4)
    assert equal(column(feature(how, Unit.DAYS), SOME, spine), [1, 1, 1])
    assert equal(column(feature(how, Unit.DAYS), [(0, 2, 2), (0, 12, 12)], spine), [NAN, 8, 8])
    assert equal(column(feature(how, Unit.DAYS), [(0, 4, 4)], spine), [0, 0, 0])


def test_a_rhythm_needs_two_rows() -> None:
    """The mean gap: by day 20, 10 days between two; by day 30, 16 days over three gaps."""
    how = Aggregate(Aggregation.RHYTHM)
    assert equal(column(feature(how, Unit.DAYS), SOME), [NAN, 10, 16 / 3])


def category(kind: Aggregation) -> Feature:
    """Declare a feature that is a category of touches."""
    names = ("call", "mail", "visit")
    return feature(Aggregate(kind, by="type"), Unit.CATEGORY, categories=names)


def test_the_last_category_is_that_of_the_newest_row() -> None:
    """And the second that of the newest row of another category."""
    last, second = category(Aggregation.LAST_WORD), category(Aggregation.SECOND_WORD)
    assert equal(column(last, SOME, type=TYPES), [CALL, MAIL, CALL])
    assert equal(column(second, SOME, type=TYPES), [NAN, CALL, MAIL])


def test_of_categories_at_one_moment_the_later_in_the_vocabulary_counts() -> None:
    """Whatever the order of rows."""
    last, second = category(Aggregation.LAST_WORD), category(Aggregation.SECOND_WORD)
    rows = [(0, 5, 5)] * 3
    for types in ([CALL, VISIT, MAIL], [VISIT, MAIL, CALL], [MAIL, CALL, VISIT]):
        assert equal(column(last, rows, type=types), [VISIT] * 3)
        assert equal(column(second, rows, type=types), [MAIL] * 3)


def test_the_newest_category_is_the_one_reached_last() -> None:
    """A category counts from its first row, so that falling back does not undo progress."""
    newest = category(Aggregation.NEWEST_WORD)
    since = feature(Aggregate(Aggregation.SINCE_NEWEST, by="type"), Unit.DAYS)
    # Calls began on day 5. Mails began on day 15, until that of day 8 is shown on day 25.
    assert equal(column(newest, SOME, type=TYPES), [CALL, MAIL, MAIL])
    assert equal(column(since, SOME, type=TYPES), [5, 5, 22])


def test_distinct_days_and_reps_are_counted_once() -> None:
    """Two rows of one rep are one rep; in a window, whoever has a row in it."""
    source = Relation.TOUCH_REPS
    reps = {"rep_id": ["a", "b", "a", "b"]}
    how = Aggregate(Aggregation.COUNT)
    assert equal(column(feature(how, source=source), SOME, **reps), [1, 1, 2])
    # 10 days back: rep a (day 5), rep a (day 15), rep b (day 21).
    assert equal(column(feature(how, days=10, source=source), SOME, **reps), [1, 1, 1])
    assert equal(column(feature(how, days=15, source=source), SOME, **reps), [1, 1, 2])


@pytest.mark.parametrize("days", [None, 5, 12])
@pytest.mark.parametrize("seed", range(4))
def test_distinct_reps_are_those_of_a_walk(seed: int, days: int | None) -> None:
    """However late rows are shown, in whatever order reps take turns."""
    rng = np.random.default_rng(seed)
    cutoffs = [np.sort(rng.choice(40, 5, replace=False)).tolist() for _ in range(4)]
    event = rng.integers(0, 40, 120)
    shown = event + rng.integers(0, 20, 120) * rng.integers(0, 2, 120)
    lead, rep = rng.integers(0, 4, 120), rng.choice(list("abc"), 120)
    rows = list(zip((lead * 5).tolist(), event.tolist(), shown.tolist(), strict=True))
    walked = [
        len(
            {
                who
                for (entity, at, available), who in zip(rows, rep, strict=True)
                if entity == 5 * number
                and max(at, available) < cutoff
                and (days is None or cutoff - at <= days)
            }
        )
        for number, own in enumerate(cutoffs)
        for cutoff in own
    ]
    declared = feature(Aggregate(Aggregation.COUNT), days=days, source=Relation.TOUCH_REPS)
    values = column(declared, rows, spine_of(*cutoffs), rep_id=rep.tolist())
    assert equal(values, walked)


@pytest.mark.parametrize("seed", range(4))
def test_newest_and_oldest_rows_are_those_of_a_walk(seed: int) -> None:
    """However late rows are shown."""
    rng = np.random.default_rng(seed)
    cutoffs = [np.sort(rng.choice(40, 5, replace=False)).tolist() for _ in range(6)]
    event = rng.integers(0, 40, 30)
    shown = event + rng.integers(0, 20, 30)
    lead = rng.integers(0, 6, 30)
    rows = list(zip((lead * 5).tolist(), event.tolist(), shown.tolist(), strict=True))
    for kind, best in ((Aggregation.SINCE_LAST, max), (Aggregation.SINCE_FIRST, min)):
        walked = []
        for number, own in enumerate(cutoffs):
            for cutoff in own:
                seen = [
                    at for of, at, known in rows if of == 5 * number and max(at, known) < cutoff
                ]
                walked.append(cutoff - best(seen) if seen else NAN)
        values = column(feature(Aggregate(kind), Unit.DAYS), rows, spine_of(*cutoffs))
        assert equal(values, walked)


def test_days_and_reps_can_only_be_counted() -> None:
    """A sum over reps means nothing."""
    how = Aggregate(Aggregation.SUM, column="duration")
    declared = feature(how, source=Relation.TOUCH_REPS)
    with pytest.raises(FeatureError, match="can be counted only"):
        column(declared, SOME, rep_id=["a"] * 4, duration=[1] * 4)


def test_only_an_aggregate_is_made_of_a_history() -> None:
    """A feature of another kind is refused by its name."""
    value = Expression(lambda rows: rows.x)
    declared = Feature("odd", Relation.LEAD, value, "says", ABOUT)
    with pytest.raises(FeatureError, match="odd is not an aggregate"):
        aggregate_of(declared)


def test_rows_are_ordered_once_for_all_that_share_a_column() -> None:
    """Every activity has a type, so what counts all of them is read off the rows by type."""
    calls = feature(Aggregate(Aggregation.COUNT, by="type", code=CALL), days=7)
    touches = Feature("all", Relation.TOUCHES, Aggregate(Aggregation.COUNT), "says", ABOUT)
    wide = Aggregate(Aggregation.TREND, by="outcome", wide_days=30)
    outcomes = Feature("o", Relation.TOUCHES, wide, "says", ABOUT, window_days=14)
    total = Aggregate(Aggregation.SUM, by="type", column="duration")
    durations = Feature("d", Relation.TOUCHES, total, "says", ABOUT)
    features = FeatureSet("lead", (calls, touches, outcomes, durations))
    grouped = groupings(features)
    assert {by: [f.name for f in own] for by, own in grouped.items()} == {
        "type": ["x", "all", "d"],
        "outcome": ["o"],
    }
    rows = ibis.table({"type": "string"})
    clocks = ["entity", "event_time", "available_at"]
    assert columns_of(rows, features) == [*clocks, "duration", "outcome", "type"]
    assert DELETED_AT in columns_of(ibis.table({DELETED_AT: "timestamp(6)"}), features)
    assert windows_of(features) == {7, 14, 30}
    assert list(groupings([touches])) == [None]
