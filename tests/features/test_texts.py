"""How texts of extracts and requests are read: what is empty, what is a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from features.texts import EMPTY, clean, read_moment


@pytest.mark.parametrize("text", [*EMPTY, "  ", "\t NULL\xa0", "\nnan "])
def test_words_for_nothing_are_empty(text: str) -> None:
    """With or without blanks around them."""
    assert clean(text) is None
    assert read_moment(text) is None


@pytest.mark.parametrize("text", ["NA", "none", "0", "Null", "a  b"])
def test_other_words_are_kept(text: str) -> None:
    """`NA` is North America, and case tells a name from a word for nothing."""
    assert clean(f" {text}\xa0") == text


@pytest.mark.parametrize("value", [0, 1.5, True, date(2024, 1, 1), None])
def test_what_is_not_a_text_stays_as_it_is(value: Any) -> None:
    """Numbers, dates and nothing are read by others."""
    assert clean(value) is value


HALF_PAST_SIX = datetime(2024, 1, 3, 6, 30)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-01-03", datetime(2024, 1, 3)),
        ("2024-01-03T06:30:00Z", HALF_PAST_SIX),
        (" 2024-01-03 06:30 ", HALF_PAST_SIX),
        ("2024-01-03T07:30:00+01:00", HALF_PAST_SIX),
        ("2024-01-03T06:30:00.000001", HALF_PAST_SIX + timedelta(microseconds=1)),
        (HALF_PAST_SIX, HALF_PAST_SIX),
        (HALF_PAST_SIX.replace(tzinfo=UTC), HALF_PAST_SIX),
        (datetime(2024, 1, 3, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))), HALF_PAST_SIX),
    ],
)
def test_a_moment_is_read_to_utc_without_a_zone(value: Any, moment: datetime) -> None:
    """A date is its midnight, and what names no zone is UTC."""
    assert read_moment(value) == moment
    assert read_moment(value).tzinfo is None


@pytest.mark.parametrize(
    "value", ["soon", "31.12.2024", "2024-13-01", 20240103, 1.5, ["2024-01-03"]]
)
def test_what_is_not_a_moment_is_said_with_an_example(value: Any) -> None:
    """The error shows what would be right."""
    with pytest.raises(ValueError, match="should be a time like 2025-03-31T14:05:00Z, or a date"):
        read_moment(value)


def test_a_moment_beyond_the_calendar_is_refused() -> None:
    """The first hour of the year 1 east of London is in no year of UTC."""
    with pytest.raises(ValueError, match="should be a time"):
        read_moment("0001-01-01T00:00:00+01:00")
