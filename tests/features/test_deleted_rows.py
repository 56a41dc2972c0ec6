"""Deleted rows at the door, by hand: seen up to their deletion, to the microsecond."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import ibis
import pyarrow as pa
from by_hand import MICRO, Opened, answer, day, events, spine_of
from extract import lead, touch

from features.history.counts import WindowCounts
from features.history.event_log import cut_at_deletions
from features.snapshot import (
    ASKED_AT,
    CUTOFF,
    DELETED_AT,
    SNAPSHOT,
    as_of_join,
    cutoff_table,
    first_left,
    open_leads,
    quotas_at,
)
from features.tables import ACTIVITIES

TYPES = {
    name: {DELETED_AT: pa.timestamp("us")}
    for name in ("leads", "activities", "quotas", "reps", "accounts")
}
GONE = {DELETED_AT: day(9)}


def test_a_lead_is_open_until_it_is_deleted(opened: Opened) -> None:
    """At the moment itself nobody knows of it yet, as with any other end."""
    leads = [lead("x", day(1), **GONE), lead("y", day(1))]
    with opened(leads=leads, attributes=TYPES) as warehouse:
        cutoffs = cutoff_table([day(at) for at in (9 - MICRO, 9, 9 + MICRO)])
        found = open_leads(warehouse.ever("leads"), cutoffs)
        names = answer(warehouse, found, CUTOFF, "lead_id")
    assert [name for _, name in names] == ["x", "y", "x", "y", "y"]
    assert DELETED_AT not in found.columns


def test_the_end_of_an_extract_shows_what_is_left(opened: Opened) -> None:
    """A cut keeps what was deleted before it for earlier cutoffs, and knows no later deletion."""
    leads = [lead("x", day(1), **GONE), lead("y", day(1), deleted_at=day(20)), lead("z", day(1))]
    with opened(leads=leads, attributes=TYPES) as warehouse:
        assert answer(warehouse, warehouse["leads"], "lead_id") == ["z"]
        cut = warehouse.until(day(10))
        assert answer(cut, cut["leads"], "lead_id") == ["y", "z"]
        known = [("x", day(9)), ("y", None), ("z", None)]
        assert answer(cut, cut.ever("leads"), "lead_id", DELETED_AT) == known
        assert DELETED_AT not in cut.left().ever("leads").columns


def test_a_table_without_deleted_rows_is_asked_no_condition(opened: Opened) -> None:
    """It has no such column, so that nothing is filtered at all."""
    with opened(leads=[lead("x", day(1))]) as warehouse:
        assert warehouse["leads"] is warehouse.ever("leads")


def test_snapshots_that_are_looked_back_on_see_what_is_left(opened: Opened) -> None:
    """Judged at the moment that asks, not at their own cutoff; the clocks stay their own."""
    touches = [touch("p", day(2), rep_id="a", **GONE), touch("p", day(3), rep_id="b")]
    columns = {SNAPSHOT: [0, 1], CUTOFF: [day(5)] * 2, "lead_id": ["p"] * 2}
    asked = {**columns, ASKED_AT: [day(9), day(10)]}
    with opened(activities=touches, attributes=TYPES) as warehouse:
        rows = warehouse.ever("activities")
        schema = {SNAPSHOT: "int64", CUTOFF: "timestamp(6)", "lead_id": "string"}
        own = ibis.memtable(columns, schema=schema)
        seen = as_of_join(own, rows, ACTIVITIES, "lead_id")
        assert answer(warehouse, seen, SNAPSHOT, "rep_id") == [
            (0, "a"), (0, "b"), (1, "a"), (1, "b"),
        ]  # fmt: skip
        back = ibis.memtable(asked, schema={**schema, ASKED_AT: "timestamp(6)"})
        seen = as_of_join(back, rows, ACTIVITIES, "lead_id")
        assert answer(warehouse, seen, SNAPSHOT, "rep_id") == [(0, "a"), (0, "b"), (1, "b")]


def test_a_deleted_revision_gives_way_to_the_one_before(opened: Opened) -> None:
    """Up to its deletion the later quota counts."""
    quota: dict[str, Any] = {"rep_id": "a", "period_start": day(0), "period_end": day(90)}
    quotas = [
        {**quota, "amount": 5.0, "known_at": day(0)},
        {**quota, "amount": 7.0, "known_at": day(4), **GONE},
    ]
    with opened(quotas=quotas, attributes=TYPES) as warehouse:
        cutoffs = cutoff_table([day(3), day(9), day(10)])
        found = quotas_at(warehouse.ever("quotas"), cutoffs, ended=False)
        told = answer(warehouse, found, CUTOFF, "quota")
    assert told == [(day(3), 5.0), (day(9), 7.0), (day(10), 5.0)]


def test_who_is_first_of_those_left(opened: Opened) -> None:
    """The example of the docstring: one of them at any time, and never two."""
    ends = (day(5), day(3), day(8), None)
    rows = [touch("p", day(n), rep_id=str(n), deleted_at=end) for n, end in enumerate(ends)]
    with opened(activities=rows, attributes=TYPES) as warehouse:
        table = warehouse.ever("activities")
        left = first_left(table, ["lead_id"], [table.occurred_at])
        found = answer(warehouse, left, "rep_id", "left_from", DELETED_AT)
    assert [(name, start) for name, start, _ in found] == [
        ("0", None), ("2", day(5)), ("3", day(8)),
    ]  # fmt: skip
    assert all(one[2] == other[1] for one, other in pairwise(found))


def test_spans_end_with_the_deletion() -> None:
    """Counts lose the row; an entity is cut where one of its rows is gone, others are not."""
    spine = spine_of((10, 20, 30), (10, 20))
    rows = events([(0, 1, 1), (0, 12, 12), (0, 2, 25), (3, 1, 1)])
    gone = pa.array([day(20), None, day(24), None], pa.timestamp("us"))
    rows = rows.append_column(DELETED_AT, gone)
    assert WindowCounts(spine, rows).count().tolist() == [1, 2, 1, 1, 1]
    parts, left = cut_at_deletions(spine, rows)
    assert parts.entity.tolist() == [0, 0, 2, 3, 3]
    found = zip(left["entity"].to_pylist(), left["event_time"].to_pylist(), strict=True)
    assert sorted(found) == [(0, day(1)), (0, day(12)), (2, day(12)), (3, day(1))]
