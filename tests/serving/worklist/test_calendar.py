"""Laws of the business's days: zones, clocks that change, weekends, holidays, and cool-down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from features.days_off import public_holidays
from features.params import WEEKDAYS, FeatureParams
from serving.store.actions import Absence, Act, KeptAction
from serving.worklist.inputs import cools, local_days
from serving.worklist.marks import FRESH, BusinessDay, comes_back_at, local_day, marks_of

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland")
DAY = timedelta(days=1)


def seeded(seed: int) -> Random:
    """Draw what the seed says."""
    return Random(seed)  # noqa: S311 - no secret


def passed_by_hand(last: date, today: date, features: FeatureParams) -> int:
    """Count the working days from one day up to another, a day at a time."""
    off = {*public_holidays(features.holidays, last.year, today.year), *features.days_off}
    days = [last + DAY * place for place in range((today - last).days)]
    return sum(WEEKDAYS[day.weekday()] in features.working_days and day not in off for day in days)


def cooling(last: date, today: date, days: int, features: FeatureParams) -> bool:
    """Tell of one lead whether it cools."""
    (told,) = cools(np.array([last], "M8[D]"), np.array([today], "M8[D]"), days, features)
    return bool(told)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(6))
def test_the_day_is_what_the_clock_on_the_wall_shows(zone: str, seed: int) -> None:
    """For random moments of two years, the nights of both changes of the clock included."""
    chance = seeded(seed)
    moments = [datetime(2025, 1, 1) + DAY * chance.uniform(0, 730) for _ in range(60)]
    moments += [datetime(2026, 3, 29, 0, 59), datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)]
    shown = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for moment in moments]
    assert [local_day(moment, zone) for moment in moments] == shown
    assert local_days(np.array(moments, "M8[us]"), zone).tolist() == shown


@pytest.mark.parametrize("zone", ZONES)
def test_days_never_go_back_and_never_leave_one_out(zone: str) -> None:
    """Hour by hour through a year, each day follows the one before it."""
    hours = np.arange("2026-01-01", "2027-01-01", dtype="M8[h]").astype("M8[us]")
    steps = set(np.diff(local_days(hours, zone)).astype(int).tolist())
    assert steps == {0, 1}


@pytest.mark.parametrize("holidays", ["", "DE", "DE-BY", "US", "GB-SCT"])
@pytest.mark.parametrize("seed", range(6))
def test_cool_down_counts_as_by_hand(holidays: str, seed: int) -> None:
    """Weekends, public holidays, the company's own days off, and years that end meanwhile."""
    chance = seeded(seed)
    begin = date(2025, 12, 1)
    features = FeatureParams(
        holidays=holidays, days_off=tuple(begin + DAY * chance.randrange(90) for _ in range(4))
    )
    for _ in range(25):
        last = begin + DAY * chance.randrange(90)
        today, days = last + DAY * chance.randrange(20), chance.randrange(6)
        assert cooling(last, today, days, features) == (
            passed_by_hand(last, today, features) < days
        )


@pytest.mark.parametrize(
    ("holidays", "today", "is_cooling"),
    [
        ("", date(2026, 12, 29), False),  # Thursday, Friday, Monday have begun
        ("DE", date(2026, 12, 29), True),  # Friday is Christmas
        ("DE", date(2026, 12, 30), False),
        ("GB", date(2026, 12, 30), True),  # Boxing Day falls on Saturday, so Monday is off too
        ("GB", date(2026, 12, 31), False),
    ],
)
def test_christmas_makes_leads_wait(holidays: str, today: date, *, is_cooling: bool) -> None:
    """Called on the 24th, a lead rests for three working days, which countries count otherwise."""
    assert cooling(date(2026, 12, 24), today, 3, FeatureParams(holidays=holidays)) == is_cooling


def test_who_works_on_sundays_waits_shorter() -> None:
    """The working days are the company's own."""
    sundays = FeatureParams(working_days=("sun", "mon", "tue", "wed", "thu"))
    thursday, monday = date(2026, 5, 21), date(2026, 5, 25)
    assert not cooling(thursday, monday, 2, sundays)
    assert cooling(thursday, monday, 3, FeatureParams())


@pytest.mark.parametrize("seed", range(10))
def test_more_days_never_end_a_rest(seed: int) -> None:
    """A longer cool-down keeps every lead that a shorter one keeps, and time only lets go."""
    chance = seeded(seed)
    last = np.array([date(2026, 5, 1) + DAY * chance.randrange(30) for _ in range(20)], "M8[D]")
    today = np.full(20, np.datetime64("2026-06-01"))
    kept = [cools(last, today, days, FeatureParams()).sum() for days in range(12)]
    assert kept == sorted(kept)
    assert kept[0] == 0
    later = [cools(last, today + k, 5, FeatureParams()).sum() for k in range(12)]
    assert later == sorted(later, reverse=True)


def test_a_lead_that_was_never_touched_does_not_cool() -> None:
    """Whatever the number of days; others beside it are counted as ever."""
    last = np.array(["NaT", "2026-05-20"], "M8[D]")
    today = np.array(["2026-05-20"] * 2, "M8[D]")
    assert cools(last, today, 99, FeatureParams()).tolist() == [False, True]
    assert cools(last[:1], today[:1], 99, FeatureParams()).tolist() == [False]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(4))
def test_today_is_the_walls_day_as_long_as_data_are_fresh(zone: str, seed: int) -> None:
    """Up to the limit and not a moment longer; a clock behind the data counts as the data's."""
    as_of = datetime(2026, 1, 1) + DAY * seeded(seed).uniform(0, 365)
    instant = timedelta(microseconds=1)
    for now, moment in (
        (as_of, as_of),
        (as_of + FRESH, as_of + FRESH),
        (as_of + FRESH + instant, as_of),
        (as_of - instant, as_of),
    ):
        today = BusinessDay.of_data(as_of, now, zone)
        assert (today.moment, today.day) == (moment, local_day(moment, zone))


def act(key: str, lead: str, what: Act, at: datetime, **more: object) -> KeptAction:
    """Something that Ann did."""
    return KeptAction(key=key, lead_id=lead, action=what, at=at, by="Ann", **more)  # type: ignore[arg-type] # made of kwargs


@pytest.mark.parametrize("seed", range(20))
def test_what_counts_is_what_a_walk_through_the_log_says(seed: int) -> None:
    """Random actions and undos of five leads, beside a plain walk from the first to the last."""
    chance = seeded(seed)
    start, zone, wrong_days = datetime(2026, 5, 1), "Europe/Berlin", 14
    rows: list[KeptAction] = []
    for place in range(40):
        at = start + place * timedelta(hours=7)
        if rows and chance.random() < 0.25:
            undone = chance.choice(rows)
            rows.append(act(f"k{place}", undone.lead_id, Act.UNDO, at, undoes=undone.key))
            continue
        what = chance.choice([Act.DONE, Act.SKIP, Act.SNOOZE, Act.WRONG])
        until = at + DAY * chance.randrange(1, 9) if what is Act.SNOOZE else None
        rows.append(act(f"k{place}", f"L{chance.randrange(5)}", what, at, until=until))
    taken_back = {row.undoes for row in rows if row.action is Act.UNDO}
    standing: dict[str, KeptAction] = {}
    done_on: dict[str, date] = {}
    for row in rows:
        if row.action is Act.UNDO or row.key in taken_back:
            continue
        standing[row.lead_id] = row
        if row.action is Act.DONE:
            done_on[row.lead_id] = local_day(row.at, zone)
    now = BusinessDay.at(rows[-1].at + timedelta(hours=1), zone)
    marks = marks_of(rows, [], now, wrong_days)
    assert (marks.standing, marks.done_on) == (standing, done_on)
    aside = {
        lead
        for lead, row in standing.items()
        if (row.action is Act.SNOOZE and row.until is not None and now.moment < row.until)
        or (row.action is Act.WRONG and now.moment < row.at + DAY * wrong_days)
    }
    assert marks.aside == aside


@pytest.mark.parametrize(
    ("what", "until", "back"),
    [
        (Act.DONE, None, None),
        (Act.SKIP, None, None),
        (Act.SNOOZE, datetime(2026, 5, 9), datetime(2026, 5, 9)),
        (Act.SNOOZE, None, None),
        (Act.WRONG, None, datetime(2026, 5, 31)),
        (Act.WRONG, datetime(2026, 5, 3), datetime(2026, 5, 3)),
    ],
)
def test_only_what_was_set_aside_comes_back(
    what: Act, until: datetime | None, back: datetime | None
) -> None:
    """A snooze at its moment, a wrong lead at its own or after the days of the settings."""
    assert comes_back_at(act("k", "L", what, datetime(2026, 5, 1), until=until), 30) == back


@pytest.mark.parametrize("zone", ZONES)
def test_an_absence_is_of_the_businesss_days(zone: str) -> None:
    """Hour by hour, a rep is away exactly while the wall shows one of the days."""
    away = Absence("a", "r1", date(2026, 3, 28), date(2026, 3, 30))
    for hour in range(0, 120, 3):
        now = BusinessDay.at(datetime(2026, 3, 27) + timedelta(hours=hour), zone)
        is_away = "r1" in marks_of([], [away], now, 1).away
        assert is_away == (away.first_day <= now.day <= away.last_day)
