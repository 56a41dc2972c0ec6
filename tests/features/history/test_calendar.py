"""The calendar of the business: local time over clock changes, days to go, working hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pytest
from by_hand import Opened, answer

from features.clock import to_us
from features.history.calendar import (
    calendar_of,
    local,
    usual_working_days,
    working_days_ahead,
    working_hours,
)
from features.params import FeatureParams

AMSTERDAM = FeatureParams(timezone="Europe/Amsterdam")
"""Nine to five from Monday to Friday, an hour ahead of UTC in winter, two in summer."""
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def hours(start: str, end: str, params: FeatureParams = AMSTERDAM) -> float:
    """Count the working hours between two moments, written in UTC."""
    bounds = [to_us([datetime.fromisoformat(text)]) for text in (start, end)]
    return float(working_hours(*bounds, params)[0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01-03 09:00", "2024-01-03 11:30", 2.5),  # a Wednesday, 10:00 to 12:30
        ("2024-01-03 06:00", "2024-01-03 09:00", 1),  # from before opening: since 9:00
        ("2024-01-03 15:00", "2024-01-03 22:00", 1),  # beyond closing: up to 17:00
        ("2024-01-03 17:00", "2024-01-04 07:00", 0),  # a night
        ("2024-01-05 15:00", "2024-01-08 09:00", 2),  # over a weekend: 16 to 17, 9 to 10
        ("2024-01-06 10:00", "2024-01-07 10:00", 0),  # a Saturday and a Sunday
        ("2024-01-01 00:00", "2024-01-08 00:00", 40),  # a week
        ("2024-07-03 07:00", "2024-07-03 15:00", 8),  # in summer work begins at 7:00 UTC
        ("2024-01-03 09:00", "2024-01-03 09:00", 0),
    ],
)
def test_only_time_at_work_counts(start: str, end: str, expected: float) -> None:
    """Nights, weekends and what lies outside the day's hours count nothing."""
    assert hours(start, end) == pytest.approx(expected, abs=1e-12)


def test_a_shift_is_as_long_as_the_clock_on_the_wall_makes_it() -> None:
    """Where work goes through the night of a clock change, it is an hour shorter or longer."""
    always = FeatureParams(
        timezone="Europe/Amsterdam",
        working_days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        working_hours=(0, 24),
    )
    # Sunday 31 March has 23 hours, Sunday 27 October 25: from local midnight to local midnight.
    assert hours("2024-03-30 23:00", "2024-03-31 22:00", always) == 23
    assert hours("2024-10-26 22:00", "2024-10-27 23:00", always) == 25


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", [1, 2])
def test_working_hours_add_up(zone: str, seed: int) -> None:
    """From a to c is from a to b and from b to c, across years and clock changes."""
    params = FeatureParams(timezone=zone, working_hours=(1, 22), working_days=("mon", "sun"))
    rng = np.random.default_rng(seed)
    low, high = to_us([datetime(2020, 1, 1), datetime(2026, 1, 1)])
    moments = np.sort(rng.integers(low, high, (200, 3)), axis=1)
    first, second, third = (moments[:, place].copy() for place in range(3))
    parts = working_hours(first, second, params) + working_hours(second, third, params)
    np.testing.assert_allclose(working_hours(first, third, params), parts, rtol=0, atol=1e-6)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", [1, 2])
def test_days_off_take_their_own_hours_away(zone: str, seed: int) -> None:
    """What is left is the time at work outside them, by the clock where the business is."""
    rng = np.random.default_rng(seed)
    days = [date(2024, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 365, 30)]
    plain = FeatureParams(timezone=zone)
    params = plain.model_copy(update={"days_off": tuple(days)})
    low, high = to_us([datetime(2024, 1, 1), datetime(2025, 1, 1)])
    starts, ends = np.sort(rng.integers(low, high, (2, 100)), axis=0)
    lost = np.zeros(100)
    for day in set(days):
        opens, closes = (_utc(datetime.combine(day, datetime.min.time()), h, zone) for h in (9, 17))
        if day.weekday() < 5:
            lost += np.clip(np.minimum(ends, closes) - np.maximum(starts, opens), 0, None)
    expected = working_hours(starts, ends, plain) - lost / 3.6e9
    np.testing.assert_allclose(working_hours(starts, ends, params), expected, rtol=0, atol=1e-6)


def _utc(day: datetime, hour: int, zone: str) -> int:
    there = (day + timedelta(hours=hour)).replace(tzinfo=ZoneInfo(zone))
    return int(to_us([there.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)])[0])


def test_days_off_that_are_not_worked_anyway_change_nothing() -> None:
    """Saturdays and Sundays that are days off leave every bit as it was."""
    sundays = tuple(date(2024, 1, 6) + timedelta(days=7 * w + d) for w in range(52) for d in (0, 1))
    rng = np.random.default_rng(3)
    low, high = to_us([datetime(2023, 1, 1), datetime(2026, 1, 1)])
    starts, ends = np.sort(rng.integers(low, high, (2, 300)), axis=0)
    params = AMSTERDAM.model_copy(update={"days_off": sundays})
    assert np.array_equal(
        working_hours(starts, ends, params), working_hours(starts, ends, AMSTERDAM)
    )


def test_a_country_has_its_holidays_off() -> None:
    """Christmas 2024, a Wednesday and a Thursday, in Germany; in the United States, one day."""
    spans = {"": 40, "DE": 24, "US": 32}
    for country, expected in spans.items():
        params = FeatureParams(holidays=country)
        assert hours("2024-12-23", "2024-12-30", params) == expected


# Working time ahead.


@pytest.mark.parametrize("horizon", [1, 14, 30, 90])
def test_working_days_ahead_are_the_usual_ones_on_average(horizon: int) -> None:
    """Over cutoffs on all days of the week, without days off, whatever the horizon."""
    cutoffs = [datetime(2025, 3, 3) + timedelta(days=day) for day in range(28)]
    params = FeatureParams()
    usual = usual_working_days(horizon, params)
    assert working_days_ahead(cutoffs, horizon, params).mean() == pytest.approx(usual)


def test_working_days_ahead_counts_the_days_that_are_left() -> None:
    """From Monday 8 December 2025, 30 days hold 22 weekdays, less two of Christmas and New Year."""
    plain = working_days_ahead([datetime(2025, 12, 8)], 30, FeatureParams())
    params = FeatureParams(holidays="DE", days_off=(date(2025, 12, 24),))
    fewer = working_days_ahead([datetime(2025, 12, 8)], 30, params)
    assert plain.dtype == np.float64
    assert plain == pytest.approx([22])
    assert fewer == pytest.approx([22 - 4])


def test_working_days_ahead_ends_with_the_horizon() -> None:
    """A day off at its end counts nothing, one at its beginning does; no day left is nothing."""
    monday = datetime(2025, 3, 3)

    def ahead(*days: date) -> float:
        return float(working_days_ahead([monday], 7, FeatureParams(days_off=days))[0])

    assert ahead() == 5
    assert ahead(date(2025, 3, 10)) == 5
    assert ahead(date(2025, 3, 3)) == pytest.approx(4)
    assert ahead(*(date(2025, 3, day) for day in range(3, 8))) == 0


@pytest.mark.parametrize("zone", ZONES)
def test_a_slow_day_counts_its_share(zone: str) -> None:
    """With a share of nothing it is a day off, with a full one it is a day like any other."""
    cutoffs = [datetime(2025, 3, 3, 5) + timedelta(days=day) for day in range(40)]
    plain, slow = FeatureParams(timezone=zone), date(2025, 3, 26)
    off = plain.model_copy(update={"days_off": (slow,)})
    usual, without = (working_days_ahead(cutoffs, 14, params) for params in (plain, off))
    assert (without < usual).any()
    for share in (0.0, 0.25, 1.0):
        counted = working_days_ahead(cutoffs, 14, plain, {slow: share})
        np.testing.assert_allclose(counted, share * usual + (1 - share) * without, atol=1e-12)
        np.testing.assert_allclose(
            working_days_ahead(cutoffs, 14, off, {slow: share}), without, atol=1e-12
        )


def test_without_moments_there_are_no_hours() -> None:
    """Nothing to count is nothing, not an error."""
    nothing = np.empty(0, np.int64)
    assert working_hours(nothing, nothing, AMSTERDAM).tolist() == []


def test_before_the_first_year_of_rules_nobody_works() -> None:
    """Exports write the year 1 for "never": as if it were 1990."""
    assert hours("0001-01-01", "2024-01-01") == hours("1990-01-01", "2024-01-01")


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_is_what_python_says(opened: Opened, zone: str) -> None:
    """Around every change of clocks, to the second, and in between."""
    rng = np.random.default_rng(7)
    around = [datetime(2024, 3, 31, 1), datetime(2024, 11, 3, 6), datetime(2024, 4, 6, 15)]
    spread = to_us(around)[:, None] + rng.integers(-7_200_000_000, 7_200_000_000, (3, 40))
    spread = np.concatenate([spread.ravel(), to_us(around), to_us(around) - 1])
    moments = spread.astype("datetime64[us]").tolist()
    table = ibis.memtable({"at": moments}, schema={"at": "timestamp(6)"})
    with opened() as warehouse:
        rows = answer(warehouse, table.mutate(wall=local(table["at"], zone, 2025)), "at", "wall")
    utc = ZoneInfo("UTC")
    for moment, wall in rows:
        there = moment.replace(tzinfo=utc).astimezone(ZoneInfo(zone))
        assert wall == there.replace(tzinfo=None)


def test_a_calendar_shows_the_day_where_the_business_is() -> None:
    """Half past eleven at night in London is the next day in Amsterdam, and the next quarter."""
    calendar = calendar_of(
        [datetime(2024, 3, 31, 21, 30), datetime(2024, 3, 31, 22, 30)], "Europe/Amsterdam"
    )
    assert calendar["weekday"].tolist() == [6, 0]
    assert calendar["day_of_month"].tolist() == [31, 1]
    assert calendar["days_to_month_end"].tolist() == [0, 29]
    assert calendar["days_to_quarter_end"].tolist() == [0, 90]


def test_a_leap_day_is_a_day() -> None:
    """The end of February, and of a year."""
    calendar = calendar_of(
        [datetime(2023, 2, 1), datetime(2024, 2, 1), datetime(2024, 12, 31)], "UTC"
    )
    assert calendar["days_to_month_end"].tolist() == [27, 28, 0]
    assert calendar["days_to_quarter_end"].tolist() == [58, 59, 0]
    assert calendar["cutoff"].dt.year.tolist() == [2023, 2024, 2024]
