"""Leads that ended: who owned them then, and who had worked on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from features.as_of.leads import lead_owners
from features.history.relations import resolved_leads
from features.snapshot import (
    ASKED_AT,
    CUTOFF,
    DELETED_AT,
    LEFT_FROM,
    NEVER,
    SNAPSHOT,
    as_of_join,
    deletion_in,
    first_left,
)
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES, Column, ColumnKind, Table

RESOLUTIONS = Table(
    "resolutions",
    (Column("resolved_at", ColumnKind.TIME, required=True),),
    event_time="resolved_at",
)
REVISED = replace(RESOLUTIONS, known_at="known_at")
"""Outcomes of leads some of whose rows were deleted, which may be told otherwise later."""
WHO = "who"


def resolution_snapshots(warehouse: Warehouse) -> ir.Table:
    """Return every lead that was won or lost as a snapshot of that moment, with `won`.

    Where rows are deleted, a lead may be there several times: who owned it and who had worked on it
    is told by what a later cutoff still sees. Each then has `record_from` and `record_to`, the
    cutoffs that it is a record for, and `asked_at`, as the door takes it.
    """
    ended = resolved_leads(warehouse)
    ended = ended.mutate(**{CUTOFF: ended.resolved_at}).drop("resolved_at")
    rows = {name: warehouse.ever(name) for name in ("activities", "changes")}
    if any(DELETED_AT in table.columns for table in (ended, *rows.values())):
        ended = _by_deletion(ended, rows)
    return ended.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=ended.lead_id)})


def _by_deletion(ended: ir.Table, rows: Mapping[str, ir.Table]) -> ir.Table:
    """Take a lead that ended once for each stretch of time in which its rows are the same.

    Args:
        ended: `lead_id, cutoff` of the end, and perhaps `deleted_at`.
        rows: `activities` and `changes`.
    """
    # Of a lead that was won on day 5, of whose rows one was deleted on day 9, cutoffs up to day 9
    # see that row and later ones do not; what is deleted before the end no record sees:
    #
    #   record_from    record_to    asked_at
    #   day 5          day 9        day 9: a row deleted then is seen
    #   day 9          never        never: no deleted row is seen
    never = ibis.literal(NEVER, "timestamp(6)")
    begins = ended.select("lead_id", record_from=ended[CUTOFF])
    ids = {"activities": "lead_id", "changes": "entity_id"}
    for name, table in rows.items():
        if DELETED_AT in table.columns:
            gone = table.filter(table[DELETED_AT].notnull())
            gone = gone.select(lead_id=gone[ids[name]], record_from=gone[DELETED_AT])
            begins = begins.union(gone)
    begins = begins.distinct()
    pairs = ended.inner_join(begins, "lead_id")
    pairs = pairs.filter(pairs.record_from >= pairs[CUTOFF])
    following = ibis.window(group_by=[pairs.lead_id], order_by=[pairs.record_from])
    pairs = pairs.mutate(
        **{ASKED_AT: ibis.coalesce(pairs.record_from.lead().over(following), never)}
    )
    end = ibis.coalesce(pairs[DELETED_AT], never) if DELETED_AT in pairs.columns else never
    return pairs.mutate(record_to=ibis.least(pairs[ASKED_AT], end)).drop(*deletion_in(pairs))


def touches_of_reps(warehouse: Warehouse) -> ir.Table:
    """Return when each activity of a rep on a lead could be seen: `lead_id, rep_id`, both clocks.

    Half-open clocks make that one moment, the later of the activity's two; both hold it.
    """
    rows = warehouse.ever("activities")
    rows = rows.filter(rows.lead_id.notnull() & rows.rep_id.notnull() & rows.known_at.notnull())
    seen = ibis.greatest(rows.occurred_at, rows.known_at)
    return rows.select("lead_id", "rep_id", occurred_at=seen, known_at=seen, **deletion_in(rows))


def first_touches(touches: ir.Table) -> ir.Table:
    """Return when each rep was first seen to have an activity on each lead, both clocks alike.

    Where activities are deleted, a later one may be the first of those that are left.

    Args:
        touches: what `touches_of_reps` returns.
    """
    group = ["lead_id", "rep_id"]
    if DELETED_AT in touches.columns:
        left = first_left(touches, group, [touches.occurred_at])
        since = ibis.coalesce(left[LEFT_FROM], left.known_at)
        return left.mutate(known_at=ibis.greatest(left.known_at, since)).drop(LEFT_FROM)
    first = touches.group_by(*group).aggregate(occurred_at=touches.occurred_at.min())
    return first.mutate(known_at=first.occurred_at)


def owner_outcomes(warehouse: Warehouse, ended: ir.Table) -> ir.Table:
    """Name the rep who owned each lead that ended, at that moment: `who, resolved_at, won`."""
    owned = ended.inner_join(lead_owners(warehouse, ended), SNAPSHOT)
    return owned.select(**{WHO: owned.owner}, **_record(owned))


def rep_outcomes(ended: ir.Table, touches: ir.Table) -> ir.Table:
    """Name every rep who had an activity on a lead before it ended: `who, resolved_at, won`."""
    spans = {"record_from", "record_to"} & set(ended.columns)
    worked = as_of_join(ended, touches, ACTIVITIES, "lead_id", carry=("won", *sorted(spans)))
    once = worked.select(SNAPSHOT, **{WHO: worked.rep_id}, **_record(worked))
    return (once.distinct() if spans else once).drop(SNAPSHOT)


def _record(ended: ir.Table) -> dict[str, ir.Value]:
    """Return a lead's outcome as columns to select, with the cutoffs that see it, if it has any."""
    columns = {"won": ended.won, "resolved_at": ended[CUTOFF]}
    if "record_from" in ended.columns:
        columns |= {"known_at": ended.record_from, DELETED_AT: ended.record_to}
    return columns
