"""The rows each kind of feature is made of, every one of them through the one door.

All relations hold `snapshot`, the dense number of a snapshot. Histories hold many rows for one,
each with `age_us`, the microseconds from the row to the cutoff; the others hold exactly one.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, pairs
from features.tables import ACTIVITIES, CHANGES
from features.vocabulary import OWNER_FIELD, STAGE, Vocabulary, as_number
from features.warehouse import Warehouse

@dataclass(frozen=True)
class Scene:
    """What the relations are made from: an engine's tables, snapshots of it, and the words."""

    warehouse: Warehouse
    snapshots: ir.Table
    vocabulary: Vocabulary
    params: FeatureParams


def code_of(column: ir.StringColumn, words: tuple[str, ...]) -> ir.IntegerColumn:
    """Number a word by its place in the frozen list; others get the number after the last."""
    other = ibis.literal(len(words), "int64")
    if not words:
        return ibis.ifelse(column.isnull(), ibis.null("int64"), other)
    branches = [(column == word, ibis.literal(i, "int64")) for i, word in enumerate(words)]
    return ibis.cases((column.isnull(), ibis.null("int64")), *branches, else_=other)


def touches(scene: Scene) -> ir.Table:
    """Every visible activity of the lead, words numbered, amounts in whole thousandths.

    Whole numbers add up to the same sum in any order, so that a parallel engine cannot make two
    builds differ in their last bit.
    """
    words = scene.vocabulary
    rows = scene.warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull())
    numbers = {f"number__{name}": _thousandths(as_number(rows[name])) for name in words.numbers}
    rows = rows.select(
        "lead_id",
        "occurred_at",
        "known_at",
        duration=_thousandths(rows.duration_s),
        type=code_of(rows["type"], words.types),
        direction=code_of(rows.direction, words.directions),
        outcome=code_of(rows.outcome, words.outcomes),
        **numbers,
    )
    return pairs(scene.snapshots, rows, ACTIVITIES, "lead_id", carry=("lead_age_us",))


def _thousandths(amount: ir.FloatingColumn) -> ir.IntegerColumn:
    return (amount * 1000).round().cast("int64")


def touch_days(scene: Scene) -> ir.Table:
    """One row for each day (UTC) with a visible activity: its youngest age."""
    rows = scene.warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull()).select("lead_id", "occurred_at", "known_at")
    joined = pairs(scene.snapshots, rows, ACTIVITIES, "lead_id")
    return joined.group_by(SNAPSHOT, day=joined.occurred_at.date()).aggregate(
        age_us=joined.age_us.min()
    )


def touch_reps(scene: Scene) -> ir.Table:
    """One row for each rep with a visible activity on the lead: its youngest age."""
    rows = scene.warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull() & rows.rep_id.notnull())
    rows = rows.select("lead_id", "rep_id", "occurred_at", "known_at")
    joined = pairs(scene.snapshots, rows, ACTIVITIES, "lead_id")
    return joined.group_by(SNAPSHOT, "rep_id").aggregate(age_us=joined.age_us.min())


def _lead_changes(scene: Scene) -> ir.Table:
    changes = scene.warehouse["changes"]
    rows = changes.filter(changes.entity_type == "lead")
    return rows.select("changed_at", "known_at", "field", "value", lead_id=rows.entity_id)


def stages(scene: Scene) -> ir.Table:
    """Every visible change of the lead's stage, stages numbered in their usual order."""
    rows = _lead_changes(scene)
    rows = rows.filter(rows.field == STAGE)
    rows = rows.mutate(stage=code_of(rows["value"], scene.vocabulary.stages))
    return pairs(scene.snapshots, rows, CHANGES, "lead_id")


def as_of(changes: ir.Table, snapshots: ir.Table, key: str) -> ir.Table:
    """Give the last visible value of each changed field: `snapshot, field, value`.

    Of two values of one moment the greater text counts, so that row order never matters.
    """
    seen = pairs(snapshots, changes, CHANGES, key)
    last = seen.group_by(SNAPSHOT, "field").aggregate(__age=seen.age_us.min())
    at_last = seen.inner_join(
        last,
        (seen[SNAPSHOT] == last[SNAPSHOT])
        & (seen["field"] == last["field"])
        & (seen.age_us == last["__age"]),
    )
    return at_last.group_by(SNAPSHOT, "field").aggregate(value=at_last["value"].max())


def history(scene: Scene) -> ir.Table:
    """The last visible value of each other field of the lead: a column `field__NAME` each."""
    fields = sorted(scene.vocabulary.fields)
    rows = _lead_changes(scene)
    values = as_of(rows.filter(rows.field.isin(fields)), scene.snapshots, "lead_id")
    columns = {
        f"field__{name}": values["value"].max(where=values["field"] == name) for name in fields
    }
    return values.group_by(SNAPSHOT).aggregate(**columns)


def leads(scene: Scene) -> ir.Table:
    """The snapshots themselves, with the last visible values of the lead's other fields."""
    if not scene.vocabulary.fields:
        return scene.snapshots
    return scene.snapshots.left_join(history(scene), SNAPSHOT).drop(f"{SNAPSHOT}_right")


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
    seen = pairs(without, rows, ACTIVITIES, "lead_id")
    last = seen.group_by(SNAPSHOT).aggregate(__age=seen.age_us.min())
    at_last = seen.inner_join(
        last, (seen[SNAPSHOT] == last[SNAPSHOT]) & (seen.age_us == last["__age"])
    )
    worked = at_last.group_by(SNAPSHOT).aggregate(worked_by=at_last.worked_by.min())
    joined = given.left_join(worked, SNAPSHOT)
    return joined.select(SNAPSHOT, owner=ibis.coalesce(joined.given, joined.worked_by))
