"""Moments are UTC without a zone, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from features.clock import MOMENT, midnight, naive_utc, to_us, utc_now, zulu

NOON = datetime(2024, 3, 31, 12)
KOLKATA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        (NOON, NOON),
        (NOON.replace(tzinfo=UTC), NOON),
        (NOON.replace(tzinfo=KOLKATA), datetime(2024, 3, 31, 6, 30)),
        (datetime(2024, 1, 1, 2, tzinfo=KOLKATA), datetime(2023, 12, 31, 20, 30)),
    ],
)
def test_a_moment_with_a_zone_is_converted(moment: datetime, utc: datetime) -> None:
    """One without a zone is UTC already."""
    assert naive_utc(moment) == utc
    assert naive_utc(moment).tzinfo is None


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (NOON, 31),
        (datetime(2024, 3, 31), 31),
        (datetime(2024, 3, 31, 23, 59, 59, 999_999), 31),
        (datetime(2024, 3, 31, 2, tzinfo=KOLKATA), 30),
    ],
)
def test_a_midnight_is_at_or_before_its_moment(moment: datetime, day: int) -> None:
    """The day is UTC's, whatever the zone."""
    assert midnight(moment) == datetime(2024, 3, day)


def test_now_is_utc_without_a_zone() -> None:
    """Within a minute of what the machine says."""
    assert utc_now().tzinfo is None
    assert abs(utc_now() - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "moments",
    [
        [datetime(1970, 1, 1), datetime(1970, 1, 1, 0, 0, 0, 7)],
        np.array(["1970-01-01", "1970-01-01T00:00:00.000007"], dtype=MOMENT),
        np.array(["1970-01-01", "1970-01-01T00:00:00.000007999"], dtype="datetime64[ns]"),
        pd.Series([datetime(1970, 1, 1), datetime(1970, 1, 1, 0, 0, 0, 7)]),
    ],
    ids=["datetimes", "microseconds", "nanoseconds", "a series"],
)
def test_moments_are_counted_in_microseconds_since_1970(moments: object) -> None:
    """Whatever they come as; what is finer is cut off."""
    assert to_us(moments).tolist() == [0, 7]


def test_years_from_1_to_9999_can_be_counted() -> None:
    """Exports write either for "never"; neither wraps around."""
    low, high = to_us([datetime(1, 1, 1), datetime(9999, 12, 31)])
    assert low == -62_135_596_800_000_000
    assert high == 253_402_214_400_000_000


def test_people_read_a_z() -> None:
    """The letter says UTC; a moment of another zone is converted before."""
    assert zulu(NOON) == "2024-03-31T12:00:00Z"
    assert zulu(NOON.replace(tzinfo=KOLKATA)) == "2024-03-31T06:30:00Z"
    assert zulu(NOON + timedelta(microseconds=5)) == "2024-03-31T12:00:00.000005Z"
