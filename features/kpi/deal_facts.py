"""Deals as dated rows: by creation, by closing, and as they stood at the borders of periods."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.history.values import last_shown
from features.history.versions import deal_versions
from features.kpi.lead_facts import owners
from features.kpi.periods import Period
from features.kpi.words import Recognised
from features.snapshot import CUTOFF, NEVER, SNAPSHOT, VALID_FROM, VALID_TO, versions_at, within
from features.storage.warehouse import Warehouse

KEYS = ("deal_id", "lead_id", "account_id")
DAY_SECONDS_US = 86_400_000_000.0


def last_versions(warehouse: Warehouse) -> ir.Table:
    """Return each deal as it stands now."""
    versions = warehouse.once(deal_versions)
    return versions.filter(versions[VALID_TO] == ibis.literal(NEVER, "timestamp(6)"))


def deals_created(warehouse: Warehouse) -> ir.Table:
    """Return each deal at its creation, of its first owner: `at, rep_id`, keys, `opened` (1)."""
    first, _ = owners(warehouse.once(deal_versions), "deal_id")
    rows = last_versions(warehouse).left_join(first, "deal_id").drop("deal_id_right")
    return rows.select("rep_id", *KEYS, at=rows.created_at, opened=ibis.literal(1, "int64"))


def deals_closed(warehouse: Warehouse, recognised: Recognised, quotas: ir.Table) -> ir.Table:
    """Return each closed deal at its closing, of the rep who owns it now.

    Args:
        warehouse: cut to what may be read.
        recognised: names renewals.
        quotas: `rep_id, period_start, period_end` of quotas above 0.

    Returns:
        `at, rep_id`, keys; `closed`, 1; `won, renewals, renewals_won, account_won, priced`, 0 or
        1; `cycle_days` of won deals; in thousandths `won_amount, won_square` (of whole units),
        `attained`, `first_amount, given_up`, `account_amount, repeat_amount`.
    """
    last = last_versions(warehouse)
    rows = last.filter(last.ended == 1)
    rows = rows.left_join(_first_amounts(warehouse), "deal_id").drop("deal_id_right")
    rows = _with_renewals(warehouse, rows, recognised)
    rows = _with_attained(rows, quotas)
    won, worth = rows.won, rows.thousandths.fill_null(0)
    # Of won deals of one account, the first in time is new business, those after it are repeated.
    order = ibis.window(group_by=[rows.account_id, won], order_by=rows.closed_at)
    is_repeat = won * (ibis.rank().over(order) > 0).cast("int64")
    has_account = won * rows.account_id.notnull().cast("int64")
    is_priced = won * (rows.thousandths.notnull() & rows.first_thousandths.notnull()).cast("int64")
    first_amount = rows.first_thousandths.fill_null(0)
    cycle = rows.closed_at.delta(rows.created_at, unit="microsecond") / DAY_SECONDS_US
    return rows.select(
        *KEYS,
        "won",
        at=rows.closed_at,
        rep_id=rows.owner,
        closed=ibis.literal(1, "int64"),
        renewals=rows.is_renewal,
        renewals_won=rows.is_renewal * won,
        account_won=has_account,
        priced=is_priced,
        cycle_days=ibis.ifelse(won == 1, cycle, ibis.null("float64")),
        won_amount=won * worth,
        won_square=won.cast("float64") * (worth / 1000) * (worth / 1000),
        attained=won * worth * rows.has_quota,
        first_amount=is_priced * first_amount,
        given_up=is_priced * (first_amount - worth),
        account_amount=has_account * worth,
        repeat_amount=has_account * is_repeat * worth,
    )


def _first_amounts(warehouse: Warehouse) -> ir.Table:
    """The amount with which each deal was first shown: `deal_id, first_thousandths`."""
    versions = warehouse.once(deal_versions)
    known = versions.filter(versions.thousandths.notnull())
    return known.group_by("deal_id").aggregate(
        first_thousandths=known.thousandths.argmin(known[VALID_FROM])
    )


def _with_renewals(warehouse: Warehouse, rows: ir.Table, recognised: Recognised) -> ir.Table:
    column = recognised.renewal_column
    if column is None:
        return rows.mutate(is_renewal=ibis.literal(0, "int64"))
    kinds = last_shown(warehouse, warehouse["deals"], "deals", column)
    is_renewal = (
        kinds[column].isin(recognised.renewals).fill_null(ibis.literal(value=False)).cast("int64")
    )
    kinds = kinds.select("deal_id", is_renewal=is_renewal)
    return rows.inner_join(kinds, "deal_id")


def _with_attained(rows: ir.Table, quotas: ir.Table) -> ir.Table:
    """Tell for each deal whether its owner had a quota on the day it closed: `has_quota`."""
    spans = quotas.select(who=quotas.rep_id, start="period_start", end="period_end")
    is_inside = [rows.owner == spans.who, within(rows.closed_at, spans.start, spans.end)]
    covered = rows.inner_join(spans, is_inside).select("deal_id").distinct()
    covered = covered.mutate(has_quota=ibis.literal(1, "int64"))
    joined = rows.left_join(covered, "deal_id").drop("deal_id_right")
    return joined.mutate(has_quota=joined.has_quota.fill_null(0))


def deals_due(warehouse: Warehouse, periods: Sequence[Period]) -> ir.Table:
    """Return each deal that was due in a period, as it stood at the period's start.

    Args:
        warehouse: cut to what may be read.
        periods: those that are over.

    Returns:
        `at` (the start), `rep_id` (the owner then), keys; `due`, 1; `slipped`, 0 or 1.
    """
    moments = _moments([(p.start, p.start, p.end) for p in periods])
    rows = versions_at(moments, warehouse.once(deal_versions), None, ("at", "end"))
    rows = rows.filter((rows.ended == 0) & within(rows.expected_close_at, rows["at"], rows.end))
    ends = warehouse["deals"].select("deal_id", final_end="closed_at")
    rows = rows.drop("closed_at").inner_join(ends, "deal_id")
    is_closed = within(rows.final_end, rows["at"], rows.end).fill_null(ibis.literal(value=False))
    return rows.select(
        *KEYS,
        "at",
        rep_id=rows.owner,
        due=ibis.literal(1, "int64"),
        slipped=1 - is_closed.cast("int64"),
    )


def pipeline(warehouse: Warehouse, periods: Sequence[Period]) -> ir.Table:
    """Return each open deal at the borders of each period, of the rep who owned it then.

    Args:
        warehouse: cut to what may be read.
        periods: the last one may run still: its end is then the end of what may be read.

    Returns:
        `at` (the start), `rep_id`, keys; `open_at_start, open_at_end` in thousandths;
        `deals_at_start, deals_at_end`, 0 or 1.
    """
    until = warehouse.data_until
    borders = [(p.start, p.start, p.start) for p in periods]
    borders += [(min(p.end, until), p.start, p.end) for p in periods]
    rows = versions_at(_moments(borders), warehouse.once(deal_versions), None, ("at", "end"))
    rows = rows.filter(rows.ended == 0)
    worth, is_start = rows.thousandths.fill_null(0), (rows["at"] == rows.end).cast("int64")
    return rows.select(
        *KEYS,
        "at",
        rep_id=rows.owner,
        open_at_start=worth * is_start,
        open_at_end=worth * (1 - is_start),
        deals_at_start=is_start,
        deals_at_end=1 - is_start,
    )


def _moments(rows: Sequence[tuple[object, object, object]]) -> ir.Table:
    """Put moments at which deals are looked at, with a period's start and end, into a table."""
    names = (CUTOFF, "at", "end")
    columns = {
        name: pa.array([row[place] for row in rows], pa.timestamp("us"))
        for place, name in enumerate(names)
    }
    columns[SNAPSHOT] = pa.array(range(len(rows)), pa.int64())
    schema = {**dict.fromkeys(names, "timestamp(6)"), SNAPSHOT: "int64"}
    return ibis.memtable(pa.table(columns), schema=schema)
