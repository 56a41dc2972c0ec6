"""How many rows came into the CRM week by week, by type, team and rep.

Rows are counted in the week in which the CRM could first show them, so that rows which are always
entered late make no gap at the newest end. Weeks are counted back from the last midnight before the
moment of monitoring; week 0 is the newest whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.arrays import Floats
from features.clock import midnight
from features.history.values import changes_at_end
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES, Table

WEEK_DAYS, DAY_S = 7, 86_400
MOST_WEEKS = 70
"""A year, and what is needed to judge its first week by."""
NOBODY = ""


@dataclass(frozen=True, eq=False)
class Streams:
    """Rows of every kind by week.

    Attributes:
        end: the midnight that ends week 0.
        n_weeks: whole weeks since the first activity or lead, `MOST_WEEKS` at most.
        activities: `week, type, rep_id, rows, late, repeated`: rows that came in, how many of them
            a day or more after they happened, how many equal another one in all but the id.
        changes: `week, rep_id, rows, late`: changes of the stage of leads and deals, by owner.
        created: leads created in each week.
        converted: leads that converted in each week.
        deals: deals created in each week.
        teams: of each rep the team, or the manager where no team is known.
        left: reps who have left.
    """

    end: datetime
    n_weeks: int
    activities: pd.DataFrame
    changes: pd.DataFrame
    created: Floats
    converted: Floats
    deals: Floats
    teams: pd.Series
    left: frozenset[str]

    def weekly(self, rows: pd.DataFrame, column: str = "rows") -> Floats:
        """Return the sum of a column in each week, the newest first."""
        sums = np.bincount(rows["week"].to_numpy(), rows[column].to_numpy(), self.n_weeks)
        return np.asarray(sums[: self.n_weeks], dtype=np.float64)

    @property
    def weeks(self) -> list[datetime]:
        """The first day of each week, the newest first."""
        days = range(WEEK_DAYS, WEEK_DAYS * (self.n_weeks + 1), WEEK_DAYS)
        return [self.end - timedelta(days=back) for back in days]


def read_streams(warehouse: Warehouse, as_of: datetime) -> Streams:
    """Count the rows of an extract.

    Args:
        warehouse: cut to the moment of monitoring.
        as_of: that moment.
    """
    end = midnight(as_of)
    leads, deals = warehouse["leads"], warehouse["deals"]
    created = _counted(warehouse, leads.select(week=_week(leads.created_at, end)), "week")
    activities = _activities(warehouse, end)
    oldest = max(
        (int(frame["week"].max()) for frame in (created, activities) if len(frame)), default=0
    )
    n_weeks = min(oldest, MOST_WEEKS)
    won = leads.drop_null("converted_at")
    converted = _counted(warehouse, won.select(week=_week(won.converted_at, end)), "week")
    begun = _counted(warehouse, deals.select(week=_week(deals.created_at, end)), "week")
    reps = warehouse.arrow(
        warehouse["reps"].select("rep_id", "team", "manager_id", "left_at")
    ).to_pandas()
    teams = reps["team"].fillna(reps["manager_id"]).set_axis(reps["rep_id"])
    return Streams(
        end=end,
        n_weeks=n_weeks,
        activities=_recent(activities, n_weeks),
        changes=_recent(_stage_changes(warehouse, end), n_weeks),
        created=_line(created, n_weeks),
        converted=_line(converted, n_weeks),
        deals=_line(begun, n_weeks),
        teams=teams,
        left=frozenset(reps.loc[reps["left_at"].notna(), "rep_id"]),
    )


def _week(moment: ir.TimestampValue, end: datetime) -> ir.IntegerValue:
    """Number the week of a moment; -1 is the day that has only begun."""
    days = ibis.literal(end, "timestamp(6)").delta(moment.truncate("D"), unit="day")
    # On the day before `end` it is 1, seven days before it 7: both belong to week 0.
    return ((days - 1).cast("float64") / WEEK_DAYS).floor().cast("int64")


def _shown(rows: ir.Table, table: Table) -> ir.TimestampValue:
    """Return when the CRM could first show a row."""
    event_time = rows[str(table.event_time)]
    return event_time if table.known_at is None else ibis.greatest(event_time, rows[table.known_at])


def _is_late(rows: ir.Table, table: Table) -> ir.IntegerValue:
    event_time = rows[str(table.event_time)]
    return (_shown(rows, table).delta(event_time, unit="second") >= DAY_S).cast("int64")


def _activities(warehouse: Warehouse, end: datetime) -> pd.DataFrame:
    rows = warehouse["activities"]
    same = ["lead_id", "deal_id", "type", "occurred_at", "rep_id", "direction", "outcome"]
    week = _week(_shown(rows, ACTIVITIES), end)
    marked = rows.select(*same, week=week, late=_is_late(rows, ACTIVITIES))
    once = marked.group_by(*same, "week").aggregate(rows=marked.count(), late=marked.late.sum())
    by = ["week", "type", "rep_id"]
    sums = once.group_by(by).aggregate(
        late=once.late.sum(), repeated=(once.rows - 1).sum(), rows=once.rows.sum()
    )
    return warehouse.arrow(sums).to_pandas()


def _stage_changes(warehouse: Warehouse, end: datetime) -> pd.DataFrame:
    frames = []
    for entity, table in (("lead", "leads"), ("deal", "deals")):
        key = f"{entity}_id"
        changes = changes_at_end(warehouse, entity, key)
        owner = changes.filter(changes.field == "rep_id")
        last = owner.group_by(key).aggregate(owner=owner["value"].argmax(owner.changed_at))
        moves = changes.filter(changes.field == "stage")
        own = warehouse[table].select(key, "rep_id")
        joined = moves.left_join(last, key).drop(f"{key}_right").left_join(own, key)
        week = _week(_changed(joined), end)
        counted = joined.select(
            week=week, rep_id=ibis.coalesce(joined.owner, joined.rep_id), late=_late_change(joined)
        )
        by = ["week", "rep_id"]
        sums = counted.group_by(by).aggregate(rows=counted.count(), late=counted.late.sum())
        frames.append(warehouse.arrow(sums).to_pandas())
    return pd.concat(frames, ignore_index=True)


def _changed(changes: ir.Table) -> ir.TimestampValue:
    return ibis.greatest(changes.changed_at, changes.known_at)


def _late_change(changes: ir.Table) -> ir.IntegerValue:
    return (_changed(changes).delta(changes.changed_at, unit="second") >= DAY_S).cast("int64")


def _counted(warehouse: Warehouse, rows: ir.Table, *by: str) -> pd.DataFrame:
    return warehouse.arrow(rows.group_by(*by).aggregate(rows=rows.count())).to_pandas()


def _recent(frame: pd.DataFrame, n_weeks: int) -> pd.DataFrame:
    kept = frame[frame["week"].between(0, n_weeks - 1)]
    names = {name: kept[name].fillna(NOBODY) for name in ("type", "rep_id") if name in kept}
    return kept.assign(**names).reset_index(drop=True)


def _line(frame: pd.DataFrame, n_weeks: int) -> Floats:
    kept = _recent(frame, n_weeks)
    counted = np.bincount(kept["week"].to_numpy(np.int64), kept["rows"], n_weeks)
    return counted.astype(np.float64)


def rows_of(activities: pd.DataFrame, column: str, values: Sequence[str]) -> pd.DataFrame:
    """Return the rows whose column holds one of the values."""
    return activities[activities[column].isin(values)]
