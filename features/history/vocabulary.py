"""The categories of an extract: activity types, stages, values of fields, as visible at a moment.

Nothing here is listed in the code; everything comes from rows that could be seen, and the
result is frozen into the model's bundle, so that scoring asks for the very same features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import ibis.expr.types as ir

from features.history.values import as_number
from features.params import FeatureParams
from features.snapshot import CUTOFF, hired
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, REP, SUBJECTS, Subject
from features.tables import LEADS, ColumnKind

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
    names = [
        name
        for name in sorted(warehouse.attributes("activities"))
        if _is_number(warehouse, activities, name)
    ]
    return tuple(names)


def _is_number(warehouse: Warehouse, rows: ir.Table, column: str) -> bool:
    """Tell whether every filled value that may be seen is a number (texts of CSV included)."""
    if rows[column].type().is_numeric() or rows[column].type().is_boolean():
        return True
    if not rows[column].type().is_string():
        return False
    filled = rows[column].notnull()
    parsed = as_number(rows[column]).notnull()
    counts = warehouse.arrow(
        rows.aggregate(filled=filled.sum(), parsed=(filled & parsed).sum())
    ).to_pylist()[0]
    return bool(counts["filled"]) and counts["filled"] == counts["parsed"]


def _stages(warehouse: Warehouse, params: FeatureParams, subject: Subject) -> tuple[str, ...]:
    """Stages by the mean time after creation at which they are first reached."""
    changes, subjects = warehouse["changes"], warehouse[subject.table]
    rows = changes.filter((changes.entity_type == subject.kind) & (changes.field == STAGE))
    known = _categories(warehouse, rows, "value", params)
    firsts = rows.group_by("entity_id", "value").aggregate(first=rows.changed_at.min())
    joined = firsts.inner_join(subjects, firsts.entity_id == subjects[subject.key])
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
    """Fields with a history in `changes`, but for those with features of their own."""
    changes = warehouse["changes"]
    rows = changes.filter(
        (changes.entity_type == subject.kind) & ~changes.field.isin(subject.own_fields)
    )
    fields: dict[str, tuple[str, ...] | None] = {}
    for name in _categories(warehouse, rows, "field", params):
        values = rows.filter(rows.field == name)
        is_number = _is_number(warehouse, values, "value")
        fields[name] = None if is_number else _categories(warehouse, values, "value", params)
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
        rows = _rows_met(warehouse, table, subject)
        if column not in rows.columns or rows[column].type().is_timestamp():
            continue
        if column.lower() == CUTOFF:
            continue
        at_least = 1 if table == "reps" else params.min_count
        if _is_number(warehouse, rows, column):
            columns[full_name] = None
        elif categories := _frequent(warehouse, rows, column, params.max_categories, at_least):
            columns[full_name] = categories
    return columns


def _rows_met(warehouse: Warehouse, table: str, subject: Subject) -> ir.Table:
    """Rows of a table that visible rows refer to; an account counts as often as they do.

    Accounts and reps carry no clock of their own: one that joins later must not be counted.
    """
    if table == "reps":
        working = ("quotas", "deals") if subject is REP else (subject.table,)
        ids = warehouse["activities"].select("rep_id")
        for other in working:
            ids = ids.union(warehouse[other].select("rep_id"), distinct=True)
        reps = warehouse["reps"]
        return reps.filter(hired(reps, warehouse.data_until)).semi_join(ids, "rep_id")
    if table == "accounts" or (table == "leads" and subject is DEAL):
        key, own = f"{table[:-1]}_id", warehouse[subject.table]
        ids = own.filter(own[key].notnull()).select(key)
        return ids.inner_join(warehouse[table], key)
    return warehouse[table]


def _is_key(kind: ColumnKind) -> bool:
    return kind in (ColumnKind.ID, ColumnKind.TIME)
