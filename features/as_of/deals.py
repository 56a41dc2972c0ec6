"""Open deals at their cutoffs: the deal as it stood, its moves, its owner and the company."""

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
from features.snapshot import (
    CUTOFF,
    DELETED_AT,
    LEFT_FROM,
    SNAPSHOT,
    as_of_join,
    cutoff_table,
    deletion_in,
    first_left,
    observable,
    undeleted,
    versions_at,
)
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
"""What a change can be, compared with the value that was shown of the field before."""


def open_deal_snapshots(
    warehouse: Warehouse,
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> SnapshotSet:
    """Number every open deal at each cutoff, as it stood, with its owner."""
    deals = warehouse.once(deal_versions)
    moments = cutoff_table(cutoffs).mutate(**{SNAPSHOT: ibis.literal(0)})
    rows = versions_at(moments, deals, None).drop(SNAPSHOT)
    rows = rows.filter(rows.ended == 0)
    order = [rows.deal_id, rows[CUTOFF]]
    base = rows.select(
        "deal_id",
        CUTOFF,
        "owner",
        "amount",
        "thousandths",
        "expected_close_at",
        "lead_id",
        "account_id",
        "created_at",
        deal_age_us=rows[CUTOFF].delta(rows.created_at, unit="microsecond"),
        **{SNAPSHOT: ibis.row_number().over(order_by=order)},
    )
    base = warehouse.keep(base)
    described = warehouse.keep(_described(warehouse, base, vocabulary))
    return SnapshotSet(warehouse, described, vocabulary, params, DEAL, deals)


def _described(warehouse: Warehouse, base: ir.Table, vocabulary: Vocabulary) -> ir.Table:
    """Add columns known at creation: of the deal, its account, and its lead if that is visible."""
    for table, key in (("deals", "deal_id"), ("accounts", "account_id")):
        rows = warehouse.ever(table)
        if own := vocabulary.values_in(rows, table):
            rows = rows.select(same=rows[key], **own, **deletion_in(rows))
            is_own = [base[key] == rows.same, *undeleted(rows, base[CUTOFF])]
            base = base.left_join(rows, is_own).drop("same", *deletion_in(rows))
    leads = warehouse.ever("leads")
    own = vocabulary.values_in(leads, "leads")
    leads = leads.select("lead_id", "created_at", **own, **deletion_in(leads))
    visible = as_of_join(base, leads, LEADS, "lead_id")
    visible = visible.select(SNAPSHOT, *own, lead_us=visible.age_us)
    return base.left_join(visible, SNAPSHOT).drop(f"{SNAPSHOT}_right")


def deals(snapshot_set: SnapshotSet) -> ir.Table:
    """Return the snapshots, columns known at creation and fields with a history as they stood."""
    vocabulary = snapshot_set.vocabulary
    fields = dict.fromkeys(vocabulary.field_columns, ibis.null("string"))
    rows = snapshot_set.snapshots.mutate(**fields)
    for kind, table in (("deal", "deals"), ("account", "accounts"), ("lead", "leads")):
        key = f"{kind}_id"
        own = vocabulary.columns_of(table)
        if kind == "deal":
            own = vocabulary.field_columns | own
        rows = as_it_stood(rows, changes_of(snapshot_set.warehouse, kind, key), key, own)
    return rows


def moves(snapshot_set: SnapshotSet) -> ir.Table:
    """Return every change of a deal that some snapshot sees, as a move where it can be compared.

    A value is compared with the one shown before it, in the order in which the CRM came to show
    them, so that no row that is shown later can turn a move around. The first value a field is
    shown with, be it that of the deal's creation, is not a move: nothing was shown before it.
    """
    # Amounts in the order in which they are shown, and the moves they are:
    #
    #   10, changed and shown on day 5         the first: not a move
    #   30, changed and shown on day 7         up from 10
    #   50, changed on day 6, shown on day 9   up from 30
    rows = changes_of(snapshot_set.warehouse, "deal", "deal_id")
    rows = rows.filter(rows.known_at.notnull())
    rows = _with_value_before(rows)
    stage = [_place(rows[n], snapshot_set.vocabulary.stages) for n in ("value", "before")]
    amount = [as_number(rows[n]) for n in ("value", "before")]
    due = [as_time(rows[n]) for n in ("value", "before")]
    due_us = due[0].delta(due[1], unit="microsecond")
    directions = {
        "stage": (stage[0] > stage[1], stage[0] < stage[1]),
        "amount": (amount[0] > amount[1], amount[0] < amount[1]),
        "expected_close_at": (due_us > 0, due_us < 0),
    }
    branches = [
        ((rows["field"] == name) & is_so, ibis.literal(place, "int16"))
        for place, (name, is_so) in enumerate(
            (n, way) for n, ways in directions.items() for way in ways
        )
    ]
    rows = rows.select(
        "deal_id",
        "changed_at",
        "known_at",
        move=ibis.cases(*branches, else_=ibis.null("int16")),
        # Thousandths of a day, as sums of a history are.
        days=ibis.ifelse(rows["field"] == "expected_close_at", due_us // (DAY_US // 1000), 0),
        **deletion_in(rows),
    )
    return observable(snapshot_set.snapshots, rows, CHANGES, "deal_id")


def _with_value_before(rows: ir.Table) -> ir.Table:
    """Add the value of the deal's field that was shown before each: `before`."""
    value, group = rows["value"], ["deal_id", "field"]
    shown_at = ibis.greatest(rows.changed_at, rows.known_at)
    order = [shown_at, rows.changed_at, value.asc(nulls_first=True)]
    in_order = ibis.window(group_by=group, order_by=order)
    following = rows.mutate(before=value.lag().over(in_order))
    if DELETED_AT not in rows.columns:
        return following
    gone = rows.filter(rows[DELETED_AT].notnull()).select("deal_id").distinct()
    place = ibis.row_number().over(in_order).cast("int64")
    told_otherwise = _with_values_left(rows.mutate(place=place).semi_join(gone, "deal_id"), group)
    others = following.anti_join(gone, "deal_id")
    return others.union(told_otherwise.select(*others.columns))


def _with_values_left(rows: ir.Table, group: list[str]) -> ir.Table:
    """Add to each change of a field the values before it, each for as long as it is the last left.

    Args:
        rows: changes with their `place` in the order in which they are shown.
        group: the columns that tell the field of a deal.
    """
    # Once the value before is deleted, the one before that is compared with. Of 10, 20 and 30,
    # where 20 is deleted on day 9, the last is there twice, at no cutoff both times:
    #
    #   30 after 20     up to day 9
    #   30 after 10     after day 9
    earlier = rows.select(*group, DELETED_AT, before=rows["value"], before_place=rows.place)
    nothing = (
        earlier.select(*group)
        .distinct()
        .mutate(
            **{DELETED_AT: ibis.null("timestamp(6)")},
            before=ibis.null("string"),
            before_place=ibis.literal(-1, "int64"),
        )
    )
    earlier = earlier.union(nothing.select(*earlier.columns))
    later = rows.select(
        *group, "place", "changed_at", "known_at", "value", own_end=rows[DELETED_AT]
    )
    pairs = later.inner_join(earlier, group)
    pairs = pairs.filter(pairs.before_place < pairs.place)
    pairs = first_left(pairs, [*group, "place"], [pairs.before_place.desc()])
    known_at = ibis.greatest(pairs.known_at, ibis.coalesce(pairs[LEFT_FROM], pairs.known_at))
    end = ibis.least(pairs[DELETED_AT], ibis.coalesce(pairs.own_end, pairs[DELETED_AT]))
    return pairs.mutate(known_at=known_at, **{DELETED_AT: end})


def _place(column: ir.StringColumn, stages: tuple[str, ...]) -> ir.IntegerColumn:
    """Return a stage's place in the usual order; a stage without one is not compared."""
    return code_of(column, stages).nullif(len(stages))


def deal_context(snapshot_set: SnapshotSet) -> ir.Table:
    """Join each deal with its owner's record and the company's state, one row each."""
    warehouse, snapshots = snapshot_set.warehouse, snapshot_set.snapshots
    if snapshot_set.deals is None:
        return snapshots
    company = company_totals(warehouse, snapshots, snapshot_set.deals, snapshot_set.params)
    company = warehouse.keep(company)
    owned = snapshots.filter(snapshots.owner.notnull()).select("owner", CUTOFF).distinct()
    order = [owned[CUTOFF], owned.owner]
    owners = warehouse.keep(owned.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=order)}))
    totals = deal_totals(owners, snapshot_set.deals, "owner")
    columns = {f"owner_{name}": totals[name] for name in totals.columns if name != SNAPSHOT}
    records = owners.inner_join(totals.select(SNAPSHOT, **columns), SNAPSHOT)
    records = describe_owners(warehouse, records, snapshot_set.vocabulary)
    records = warehouse.keep(records)
    joined = snapshots.left_join(
        records, (snapshots.owner == records.owner) & (snapshots[CUTOFF] == records[CUTOFF])
    ).drop("owner_right", "cutoff_right")
    return joined.left_join(company, CUTOFF).drop("cutoff_right")


def company_totals(
    warehouse: Warehouse, snapshots: ir.Table, deals: ir.Table, params: FeatureParams
) -> ir.Table:
    """Return the company's deal totals and the calendar at each cutoff: `cutoff, all_...` ...

    Args:
        warehouse: answers.
        snapshots: has `cutoff`.
        deals: what `deal_versions` returns.
        params: the business's time zone.
    """
    cutoffs = warehouse.arrow(snapshots.select(CUTOFF).distinct())[CUTOFF].to_pylist()
    calendar = ibis.memtable(calendar_of(sorted(cutoffs), params.timezone))
    calendar = calendar.mutate(cutoff=calendar.cutoff.cast("timestamp(6)"))
    moments = calendar.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=calendar.cutoff)})
    totals = deal_totals(moments, deals, None)
    columns = {f"all_{name}": totals[name] for name in totals.columns if name != SNAPSHOT}
    joined = moments.inner_join(totals.select(SNAPSHOT, **columns), SNAPSHOT)
    return joined.drop(SNAPSHOT)
