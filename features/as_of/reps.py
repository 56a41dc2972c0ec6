"""Reps with a quota at their cutoffs: deals, the past, leads, peers, the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.arrays import Ints
from features.as_of.deal_totals import PACE_DAYS, deal_totals, period_totals
from features.as_of.deals import company_totals
from features.as_of.owners import HIRING
from features.as_of.past_periods import lead_totals, past_periods
from features.clock import to_us
from features.feature import DAY_US
from features.history.calendar import working_hours
from features.history.relations import SnapshotSet
from features.history.values import as_it_stood, changes_of, thousandths
from features.history.versions import deal_versions, lead_versions
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import (
    CUTOFF,
    SNAPSHOT,
    censor,
    cutoff_table,
    deletion_in,
    hired,
    quotas_at,
    undeleted,
)
from features.storage.warehouse import Warehouse
from features.subjects import REP
from features.tables import REPS

PLACES = ("manager_id", "role", "team", "territory", "segment")
"""Columns of reps that say where they belong."""
GROUPS = {"company": (), "territory": ("territory",), "manager": ("manager_id",)}
"""The peers a rep is compared with, and the columns they share."""
SUMMED = (
    "reps", "quota_thousandths", "attained_amount", "past_quota", "past_amount", "past_early",
    "open_leads", "open_amount", "leads_won", "leads_ended",
)  # fmt: skip
"""What is added up over the reps of a group at one cutoff."""
MOMENTS = ("period_start", "period_end", CUTOFF)
MINUTES = 60
SECOND_US = 1_000_000


def quota_rep_snapshots(
    warehouse: Warehouse,
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> SnapshotSet:
    """Number every rep whose quota period runs at each cutoff, with deals summed up."""
    deals = warehouse.once(deal_versions)
    quotas = quotas_at(warehouse.ever("quotas"), cutoff_table(cutoffs), ended=False)
    order = [quotas.rep_id, quotas[CUTOFF], quotas.period_start, quotas.period_end]
    base = warehouse.keep(
        quotas.mutate(
            # A rep has no moment of creation to count from.
            rep_age_us=ibis.literal(0, "int64"),
            quota_thousandths=thousandths(quotas.quota).fill_null(0),
            **{SNAPSHOT: ibis.row_number().over(order_by=order)},
        )
    )
    rows = _described(warehouse, base, vocabulary)
    for totals in (
        deal_totals(base, deals, "rep_id"),
        period_totals(base, deals, vocabulary.stages),
    ):
        rows = rows.inner_join(warehouse.keep(totals), SNAPSHOT)
    rows = warehouse.keep(rows.mutate(attained=rows.attained_amount / 1000))
    return SnapshotSet(warehouse, rows, vocabulary, params, REP, deals)


def _described(warehouse: Warehouse, base: ir.Table, vocabulary: Vocabulary) -> ir.Table:
    """Add what the CRM says of each rep at the cutoff: places, when hired, whether gone."""
    own = {f"reps__{name}": name for name in PLACES} | vocabulary.columns_of("reps")
    reps = warehouse.ever("reps")
    values = {f"reps__{name}": reps[name] for name in PLACES} | vocabulary.values_in(reps, "reps")
    reps = reps.select("hired_at", "left_at", same=reps.rep_id, **values, **deletion_in(reps))
    is_own = [base.rep_id == reps.same, *undeleted(reps, base[CUTOFF])]
    rows = base.left_join(reps, is_own).drop("same", *deletion_in(reps))
    is_known = hired(rows, rows[CUTOFF])
    shown = {n: ibis.ifelse(is_known, rows[n], ibis.null(rows[n].type())) for n in own}
    rows = censor(censor(rows.mutate(**shown), HIRING, rows[CUTOFF]), REPS, rows[CUTOFF])
    rows = as_it_stood(rows, changes_of(warehouse, "rep", "rep_id"), "rep_id", own)
    places = {name: rows[f"reps__{name}"] for name in PLACES}
    return rows.mutate(has_left=rows.left_at.notnull().cast("int64"), **places).drop("left_at")


def reps(snapshot_set: SnapshotSet) -> ir.Table:
    """Join each rep with earlier periods, leads, peers, company and calendar, one row each."""
    warehouse, rows = snapshot_set.warehouse, snapshot_set.snapshots
    deals, params = snapshot_set.deals, snapshot_set.params
    if deals is None:
        return rows
    spine = rows.select(SNAPSHOT, CUTOFF, "rep_id", "period_start", "period_end")
    past = past_periods(spine, warehouse.ever("quotas"), deals)
    leads = warehouse.once(lead_versions)
    for totals in (past, lead_totals(spine, leads, "rep_id", params)):
        rows = rows.inner_join(warehouse.keep(totals), SNAPSHOT)
    rows = rows.inner_join(_calendar(warehouse, spine, params), list(MOMENTS))
    company = warehouse.keep(company_totals(warehouse, spine, deals, params))
    rows = rows.inner_join(company, CUTOFF)
    return _among_peers(warehouse.keep(_exposed(rows)))


def _calendar(warehouse: Warehouse, spine: ir.Table, params: FeatureParams) -> ir.Table:
    """Count working minutes around each cutoff of each period: gone, left, and in windows back."""
    moments = warehouse.arrow(spine.select(*MOMENTS).distinct())
    start, end, cutoff = (to_us(moments[name].to_numpy()) for name in MOMENTS)

    def minutes(low: Ints, high: Ints) -> Ints:
        return np.round(working_hours(low, high, params) * MINUTES).astype(np.int64)

    counts = {
        "minutes_gone": minutes(start, cutoff),
        "minutes_left": minutes(cutoff, end),
        **{f"minutes_{days}d": minutes(cutoff - days * DAY_US, cutoff) for days in PACE_DAYS},
    }
    columns = {name: moments[name] for name in MOMENTS}
    return ibis.memtable(pa.table(columns | {name: pa.array(counts[name]) for name in counts}))


def _exposed(rows: ir.Table) -> ir.Table:
    """Add the working minutes of each window in which the rep, and the CRM, were there already."""
    # Of a window of 90 days, in its share of the days that both the rep and the first deal reach
    # back: hired 30 days ago, first deal 60 days ago: 30 of 90, a third of the window's minutes.
    # Without a hiring date only the first deal counts.
    tenure = rows[CUTOFF].delta(rows.hired_at, unit="microsecond") // SECOND_US
    # Before the first deal nobody could win one: where histories begin, windows do.
    since_first = rows.all_oldest_us // SECOND_US
    minutes = {}
    for days in PACE_DAYS:
        window = days * DAY_US // SECOND_US
        inside = ibis.least(tenure.fill_null(window), since_first, window)
        minutes[f"minutes_{days}d"] = (rows[f"minutes_{days}d"] * inside // window).cast("int64")
    return rows.mutate(**minutes)


def _among_peers(rows: ir.Table) -> ir.Table:
    """Add sums over the reps of the company, the territory and the manager at the same cutoff."""
    rows = rows.mutate(reps=ibis.literal(1, "int64"))
    paces = [f"{what}_{days}d" for what in ("minutes", "won", "won_amount") for days in PACE_DAYS]
    sums = {}
    for group, columns in GROUPS.items():
        over = ibis.window(group_by=[CUTOFF, *columns])
        for name in (*SUMMED, *(paces if group == "company" else ())):
            sums[f"{group}_{name}"] = rows[name].sum().over(over).cast("float64")
    return rows.mutate(**sums)
