"""What is known of an open deal at its cutoff: the deal, its moves, its owner and the company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import deal_totals
from features.as_of.owners import describe_owners
from features.feature import DAY_US
from features.history.calendar import calendar_of
from features.history.relations import SnapshotSet, code_of
from features.history.values import as_it_stood, as_number, as_time, changes_of
from features.history.versions import deal_versions
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, as_of_join, cutoff_table, observable, versions_at
from features.storage.warehouse import Warehouse
from features.subjects import DEAL
from features.tables import CHANGES, LEADS

MOVES = (
    "stage forward",
    "stage back",
    "amount up",
    "amount down",
    "close pushed",
    "close pulled in",
)
"""What a change can be, beside the value the same field was last shown with."""


def open_deals_scene(
    warehouse: Warehouse, words: Vocabulary, cutoffs: Sequence[datetime], params: FeatureParams
) -> SnapshotSet:
    """Number every open deal at each cutoff, as it stood, with its owner."""
    deals = warehouse.keep(deal_versions(warehouse))
    moments = cutoff_table(cutoffs).mutate(**{SNAPSHOT: ibis.literal(0)})
    seen = versions_at(moments, deals, None).drop(SNAPSHOT)
    seen = seen.filter(seen.ended == 0)
    order = [seen.deal_id, seen[CUTOFF]]
    base = seen.select(
        "deal_id",
        CUTOFF,
        "owner",
        "amount",
        "thousandths",
        "expected_close_at",
        "lead_id",
        "account_id",
        "created_at",
        deal_age_us=seen[CUTOFF].delta(seen.created_at, unit="microsecond"),
        **{SNAPSHOT: ibis.row_number().over(order_by=order)},
    )
    base = warehouse.keep(base)
    return SnapshotSet(
        warehouse, warehouse.keep(_described(warehouse, base, words)), words, params, DEAL, deals
    )


def _described(warehouse: Warehouse, base: ir.Table, words: Vocabulary) -> ir.Table:
    """Add columns known at creation: of the deal, of its account, and of its lead if it is seen."""
    for table, key in (("deals", "deal_id"), ("accounts", "account_id")):
        if own := words.columns_of(table):
            rows = warehouse[table]
            rows = rows.select(same=rows[key], **{m: rows[c] for m, c in own.items()})
            base = base.left_join(rows, base[key] == rows.same).drop("same")
    leads = warehouse["leads"]
    own = {made: leads[name] for made, name in words.columns_of("leads").items()}
    seen = as_of_join(base, leads.select("lead_id", "created_at", **own), LEADS, "lead_id")
    seen = seen.select(SNAPSHOT, *own, lead_us=seen.age_us)
    return base.left_join(seen, SNAPSHOT).drop(f"{SNAPSHOT}_right")


def deals(scene: SnapshotSet) -> ir.Table:
    """The snapshots, columns known at creation and fields with a history as they stood."""
    words = scene.vocabulary
    rows = scene.snapshots.mutate(**dict.fromkeys(words.field_columns, ibis.null("string")))
    for kind, table in (("deal", "deals"), ("account", "accounts"), ("lead", "leads")):
        key = f"{kind}_id"
        own = words.columns_of(table)
        if kind == "deal":
            own = words.field_columns | own
        rows = as_it_stood(rows, changes_of(scene.warehouse, kind, key), key, own)
    return rows


def moves(scene: SnapshotSet) -> ir.Table:
    """Every change of a deal that is ever seen, told as a move where both values can be compared.

    A value is compared with the one shown before it, in the order in which the CRM came to show
    them, so that no row that is shown later can turn a move around. The first value a field is
    shown with is no move: the column beside it tells how the story ended.
    """
    rows = changes_of(scene.warehouse, "deal", "deal_id")
    rows = rows.filter(rows.known_at.notnull())
    value = rows["value"]
    order = [
        ibis.greatest(rows.changed_at, rows.known_at),
        rows.changed_at,
        value.asc(nulls_first=True),
    ]
    before = value.lag().over(ibis.window(group_by=[rows.deal_id, rows["field"]], order_by=order))
    rows = rows.mutate(before=before)
    stage = [_place(rows[n], scene.vocabulary.stages) for n in ("value", "before")]
    amount = [as_number(rows[n]) for n in ("value", "before")]
    due = [as_time(rows[n]) for n in ("value", "before")]
    due_us = due[0].delta(due[1], unit="microsecond")
    moved = {
        "stage": (stage[0] > stage[1], stage[0] < stage[1]),
        "amount": (amount[0] > amount[1], amount[0] < amount[1]),
        "expected_close_at": (due_us > 0, due_us < 0),
    }
    branches = [
        ((rows["field"] == name) & is_so, ibis.literal(place, "int16"))
        for place, (name, is_so) in enumerate((n, way) for n, ways in moved.items() for way in ways)
    ]
    rows = rows.select(
        "deal_id",
        "changed_at",
        "known_at",
        move=ibis.cases(*branches, else_=ibis.null("int16")),
        # Thousandths of a day, as sums of a history are.
        days=ibis.ifelse(rows["field"] == "expected_close_at", due_us // (DAY_US // 1000), 0),
    )
    return observable(scene.snapshots, rows, CHANGES, "deal_id")


def _place(column: ir.StringColumn, stages: tuple[str, ...]) -> ir.IntegerColumn:
    """Give a stage's place in the usual order; a stage of no known place is not compared."""
    return code_of(column, stages).nullif(len(stages))


def market(scene: SnapshotSet) -> ir.Table:
    """Join each deal with its owner's record and the company's state, one row each."""
    warehouse, snapshots, params = scene.warehouse, scene.snapshots, scene.params
    if scene.deals is None:
        return snapshots
    company = warehouse.keep(company_book(warehouse, snapshots, scene.deals, params))
    owned = snapshots.filter(snapshots.owner.notnull()).select("owner", CUTOFF).distinct()
    order = [owned[CUTOFF], owned.owner]
    askers = warehouse.keep(owned.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=order)}))
    book = deal_totals(askers, scene.deals, "owner")
    columns = {f"owner_{name}": book[name] for name in book.columns if name != SNAPSHOT}
    records = askers.inner_join(book.select(SNAPSHOT, **columns), SNAPSHOT)
    records = describe_owners(warehouse, records, scene.vocabulary.columns_of("reps"))
    records = warehouse.keep(records)
    joined = snapshots.left_join(
        records, (snapshots.owner == records.owner) & (snapshots[CUTOFF] == records[CUTOFF])
    ).drop("owner_right", "cutoff_right")
    return joined.left_join(company, CUTOFF).drop("cutoff_right")


def company_book(
    warehouse: Warehouse, snapshots: ir.Table, deals: ir.Table, params: FeatureParams
) -> ir.Table:
    """The company's deals and the calendar at each cutoff: `cutoff`, `all_...`, the calendar."""
    cutoffs = warehouse.arrow(snapshots.select(CUTOFF).distinct())[CUTOFF].to_pylist()
    calendar = ibis.memtable(calendar_of(sorted(cutoffs), params.timezone))
    calendar = calendar.mutate(cutoff=calendar.cutoff.cast("timestamp(6)"))
    moments = calendar.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=calendar.cutoff)})
    book = deal_totals(moments, deals, None)
    told = {f"all_{name}": book[name] for name in book.columns if name != SNAPSHOT}
    joined = moments.inner_join(book.select(SNAPSHOT, **told), SNAPSHOT)
    return joined.drop(SNAPSHOT)
