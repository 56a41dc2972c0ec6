"""A preset's mapping, cut down to the tables and columns that a source really has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from features.ingest.language.columns import ColumnRef, ColumnShape, Condition, Where
from features.ingest.language.histories import Histories, PropertyHistory, VersionHistory
from features.ingest.language.tables import Join, Part, TableMapping
from features.ingest.mapping import Mappings
from features.ingest.presets.catalog import Preset
from features.tables import ENTITY_TABLES, TABLES

_H = TypeVar("_H", PropertyHistory, VersionHistory)


@dataclass(frozen=True)
class Scope:
    """The columns that a part of a mapping can take, by the join they come from.

    Attributes:
        columns: join -> column in small letters -> the source's column; None: the table itself.
    """

    columns: Mapping[str | None, Mapping[str, str]]

    def find(self, column: str, join: str | None = None) -> str | None:
        """Return the source's own name of a column, None where it has none."""
        return self.columns.get(join, {}).get(column.lower())

    def shape(self, shape: ColumnShape | None) -> ColumnShape | None:
        """Return how a column is made of what is there; None where nothing is."""
        if shape is None:
            return None
        where = self.where(shape.where)
        if where is None:
            return None
        updates: dict[str, object] = {"where": where}
        if shape.column is not None:
            column = self.find(shape.column, shape.join)
            if column is None:
                return None
            updates["column"] = column
        elif shape.first_of:
            references = [
                ColumnRef(column=column, join=reference.join)
                for reference in shape.first_of
                if (column := self.find(reference.column, reference.join)) is not None
            ]
            if not references:
                return None
            updates["first_of"] = tuple(references)
        if shape.time_of_day is not None:
            updates["time_of_day"] = self.find(shape.time_of_day)
        return shape.model_copy(update=updates)

    def where(self, where: Where) -> Where | None:
        """Return the conditions on columns that are there; None where they can never hold.

        A column that is not there is empty in every row.
        """
        kept: Where = {}
        for column, condition in where.items():
            own_name = self.find(column, condition.join)
            if own_name is not None:
                kept[own_name] = condition
            elif not _holds_for_empty(condition):
                return None
        return kept


def _holds_for_empty(condition: Condition) -> bool:
    is_among = condition.any_of is None or None in condition.any_of
    is_banned = condition.none_of is not None and None in condition.none_of
    return is_among and not is_banned and condition.filled is not True


@dataclass
class Pruning:
    """What pruning a preset left out.

    Attributes:
        columns: columns of ours that nothing in the source gives, as TABLE.COLUMN.
        hindsight: columns of ours that are left out, since without a history they show the end.
    """

    columns: list[str] = field(default_factory=list)
    hindsight: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """The tables of a source by role.

    Attributes:
        tables: role -> the source's table.
        headers: the columns of each table of the source.
    """

    tables: Mapping[str, str]
    headers: Mapping[str, Sequence[str]]

    def columns(self, role: str) -> Mapping[str, str] | None:
        """Return a role's columns by their names in small letters; None without the table."""
        if role not in self.tables:
            return None
        return {name.lower(): name for name in self.headers[self.tables[role]]}


def prune(preset: Preset, source: Source) -> tuple[Mappings, Pruning]:
    """Return a mapping of what is there, with the source's own names, and what was left out."""
    left_out = Pruning()
    histories = _histories(preset.mapping.histories, source)
    tables = {}
    for name in TABLES:
        parts = [
            part for raw in preset.mapping.tables[name].parts if (part := _part(name, raw, source))
        ]
        if name in preset.first_that_fits:
            parts = parts[:1]
        parts = [_without_hindsight(preset, name, part, histories, left_out) for part in parts]
        tables[name] = _table(parts)
        left_out.columns += _unfilled(name, parts)
    where = f"preset {preset.name}"
    return Mappings(where, tables, ids=preset.mapping.ids, histories=histories), left_out


def _table(parts: Sequence[Part]) -> TableMapping:
    if len(parts) == 1:
        return TableMapping.model_construct(
            _fields_set=parts[0].model_fields_set,
            **{n: getattr(parts[0], n) for n in Part.model_fields},
        )
    return TableMapping(union=tuple(parts)) if parts else TableMapping()


def _part(name: str, part: Part, source: Source) -> Part | None:
    """Return a part with what is there; None where its table or a required column is not."""
    own = source.columns(part.table or name)
    if own is None:
        return None
    joins, columns = _joins(part.joins, own, source)
    held: dict[str | None, Mapping[str, str]] = {None: own}
    held.update(columns.items())
    scope = Scope(held)
    where = scope.where(part.where)
    if where is None:
        return None
    shapes = {column: scope.shape(part.columns.get(column)) for column in TABLES[name].by_name}
    period = part.period
    if period is not None:
        start = scope.shape(period.start)
        named = [c for c in (period.month, period.quarter) if c is not None]
        if (period.start is not None and start is None) or not all(map(scope.find, named)):
            return None
        period = period.model_copy(update={"start": start})
        shapes = {c: s for c, s in shapes.items() if c not in {"period_start", "period_end"}}
    required = [c for c in TABLES[name].required if c in shapes]
    if any(shapes[column] is None for column in required):
        return None
    drop = tuple(column for entry in part.drop if (column := scope.find(entry)) is not None)
    updates = {
        "table": source.tables[part.table or name],
        "columns": shapes,
        "attributes": {k: s for k, v in part.attributes.items() if (s := scope.shape(v))},
        "joins": joins,
        "where": where,
        "period": period,
        "latest_by": scope.shape(part.latest_by),
        "drop": drop,
    }
    return part.model_copy(update=updates)


def _joins(
    joins: Mapping[str, Join], own: Mapping[str, str], source: Source
) -> tuple[dict[str, Join], dict[str, Mapping[str, str]]]:
    """Return the joins whose tables and keys are there, and the columns of each."""
    kept: dict[str, Join] = {}
    columns: dict[str, Mapping[str, str]] = {}
    for name, join in joins.items():
        left = own if join.through is None else columns.get(join.through)
        right = source.columns(join.table)
        if left is None or right is None:
            continue
        pairs = [(left.get(a.lower()), right.get(b.lower())) for a, b in join.keys.items()]
        keys = {a: b for a, b in pairs if a is not None and b is not None}
        first_by = None if join.first_by is None else right.get(join.first_by.lower())
        where = Scope({None: right}).where(join.where)
        lacks_first = join.first_by is not None and first_by is None
        if len(keys) < len(pairs) or lacks_first or where is None:
            continue
        updates = {
            "table": source.tables[join.table], "keys": keys, "first_by": first_by, "where": where
        }  # fmt: skip
        kept[name], columns[name] = join.model_copy(update=updates), right
    return kept, columns


def _histories(histories: Histories, source: Source) -> Histories:
    """Return the histories that are there; of two of the same field, versions come first."""
    seen: set[tuple[str, str]] = set()
    versions = tuple(_pruned_histories(histories.versions, source, seen))
    properties = tuple(_pruned_histories(histories.properties, source, seen))
    return Histories(versions=versions, properties=properties)


def _pruned_histories(
    histories: Sequence[_H], source: Source, seen: set[tuple[str, str]]
) -> Iterator[_H]:
    for history in histories:
        own = source.columns(history.table)
        if own is None:
            continue
        scope = Scope({None: own})
        updates = _moments(history, scope)
        where = scope.where(history.where)
        if updates is None or where is None:
            continue
        fields = {
            name: pruned
            for name, shape in history.fields.items()
            if (history.entity, name) not in seen
            and (pruned := shape if isinstance(history, PropertyHistory) else scope.shape(shape))
        }
        if fields:
            seen |= {(history.entity, name) for name in fields}
            table = source.tables[history.table]
            yield history.model_copy(
                update={"table": table, "fields": fields, "where": where, **updates}
            )


def _moments(history: PropertyHistory | VersionHistory, scope: Scope) -> dict[str, object] | None:
    """Return a history's own columns under the source's names; None where one it needs is gone."""
    optional: dict[str, object]
    needed: dict[str, object] = {"id": scope.shape(history.id)}
    if isinstance(history, PropertyHistory):
        needed |= {
            "changed_at": scope.shape(history.changed_at),
            "property": scope.find(history.property),
            "new_value": scope.find(history.new_value),
        }
        optional = {"old_value": scope.find(history.old_value) if history.old_value else None}
    else:
        needed |= {"valid_from": scope.shape(history.valid_from)}
        optional = {"valid_to": scope.shape(history.valid_to)}
    return None if None in needed.values() else needed | optional


def _without_hindsight(
    preset: Preset, name: str, part: Part, histories: Histories, left_out: Pruning
) -> Part:
    """Leave out columns that without a history show the end of the story."""
    shown = {
        f"{ENTITY_TABLES[history.entity]}.{field_name}"
        for history in (*histories.versions, *histories.properties)
        for field_name in history.fields
    }
    columns = dict(part.columns)
    for column, shape in part.columns.items():
        full_name = f"{name}.{column}"
        if shape is not None and full_name in preset.hindsight and full_name not in shown:
            columns[column] = None
            left_out.hindsight.append(full_name)
    return part.model_copy(update={"columns": columns})


def _unfilled(name: str, parts: Sequence[Part]) -> Iterator[str]:
    if not parts:
        return
    for column in TABLES[name].by_name:
        has_period = any(part.period is not None for part in parts)
        if has_period and column in {"period_start", "period_end"}:
            continue
        if all(part.columns.get(column) is None for part in parts):
            yield f"{name}.{column}"
