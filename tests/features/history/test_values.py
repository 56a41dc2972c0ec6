"""What a field held as of a cutoff, and which texts are numbers and moments."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pytest
from by_hand import DAY_0, MICRO, Opened, answer, day, snapshots, table
from extract import Row

from features.history.values import (
    UNBELIEVABLE,
    as_it_stood,
    as_number,
    as_of,
    as_time,
    at_the_end,
    changes_of,
    number_or_flag,
    thousandths,
)
from features.snapshot import SNAPSHOT


def change(field: str, value: str | None, changed: float, known: float | None = None) -> Row:
    """Write a change of the lead `x`."""
    row = {"entity_type": "lead", "entity_id": "x", "field": field, "value": value}
    return {**row, "changed_at": day(changed), "known_at": day(changed if known is None else known)}


def test_amounts_become_whole_thousandths(opened: Opened) -> None:
    """Rounded to the nearest; nobody believes a million millions, nor infinity, nor NaN."""
    amounts = [1.2344, 1.2346, -2.5, UNBELIEVABLE, -UNBELIEVABLE, math.inf, math.nan, None]
    rows = table({"place": "int64", "amount": "float64"}, *enumerate(amounts))
    with opened() as warehouse:
        whole = rows.mutate(whole=thousandths(rows.amount))
        values = [value for _, value in answer(warehouse, whole, "place", "whole")]
    assert values == [1234, 1235, -2500, None, None, None, None, None]


NUMBERS = [
    ("12", 12.0),
    ("-1.5", -1.5),
    ("+.5", 0.5),
    ("3.", 3.0),
    ("1e3", 1000.0),
    ("1E-2", 0.01),
    ("1e999", None),
    ("", None),
    ("1,5", None),
    ("1_000", None),
    ("1d", None),
    (" 1", None),
    ("nan", None),
    ("Infinity", None),
    ("0x10", None),
    (None, None),
]


def test_a_text_is_a_number_only_if_every_engine_says_so(opened: Opened) -> None:
    """Digits, one point, an exponent: nothing else, and nothing endless."""
    with opened() as warehouse:
        rows = table({"place": "int64", "text": "string"}, *enumerate(t for t, _ in NUMBERS))
        read = answer(warehouse, rows.mutate(number=as_number(rows.text)), "place", "number")
    assert [number for _, number in read] == [number for _, number in NUMBERS]


@pytest.mark.parametrize(
    ("types", "values", "numbers"),
    [
        pytest.param(
            "string", ["true", "FALSE", "2.5", "yes", None], [1.0, 0.0, 2.5, None, None], id="text"
        ),
        pytest.param("boolean", [True, False, None], [1.0, 0.0, None], id="typed"),
        pytest.param("int32", [7, None], [7.0, None], id="whole numbers"),
    ],
)
def test_yes_and_no_are_1_and_0(
    opened: Opened, types: str, values: list[Any], numbers: list[float | None]
) -> None:
    """In words as typed, so that every file of the same values gives the same."""
    rows = table({"place": "int64", "flag": types}, *enumerate(values))
    with opened() as warehouse:
        read = answer(warehouse, rows.mutate(n=number_or_flag(rows.flag)), "place", "n")
    assert read == list(enumerate(numbers))


MOMENTS: list[tuple[str | None, datetime | None]] = [
    ("2024-01-03", day(2)),
    ("2024-01-03 06:00", day(2.25)),
    ("2024-01-03T06:00:00", day(2.25)),
    ("2024-01-03 06:00:00.000001", day(2.25 + MICRO)),
    ("2024-01-03 06:00:00.5", day(2.25 + 500_000 * MICRO)),
    ("2024-01-03T06:00Z", day(2.25)),
    ("2024-01-03 06:00 UTC", day(2.25)),
    ("2024-01-03 06:00:00+00:00", day(2.25)),
    ("2024-01-03 06:00:00+01:00", None),
    ("2024-02-30", None),
    ("03.01.2024", None),
    ("soon", None),
    ("", None),
    (None, None),
]


def test_a_text_is_a_moment_only_if_every_engine_says_so(opened: Opened) -> None:
    """ISO dates and times in UTC; no other zone, no date that is on no calendar."""
    with opened() as warehouse:
        rows = table({"place": "int64", "text": "string"}, *enumerate(t for t, _ in MOMENTS))
        read = answer(warehouse, rows.mutate(moment=as_time(rows.text)), "place", "moment")
    assert [moment for _, moment in read] == [moment for _, moment in MOMENTS]


@pytest.mark.parametrize("number", [2, 2.25, 2.25 + MICRO, 2.25 + 500_000 * MICRO])
def test_a_moment_that_an_engine_wrote_is_read_back(opened: Opened, number: float) -> None:
    """A typed moment becomes a text where it enters a history."""
    rows = table({"moment": "day"}, (number,))
    with opened() as warehouse:
        read = rows.mutate(again=as_time(rows.moment.cast("string")))
        assert answer(warehouse, read, "again") == [day(number)]


def values_at(opened: Opened, changes: list[Row], *cutoffs: float) -> list[Any]:
    """Return the values of the lead's fields at each cutoff."""
    taken = snapshots(*((cutoff, "x") for cutoff in cutoffs), lead_id="string")
    with opened(changes=changes) as warehouse:
        rows = as_of(changes_of(warehouse, "lead", "lead_id"), taken, "lead_id")
        return answer(warehouse, rows, SNAPSHOT, "field", "value")


def test_the_last_visible_value_counts_field_by_field(opened: Opened) -> None:
    """By the time of the change, once it is shown; a field without one is not there."""
    changes = [
        change("stage", "new", 1),
        change("stage", "offer", 3, known=7),
        change("stage", "talk", 5),
        change("city", "Bonn", 5),
    ]
    assert values_at(opened, changes, 2, 5, 6, 9) == [
        (0, "stage", "new"),
        (1, "stage", "new"),
        (2, "city", "Bonn"),
        (2, "stage", "talk"),
        (3, "city", "Bonn"),
        (3, "stage", "talk"),
    ]


def test_of_values_of_one_moment_the_greater_counts(opened: Opened) -> None:
    """Whatever the order of rows; an empty one is the least."""
    changes = [change("stage", value, 1) for value in ("new", "talk", None, "offer")]
    for rows in (changes, changes[::-1]):
        assert values_at(opened, rows, 2) == [(0, "stage", "talk")]


def test_the_last_value_of_all_may_be_read(opened: Opened) -> None:
    """Of a history that was cut: the last by its event, empty where emptied or never filled."""
    changes = [
        change("stage", "new", 1),
        change("stage", "talk", 5),
        change("stage", "offer", 5),
        change("city", "Bonn", 1),
        change("city", None, 2),
    ]
    rows = table({"lead_id": "string", "city": "int64"}, ("x", 1), ("x", 2), ("y", 3))
    with opened(changes=changes) as warehouse:
        own = changes_of(warehouse, "lead", "lead_id")
        last = at_the_end(rows, own, "lead_id", {"stage": "stage", "city": "city"})
        assert answer(warehouse, last, "lead_id", "stage", "city") == [
            ("x", "talk", None),
            ("x", "talk", None),
            ("y", None, None),
        ]


def test_a_column_is_replaced_where_its_field_was_seen_to_change(opened: Opened) -> None:
    """Three cases: no visible change, a value, and a field that was emptied."""
    changes = [change("stage", "talk", 5), change("stage", None, 8), change("worth", "12", 5)]
    taken = snapshots(
        *((cutoff, "x", "won", 99.0) for cutoff in (5, 6, 9)),
        (9, "y", "lost", 50.0),
        lead_id="string",
        stage="string",
        worth="float64",
    )
    with opened(changes=changes) as warehouse:
        own = changes_of(warehouse, "lead", "lead_id")
        rows = as_it_stood(taken, own, "lead_id", {"stage": "stage", "worth": "worth"})
        assert rows.columns == taken.columns
        assert answer(warehouse, rows, SNAPSHOT, "stage", "worth") == [
            (0, "won", 99.0),
            (1, "talk", 12.0),
            (2, None, 12.0),
            (3, "lost", 50.0),
        ]


def test_without_columns_there_is_nothing_to_look_up(opened: Opened) -> None:
    """The rows come back as they are."""
    taken = snapshots((5, "x"), lead_id="string")
    with opened(changes=[]) as warehouse:
        changes = changes_of(warehouse, "lead", "lead_id")
        assert as_it_stood(taken, changes, "lead_id", {}) is taken


def test_changes_are_of_one_kind_of_entity(opened: Opened) -> None:
    """A deal with a lead's id is another thing."""
    rows = [change("stage", "new", 1), {**change("stage", "won", 1), "entity_type": "deal"}]
    with opened(changes=rows) as warehouse:
        deals = changes_of(warehouse, "deal", "deal_id")
        assert answer(warehouse, deals, "deal_id", "changed_at", "value") == [("x", day(1), "won")]


@pytest.mark.parametrize("number", [0, 0.25, 6.999, 366])
def test_days_by_hand_are_what_they_say(number: float) -> None:
    """The tests' own measure: days from the first Monday of 2024."""
    assert (day(number) - DAY_0).total_seconds() == pytest.approx(number * 86_400)
