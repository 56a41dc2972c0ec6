"""What columns look like: moments, numbers, flags and texts, however they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.suggest.profile import ColumnLook, Kind
from features.ingest.suggest.words import likeness, words
from features.protected import folded


def look(*cells: str | None, name: str = "x") -> ColumnLook:
    """Return a column with these values."""
    return ColumnLook("t", name, cells, is_unique=len(set(cells)) == len(cells))


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("iso", ["2025-03-31", "2025-04-01T10:00:00Z"]),
        ("iso", ["2025/03/31 10:00", "2025.04.01"]),
        ("day_first", ["31.03.2025", "01.04.2025"]),
        ("month_first", ["03/31/2025 10:00 AM", "04/01/2025 11:00 PM"]),
        ("either", ["03/04/2025", "01.02.2025"]),
        ("either", ["31/03/2025", "03/31/2025"]),
        (None, ["soon", "2025-03-31"]),
        (None, ["1743379200"]),
    ],
)
def test_moments_are_told_by_their_form(form: str | None, values: list[str]) -> None:
    """What may be read two ways is not decided."""
    column = look(*values)
    assert column.time_form == form
    assert (column.kind is Kind.TIME) is (form is not None)


def test_a_long_number_is_a_moment_only_where_the_header_says_so() -> None:
    """HubSpot's ids look like seconds since 1970."""
    assert look("1743379200", "1743379201", name="Created At").time_form == "epoch_s"
    assert look("1743379200000", name="date").time_form == "epoch_ms"
    assert look("1743379200", name="Record ID").kind is Kind.NUMBER


@pytest.mark.parametrize(
    ("decimal", "values"),
    [
        (",", ["3.500,00", "12,5", "1.000"]),
        (".", ["3,500.00", "12.5"]),
        (".", ["$28,550.00", "€ 3,500.00"]),
        (",", ["1.000", "25.000"]),
        (None, ["1000", "25"]),
    ],
)
def test_the_sign_before_decimals_is_told_by_the_values(
    decimal: str | None, values: list[str]
) -> None:
    """Groups of three digits are no decimals."""
    column = look(*values)
    assert column.kind is Kind.NUMBER
    assert column.decimal == decimal


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.FLAG, ["true", "false"]),
        (Kind.FLAG, ["ja", "nein", None]),
        (Kind.FLAG, ["0", "1"]),
        (Kind.TEXT, ["web", "fair"]),
        (Kind.TEXT, ["R0001", "R0002"]),
        (Kind.EMPTY, [None, None]),
        (Kind.NUMBER, ["(1,250.00)", "-3"]),
    ],
)
def test_kinds(kind: Kind, values: list[str | None]) -> None:
    """Empty cells say nothing."""
    assert look(*values).kind is kind


@settings(deadline=None)
@given(
    moments=st.lists(
        st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)), min_size=1, max_size=20
    ),
    is_day_first=st.booleans(),
)
def test_no_date_is_taken_for_the_other_reading(
    moments: list[datetime], *, is_day_first: bool
) -> None:
    """A column is read the way it was written, or left undecided."""
    written = "%d/%m/%Y" if is_day_first else "%m/%d/%Y"
    form = look(*(moment.strftime(written) for moment in moments)).time_form
    assert form in {"either", "day_first" if is_day_first else "month_first"}
    if any(moment.day > 12 for moment in moments):
        assert form != "either"


@settings(deadline=None)
@given(seconds=st.integers(min_value=1_000_000_000, max_value=2_100_000_000))
def test_every_second_of_decades_is_read_where_the_header_says_so(seconds: int) -> None:
    """From 2001 to 2036."""
    assert look(str(seconds), name="time").time_form == "epoch_s"
    assert datetime.fromtimestamp(seconds, UTC) > datetime(2001, 1, 1, tzinfo=UTC) + timedelta(
        days=200
    )


def test_words_are_folded_and_each_is_its_own_best() -> None:
    """A header that is written as in the list fits best; the list has no word twice."""
    for ours, columns in words().columns.items():
        for name, called in columns.items():
            assert [folded(word) for word in called] == list(called), (ours, name)
            assert len(set(called)) == len(called), (ours, name)
            assert likeness(called[0], called) == 1.0
    assert likeness("colour", ("amount",)) == 0.0
    assert likeness("Deal Amount (EUR)", ("amount",)) > likeness("amountless", ("amount",)) > 0
