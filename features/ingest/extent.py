"""Where an extract ends, and which of its moments lie implausibly far beyond the rest.

One mistyped year must not decide up to when labels are known. The rule is the contract's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.storage.engine import moment, parquet, row, rows
from features.tables import TABLES

_FEWEST_BEYOND = 3
_SHARE_BEYOND = 0.001
_LOW_SHARE = 0.01
_FAR = timedelta(days=31)
_GAPS = 3
_THIN_SHARE = 0.01
_DAY = timedelta(days=1)
_BESIDE = {"occurred_at": ("known_at",), "closed_at": ("won",)}


@dataclass(frozen=True)
class Extent:
    """What bounds the rows that are accepted; where both are empty, nothing does.

    Attributes:
        declared: the declared end of the data, naive UTC: what begins at or after it is rejected,
            what ends there is emptied.
        beyond: the first implausible moment, naive UTC; never beside a declared end.
        bulk_end: the moment that the bulk of the extract does not exceed, where `beyond` is given.
    """

    declared: datetime | None = None
    beyond: datetime | None = None
    bulk_end: datetime | None = None

    @property
    def end(self) -> datetime | None:
        """The moment from which on nothing is accepted."""
        return self.declared or self.beyond


def extent_of(backend: Backend, plans: Sequence[Plan], declared: datetime | None) -> Extent:
    """Find the bounds of an extract whose tables are staged.

    Args:
        backend: the engine.
        plans: how the tables are read.
        declared: the declared end of the data, naive UTC; with one nothing is implausible.
    """
    moments = [sql for plan in plans for sql in _moments(plan)]
    if declared is not None or not moments:
        return Extent(declared)
    every = " UNION ALL ".join(moments)
    days = rows(
        backend,
        f"SELECT date_trunc('day', moment) AS day, count(*) FROM ({every}) "
        "WHERE moment IS NOT NULL GROUP BY day ORDER BY day",
    )
    total = sum(count for _, count in days)
    beyond = max(_FEWEST_BEYOND, int(_SHARE_BEYOND * total))
    if total <= beyond or days[-1][0] - _day_of(days, total - beyond) <= _FAR - _DAY:
        return Extent()
    return _judged(backend, every, days, total, total - beyond)


def _day_of(days: Sequence[tuple[datetime, int]], place: int) -> datetime:
    """Return the day that holds the moment at a place (from 1) among all moments in order."""
    so_far = 0
    for day, count in days:
        so_far += count
        if so_far >= place:
            return day
    return days[-1][0]


def _judged(
    backend: Backend, every: str, days: Sequence[tuple[datetime, int]], total: int, place: int
) -> Extent:
    """Look closely, since something lies far beyond the day of q (the moment at `place`).

    Args:
        backend: the engine.
        every: SQL of all moments.
        days: the number of moments of each day.
        total: the number of moments.
        place: the place of q among them, from 1: all but a thousandth, or three, do not exceed it.
    """
    # Two things are implausible, where they lie more than 31 days beyond q:
    #
    #   what comes after a gap more than three times the widest one up to q
    #       activities every day up to 1 March, three on 5 August of next year
    #   a run of days, to the very end, with less than a hundredth of the usual number
    #       1,000 rows a day up to 1 March, then planned ones, six a day until summer
    every_moment = f"SELECT moment FROM ({every}) WHERE moment IS NOT NULL"
    q, low = (
        _at_place(backend, every_moment, days, at)
        for at in (place, max(1, int(_LOW_SHARE * total)))
    )
    (gap_end,) = row(
        backend,
        f"""
        WITH steps AS (
            SELECT moment, moment - lag(moment) OVER (ORDER BY moment) AS gap,
                lag(moment) OVER (ORDER BY moment) AS before
            FROM (SELECT DISTINCT moment FROM ({every_moment}))
            WHERE moment >= {moment(low)}
        ), widest AS (
            SELECT coalesce(max(gap), INTERVAL 0 DAY) AS gap FROM steps WHERE moment <= {moment(q)}
        )
        SELECT min(steps.moment) FROM steps, widest
        WHERE before >= {moment(q)} AND steps.gap > {_GAPS} * widest.gap
        """,
    )
    thin_from = _thin_from(days, low, q)
    starts = [start for start in (gap_end, thin_from) if start is not None]
    if not starts:
        return Extent()
    far = max(min(starts), q + _FAR)
    (first,) = row(
        backend,
        f"SELECT min(moment) FROM ({every_moment}) "
        f"WHERE moment > {moment(q + _FAR)} AND moment >= {moment(far)}",
    )
    return Extent() if first is None else Extent(beyond=first, bulk_end=q)


def _at_place(
    backend: Backend, moments: str, days: Sequence[tuple[datetime, int]], place: int
) -> datetime:
    """Return the moment at a place (from 1) among all moments in order."""
    day = _day_of(days, place)
    before = sum(count for other, count in days if other < day)
    within = f"moment >= {moment(day)} AND moment < {moment(day + _DAY)}"
    (found,) = row(
        backend,
        f"SELECT moment FROM ({moments}) WHERE {within} "
        f"ORDER BY moment LIMIT 1 OFFSET {place - before - 1}",
    )
    found_at: datetime = found
    return found_at


def _thin_from(days: Sequence[tuple[datetime, int]], low: datetime, q: datetime) -> datetime | None:
    """Return where the run of thin days at the very end begins; None where there is none."""
    usual = sorted(count for day, count in days if low - _DAY < day <= q)
    least = _THIN_SHARE * usual[len(usual) // 2]
    last = max(day for day, count in days if count >= least or day <= q)
    return None if last == days[-1][0] else last + _DAY


def _moments(plan: Plan) -> list[str]:
    """Return SQL of the moments that may set the end of the data, one query a column."""
    table = plan.matched.table
    if not table.events:
        return []
    # An activity known before it happens is planned, a closing that was neither won nor lost is
    # no end.
    conditions = {
        "occurred_at": "NOT coalesce({known_at} < {occurred_at}, false)",
        "closed_at": "{won} IS NOT NULL",
    }
    queries = []
    for name in table.events:
        fields = [plan[other] for other in (name, *_BESIDE.get(name, ()))]
        values = {field.name: field.value for field in fields}
        where = conditions.get(name, "true").format(**values)
        queries.append(f"SELECT {values[name]} AS moment FROM {plan.rows(*fields)} WHERE {where}")
    return queries


def latest_event(backend: Backend, files: Mapping[str, Path]) -> datetime | None:
    """Return the moment of the latest event of accepted rows, naive UTC; None without any event."""
    events: list[datetime | None] = []
    for name, file in files.items():
        if TABLES[name].events:
            latest = ", ".join(f"max({column})" for column in TABLES[name].events)
            # Planned: known before it happens, if it ever does.
            happened = "WHERE known_at >= occurred_at" if name == "activities" else ""
            events += row(backend, f"SELECT {latest} FROM {parquet(file)} {happened}")
    return max((event for event in events if event is not None), default=None)
