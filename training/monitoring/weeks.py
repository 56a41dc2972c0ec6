"""What each week showed at its own end, counted backwards from a moment.

A week's rows are those that were visible when it ended: what is entered days late is missing from
the newest week, so it must be missing from the weeks that it is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.arrays import Floats
from features.snapshot import CUTOFF, censor, visible
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES, DEALS, LEADS, Table

WEEK = "week"
"""0 is the week that ends at the moment, 1 the one before it."""
DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
NOBODY = "nobody"
REPLIES = ("connected", "held", "replied", "answered", "completed", "attended")
"""Outcomes of activities that a customer has a part in."""


@dataclass(frozen=True, eq=False)
class Weeks:
    """The weeks up to a moment.

    Attributes:
        as_of: the moment.
        count: how many there are.
        activities: by week, type and rep: `n`, `outbound`, `answered`.
        repeats: by week: the share of activities that equal another one but for their id.
        delays: by week in which they became known: the mean days that activities came late.
        outcomes: by week, the newest last: new `leads`, `conversions`, new `deals`, deals `won`,
            new deals that came `from_leads`, and the share of these whose lead shows its conversion
            (`shown`).
        team: the team, else manager, of every rep who is there.
    """

    as_of: datetime
    count: int
    activities: pd.DataFrame
    repeats: Floats
    delays: Floats
    outcomes: pd.DataFrame
    team: pd.Series

    def series(self, frame: pd.DataFrame, column: str = "n") -> Floats:
        """Return a column's sum in every week, the newest last."""
        return np.asarray(
            frame.groupby(WEEK)[column].sum().reindex(range(self.count)).fillna(0.0), np.float64
        )[::-1]


def read_weeks(warehouse: Warehouse, most: int) -> Weeks:
    """Read the weeks up to an extract's end.

    Args:
        warehouse: cut to the moment.
        most: weeks, at most; fewer where the extract is shorter.
    """
    as_of = warehouse.data_until
    activities = _by_week(warehouse["activities"], ACTIVITIES, "occurred_at", as_of, most)
    counted = _frame(
        warehouse,
        activities.group_by(WEEK, "type", "rep_id").aggregate(
            n=activities.count(),
            outbound=(activities.direction == "outbound").sum(),
            answered=activities.outcome.lower().isin(REPLIES).sum(),
        ),
    )
    # An engine returns groups in any order.
    counted = counted.fillna({"answered": 0, "outbound": 0}).sort_values([WEEK, "type", "rep_id"])
    count = min(most, _whole_weeks(warehouse, as_of))
    return Weeks(
        as_of=as_of,
        count=count,
        activities=counted[counted[WEEK] < count].reset_index(drop=True),
        repeats=_repeats(warehouse, activities, count),
        delays=_delays(warehouse, as_of, count),
        outcomes=_outcomes(warehouse, as_of, count),
        team=_teams(warehouse),
    )


def _by_week(rows: ir.Table, table: Table, clock: str, as_of: datetime, most: int) -> ir.Table:
    """Number the weeks of rows, and keep what was visible when each ended."""
    age = ibis.literal(as_of, "timestamp(6)").delta(rows[clock], unit="microsecond")
    rows = rows.mutate(**{WEEK: ((age - 1) / WEEK_US).floor().cast("int64")})
    rows = rows.filter((rows[WEEK] >= 0) & (rows[WEEK] < most))
    return _seen_at_their_end(rows, table, as_of)


def _seen_at_their_end(rows: ir.Table, table: Table, as_of: datetime) -> ir.Table:
    ends = ibis.literal(as_of, "timestamp(6)") - (rows[WEEK] * 7).as_interval("D")
    rows = rows.mutate(**{CUTOFF: ends.cast("timestamp(6)")})
    return rows.filter(visible(rows, table, rows[CUTOFF]))


def _frame(warehouse: Warehouse, rows: ir.Table) -> pd.DataFrame:
    return warehouse.arrow(rows).to_pandas()


def _whole_weeks(warehouse: Warehouse, as_of: datetime) -> int:
    """Return how many weeks there are since the first lead or activity."""
    firsts = [
        warehouse.arrow(warehouse[name].aggregate(first=warehouse[name][clock].min()))
        for name, clock in (("activities", "occurred_at"), ("leads", "created_at"))
        if name in warehouse.present
    ]
    moments = [first["first"].to_pylist()[0] for first in firsts]
    known = [moment for moment in moments if moment is not None]
    return int((as_of - min(known)).total_seconds() * 1e6 // WEEK_US) if known else 0


def _per_week(frame: pd.DataFrame, count: int, column: str) -> Floats:
    values = frame.set_index(WEEK)[column].astype(np.float64)
    return np.asarray(values.reindex(range(count)), np.float64)[::-1]


def _repeats(warehouse: Warehouse, activities: ir.Table, count: int) -> Floats:
    same = activities.group_by(
        WEEK, "lead_id", "deal_id", "rep_id", "type", "occurred_at"
    ).aggregate(n=activities.count())
    by_week = same.group_by(WEEK).aggregate(rows=same.n.sum(), unlike=same.count())
    frame = _frame(warehouse, by_week)
    frame["share"] = 1 - frame["unlike"] / frame["rows"]
    return np.nan_to_num(_per_week(frame, count, "share"))


def _delays(warehouse: Warehouse, as_of: datetime, count: int) -> Floats:
    rows = warehouse["activities"]
    known = _by_week(rows.mutate(told=rows.known_at), ACTIVITIES, "told", as_of, count)
    late = known.known_at.delta(known.occurred_at, unit="microsecond") / DAY_US
    known = known.mutate(late=late.clip(lower=0))
    frame = _frame(warehouse, known.group_by(WEEK).aggregate(late=known.late.mean()))
    return np.nan_to_num(_per_week(frame, count, "late"))


def _outcomes(warehouse: Warehouse, as_of: datetime, count: int) -> pd.DataFrame:
    """Count what came of leads and deals, by the week in which it did."""
    leads, deals = warehouse["leads"], warehouse["deals"]
    columns: dict[str, Floats] = {}
    for name, rows, table, clock in (
        ("leads", leads, LEADS, "created_at"),
        ("conversions", leads.filter(leads.converted_at.notnull()), LEADS, "converted_at"),  # noqa: PD004 - ibis
        ("deals", deals, DEALS, "created_at"),
        ("won", deals.filter(deals.won), DEALS, "closed_at"),
    ):
        week = _by_week(rows, table, clock, as_of, count)
        frame = _frame(warehouse, week.group_by(WEEK).aggregate(n=week.count()))
        columns[name] = np.nan_to_num(_per_week(frame, count, "n"))
    opened = _by_week(
        deals.select("deal_id", "lead_id", "created_at"), _OPENED, "created_at", as_of, count
    )
    joined = opened.inner_join(leads.select("lead_id", *LEADS.end_of_story), "lead_id")
    shown = censor(joined, LEADS, joined[CUTOFF])
    shares = shown.group_by(WEEK).aggregate(
        n=shown.count(),
        shown=shown.converted_at.notnull().mean(),  # noqa: PD004 - ibis
    )
    frame = _frame(warehouse, shares)
    columns["from_leads"] = np.nan_to_num(_per_week(frame, count, "n"))
    columns["shown"] = _per_week(frame, count, "shown")
    return pd.DataFrame(columns)


_OPENED = Table("deals", (), event_time="created_at")
"""Deals as they are opened: nothing of how they end."""


def _teams(warehouse: Warehouse) -> pd.Series:
    reps = warehouse["reps"]
    there = reps.filter(reps.left_at.isnull())  # noqa: PD003 - ibis
    frame = _frame(warehouse, there.select("rep_id", "team", "manager_id"))
    team = frame["team"].fillna(frame["manager_id"]).fillna(NOBODY)
    return pd.Series(team.to_numpy(), index=frame["rep_id"])
