"""The rows features are made of, every one of them through the one door; and sets of snapshots.

Histories hold one row for each event and say with `entity`, `event_time` and `available_at` which
snapshots see it; other relations hold exactly one row for each `snapshot`, its dense number.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.history.values import changes_of, number_or_flag, thousandths
from features.history.vocabulary import STAGE, Vocabulary
from features.params import FeatureParams
from features.snapshot import deletion_in, observable
from features.storage.warehouse import Warehouse
from features.subjects import LEAD, Subject
from features.tables import ACTIVITIES, CHANGES


@dataclass(frozen=True)
class SnapshotSet:
    """Snapshots of one kind of thing, and all that their features are computed from.

    Attributes:
        warehouse: the tables.
        snapshots: one row each, numbered by the subject's id and cutoff.
        vocabulary: the categories that features are declared with.
        params: calendar and windows.
        subject: what the snapshots are of.
        deals: for deals and reps, what `history.versions.deal_versions` returns.
    """

    warehouse: Warehouse
    snapshots: ir.Table
    vocabulary: Vocabulary
    params: FeatureParams
    subject: Subject = LEAD
    deals: ir.Table | None = None


def code_of(column: ir.StringColumn, categories: tuple[str, ...]) -> ir.IntegerColumn:
    """Number a category by its place in the frozen list; others get the number after the last."""
    other = ibis.literal(len(categories), "int16")
    if not categories:
        return ibis.ifelse(column.isnull(), ibis.null("int16"), other)
    branches = [(column == name, ibis.literal(i, "int16")) for i, name in enumerate(categories)]
    return ibis.cases((column.isnull(), ibis.null("int16")), *branches, else_=other)


def touches(snapshot_set: SnapshotSet) -> ir.Table:
    """Return every activity that some snapshot sees, categories as codes, amounts in thousandths.

    Whole numbers add up to the same sum in any order, so that a parallel engine cannot make two
    builds differ in their last bit.
    """
    vocabulary, key = snapshot_set.vocabulary, snapshot_set.subject.key
    rows = snapshot_set.warehouse.ever("activities")
    rows = rows.filter(rows[key].notnull())
    numbers = {
        f"number__{name}": thousandths(number_or_flag(rows[name])) for name in vocabulary.numbers
    }
    rows = rows.select(
        "occurred_at",
        "known_at",
        **{key: rows[key], "rep_id": rows.rep_id},
        day=rows.occurred_at.date(),
        duration=thousandths(rows.duration_s),
        type=code_of(rows["type"], vocabulary.types),
        direction=code_of(rows.direction, vocabulary.directions),
        outcome=code_of(rows.outcome, vocabulary.outcomes),
        **numbers,
        **deletion_in(rows),
    )
    return observable(snapshot_set.snapshots, rows, ACTIVITIES, key)


def stages(snapshot_set: SnapshotSet) -> ir.Table:
    """Return every change of a stage that some snapshot sees, stages as codes."""
    subject = snapshot_set.subject
    rows = changes_of(snapshot_set.warehouse, subject.kind, subject.key)
    rows = rows.filter(rows.field == STAGE)
    rows = rows.mutate(stage=code_of(rows["value"], snapshot_set.vocabulary.stages))
    return observable(snapshot_set.snapshots, rows, CHANGES, subject.key)


def resolved_leads(warehouse: Warehouse) -> ir.Table:
    """Return every lead that was won or lost: `lead_id, rep_id, resolved_at, won` (0 or 1).

    Those deleted by the end are among them, with their `deleted_at`.
    """
    leads = warehouse.ever("leads")
    # Of a lead with both ends the first one counts; of two at one moment, the win.
    won = leads.converted_at.notnull() & (
        leads.lost_at.isnull() | (leads.converted_at <= leads.lost_at)
    )
    ended = leads.mutate(
        won=won.cast("int64"), resolved_at=ibis.ifelse(won, leads.converted_at, leads.lost_at)
    )
    return ended.filter(ended.resolved_at.notnull()).select(
        "lead_id", "rep_id", "resolved_at", "won", **deletion_in(ended)
    )
