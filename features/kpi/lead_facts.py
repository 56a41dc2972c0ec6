"""Leads as dated rows: by the day they came, and by the day they ended."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.feature import DAY_US
from features.history.relations import resolved_leads
from features.history.values import last_shown
from features.history.versions import lead_versions
from features.kpi.words import Recognised, by_reps
from features.params import KpiParams
from features.snapshot import NEVER, VALID_FROM, VALID_TO
from features.storage.warehouse import Warehouse

HOUR_US = 3_600_000_000


def owners(versions: ir.Table, key: str) -> tuple[ir.Table, ir.Table]:
    """Return who owned each lead or deal first, and who owns it now.

    Args:
        versions: what `lead_versions` or `deal_versions` returns.
        key: the id.

    Returns:
        `key, rep_id` twice; the first holds only those that ever had an owner.
    """
    owned = versions.filter(versions.owner.notnull())
    first = owned.group_by(key).aggregate(rep_id=owned.owner.argmin(owned[VALID_FROM]))
    last = versions.filter(versions[VALID_TO] == ibis.literal(NEVER, "timestamp(6)"))
    return first, last.select(key, rep_id=last.owner)


def lead_keys(warehouse: Warehouse) -> ir.Table:
    """Return the leads with the account they belong to: `lead_id, created_at, account_id`."""
    leads = last_shown(warehouse, warehouse["leads"], "leads", "account_id")
    return leads.select("lead_id", "created_at", "account_id")


def leads_created(
    warehouse: Warehouse, recognised: Recognised, params: KpiParams, as_of: datetime
) -> ir.Table:
    """Return each lead at its creation, with what came of it by now.

    Returns:
        `at, rep_id, lead_id, account_id`; `leads`, 1; `converted, referrals`, 0 or 1;
        `response_hours` to the first touch, and `answered`; `in_time` and `in_time_of`, those old
        enough; `touches` in the first days and `touched_of`.
    """
    first, _ = owners(warehouse.once(lead_versions), "lead_id")
    ended = resolved_leads(warehouse).select("lead_id", is_won="won")
    sources = last_shown(warehouse, warehouse["leads"], "leads", "source")
    sources = sources.select("lead_id", source=sources.source.cast("string"))
    rows = lead_keys(warehouse)
    for other in (first, ended, sources, _first_touches(warehouse, params)):
        rows = rows.left_join(other, "lead_id").drop("lead_id_right")
    age_us = ibis.literal(as_of, "timestamp(6)").delta(rows.created_at, unit="microsecond")
    # A young lead may still be answered in time: it is left out, answered or not. So is one that
    # came before the first activity was logged: how it was answered is not known.
    answer_us = round(params.answer_hours * HOUR_US)
    logged = _is_logged(warehouse, rows)
    is_old = logged * (age_us >= answer_us).cast("int64")
    is_older = logged * (age_us >= params.early_days * DAY_US).cast("int64")
    response_us = ibis.ifelse(logged == 1, rows.response_us, ibis.null("int64"))
    is_in_time = (response_us <= answer_us).fill_null(ibis.literal(value=False)).cast("int64")
    return rows.select(
        "rep_id",
        "lead_id",
        "account_id",
        at=rows.created_at,
        leads=ibis.literal(1, "int64"),
        converted=rows.is_won.fill_null(0),
        referrals=_is_one_of(rows.source, recognised.referrals),
        response_hours=response_us / HOUR_US,
        answered=response_us.notnull().cast("int64"),
        in_time=is_old * is_in_time,
        in_time_of=is_old,
        touches=is_older * rows.touches.fill_null(0),
        touched_of=is_older,
    )


def leads_ended(warehouse: Warehouse) -> ir.Table:
    """Return each lead at its end: `at, rep_id, lead_id, account_id, ended` (1) and `won`."""
    _, last = owners(warehouse.once(lead_versions), "lead_id")
    ended = resolved_leads(warehouse).drop("rep_id")
    keys = lead_keys(warehouse).drop("created_at")
    rows = ended.inner_join(keys, "lead_id").left_join(last, "lead_id").drop("lead_id_right")
    return rows.select(
        "rep_id", "lead_id", "account_id", "won", at=rows.resolved_at, ended=ibis.literal(1)
    )


def _is_logged(warehouse: Warehouse, rows: ir.Table) -> ir.IntegerValue:
    """Tell for each lead whether activities were logged already when it came, 1 or 0."""
    activities = warehouse["activities"]
    found = warehouse.arrow(activities.aggregate(first=activities.occurred_at.min()))["first"]
    first = found[0].as_py()
    if first is None:
        return ibis.literal(0, "int64")
    since_us = rows.created_at.delta(ibis.literal(first, "timestamp(6)"), unit="microsecond")
    return (since_us >= 0).cast("int64")


def _first_touches(warehouse: Warehouse, params: KpiParams) -> ir.Table:
    """When a rep first worked on each lead, and how often early: `response_us, touches`."""
    leads = warehouse["leads"].select("lead_id", "created_at")
    touches = by_reps(warehouse).select("lead_id", "occurred_at")
    rows = touches.inner_join(leads, "lead_id")
    rows = rows.mutate(since_us=rows.occurred_at.delta(rows.created_at, unit="microsecond"))
    rows = rows.filter(rows.since_us >= 0)
    early = rows.since_us < params.early_days * DAY_US
    return rows.group_by("lead_id").aggregate(
        response_us=rows.since_us.min(), touches=early.cast("int64").sum()
    )


def _is_one_of(column: ir.StringColumn, values: tuple[str, ...]) -> ir.IntegerValue:
    if not values:
        return ibis.literal(0, "int64")
    return column.isin(values).fill_null(ibis.literal(value=False)).cast("int64")
