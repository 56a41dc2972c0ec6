"""The rows each kind of feature is made of, every one of them through the one door.

All relations hold `snapshot`, the dense number of a snapshot. Histories hold many rows for one,
each with `age_us`, the microseconds from the row to the cutoff; the others hold exactly one.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.history.values import as_it_stood, as_number, as_of, changes_of, thousandths
from features.history.vocabulary import OWNER_FIELD, STAGE, Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, as_of_join, observable
from features.storage.warehouse import Warehouse
from features.subjects import LEAD, Subject
from features.tables import ACTIVITIES, CHANGES


@dataclass(frozen=True)
class SnapshotSet:
    """What the relations are made from: an engine's tables, snapshots of it, and the words.

    Attributes:
        warehouse: the tables.
        snapshots: numbered by the subject's id and cutoff.
        vocabulary: the words.
        params: calendar and windows.
        subject: what the snapshots are of.
        deals: for deals and reps, how deals stood, as `features.spells` gives it.
    """

    warehouse: Warehouse
    snapshots: ir.Table
    vocabulary: Vocabulary
    params: FeatureParams
    subject: Subject = LEAD
    deals: ir.Table | None = None


def code_of(column: ir.StringColumn, words: tuple[str, ...]) -> ir.IntegerColumn:
    """Number a word by its place in the frozen list; others get the number after the last."""
    other = ibis.literal(len(words), "int16")
    if not words:
        return ibis.ifelse(column.isnull(), ibis.null("int16"), other)
    branches = [(column == word, ibis.literal(i, "int16")) for i, word in enumerate(words)]
    return ibis.cases((column.isnull(), ibis.null("int16")), *branches, else_=other)


def touches(scene: SnapshotSet) -> ir.Table:
    """Every activity of the subjects that is ever seen, words numbered, amounts in thousandths.

    Whole numbers add up to the same sum in any order, so that a parallel engine cannot make two
    builds differ in their last bit.
    """
    words, key = scene.vocabulary, scene.subject.key
    rows = scene.warehouse["activities"]
    rows = rows.filter(rows[key].notnull())
    numbers = {f"number__{name}": thousandths(as_number(rows[name])) for name in words.numbers}
    rows = rows.select(
        "occurred_at",
        "known_at",
        **{key: rows[key], "rep_id": rows.rep_id},
        day=rows.occurred_at.date(),
        duration=thousandths(rows.duration_s),
        type=code_of(rows["type"], words.types),
        direction=code_of(rows.direction, words.directions),
        outcome=code_of(rows.outcome, words.outcomes),
        **numbers,
    )
    return observable(scene.snapshots, rows, ACTIVITIES, key)


def first_touches(warehouse: Warehouse) -> ir.Table:
    """Tell when each rep was first seen to have an activity on each lead: `lead_id, rep_id`.

    Half-open clocks make that one moment, the later of the activity's two, which both clocks tell.
    """
    rows = warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull() & rows.rep_id.notnull() & rows.known_at.notnull())
    first = rows.group_by("lead_id", "rep_id").aggregate(
        occurred_at=ibis.greatest(rows.occurred_at, rows.known_at).min()
    )
    return first.mutate(known_at=first.occurred_at)


def stages(scene: SnapshotSet) -> ir.Table:
    """Every change of a subject's stage ever seen, stages numbered in their usual order."""
    subject = scene.subject
    rows = changes_of(scene.warehouse, subject.kind, subject.key)
    rows = rows.filter(rows.field == STAGE)
    rows = rows.mutate(stage=code_of(rows["value"], scene.vocabulary.stages))
    return observable(scene.snapshots, rows, CHANGES, subject.key)


def leads(scene: SnapshotSet) -> ir.Table:
    """The snapshots, columns known at creation and fields with a history as they stood."""
    words = scene.vocabulary
    rows = scene.snapshots.mutate(**dict.fromkeys(words.field_columns, ibis.null("string")))
    own = words.field_columns | words.columns_of("leads")
    rows = as_it_stood(rows, changes_of(scene.warehouse, "lead", "lead_id"), "lead_id", own)
    changes = changes_of(scene.warehouse, "account", "account_id")
    return as_it_stood(rows, changes, "account_id", words.columns_of("accounts"))


def owners(warehouse: Warehouse, snapshots: ir.Table) -> ir.Table:
    """Name the owner of each snapshot's lead at its cutoff: `snapshot, owner`.

    The last visible `changes.rep_id`, else `leads.rep_id`, else the rep of the last visible
    activity (of two at one moment, the lesser id), else empty.

    Args:
        warehouse: holds `changes` and `activities`.
        snapshots: `snapshot, cutoff, lead_id, rep_id`.
    """
    changes = warehouse["changes"]
    moves = changes.filter((changes.entity_type == "lead") & (changes.field == OWNER_FIELD))
    moves = moves.select("changed_at", "known_at", "field", "value", lead_id=moves.entity_id)
    moved = as_of(moves, snapshots, "lead_id").select(SNAPSHOT, moved_to="value")
    given = snapshots.left_join(moved, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    given = given.mutate(given=ibis.coalesce(given.moved_to, given.rep_id))
    without = given.filter(given.given.isnull()).select(SNAPSHOT, CUTOFF, "lead_id")
    rows = warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull() & rows.rep_id.notnull())
    rows = rows.select("lead_id", "occurred_at", "known_at", worked_by=rows.rep_id)
    seen = as_of_join(without, rows, ACTIVITIES, "lead_id")
    last = seen.group_by(SNAPSHOT).aggregate(__age=seen.age_us.min())
    at_last = seen.inner_join(
        last, (seen[SNAPSHOT] == last[SNAPSHOT]) & (seen.age_us == last["__age"])
    )
    worked = at_last.group_by(SNAPSHOT).aggregate(worked_by=at_last.worked_by.min())
    joined = given.left_join(worked, SNAPSHOT)
    return joined.select(SNAPSHOT, owner=ibis.coalesce(joined.given, joined.worked_by))


def resolved_leads(warehouse: Warehouse) -> ir.Table:
    """Every lead that was won or lost, when, and which: `lead_id, rep_id, resolved_at, won`."""
    leads = warehouse["leads"]
    won = leads.converted_at.notnull() & (
        leads.lost_at.isnull() | (leads.converted_at <= leads.lost_at)
    )
    ended = leads.mutate(
        won=won.cast("int64"), resolved_at=ibis.ifelse(won, leads.converted_at, leads.lost_at)
    )
    return ended.filter(ended.resolved_at.notnull()).select(
        "lead_id", "rep_id", "resolved_at", "won"
    )
