"""Every border is half-open, and each kind of figure is what a hand computes: on both engines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from engines import Engine
from extract import Extract, change, lead, touch
from histories import MICROSECOND
from looks import AHEAD_DAYS, Look, Seen, look_at

from features.clock import to_us
from features.definitions.lead import conversion_features
from features.history.calendar import working_hours
from features.history.vocabulary import read_vocabulary
from features.labels.conversion import conversion
from features.params import WEEKDAYS, FeatureParams
from features.tables import TABLES

CUTOFF = datetime(2024, 5, 15, 12)
"""A Wednesday noon."""
DAY = timedelta(days=1)
HORIZON_DAYS = 30
END = CUTOFF + HORIZON_DAYS * DAY
OLD = CUTOFF - 9 * DAY
PARAMS = FeatureParams(windows_days=(1, 2, 7), min_count=1, owner_window_days=10, owner_prior=2.0)


MONDAY, TUESDAY = datetime(2024, 5, 13), datetime(2024, 5, 14)
LEADS = (
    lead("created at the cutoff", CUTOFF),
    lead("created just before", CUTOFF - MICROSECOND),
    lead("won just before", OLD, converted_at=CUTOFF - MICROSECOND),
    lead("lost just before", OLD, lost_at=CUTOFF - MICROSECOND),
    lead("won at the cutoff", OLD, converted_at=CUTOFF),
    lead("lost at the cutoff", OLD, lost_at=CUTOFF),
    lead("won just before the end", OLD, converted_at=END - MICROSECOND),
    lead("won at the end", OLD, converted_at=END),
    lead("barred at the cutoff", OLD, do_not_contact_at=CUTOFF),
    lead("barred just before", OLD, do_not_contact_at=CUTOFF - MICROSECOND),
    lead("touched", OLD),
    lead("worked by two", OLD),
    lead("moved", OLD, rep_id="first"),
    lead("worked", MONDAY + timedelta(hours=10), rep_id="first"),
    # What the company and the rep "first" look back on: 28 and 10 days.
    lead("month", CUTOFF - 40 * DAY, rep_id="other", converted_at=CUTOFF - 28 * DAY),
    lead("older", CUTOFF - 40 * DAY, rep_id="other", lost_at=CUTOFF - 28 * DAY - MICROSECOND),
    lead("won and lost", OLD, converted_at=CUTOFF - DAY, lost_at=CUTOFF - DAY),
    lead("ten days", CUTOFF - 40 * DAY, rep_id="first", converted_at=CUTOFF - 10 * DAY),
    lead("more", CUTOFF - 40 * DAY, rep_id="first", lost_at=CUTOFF - 10 * DAY - MICROSECOND),
)
TOUCHES = (
    touch("touched", CUTOFF, rep_id="late"),
    touch("touched", CUTOFF - MICROSECOND, rep_id="early"),
    touch("touched", CUTOFF - 3 * DAY, known_at=CUTOFF, rep_id="unseen"),
    touch("touched", CUTOFF - 3 * DAY, known_at=CUTOFF - MICROSECOND),
    touch("touched", CUTOFF, known_at=CUTOFF - DAY),
    touch("touched", CUTOFF - 7 * DAY, "letter"),
    touch("touched", CUTOFF - 7 * DAY - MICROSECOND, "letter"),
    touch("worked by two", CUTOFF - DAY, rep_id="b"),
    touch("worked by two", CUTOFF - DAY, rep_id="a"),
    touch("worked", MONDAY + timedelta(hours=11), duration_s=90.0, rep_id="first"),
    touch("worked", TUESDAY + timedelta(hours=9), "mail", duration_s=30.0, rep_id="second"),
    touch("worked", datetime(2024, 5, 15, 10), rep_id="first"),
)
CHANGES = (
    change("moved", CUTOFF - 2 * DAY, "stage", "talking"),
    change("moved", CUTOFF - DAY, "stage", "offer"),
    change("moved", CUTOFF, "stage", "signed"),
    change("moved", CUTOFF - DAY, "rep_id", "second", old_value="first"),
    change("moved", CUTOFF, "rep_id", "third"),
    change("first", CUTOFF - DAY, "team", "blue", "rep", old_value="red"),
    change("first", CUTOFF, "team", "green", "rep"),
)
REPS = (
    {"rep_id": "first", "team": "red", "hired_at": CUTOFF - 100 * DAY},
    {"rep_id": "second", "team": "red", "hired_at": CUTOFF},
    {"rep_id": "early", "team": "blue"},
)
WORLD = Extract(
    {"leads": LEADS, "activities": TOUCHES, "changes": CHANGES, "reps": REPS}, data_until=END
)


@pytest.fixture(scope="module")
def seen(engine: Engine) -> Iterator[Seen]:
    """Look at the little world at noon, on one engine."""
    with engine.open(WORLD) as warehouse:
        words = read_vocabulary(warehouse, PARAMS)
        examples = look_at(warehouse, words, [CUTOFF], PARAMS)
        yield Seen(Look(words, examples, conversion(warehouse, examples.keys, HORIZON_DAYS)))


def test_a_lead_is_open_from_just_after_its_creation(seen: Seen) -> None:
    """A lead created at the cutoff is not there yet; one created just before is."""
    assert "created at the cutoff" not in seen.leads
    assert "created just before" in seen.leads


def test_a_lead_is_open_up_to_the_moment_of_its_end(seen: Seen) -> None:
    """An end before the cutoff closes a lead; an end at the cutoff is not known yet."""
    assert {"won just before", "lost just before"}.isdisjoint(seen.leads)
    assert {"won at the cutoff", "lost at the cutoff"} <= seen.leads


def test_a_label_looks_from_the_cutoff_up_to_the_horizon(seen: Seen) -> None:
    """A conversion at the cutoff counts, one at cutoff + horizon does not."""
    assert seen.label("won at the cutoff") == 1
    assert seen.label("won just before the end") == 1
    assert seen.label("won at the end") == 0
    assert seen.label("lost at the cutoff") == 0


def test_a_wish_not_to_be_called_is_seen_once_it_lies_before(seen: Seen) -> None:
    """`do_not_contact_at` at the cutoff is not seen."""
    assert seen("barred at the cutoff", "is_do_not_contact") == 0
    assert seen("barred just before", "is_do_not_contact") == 1


def test_activities_are_seen_strictly_before_the_cutoff_on_both_clocks(seen: Seen) -> None:
    """Of seven activities those at the cutoff by either clock are not seen: four are left."""
    assert seen("touched", "touches_all") == 4
    # One microsecond is 1 / 86,400,000,000 of a day.
    assert seen("touched", "days_since_touch") == pytest.approx(1 / 86_400_000_000, rel=1e-12)


def test_a_row_exactly_one_window_back_is_inside_it(seen: Seen) -> None:
    """A letter seven days ago is in the last 7 days, a microsecond earlier it is not."""
    assert seen("touched", "type_letter_all") == 2
    # Seen: just before, 3 days ago, and the letter exactly 7 days ago.
    assert seen("touched", "touches_7d") == 3


def test_an_unowned_lead_belongs_to_who_was_seen_to_work_it_last(seen: Seen) -> None:
    """Work at the cutoff, or shown only then, gives no owner."""
    assert seen.owner("touched") == "early"
    # Of two at one moment, the lesser id.
    assert seen.owner("worked by two") == "a"


def test_changes_are_seen_strictly_before_the_cutoff(seen: Seen) -> None:
    """Stage, owner and the owner's team are those of the last change before the cutoff."""
    assert seen.word("moved", "stage") == "offer"
    assert seen("moved", "days_in_stage") == 1
    assert seen("moved", "stage_changes") == 2
    assert seen.owner("moved") == "second"
    assert seen.word("worked", "owner_team") == "blue"


def test_a_rep_hired_at_the_cutoff_is_not_known_yet(seen: Seen) -> None:
    """Neither the tenure nor the team of a rep hired at the cutoff is known."""
    assert seen("worked", "owner_tenure_days") == 100
    assert math.isnan(seen("moved", "owner_tenure_days"))
    assert math.isnan(seen("moved", "owner_team"))


def test_outcomes_count_from_exactly_one_window_back_up_to_the_cutoff(seen: Seen) -> None:
    """Rates count outcomes 28 (company) and 10 (owner) days old, and none at the cutoff."""
    # In four weeks: won "month", "ten days", "won just before" and "won and lost" (both at one
    # moment: it was won); lost "more" and "lost just before".
    assert seen("worked", "company_rate") == pytest.approx((4 + 1) / (6 + 2))
    # Ever: those six and "older", lost. The company's rate is (4 + 1) / (7 + 2) = 5/9.
    # The owner in ten days: won "ten days"; with two leads at 5/9: (1 + 2 * 5/9) / (1 + 2).
    assert seen("worked", "owner_resolved") == 1
    assert seen("worked", "owner_rate") == pytest.approx((1 + 2 * 5 / 9) / (1 + 2))


def test_each_kind_of_figure_is_what_a_hand_computes(seen: Seen) -> None:
    """Monday 10:00 it came; call Monday 11:00, mail Tuesday 9:00, call Wednesday 10:00."""
    expected = {
        "touches_all": 3,  # COUNT
        "touches_1d": 1,  # since Tuesday noon: Wednesday's call
        "touches_2d": 2,  # since Monday noon: Tuesday's mail too
        "days_since_touch": 2 / 24,  # SINCE_LAST: from 10:00 to noon
        "working_hours_since_touch": 2,  # ... all of them worked
        "days_since_first_touch": 49 / 24,  # SINCE_FIRST: two days and an hour
        "duration_hours_all": 120 / 3600,  # SUM: 90 s and 30 s; the third has none
        "duration_hours_mean": 60 / 3600,  # MEAN: over the two that have one
        "first_response_hours": 1,  # RESPONSE: from 10:00 to 11:00
        "days_between_touches": 23.5 / 24,  # RHYTHM: 22 hours to Tuesday 9:00, then 25
        "overdue": (2 / 24) / (23.5 / 24 + 0.1),
        "touch_trend_2d_7d": 2 / 2 - 1 / 5,  # TREND: 2 in 2 days, 1 in the 5 before
        "days_since_newest_type": 27 / 24,  # SINCE_NEWEST: the mail was new on Tuesday at 9:00
        "active_days_all": 3,
        "reps_all": 2,
        "age_days": 50 / 24,
        "age_working_hours": 7 + 8 + 3,  # Monday 10-17, Tuesday 9-17, Wednesday 9-12
        "created_hour": 10,
        "created_weekday": 0,
        "weekday": 2,
        "day_of_month": 15,
        "days_to_month_end": 16,
        "days_to_quarter_end": 16 + 30,
    }
    found = {name: seen("worked", name) for name in expected}
    assert found == pytest.approx(expected, rel=1e-12)
    assert seen.word("worked", "last_type") == "call"  # LAST_WORD
    assert seen.word("worked", "second_last_type") == "mail"  # SECOND_WORD
    assert seen.word("worked", "newest_type") == "mail"  # NEWEST_WORD: the call is from Monday


def test_a_rank_is_the_share_that_lies_below_and_half_of_those_beside(duckdb: Engine) -> None:
    """Of values 10, 20, 20 and none: 1/3, twice (1 + 1.5) / 3, and nothing."""
    worth = {"a": 10.0, "b": 20.0, "c": 20.0, "d": None}
    rows = [lead(name, OLD, value=value) for name, value in worth.items()]
    with duckdb.open(Extract({"leads": rows}, data_until=END)) as warehouse:
        examples = look_at(warehouse, read_vocabulary(warehouse, PARAMS), [CUTOFF], PARAMS)
    rank = examples.X["rank_leads_value"].to_numpy()
    np.testing.assert_allclose(rank, [1 / 3, 2.5 / 3, 2.5 / 3, np.nan])


def test_a_label_is_ripe_when_its_horizon_ends_with_the_extract(duckdb: Engine) -> None:
    """Ripe at cutoff + horizon = data_until; a microsecond short of it, no label, won or not."""
    rows = [lead("won", OLD, converted_at=CUTOFF + DAY), lead("not", OLD)]
    for until, expected in ((END, [0.0, 1.0]), (END - MICROSECOND, [math.nan, math.nan])):
        with duckdb.open(Extract({"leads": rows}, data_until=until)) as warehouse:
            words = read_vocabulary(warehouse, PARAMS)
            keys = look_at(warehouse, words, [CUTOFF], PARAMS).keys
            labels = conversion(warehouse, keys, HORIZON_DAYS)
        assert list(keys["lead_id"]) == ["not", "won"]
        np.testing.assert_array_equal(labels, expected)


def test_a_revised_quota_is_seen_from_the_moment_it_is_known(duckdb: Engine) -> None:
    """A quota is the one thing seen at its own moment: `period_start`, or `known_at` if given."""
    quota = {"period_end": END, "amount": 1.0}
    early, late = CUTOFF - DAY, CUTOFF + 5 * DAY
    rows = (
        {**quota, "rep_id": "a", "period_start": CUTOFF},
        {**quota, "rep_id": "b", "period_start": CUTOFF + MICROSECOND},
        {**quota, "rep_id": "c", "period_start": late, "known_at": CUTOFF, "amount": 2.0},
        {**quota, "rep_id": "d", "period_start": early, "known_at": CUTOFF + MICROSECOND},
    )
    with duckdb.open(Extract({"quotas": rows}, data_until=END)) as warehouse:
        past = warehouse.until(CUTOFF)
        found = past.arrow(past["quotas"].select("period_start", "amount")).to_pylist()
    told = [(row["period_start"], row["amount"]) for row in found]
    assert sorted(told) == [(CUTOFF, 1.0), (CUTOFF + 5 * DAY, 2.0)]


def test_an_extract_without_any_rows_gives_no_examples(duckdb: Engine) -> None:
    """Empty tables are an answer, not an error."""
    with duckdb.open(Extract(dict.fromkeys(TABLES, ()), data_until=END)) as warehouse:
        words = read_vocabulary(warehouse, PARAMS)
        examples = look_at(warehouse, words, [CUTOFF], PARAMS)
        labels = conversion(warehouse, examples.keys, HORIZON_DAYS)
    assert len(examples) == len(labels) == 0
    assert list(examples.X.columns) == conversion_features(words, PARAMS, AHEAD_DAYS).names


def test_the_wall_clock_changes_at_the_very_moment(duckdb: Engine) -> None:
    """On 31 March 2024 clocks in Amsterdam went from 2:00 to 3:00 at 1:00 UTC."""
    change_at = datetime(2024, 3, 31, 1)
    rows = [lead("after", change_at), lead("before", change_at - MICROSECOND)]
    params = FeatureParams(timezone="Europe/Amsterdam")
    with duckdb.open(Extract({"leads": rows}, data_until=END)) as warehouse:
        examples = look_at(warehouse, read_vocabulary(warehouse, params), [CUTOFF], params)
    assert list(examples.X["created_hour"]) == [3, 1]


@pytest.mark.parametrize(
    ("start", "end", "hours", "expected"),
    [
        # Clocks went forward on Sunday 31 March 2024 at 2:00: that day had 23 hours.
        (datetime(2024, 3, 30, 23), datetime(2024, 3, 31, 22), (0, 24), 23),
        # ... and back on Sunday 27 October at 3:00: 25 hours, two of them shown as 2:xx.
        (datetime(2024, 10, 26, 22), datetime(2024, 10, 27, 23), (0, 24), 25),
        (datetime(2024, 10, 26, 22), datetime(2024, 10, 27, 23), (2, 3), 2),
        # 2:00 to 3:00 never came in March.
        (datetime(2024, 3, 30, 23), datetime(2024, 3, 31, 22), (2, 3), 0),
        # Sunday 9:00 to 17:00 is eight hours whatever the night did.
        (datetime(2024, 3, 30, 23), datetime(2024, 3, 31, 22), (9, 17), 8),
    ],
)
def test_working_hours_are_hours_that_passed(
    start: datetime, end: datetime, hours: tuple[int, int], expected: float
) -> None:
    """A shift over a clock change is as long as the time that really passed in it."""
    params = FeatureParams(timezone="Europe/Amsterdam", working_days=WEEKDAYS, working_hours=hours)
    starts, ends = (to_us(np.array([moment], "datetime64[us]")) for moment in (start, end))
    assert working_hours(starts, ends, params)[0] == expected


def test_clocks_that_change_by_half_an_hour() -> None:
    """On Lord Howe, 1 October 2023, 2:00 to 2:30 never came: a shift from 2 to 4 had 1.5 hours."""
    zone = "Australia/Lord_Howe"
    params = FeatureParams(timezone=zone, working_days=WEEKDAYS, working_hours=(2, 4))
    days = (datetime(2023, 9, 30, 13), datetime(2023, 10, 1, 13))
    starts, ends = (to_us(np.array([moment], "datetime64[us]")) for moment in days)
    assert working_hours(starts, ends, params)[0] == 1.5
