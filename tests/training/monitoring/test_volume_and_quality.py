"""Rows that stop, double, come late or change their name are found for what they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from training.monitor_params import MonitorParams
from training.monitoring.deviation import Severity
from training.monitoring.quality import late_labels, late_rows, repeated, stale
from training.monitoring.streams import Streams
from training.monitoring.volume import judge_volume

PARAMS = MonitorParams()
WEEKS = 50
TEAMS = {"anna": "north", "béla": "north", "chloé": "south", "dov": "south"}


def streams(seed: int) -> Streams:
    """Draw a company of four reps that log calls and mails, and whose leads convert."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(week, kind, rep) for week in range(WEEKS) for kind in ("call", "mail") for rep in TEAMS],
        columns=["week", "type", "rep_id"],
    )
    rows = rows.assign(rows=rng.poisson(100, len(rows)), repeated=0)
    rows = rows.assign(late=rng.binomial(rows["rows"], 0.1))
    moves = pd.DataFrame(
        [(w, rep) for w in range(WEEKS) for rep in TEAMS], columns=["week", "rep_id"]
    )
    moves = moves.assign(rows=rng.poisson(40, len(moves)), late=0)
    return Streams(
        end=datetime(2025, 6, 2),
        n_weeks=WEEKS,
        activities=rows,
        changes=moves,
        created=rng.poisson(90, WEEKS).astype(float),
        converted=rng.poisson(60, WEEKS).astype(float),
        deals=rng.poisson(60, WEEKS).astype(float),
        teams=pd.Series(TEAMS),
        left=frozenset(),
    )


def changed(calm: Streams, where: pd.Series, **columns: object) -> Streams:
    """Return the company with other values in some rows of its activities."""
    activities = calm.activities.copy()
    for name, value in columns.items():
        activities.loc[where, name] = value
    return replace(calm, activities=activities)


def newest(calm: Streams, kind: str = "call") -> pd.Series:
    """Return which rows are of the newest week and of a type."""
    return (calm.activities["week"] == 0) & (calm.activities["type"] == kind)


@pytest.mark.parametrize("seed", range(20))
def test_a_calm_company_sets_off_nothing(seed: int) -> None:
    """Twenty calm companies, and not one deviation."""
    calm = streams(seed)
    assert not judge_volume(calm, PARAMS).deviations
    assert not list(repeated(calm, PARAMS))
    assert not list(late_rows(calm, PARAMS))
    assert late_labels(calm, PARAMS).deviation is None


@pytest.mark.parametrize("weeks", [1, 2, 3])
def test_a_renamed_type_is_one_alarm_that_names_both(weeks: int) -> None:
    """Calls that go by another name for some weeks are not two faults but one."""
    calm = streams(1)
    rows = (calm.activities["week"] < weeks) & (calm.activities["type"] == "call")
    (alarm,) = judge_volume(changed(calm, rows, type="phone_call"), PARAMS).deviations
    assert (alarm.what, alarm.where, alarm.severity) == (
        "renamed type",
        "call -> phone_call",
        Severity.ALARM,
    )


def test_a_type_that_ends_and_one_that_begins_are_two_things() -> None:
    """Types of unlike size are no renaming: the end is an alarm, the beginning a warning."""
    calm = streams(2)
    ended = changed(calm, newest(calm), rows=0)
    few = ended.activities.iloc[[0]].assign(type="visit", rows=35, week=0)
    both = replace(ended, activities=pd.concat([ended.activities, few], ignore_index=True))
    what = {d.what: d.severity for d in judge_volume(both, PARAMS).deviations}
    assert what["type ended"] is Severity.ALARM
    assert what["new type"] is Severity.WARNING


def test_calls_loaded_twice_are_many_and_repeated() -> None:
    """Twice the rows, half of them copies: both are said, and the sentence names the loader."""
    calm = streams(3)
    rows = newest(calm)
    twice = changed(calm, rows, rows=2 * calm.activities.loc[rows, "rows"])
    twice = changed(twice, rows, repeated=calm.activities.loc[rows, "rows"])
    (volume,) = judge_volume(twice, PARAMS).deviations
    (copies,) = repeated(twice, PARAMS)
    assert (volume.what, volume.where) == ("volume", "call")
    assert copies.size == pytest.approx(0.5)
    assert "the loader writes them twice" in copies.says


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_team_that_stops_logging_is_told_from_one_that_is_away(*, goes_on: bool) -> None:
    """What its leads and deals do meanwhile makes the difference in the words."""
    calm = streams(4)
    silent = calm.activities["rep_id"].isin(["anna", "béla"]) & (calm.activities["week"] == 0)
    quiet = changed(calm, silent, rows=0)
    if not goes_on:
        still = quiet.changes["rep_id"].isin(["anna", "béla"]) & (quiet.changes["week"] == 0)
        quiet = replace(
            quiet, changes=quiet.changes.assign(rows=quiet.changes["rows"].where(~still, 0))
        )
    alarms = [d for d in judge_volume(quiet, PARAMS).deviations if d.severity is Severity.ALARM]
    assert [d.where for d in alarms] == ["activities of north"]
    assert ("logging has stopped" in alarms[0].says) is goes_on


def test_a_rep_who_stops_logging_while_deals_move_is_a_warning() -> None:
    """One rep is asked about, and nobody is woken; a rep who has left is not named."""
    calm = streams(5)
    quiet = changed(
        calm, (calm.activities["rep_id"] == "dov") & (calm.activities["week"] == 0), rows=0
    )
    (warning,) = judge_volume(quiet, PARAMS).deviations
    assert (warning.where, warning.severity) == ("activities of dov", Severity.WARNING)
    assert not judge_volume(replace(quiet, left=frozenset({"dov"})), PARAMS).deviations


def test_rows_that_come_late_are_an_alarm() -> None:
    """Half of the newest week entered a day late, a tenth before."""
    calm = streams(6)
    rows = calm.activities["week"] == 0
    late = changed(calm, rows, late=calm.activities.loc[rows, "rows"] // 2)
    (alarm,) = late_rows(late, PARAMS)
    assert (alarm.what, alarm.where) == ("late rows", "activities")
    assert alarm.size == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("weeks", [1, 3, 5])
def test_conversions_that_are_not_entered_yet_are_counted_in_weeks(weeks: int) -> None:
    """As many weeks as lack their conversions are called immature, not one more."""
    calm = streams(7)
    converted = calm.converted.copy()
    converted[:weeks] = 1
    late = late_labels(replace(calm, converted=converted), PARAMS)
    assert late.weeks == weeks
    assert late.deviation is not None
    assert "conversions are entered late" in late.deviation.says


def test_fewer_conversions_are_not_late_ones() -> None:
    """A market that converts three quarters of what it did is for calibration to find."""
    calm = streams(8)
    converted = calm.converted.copy()
    converted[:6] *= 0.75
    assert late_labels(replace(calm, converted=converted), PARAMS).weeks == 0


def test_loading_that_stopped_is_seen_by_the_clock_alone() -> None:
    """Within some days nothing is said; later it is, with the days."""
    end = datetime(2025, 6, 2)
    assert not list(stale(end + timedelta(days=4), end, PARAMS))
    (alarm,) = stale(end + timedelta(days=9), end, PARAMS)
    assert alarm.size == 9
    assert "9 days older" in alarm.says
