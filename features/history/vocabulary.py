"""The categories of an extract: activity types, stages, values of fields, as visible at a moment.

Nothing here is listed in the code; everything comes from rows that could be seen, and of a column
with a history from its last visible values, never from the end of the story. The result is frozen
into the model's bundle, so that scoring asks for the very same features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import ibis.expr.types as ir

from features.history.kinds import kinds_of
from features.history.values import at_the_end, changes_of
from features.params import FeatureParams
from features.snapshot import CUTOFF, hired
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, REP, SUBJECTS, Subject
from features.tables import ENTITY_TABLES, LEADS, ColumnKind

STAGE = "stage"
OWNER_FIELD = "rep_id"


@dataclass(frozen=True)
class Vocabulary:
    """The categories and numeric columns of an extract, each list in a fixed order.

    Attributes:
        types: activity types, the most frequent first.
        directions: the values of activities.direction.
        outcomes: the values of activities.outcome.
        numbers: further numeric columns of activities.
        stages: stages of leads (or deals), in the order in which these usually reach them.
        fields: other fields with a history: their categories, or None for numbers.
        columns: columns known at creation ("leads.source"): categories, or None for numbers.
    """

    types: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the mappings read-only."""
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    @property
    def field_columns(self) -> dict[str, str]:
        """Name a column for each field by its place: names may differ in case alone."""
        return {f"field__{place}": name for place, name in enumerate(self.fields)}

    def columns_of(self, table: str) -> dict[str, str]:
        """Return a table's columns known at creation: their name in relations -> their own."""
        split = ((full_name, *full_name.split(".", 1)) for full_name in self.columns)
        return {full.replace(".", "__"): name for full, of, name in split if of == table}

    def values_in(self, rows: ir.Table, table: str) -> dict[str, ir.Value]:
        """Return a table's columns known at creation as values of its rows, words as texts."""
        return {
            name: rows[column]
            if self.columns[f"{table}.{column}"] is None
            else rows[column].cast("string")
            for name, column in self.columns_of(table).items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the bundle."""
        plain: dict[str, Any] = {k: list(v) for k, v in vars(self).items() if isinstance(v, tuple)}
        for name in ("fields", "columns"):
            mapping = getattr(self, name)
            plain[name] = {k: None if v is None else list(v) for k, v in mapping.items()}
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Vocabulary:
        """Read back what `to_json` returned."""
        values: dict[str, Any] = {}
        for name, value in plain.items():
            if isinstance(value, Mapping):
                values[name] = {k: None if v is None else tuple(v) for k, v in value.items()}
            else:
                values[name] = tuple(value)
        return cls(**values)


def read_vocabulary(
    warehouse: Warehouse, params: FeatureParams, subject: Subject = LEAD
) -> Vocabulary:
    """Read the vocabulary of an extract that was already cut to the moment of training.

    Args:
        warehouse: `Warehouse.until(...)` of that moment: every row in it may be read.
        params: how many categories are kept, and which attributes are known at creation.
        subject: what is to be described with them.
    """
    activities = warehouse["activities"].filter(warehouse["activities"][subject.key].notnull())
    return Vocabulary(
        types=_frequent(warehouse, activities, "type", params.max_types, params.min_count),
        directions=_categories(warehouse, activities, "direction", params),
        outcomes=_categories(warehouse, activities, "outcome", params),
        numbers=_further_numbers(warehouse, activities),
        stages=_stages(warehouse, params, SUBJECTS[subject.stages_of]),
        fields={} if subject is REP else _histories(warehouse, params, subject),
        columns=_columns(warehouse, params, subject),
    )


def _categories(
    warehouse: Warehouse, rows: ir.Table, column: str, params: FeatureParams
) -> tuple[str, ...]:
    return _frequent(warehouse, rows, column, params.max_categories, params.min_count)


def _frequent(
    warehouse: Warehouse, rows: ir.Table, column: str, most: int, at_least: int
) -> tuple[str, ...]:
    """The values that occur often enough, most frequent first, ties by name."""
    counted = rows.filter(rows[column].notnull()).group_by(name=rows[column].cast("string"))
    counts = warehouse.arrow(counted.aggregate(n=lambda t: t.count())).to_pylist()
    enough = [row for row in counts if row["n"] >= at_least]
    enough.sort(key=lambda row: (-row["n"], row["name"]))
    return tuple(row["name"] for row in enough[:most])


def _further_numbers(warehouse: Warehouse, activities: ir.Table) -> tuple[str, ...]:
    kinds = kinds_of(warehouse, activities, sorted(warehouse.attributes("activities")))
    return tuple(name for name, kind in kinds.items() if kind is ColumnKind.NUMBER)


def _changes(warehouse: Warehouse, subject: Subject) -> ir.Table:
    """Every visible change of a visible lead, deal or rep."""
    rows = changes_of(warehouse, subject.kind, subject.key)
    return rows.semi_join(warehouse[subject.table], subject.key)


def _stages(warehouse: Warehouse, params: FeatureParams, subject: Subject) -> tuple[str, ...]:
    """Stages by the mean time after creation at which they are first reached."""
    changes, subjects = _changes(warehouse, subject), warehouse[subject.table]
    rows = changes.filter(changes.field == STAGE)
    known = _categories(warehouse, rows, "value", params)
    firsts = rows.group_by(subject.key, "value").aggregate(first=rows.changed_at.min())
    joined = firsts.inner_join(subjects.select(subject.key, "created_at"), subject.key)
    # Engines count seconds between two moments in their own ways, microseconds all alike.
    seconds = joined["first"].delta(joined.created_at, unit="microsecond") // 1_000_000
    means = warehouse.arrow(
        joined.mutate(seconds=seconds).group_by("value").aggregate(mean=lambda t: t.seconds.mean())
    ).to_pylist()
    reached = {row["value"]: row["mean"] for row in means}
    # Rounded to the second: the order must not hang on the last bit of a parallel sum.
    return tuple(sorted(known, key=lambda stage: (round(reached.get(stage, 0.0)), stage)))


def _histories(
    warehouse: Warehouse, params: FeatureParams, subject: Subject
) -> dict[str, tuple[str, ...] | None]:
    """Fields with a history in `changes`, but for those with features of their own.

    Every visible value counts, not only the last one: snapshots of the past show the earlier ones.
    """
    changes = _changes(warehouse, subject)
    rows = changes.filter(~changes.field.isin(subject.own_fields))
    fields: dict[str, tuple[str, ...] | None] = {}
    for name in _categories(warehouse, rows, "field", params):
        values = rows.filter(rows.field == name)
        kind = kinds_of(warehouse, values, ["value"])["value"]
        if kind is ColumnKind.NUMBER:
            fields[name] = None
        elif kind is ColumnKind.TEXT:
            fields[name] = _categories(warehouse, values, "value", params)
    return fields


DESCRIBED: Mapping[Subject, tuple[str, ...]] = {
    LEAD: ("leads", "accounts", "reps"),
    DEAL: ("deals", "leads", "accounts", "reps"),
    REP: ("reps",),
}
"""The tables whose columns describe a subject."""


def _columns(
    warehouse: Warehouse, params: FeatureParams, subject: Subject
) -> dict[str, tuple[str, ...] | None]:
    """Columns known at creation, by the schema or because params.yaml names them."""
    names = [
        f"leads.{c.name}" for c in LEADS.columns if c.known_at_creation and not _is_key(c.kind)
    ]
    names += params.known_at_creation
    names += [f"reps.{name}" for name in ("role", "team", "territory", "segment")]
    columns: dict[str, tuple[str, ...] | None] = {}
    for full_name in sorted(set(names)):
        table, column = full_name.split(".", 1)
        if table not in DESCRIBED[subject]:
            continue
        if column not in warehouse[table].columns or column.lower() == CUTOFF:
            continue
        rows = _at_the_end(warehouse, _rows_met(warehouse, table, subject), table, column)
        kind = kinds_of(warehouse, rows, [column])[column]
        at_least = 1 if table == "reps" else params.min_count
        if kind is ColumnKind.NUMBER:
            columns[full_name] = None
        elif kind is ColumnKind.TEXT and (
            categories := _frequent(warehouse, rows, column, params.max_categories, at_least)
        ):
            columns[full_name] = categories
    return columns


ENTITY_OF: Mapping[str, str] = {table: entity for entity, table in ENTITY_TABLES.items()}
"""What the rows of a table are."""


def _at_the_end(warehouse: Warehouse, rows: ir.Table, table: str, column: str) -> ir.Table:
    """Put the last visible value in a column's place, where the field has a history."""
    entity = ENTITY_OF[table]
    if not warehouse.has_history(entity, column):
        return rows
    key = f"{entity}_id"
    return at_the_end(rows, changes_of(warehouse, entity, key), key, {column: column})


def _rows_met(warehouse: Warehouse, table: str, subject: Subject) -> ir.Table:
    """Rows of a table that visible rows refer to; an account counts as often as they do.

    Accounts and reps carry no clock of their own: one that joins later must not be counted.
    """
    if table == "reps":
        reps = warehouse["reps"]
        reps = reps.filter(hired(reps, warehouse.data_until))
        return reps.semi_join(_reps_met(warehouse, subject), "rep_id")
    if table == "accounts" or (table == "leads" and subject is DEAL):
        key = f"{table[:-1]}_id"
        own = _at_the_end(warehouse, warehouse[subject.table], subject.table, key)
        return own.filter(own[key].notnull()).select(key).inner_join(warehouse[table], key)
    return warehouse[table]


def _reps_met(warehouse: Warehouse, subject: Subject) -> ir.Table:
    """The ids of reps that visible rows name: `rep_id`."""
    owned, working = (DEAL, ("quotas", "deals")) if subject is REP else (subject, (subject.table,))
    owners = changes_of(warehouse, owned.kind, owned.key)
    ids = owners.filter(owners.field == OWNER_FIELD).select(rep_id="value")
    for table in ("activities", *working):
        ids = ids.union(warehouse[table].select("rep_id"), distinct=True)
    return ids


def _is_key(kind: ColumnKind) -> bool:
    return kind in (ColumnKind.ID, ColumnKind.TIME)
