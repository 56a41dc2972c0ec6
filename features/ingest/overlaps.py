"""Quotas that another one rules out: repeated ones, and periods that overlap."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple


class Quota(NamedTuple):
    """One row of `quotas`, and its place in the source."""

    source_row: int
    rep_id: str
    start: datetime
    end: datetime
    known_at: datetime


def quota_faults(quotas: Iterator[Quota]) -> Iterator[tuple[int, str, str]]:
    """Go through quotas as they became known and report those that an earlier one rules out.

    rep  period     known_at
    r    Jan..Apr   Jan 1      kept
    r    Jan..Apr   Feb 1      kept: a revision, the same period known at another time
    r    Jan..Apr   Feb 1      repeated: the same rep, start and `known_at`
    r    Feb..May   Jan 1      overlaps Jan..Apr without being the same period
    r    Apr..Jul   Apr 1      kept: the end of a period is exclusive
    """
    kept: dict[tuple[str, datetime, datetime], int] = {}
    kept_periods: dict[str, list[tuple[datetime, datetime]]] = {}
    for quota in quotas:
        periods = kept_periods.setdefault(quota.rep_id, [])
        period = (quota.start, quota.end)
        revision = (quota.rep_id, quota.start, quota.known_at)
        if revision in kept:
            yield (
                quota.source_row,
                "quota is repeated",
                (
                    f"rep_id '{quota.rep_id}' with period_start {quota.start} and known_at "
                    f"{quota.known_at} is repeated: row {kept[revision]} was known first"
                ),
            )
        elif (other := _overlapped(periods, period)) is not None:
            yield (
                quota.source_row,
                "period overlaps another",
                (
                    f"period_start {quota.start} to period_end {quota.end} of rep_id "
                    f"'{quota.rep_id}' overlaps the period {other[0]} to {other[1]}"
                ),
            )
        else:
            kept[revision] = quota.source_row
            if period not in periods:
                insort(periods, period)


def _overlapped(
    periods: list[tuple[datetime, datetime]], period: tuple[datetime, datetime]
) -> tuple[datetime, datetime] | None:
    """Return the period that shares a moment with this one without being the same, if any.

    The periods are sorted and disjoint, so only the neighbours of this one can.
    """
    at = bisect_left(periods, period)
    for other in periods[max(at - 1, 0) : at + 1]:
        if other != period and other[0] < period[1] and period[0] < other[1]:
            return other
    return None
