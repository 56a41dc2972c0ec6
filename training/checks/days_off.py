"""Days on which the company's own activity stopped, but which count as working days."""

from __future__ import annotations

from collections.abc import Iterator

from features.as_of.working_time import counts_at_end
from features.history.quiet_days import quiet_days
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
    daily = counts_at_end(warehouse, params)
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
