"""What all shapes of history want of a row: whose it is, when it was, and each field's value."""

from __future__ import annotations

from features.ingest.language.columns import ColumnShape, IdStyle
from features.ingest.language.histories import Entity, History
from features.ingest.parsing import TextFormat
from features.ingest.shaping.rows import Wanted
from features.tables import ENTITY_TABLES, TABLES, ColumnKind

KNOWN_AT = "known_at"
_NAMES = ("entity_type", "entity_id", "changed_at", "field", "value", "old_value")


def names_of(history: History) -> tuple[str, ...]:
    """Return the columns of `changes` that a history fills."""
    return _NAMES if history.known_at is None else (*_NAMES, KNOWN_AT)


def known_at(history: History, key: str) -> list[Wanted]:
    """Return what is wanted of since when a row could be known, if a history says that."""
    if history.known_at is None:
        return []
    return [Wanted(KNOWN_AT, ColumnKind.TIME, history.known_at, f"{key}.{KNOWN_AT}")]


def field_kind(entity: Entity, field: str) -> ColumnKind:
    """Return what a field of an entity holds; a text where the schema does not know it."""
    column = TABLES[ENTITY_TABLES[entity]].by_name.get(field)
    return ColumnKind.TEXT if column is None else column.kind


def field_value(entity: Entity, field: str, shape: ColumnShape, ids: IdStyle, key: str) -> Wanted:
    """Return what is wanted of a field's value: as in the entity's own column.

    Args:
        entity: what the field belongs to.
        field: its name in `changes`.
        shape: how its value is made.
        ids: how ids are made to look the same.
        key: where the mapping speaks of it.
    """
    kind = field_kind(entity, field)
    return Wanted(field, kind, with_ids(shape, kind, ids), key)


def entity_id(shape: ColumnShape, ids: IdStyle, key: str) -> Wanted:
    """Return what is wanted of the id of the entity that a row is about."""
    return Wanted("entity_id", ColumnKind.ID, with_ids(shape, ColumnKind.ID, ids), f"{key}.id")


def with_ids(shape: ColumnShape, kind: ColumnKind, ids: IdStyle) -> ColumnShape:
    """Return a shape whose ids look like all others, unless it says otherwise itself."""
    if kind is not ColumnKind.ID or shape.id is not None or ids is IdStyle.AS_IS:
        return shape
    return shape.model_copy(update={"id": ids})


def own_texts(day_first: bool | None, zone: str | None, otherwise: TextFormat) -> TextFormat:  # noqa: FBT001 - as the mapping has it
    """Return how a history's times are read: as it says, else as all are."""
    return TextFormat(otherwise.day_first if day_first is None else day_first, zone)
