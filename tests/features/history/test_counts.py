"""Counts and sums over windows: each row has one span of snapshots, and spans add up exactly."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from by_hand import MICRO, day, days_us, events, spine_of

from features.history.counts import WindowCounts, integers, microseconds, sums_by_snapshot


def test_a_row_counts_once_shown_and_while_it_is_in_reach() -> None:
    """Cutoffs on days 1, 8 and 15; a window of 7 days holds what is 7 days old to the moment."""
    rows = events([(0, 1, 1), (0, 8, 8), (0, 3, 9)])
    counts = WindowCounts(spine_of([1, 8, 15]), rows)
    assert counts.count().tolist() == [0, 1, 3]
    # On day 8 the row of day 1; on day 15 the row of day 8. That of day 3 comes too late.
    assert counts.count(7).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("event", "available", "counts"),
    [
        (3, 3, [0, 1, 1, 0]),  # not yet on day 3; on day 5, 2 days old; on day 10, 7 days old
        (3 - MICRO, 3, [0, 1, 0, 0]),  # a microsecond older, it is out of reach on day 10
        (2, 5, [0, 0, 0, 0]),  # shown on day 5, seen on day 10, but 8 days old by then
        (3, 5 - MICRO, [0, 1, 1, 0]),
        (3, 5, [0, 0, 1, 0]),
    ],
)
def test_borders_are_half_open_on_both_sides(
    event: float, available: float, counts: list[int]
) -> None:
    """A row at the cutoff is not seen, one exactly as old as the window is long still is."""
    rows = events([(0, event, available)])
    assert WindowCounts(spine_of([3, 5, 10, 11]), rows).count(7).tolist() == counts


def test_sums_leave_empty_amounts_out() -> None:
    """An empty amount adds nothing, its row still counts."""
    rows = events([(0, 1, 1), (0, 2, 2), (0, 9, 9)], won=pa.array([5, None, 7], pa.int64()))
    counts = WindowCounts(spine_of([3, 10, 11]), rows)
    assert counts.count().tolist() == [2, 3, 3]
    assert counts.total("won").tolist() == [5, 12, 12]
    assert counts.total("won", 8).tolist() == [5, 7, 7]


def test_entities_do_not_mix() -> None:
    """The rows of one entity never count for the next, whatever their order in the table."""
    rows = events([(2, 1, 1), (0, 1, 1), (2, 4, 4)])
    assert WindowCounts(spine_of([2, 5], [2, 5]), rows).count().tolist() == [1, 1, 1, 2]


def test_without_rows_there_is_nothing() -> None:
    """Every snapshot has a count, of none."""
    assert WindowCounts(spine_of([1, 2], [3]), events([])).count(5).tolist() == [0, 0, 0]


def test_a_sum_is_over_the_spans_that_cover_a_snapshot() -> None:
    """A span that stops where it starts covers nothing."""
    start, stop, amount = np.array([0, 1, 3]), np.array([2, 4, 3]), np.array([5, 1, 9])
    assert sums_by_snapshot(4, start, stop, amount).tolist() == [5, 6, 1, 1]
    assert sums_by_snapshot(4, start, stop).tolist() == [1, 2, 1, 1]


def test_sums_are_exact_however_large_amounts_have_been() -> None:
    """What has left a window leaves no trace in the last bit: floats would."""
    start, stop = np.array([0, 1]), np.array([2, 4])
    amount = np.array([10**17 + 1, 3])
    assert sums_by_snapshot(4, start, stop, amount).tolist() == [10**17 + 1, 10**17 + 4, 3, 3]


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_those_of_a_walk(seed: int) -> None:
    """Snapshot by snapshot, span by span: the same."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 30, 100)
    stop = start + rng.integers(0, 31 - start)
    amount = rng.integers(-(10**9), 10**9, 100)
    walked = [int(amount[(start <= at) & (at < stop)].sum()) for at in range(30)]
    assert sums_by_snapshot(30, start, stop, amount).tolist() == walked


@pytest.mark.parametrize("days", [None, 1, 7, 30])
@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_those_of_a_walk(seed: int, days: int | None) -> None:
    """Each snapshot counts the rows before it on both clocks that are no older than the window."""
    rng = np.random.default_rng(seed)
    cutoffs = [np.sort(rng.choice(60, 6, replace=False)).tolist() for _ in range(5)]
    entities = rng.integers(0, 5, 80)
    event = rng.integers(0, 60, 80)
    shown = event + rng.integers(0, 10, 80) * rng.integers(0, 2, 80)
    rows = list(zip((entities * 6).tolist(), event.tolist(), shown.tolist(), strict=True))
    walked = [
        sum(
            1
            for entity, at, available in rows
            if entity == 6 * number
            and max(at, available) < cutoff
            and (days is None or cutoff - at <= days)
        )
        for number, own in enumerate(cutoffs)
        for cutoff in own
    ]
    assert WindowCounts(spine_of(*cutoffs), events(rows)).count(days).tolist() == walked


def test_texts_are_numbered_as_they_come() -> None:
    """Equal texts have one number; what is empty has its own."""
    texts = pa.chunked_array([["b", "a"], ["b", None]])
    assert integers(texts).tolist() == [0, 1, 0, -1]
    assert integers(texts, empty=9).tolist() == [0, 1, 0, 9]


def test_dates_are_days_and_moments_are_microseconds() -> None:
    """Both since 1970; empty dates take the number that stands for nothing."""
    assert integers(pa.chunked_array([[date(1970, 1, 3), None]])).tolist() == [2, -1]
    moments = pa.chunked_array([pa.array([day(1), day(2 + MICRO)], pa.timestamp("us"))])
    assert microseconds(moments).tolist() == days_us([1, 2 + MICRO]).tolist()
