"""Days on which the company's own activity stopped, but which count as working days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from features.clock import midnight
from features.days_off import public_holidays
from features.history.quiet_days import DailyCounts, quiet_days
from features.params import WEEKDAYS, FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.finding import Finding

SHOWN = 5
"""Days that are named, the newest."""


def days_off_findings(warehouse: Warehouse, params: FeatureParams) -> Iterator[Finding]:
    """Find working days without the usual activity of reps: holidays that nobody has named yet.

    Waiting times are counted in working hours, so that a lead that came in before Christmas does
    not seem forgotten after it.

    Args:
        warehouse: cut to the moment it is judged at.
        params: the working days, and the days off that are known.
    """
    daily = _daily_counts(warehouse, params)
    if daily is None:
        return
    worked = {WEEKDAYS.index(day) for day in params.working_days}
    days = [day for day in quiet_days(daily) if day.weekday() in worked]
    if not days:
        return
    named = ", ".join(f"{day:%Y-%m-%d}" for day in days[-SHOWN:])
    which = f"the newest {named}" if len(days) > SHOWN else named
    says = (
        f"on {len(days)} working days the reps' activity stopped ({which}): if they were days off, "
        "name the country under features.holidays, or the days under features.days_off, so that "
        "waiting times leave them out"
    )
    yield Finding("activities", "occurred_at", "days_off", "info", says)


def _daily_counts(warehouse: Warehouse, params: FeatureParams) -> DailyCounts | None:
    """Count the reps' activities by day, UTC; None without any."""
    rows = warehouse["activities"]
    rows = rows.filter(rows.rep_id.notnull()).group_by(day=rows.occurred_at.date())
    counted = warehouse.arrow(rows.aggregate(n=lambda t: t.count())).to_pylist()
    if not counted:
        return None
    by_day: dict[date, int] = {row["day"]: row["n"] for row in counted}
    first, end = min(by_day), midnight(warehouse.data_until).date()
    days = [first + timedelta(days=place) for place in range((end - first).days)]
    listed = public_holidays(params.holidays, first.year, end.year) | {*params.days_off}
    return DailyCounts(first, np.array([by_day.get(day, 0) for day in days]), listed)
