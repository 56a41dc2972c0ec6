"""Histories in the shapes that CRMs and warehouse loaders deliver; each becomes `changes`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.ingest.language.columns import Shape, Where
from features.ingest.language.words import Name, Words, Zone

Entity = Literal["lead", "deal", "rep", "account"]


class History(Words):
    """What all shapes of history have in common.

    Attributes:
        entity: what its rows are about.
        table: the source's table.
        id: the column with the entity's id.
        fields: our field (`stage`, `rep_id`, `amount` …) -> where its value stands. Only these
            become changes. Fields that differ from columns of ours keep any name.
        known_at: the column with the moment since when a row could be known, where that is later
            than the change; None: it was known at once.
        where: only rows where this holds; the others are counted as left out.
        day_first: 03/04/2025 is the 3rd of April; None leaves it to params.yaml.
        timezone: the zone of times that are written without one.
    """

    entity: Entity
    table: Name
    id: Shape
    fields: dict[Name, Shape] = Field(min_length=1)
    known_at: Shape | None = None
    where: Where = Field(default_factory=dict)
    day_first: bool | None = None
    timezone: Zone | None = None


class PropertyHistory(History):
    """One row for each value that a property took: id, time, name, value.

    In `fields` the source's `column` is the name of the property, as written in `property`.

    Attributes:
        changed_at: the column with the moment of the change.
        property: the column with the name of the property.
        new_value: the column with the value since then.
        old_value: the column with the value before; None: there is none.
    """

    changed_at: Shape
    property: Name
    new_value: Name
    old_value: Name | None = None


class VersionHistory(History):
    """One row for each state of a record, valid from one moment to another (SCD type 2).

    A change is made of each field that differs from the version before; the first version gives
    the first values. What an entity held before its first version is not known: a loader that
    began late saw only how it stood by then.

    Attributes:
        valid_from: the column with the moment since when the version holds.
        valid_to: the column with its end. A version that ends no later than it begins never held,
            and is left out. Whether a record still exists is said where its table is mapped.
    """

    valid_from: Shape
    valid_to: Shape | None = None


class SnapshotHistory(History):
    """All records as they stood, again and again: one row for each record and snapshot.

    A change is made of each field that differs from the snapshot before; the same snapshot twice
    changes nothing. For records that a later snapshot lacks see `missing_is_deleted` of a table.

    Attributes:
        taken_at: the column with the moment of the snapshot.
    """

    taken_at: Shape


class Histories(Words):
    """The histories of a source, by their shape.

    Attributes:
        properties: one row for each value of a property.
        versions: one row for each version of a record.
        snapshots: one row for each record and snapshot.
    """

    properties: tuple[PropertyHistory, ...] = Field(default=(), strict=False)
    versions: tuple[VersionHistory, ...] = Field(default=(), strict=False)
    snapshots: tuple[SnapshotHistory, ...] = Field(default=(), strict=False)
