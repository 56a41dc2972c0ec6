"""Working time ahead of a cutoff, as far as the cutoff knows: days off, and days of little work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.arrays import Floats, Ints
from features.clock import MOMENT, midnight, to_us
from features.days_off import public_holidays
from features.history.calendar import DAY_US, LAST_YEAR, local, working_days_ahead
from features.history.counts import deletions
from features.history.quiet_days import YEAR, DailyCounts, day_shares
from features.params import WEEKDAYS, FeatureParams
from features.snapshot import (
    AVAILABLE_AT,
    CUTOFF,
    DELETED_AT,
    EVENT_TIME,
    SNAPSHOT,
    deletion_in,
    observable,
)
from features.spine import Spine
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES

Days = npt.NDArray[np.datetime64]
CLOCKS = ("occurred_at", "known_at")

WHO = "who"
MOST_DAYS = 10 * YEAR
"""Days that are looked back on, at most."""


def time_ahead(
    warehouse: Warehouse, cutoffs: Sequence[datetime], horizon_days: int, params: FeatureParams
) -> Floats:
    """Count the working days up to the horizon, each cutoff knowing what it can know.

    Args:
        warehouse: the history.
        cutoffs: the moments, rising.
        horizon_days: how far to look ahead.
        params: the working days, and the days off that are known for all years.

    Returns:
        One number a cutoff.
    """
    shares = [day_shares(daily) for daily in daily_counts(warehouse, cutoffs, params)]
    days = [
        working_days_ahead([cutoff], horizon_days, params, own)[0]
        for cutoff, own in zip(cutoffs, shares, strict=True)
    ]
    return np.array(days, dtype=np.float64)


def time_that_passed(
    daily: DailyCounts, cutoffs: Sequence[datetime], horizon_days: int, params: FeatureParams
) -> Floats:
    """Count the working days up to the horizon, all as known at the end of the history.

    Which days were quiet is part of what came of the leads, as their labels are: it is for learning
    from labels that are mature, never for a forecast.

    Args:
        daily: as the moment of training shows it.
        cutoffs: the moments, whose horizons have passed.
        horizon_days: how far the labels look ahead.
        params: the working days, and the days off that are known for all years.

    Returns:
        One number a cutoff.
    """
    return working_days_ahead(cutoffs, horizon_days, params, day_shares(daily))


def days_found(daily: DailyCounts, params: FeatureParams) -> tuple[str, ...]:
    """Say which days without or with little activity forecasts will count as such.

    Args:
        daily: as the moment of training shows it.
        params: the working days.

    Returns:
        One sentence; none where all days are like others.
    """
    worked = {WEEKDAYS.index(day) for day in params.working_days}
    shares = {day: share for day, share in day_shares(daily).items() if day.weekday() in worked}
    if not shares:
        return ()
    coming = set(daily.ahead())
    off = [sum(shares[day] == 0 for day in days) for days in (shares.keys() - coming, shares)]
    slow = [sum(shares[day] > 0 for day in days) for days in (shares.keys() - coming, shares)]
    says = (
        f"working time ahead: of the working days in view {off[0]} had no activity and {slow[0]} "
        f"lay in slow weeks; {off[1] - off[0]} and {slow[1] - slow[0]} are expected in the year "
        "ahead, and forecasts that reach into them are lower"
    )
    return (says,)


def counts_at_end(warehouse: Warehouse, params: FeatureParams) -> DailyCounts:
    """Count the reps' activities by day, as the end of a history shows them."""
    (daily,) = daily_counts(warehouse, [warehouse.data_until], params)
    return daily


def daily_counts(
    warehouse: Warehouse, moments: Sequence[datetime], params: FeatureParams
) -> list[DailyCounts]:
    """Count the reps' activities by day, as each of some moments shows them.

    A day counts once it is over, and activities count from the midnight (UTC) after they became
    known, so that they can be counted by days.

    Args:
        warehouse: the history.
        moments: rising.
        params: the zone that days are of, and the days off that are known.

    Returns:
        One count a moment.
    """
    if not moments:
        return []
    counted = _counted(warehouse, moments[-1], params.timezone)
    day, logged, number = (counted[name].to_numpy() for name in ("day", "logged", "n"))
    # The first midnight at which a row counts is the one after the day it was logged on.
    midnights = to_us(np.asarray([midnight(moment) for moment in moments], dtype=MOMENT))
    spine_same = np.arange(len(midnights)) > 0
    spine = Spine(spine_same, midnights, np.zeros_like(midnights))
    nobody, everybody = np.zeros(len(day), np.int32), np.full(len(day), len(moments), np.int32)
    first = spine.first_after(to_us(logged) + DAY_US - 1, nobody, everybody)
    gone = everybody
    if DELETED_AT in counted.column_names:
        exact = Spine(spine_same, to_us(np.asarray(moments, dtype=MOMENT)), midnights * 0)
        gone = exact.first_after(deletions(counted), nobody, everybody)
    sees = [(first <= place) & (place < gone) for place in range(len(moments))]
    return [
        _by_day(day[seen], number[seen], moment, params)
        for seen, moment in zip(sees, moments, strict=True)
    ]


def _counted(warehouse: Warehouse, last: datetime, zone: str) -> pa.Table:
    """Count the activities that the last moment sees, by their day and the day they were logged."""
    rows = warehouse.ever("activities")
    company_rows = {WHO: ibis.literal("company"), **deletion_in(rows)}
    rows = rows.filter(rows.rep_id.notnull()).select(*CLOCKS, **company_rows)
    company = pa.table(
        {
            WHO: pa.array(["company"], pa.string()),
            CUTOFF: pa.array([last], pa.timestamp("us")),
            SNAPSHOT: pa.array([0], pa.int64()),
        }
    )
    seen = observable(ibis.memtable(company), rows, ACTIVITIES, WHO)
    days = {
        "day": local(seen[EVENT_TIME], zone, LAST_YEAR).date(),
        "logged": seen[AVAILABLE_AT].date(),
        **deletion_in(seen),
    }
    return warehouse.arrow(seen.group_by(**days).aggregate(n=lambda t: t.count()))


def _by_day(days: Days, numbers: Ints, moment: datetime, params: FeatureParams) -> DailyCounts:
    """Add up the days that are over where the business is."""
    wall = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(params.timezone))
    end = np.datetime64(wall.date(), "D")
    in_view = (days < end) & (days >= end - MOST_DAYS)
    days, numbers = days[in_view], numbers[in_view]
    first = days.min() if len(days) else end
    counts = np.bincount(
        (days - first).astype(np.int64), weights=numbers, minlength=int((end - first).astype(int))
    )
    day: date = first.astype(object)
    listed = public_holidays(params.holidays, day.year, moment.year + 1) | {*params.days_off}
    return DailyCounts(day, counts.astype(np.int64), listed)
