"""Working time ahead: each cutoff counts what it can know, a plain count agrees, over seeds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from by_hand import Opened, day
from extract import Row, touch

from features.as_of.working_time import (
    counts_at_end,
    daily_counts,
    days_found,
    time_ahead,
    time_that_passed,
)
from features.history.quiet_days import DailyCounts
from features.params import FeatureParams

SEEDS = range(4)
UNTIL = 500
CHRISTMAS = (date(2024, 12, 25), date(2024, 12, 26))


def company(seed: int, days: int = 460, busy: int = 26) -> list[Row]:
    """Draw activities of working days; a third are logged late, and nobody works at Christmas."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    rows = []
    for number in range(days):
        when = day(number)
        if when.weekday() > 4 or when.date() in CHRISTMAS:
            continue
        for _ in range(busy):
            at = when + timedelta(seconds=rng.randrange(86_400))
            late = timedelta(days=rng.expovariate(0.3)) if rng.random() < 0.3 else timedelta(0)
            rep = None if rng.random() < 0.1 else "r"
            rows.append(touch("a", at, rep_id=rep, known_at=at + late))
    return rows


def counted(rows: list[Row], moment: datetime, zone: str) -> Counter[date]:
    """Count by hand: by a rep, over by the moment, and known before its last midnight."""
    wall = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (
        row["occurred_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        for row in rows
        if row["rep_id"] is not None and max(row["occurred_at"], row["known_at"]) < midnight
    )
    return Counter(each for each in days if each < wall.date())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Australia/Adelaide"])
def test_days_are_counted_as_each_moment_shows_them(opened: Opened, seed: int, zone: str) -> None:
    """A plain count of the rows agrees, whatever the zone, the hour, and what is logged late."""
    rows, rng = company(seed, days=120, busy=3), Random(seed)  # noqa: S311 - a sample, no secret
    moments = sorted(day(rng.choice([n, n + rng.random()])) for n in rng.sample(range(130), 6))
    params = FeatureParams(timezone=zone)
    with opened(until=UNTIL, activities=rows) as warehouse:
        found = daily_counts(warehouse, moments, params)
    for moment, daily in zip(moments, found, strict=True):
        by_hand = counted(rows, moment, zone)
        assert {daily.day(k): n for k, n in enumerate(daily.counts) if n} == by_hand


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_cutoff_cannot_see_changes_nothing(opened: Opened, seed: int) -> None:
    """Neither what happens later nor what is logged later moves the working days ahead."""
    rows, cutoffs = company(seed), [day(340), day(358)]
    visible = [row for row in rows if max(row["occurred_at"], row["known_at"]) < cutoffs[-1]]
    noise = [touch("z", day(n), rep_id="r", known_at=day(600)) for n in range(300, 360)] * 40
    params = FeatureParams()
    with opened(until=UNTIL, activities=rows + noise) as whole:
        seen = time_ahead(whole, cutoffs, 30, params)
    with opened(until=UNTIL, activities=visible[::-1]) as cut:
        np.testing.assert_array_equal(time_ahead(cut, cutoffs, 30, params), seen)
    assert seen.tolist() == [21, 22], "a Christmas that has not been seen is not expected"


def test_the_second_christmas_is_expected_and_the_first_is_remembered(opened: Opened) -> None:
    """As of December 2025 the quiet days of 2024 come again; in training they are days off too."""
    rows, december = company(1, days=440), [day(344), day(709)]
    with opened(until=700, activities=rows) as warehouse:
        assert time_ahead(warehouse, december, 30, FeatureParams()).tolist() == [22, 20]
        assert time_that_passed(
            counts_at_end(warehouse, FeatureParams()), december, 30, FeatureParams()
        ).tolist() == [20, 20]


def test_what_was_found_is_said(opened: Opened) -> None:
    """Two days of Christmas in view, two ahead; a company without any says nothing."""
    params = FeatureParams()
    with opened(until=460, activities=company(1)) as warehouse:
        (says,) = days_found(counts_at_end(warehouse, params), params)
    assert "2 had no activity and 0 lay in slow weeks; 2 and 0 are expected" in says
    with opened(until=300, activities=company(1, days=300)) as warehouse:
        assert days_found(counts_at_end(warehouse, params), params) == ()


def test_without_activities_the_calendar_is_all_there_is(opened: Opened) -> None:
    """Holidays that are named count in any case."""
    params = FeatureParams(holidays="DE")
    with opened(until=UNTIL, activities=[]) as warehouse:
        (daily,) = daily_counts(warehouse, [day(100)], params)
        assert isinstance(daily, DailyCounts)
        assert len(daily.counts) == 0
        assert time_ahead(warehouse, [datetime(2025, 12, 8)], 30, params).tolist() == [19]
        assert daily_counts(warehouse, [], params) == []
