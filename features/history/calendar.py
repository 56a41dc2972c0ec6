"""The business's calendar: local time on any engine, and working hours between two moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.clock import to_us
from features.days_off import public_holidays
from features.params import WEEKDAYS, FeatureParams

EPOCH = datetime(1970, 1, 1)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
FIRST_YEAR = 1990
"""Time zone rules before this year are not read; earlier moments take that year's offset."""
LAST_YEAR = 2045
"""The last year for which features look at rules of time zones."""


@cache
def _offsets(zone: str, last_year: int) -> tuple[tuple[datetime, int], ...]:
    """Moments (UTC) at which the zone's offset changes, with the new offset in seconds."""
    tz, changes = ZoneInfo(zone), []
    moment, before = datetime(FIRST_YEAR, 1, 1), None
    while moment.year <= last_year:
        offset = _offset(tz, moment)
        if before is None:
            changes.append((moment, offset))
        elif offset != before:
            changes.append((_change(tz, moment - timedelta(days=1), moment), offset))
        moment, before = moment + timedelta(days=1), offset
    return tuple(changes)


def _offset(tz: ZoneInfo, moment: datetime) -> int:
    offset = moment.replace(tzinfo=UTC).astimezone(tz).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(tz: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second within a day at which the offset becomes that of `high`, by halving."""
    after = _offset(tz, high)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (low, middle) if _offset(tz, middle) == after else (middle, high)
    return high


def local(column: ir.TimestampColumn, zone: str, last_year: int) -> ir.TimestampColumn:
    """Shift moments to the business's local time, alike on every engine.

    Engines differ in the zone rules they ship; one list of offsets, taken from Python's, does not.

    Args:
        column: moments in UTC.
        zone: the business's time zone.
        last_year: rules up to the end of this year are read; later moments take its last offset.
    """
    offsets = _offsets(zone, last_year)
    seconds: ir.IntegerValue = ibis.literal(offsets[-1][1], "int64")
    if len(offsets) > 1:
        branches = [
            (column < ibis.literal(change, "timestamp(6)"), ibis.literal(before[1], "int64"))
            for before, (change, _) in pairwise(offsets)
        ]
        seconds = ibis.cases(*branches, else_=seconds)
    return column + seconds.as_interval("s")


def calendar_of(cutoffs: Sequence[datetime], zone: str) -> pd.DataFrame:
    """Return what the business's calendar shows at each cutoff, by its local time.

    Returns:
        One row a cutoff: `cutoff`, `weekday` (0 = Monday), `day_of_month`, `days_to_month_end`,
        `days_to_quarter_end`.
    """
    times = pd.DatetimeIndex(np.asarray(cutoffs, dtype="datetime64[us]"))
    wall = times.tz_localize("UTC").tz_convert(zone).tz_localize(None)
    days = wall.normalize()
    month_end = days + pd.offsets.MonthEnd(0)
    quarter_end = days + pd.offsets.QuarterEnd(0)
    return pd.DataFrame(
        {
            "cutoff": times,
            "weekday": wall.day_of_week.to_numpy(np.int64),
            "day_of_month": wall.day.to_numpy(np.int64),
            "days_to_month_end": (month_end - days).days.to_numpy(np.int64),
            "days_to_quarter_end": (quarter_end - days).days.to_numpy(np.int64),
        }
    )


def working_hours(
    starts_us: npt.NDArray[np.int64], ends_us: npt.NDArray[np.int64], params: FeatureParams
) -> Floats:
    """Count the working hours between two moments (microseconds since 1970, UTC).

    Holidays and other days off count nothing where params name them.

    Args:
        starts_us: one end of each span.
        ends_us: the other end.
        params: the working days and hours, the zone they are in, and the days off.
    """
    if len(starts_us) == 0:
        return np.empty(0)
    opens, closes = _shifts(int(starts_us.min()), int(ends_us.max()), params)
    worked = _worked(ends_us, opens, closes) - _worked(starts_us, opens, closes)
    return worked / 3.6e9


def working_days_ahead(
    cutoffs: Sequence[datetime],
    horizon_days: int,
    params: FeatureParams,
    day_shares: Mapping[date, float] | None = None,
) -> Floats:
    """Count the working days in `[cutoff, cutoff + horizon)`, parts of days included.

    From Monday to Friday, over 30 days (21.4 working days on average):

    | from       | days off | working days |
    |------------|----------|--------------|
    | a Monday   | none     | 22           |
    | a Saturday | none     | 20           |
    | a Monday   | three    | 19           |

    Args:
        cutoffs: moments in UTC.
        horizon_days: how far to look ahead, in days.
        params: the working days and hours, the zone they are in, and the days off.
        day_shares: for days on which less is done, the share of their working time that counts.

    Returns:
        One number a cutoff.
    """
    starts = to_us(cutoffs)
    opens, closes = params.working_hours
    ends = starts + horizon_days * DAY_US
    hours = working_hours(starts, ends, params)
    for day, share in (day_shares or {}).items():
        low, high = _bounds(day, params)
        part = working_hours(np.clip(starts, low, high), np.clip(ends, low, high), params)
        hours = hours - (1 - share) * part
    return hours / (closes - opens)


def usual_working_days(horizon_days: int, params: FeatureParams) -> float:
    """Return the working days that so many days hold on average, if no day were off."""
    return horizon_days * len(set(params.working_days)) / len(WEEKDAYS)


def _bounds(day: date, params: FeatureParams) -> tuple[int, int]:
    """The moments (UTC) at which a day begins and ends where the business is."""
    midnights = pd.DatetimeIndex([day, day + timedelta(days=1)])
    low, high = _utc(midnights, params)
    return int(low), int(high)


def _days_off(first: date, last: date, params: FeatureParams) -> pd.DatetimeIndex:
    """The days off between two days by the business's clock, both included."""
    listed = public_holidays(params.holidays, first.year, last.year) | {*params.days_off}
    return pd.DatetimeIndex(sorted(day for day in listed if first <= day <= last))


def _shifts(
    first_us: int, last_us: int, params: FeatureParams
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The moments (UTC) at which work begins and ends, one day wider on both sides.

    A shift during which clocks change is an hour longer or shorter than the others.
    """
    # Exports write the year 1 for "never"; no work is counted before the first year of rules.
    first_us = max(first_us, int(to_us(np.datetime64(datetime(FIRST_YEAR, 1, 1)))))
    first = (EPOCH + timedelta(microseconds=first_us)).date() - timedelta(days=1)
    last = (EPOCH + timedelta(microseconds=last_us)).date() + timedelta(days=1)
    days = pd.date_range(first, last, freq="D")
    worked = {WEEKDAYS.index(day) for day in params.working_days}
    days = days[days.day_of_week.isin(worked)]
    days = days[~days.isin(_days_off(first, last, params))]
    opens, closes = (_utc(days + pd.Timedelta(hours=h), params) for h in params.working_hours)
    return opens, closes


def _utc(wall: pd.DatetimeIndex, params: FeatureParams) -> npt.NDArray[np.int64]:
    """Find when the wall clock first shows a time, or, where it skips that, a later one.

    pandas skips whole hours; clocks go forward by half an hour on Lord Howe.
    """
    offsets = _offsets(params.timezone, int(wall[-1].year) + 1 if len(wall) else FIRST_YEAR)
    since = to_us(np.array([change for change, _ in offsets], dtype="datetime64[us]"))
    ahead = np.array([offset for _, offset in offsets], dtype=np.int64) * SECOND_US
    times = to_us(wall.to_numpy())
    # What the clock shows at each change before it is set.
    place = np.searchsorted(since[1:] + ahead[:-1], times, side="right")
    skipped_to = np.where(place > 0, since[place], np.iinfo(np.int64).min)
    return np.maximum(times - ahead[place], skipped_to)


def _worked(
    moments: npt.NDArray[np.int64],
    opens: npt.NDArray[np.int64],
    closes: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Working microseconds from the first opening up to each moment."""
    if not len(opens):
        return np.zeros_like(moments)
    # All shifts that opened before the moment count whole, but for the last of them, which counts
    # as far as it has gone. With shifts from 9 to 17 on two days:
    #
    #   8:00 on the first day      no shift has opened      0 hours
    #   12:00 on the first day     3 hours of the first     3
    #   8:00 on the second day     the whole first shift    8
    lengths = closes - opens
    before = np.concatenate([[0], np.cumsum(lengths)])
    index = np.searchsorted(opens, moments, side="right") - 1
    started = np.clip(index, 0, None)
    inside = np.clip(moments - opens[started], 0, lengths[started])
    return np.where(index >= 0, before[started] + inside, 0)
