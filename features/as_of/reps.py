"""What is known of a rep with a quota at a cutoff: deals, the past, leads, peers, the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.arrays import Ints
from features.as_of.deal_totals import PACE_DAYS, deal_totals, period_totals
from features.as_of.deals import company_book
from features.as_of.owners import HIRING
from features.as_of.past_periods import lead_book, past_periods
from features.clock import to_us
from features.feature import DAY_US
from features.history.calendar import working_hours
from features.history.relations import SnapshotSet
from features.history.values import as_it_stood, changes_of, thousandths
from features.history.versions import deal_versions, lead_versions
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, censor, cutoff_table, hired, quotas_at
from features.storage.warehouse import Warehouse
from features.subjects import REP
from features.tables import REPS

PLACES = ("manager_id", "role", "team", "territory", "segment")
"""Columns of reps that say where they belong."""
GROUPS = {"company": (), "territory": ("territory",), "manager": ("manager_id",)}
"""Whom a rep is looked at among, and by which columns."""
SUMMED = (
    "reps", "quota_thousandths", "attained_amount", "past_quota", "past_amount", "past_early",
    "open_leads", "open_amount", "leads_won", "leads_ended",
)  # fmt: skip
"""What is added up over the reps of a group at one cutoff."""
MOMENTS = ("period_start", "period_end", CUTOFF)
MINUTES = 60
SECOND_US = 1_000_000


def open_reps_scene(
    warehouse: Warehouse, words: Vocabulary, cutoffs: Sequence[datetime], params: FeatureParams
) -> SnapshotSet:
    """Number every rep whose quota period runs at each cutoff, with deals summed up."""
    deals = warehouse.keep(deal_versions(warehouse))
    quotas = quotas_at(warehouse["quotas"], cutoff_table(cutoffs), ended=False)
    order = [quotas.rep_id, quotas[CUTOFF], quotas.period_start, quotas.period_end]
    base = warehouse.keep(
        quotas.mutate(
            # A rep's story has no beginning of its own.
            rep_age_us=ibis.literal(0, "int64"),
            quota_thousandths=thousandths(quotas.quota).fill_null(0),
            **{SNAPSHOT: ibis.row_number().over(order_by=order)},
        )
    )
    rows = _described(warehouse, base, words)
    for book in (
        deal_totals(base, deals, "rep_id"),
        period_totals(base, deals, words.stages),
    ):
        rows = rows.inner_join(warehouse.keep(book), SNAPSHOT)
    rows = warehouse.keep(rows.mutate(attained=rows.attained_amount / 1000))
    return SnapshotSet(warehouse, rows, words, params, REP, deals)


def _described(warehouse: Warehouse, base: ir.Table, words: Vocabulary) -> ir.Table:
    """Add what the CRM says of each rep at the cutoff: places, when hired, whether gone."""
    own = {f"reps__{name}": name for name in PLACES} | words.columns_of("reps")
    reps = warehouse["reps"]
    reps = reps.select(
        "hired_at", "left_at", same=reps.rep_id, **{m: reps[name] for m, name in own.items()}
    )
    rows = base.left_join(reps, base.rep_id == reps.same).drop("same")
    known = hired(rows, rows[CUTOFF])
    told = {n: ibis.ifelse(known, rows[n], ibis.null(rows[n].type())) for n in own}
    rows = censor(censor(rows.mutate(**told), HIRING, rows[CUTOFF]), REPS, rows[CUTOFF])
    rows = as_it_stood(rows, changes_of(warehouse, "rep", "rep_id"), "rep_id", own)
    places = {name: rows[f"reps__{name}"] for name in PLACES}
    return rows.mutate(has_left=rows.left_at.notnull().cast("int64"), **places).drop("left_at")


def reps(scene: SnapshotSet) -> ir.Table:
    """Join each rep with earlier periods, leads, peers, company and calendar, one row each."""
    warehouse, rows, params = scene.warehouse, scene.snapshots, scene.params
    if scene.deals is None:
        return rows
    spine = rows.select(SNAPSHOT, CUTOFF, "rep_id", "period_start", "period_end")
    past = past_periods(spine, warehouse["quotas"], scene.deals)
    leads = warehouse.keep(lead_versions(warehouse))
    for book in (past, lead_book(spine, leads, "rep_id", params)):
        rows = rows.inner_join(warehouse.keep(book), SNAPSHOT)
    rows = rows.inner_join(_calendar(warehouse, spine, params), list(MOMENTS))
    company = warehouse.keep(company_book(warehouse, spine, scene.deals, params))
    rows = rows.inner_join(company, CUTOFF)
    return _among_peers(warehouse.keep(_exposed(rows)))


def _calendar(warehouse: Warehouse, spine: ir.Table, params: FeatureParams) -> ir.Table:
    """Count working minutes around each cutoff of each period: gone, left, and in windows back."""
    asked = warehouse.arrow(spine.select(*MOMENTS).distinct())
    start, end, cutoff = (to_us(asked[name].to_numpy()) for name in MOMENTS)

    def minutes(low: Ints, high: Ints) -> Ints:
        return np.round(working_hours(low, high, params) * MINUTES).astype(np.int64)

    told = {
        "minutes_gone": minutes(start, cutoff),
        "minutes_left": minutes(cutoff, end),
        **{f"minutes_{days}d": minutes(cutoff - days * DAY_US, cutoff) for days in PACE_DAYS},
    }
    times = {name: asked[name] for name in MOMENTS}
    return ibis.memtable(pa.table({**times, **{name: pa.array(told[name]) for name in told}}))


def _exposed(rows: ir.Table) -> ir.Table:
    """Add the working minutes of each window in which the rep, and the CRM, were there already."""
    tenure = rows[CUTOFF].delta(rows.hired_at, unit="microsecond") // SECOND_US
    # Before the first deal nobody could win one: where histories begin, windows do.
    since_first = rows.all_oldest_us // SECOND_US
    exposed = {}
    for days in PACE_DAYS:
        window = days * DAY_US // SECOND_US
        inside = ibis.least(tenure.fill_null(window), since_first, window)
        exposed[f"minutes_{days}d"] = (rows[f"minutes_{days}d"] * inside // window).cast("int64")
    return rows.mutate(**exposed)


def _among_peers(rows: ir.Table) -> ir.Table:
    """Add sums over the reps of the company, the territory and the manager at the same cutoff."""
    rows = rows.mutate(reps=ibis.literal(1, "int64"))
    paces = [f"{what}_{days}d" for what in ("minutes", "won", "won_amount") for days in PACE_DAYS]
    made = {}
    for group, columns in GROUPS.items():
        over = ibis.window(group_by=[CUTOFF, *columns])
        for name in (*SUMMED, *(paces if group == "company" else ())):
            made[f"{group}_{name}"] = rows[name].sum().over(over).cast("float64")
    return rows.mutate(**made)
