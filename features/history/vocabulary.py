"""The categories of an extract: activity types, stages, values of fields, as visible at a moment.

Nothing here is listed in the code; everything comes from rows that could be seen, and of a column
with a history from its last visible values, never from the end of the story. The result is frozen
into the model's bundle, so that scoring asks for the very same features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import ibis.expr.types as ir

from features.errors import InputError
from features.history.kinds import kinds_of
from features.history.values import changes_at_end, last_shown
from features.params import FeatureParams
from features.protected import protected_name, protected_values
from features.snapshot import CUTOFF, hired
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, REP, SUBJECTS, Subject
from features.tables import LEADS, TABLES, ColumnKind

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
        empties: what an empty value of some of these columns counts as.
    """

    types: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    empties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Order the mappings by their names, as bundles keep them, and make them read-only.

        Features stand in this order, and a model remembers the order it learned from.
        """
        for name in ("fields", "columns", "empties"):
            in_order = dict(sorted(getattr(self, name).items()))
            object.__setattr__(self, name, MappingProxyType(in_order))

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
        values: dict[str, ir.Value] = {}
        for name, column in self.columns_of(table).items():
            full_name = f"{table}.{column}"
            value = _filled(rows[column], self.empties.get(full_name))
            values[name] = value if self.columns[full_name] is None else value.cast("string")
        return values

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the bundle."""
        plain: dict[str, Any] = {k: list(v) for k, v in vars(self).items() if isinstance(v, tuple)}
        for name in ("fields", "columns"):
            mapping = getattr(self, name)
            plain[name] = {k: None if v is None else list(v) for k, v in mapping.items()}
        return plain | {"empties": dict(self.empties)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Vocabulary:
        """Read back what `to_json` returned."""
        values: dict[str, Any] = {}
        for name, value in plain.items():
            if name == "empties":
                values[name] = dict(value)
            elif isinstance(value, Mapping):
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
    columns = _columns(warehouse, params, subject)
    return Vocabulary(
        types=_frequent(warehouse, activities, "type", params.max_types, params.min_count),
        directions=_categories(warehouse, activities, "direction", params),
        outcomes=_categories(warehouse, activities, "outcome", params),
        numbers=_further_numbers(warehouse, activities, params),
        stages=_stages(warehouse, params, SUBJECTS[subject.stages_of]),
        fields={} if subject is REP else _histories(warehouse, params, subject),
        columns=columns,
        empties={name: as_ for name, as_ in params.empty_values.items() if name in columns},
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


def _further_numbers(
    warehouse: Warehouse, activities: ir.Table, params: FeatureParams
) -> tuple[str, ...]:
    columns = [
        name
        for name in sorted(warehouse.attributes("activities"))
        if may_use(f"activities.{name}", (), params)
    ]
    kinds = kinds_of(warehouse, activities, columns)
    return tuple(name for name, kind in kinds.items() if kind is ColumnKind.NUMBER)


def _changes(warehouse: Warehouse, subject: Subject) -> ir.Table:
    """Every visible change of a visible lead, deal or rep."""
    rows = changes_at_end(warehouse, subject.kind, subject.key)
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
        full_name = f"{subject.table}.{name}"
        values = rows.filter(rows.field == name)
        kind = kinds_of(warehouse, values, ["value"])["value"]
        if kind is ColumnKind.NUMBER and may_use(full_name, (), params):
            fields[name] = None
        elif kind is ColumnKind.TEXT:
            words = _categories(warehouse, values, "value", params)
            if may_use(full_name, words, params):
                fields[name] = words
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
        rows = last_shown(warehouse, _rows_met(warehouse, table, subject), table, column)
        rows = _with_empties(rows, full_name, params)
        kind = kinds_of(warehouse, rows, [column])[column]
        at_least = 1 if table == "reps" else params.min_count
        if kind is ColumnKind.NUMBER and may_use(full_name, (), params):
            columns[full_name] = None
        elif kind is ColumnKind.TEXT:
            words = _frequent(warehouse, rows, column, params.max_categories, at_least)
            if words and may_use(full_name, words, params):
                columns[full_name] = words
    return columns


def _with_empties(rows: ir.Table, full_name: str, params: FeatureParams) -> ir.Table:
    column, as_ = full_name.split(".", 1)[1], params.empty_values.get(full_name)
    return rows if as_ is None else rows.mutate(**{column: _filled(rows[column], as_)})


def _filled(value: ir.Column, as_: str | None) -> ir.Value:
    """Return a column with its empty values as the settings say.

    Raises:
        InputError: the column holds numbers, and what is to stand for empty is none.
    """
    if as_ is None:
        return value
    if not value.type().is_numeric():
        return value.cast("string").fill_null(as_)
    try:
        return value.cast("float64").fill_null(float(as_))
    except ValueError:
        raise InputError(
            f"features.empty_values: {value.get_name()} holds numbers, so {as_!r} cannot stand "
            "for an empty one; give a number"
        ) from None


def may_use(full_name: str, values: Sequence[str], params: FeatureParams) -> bool:
    """Tell whether models may use a column or field: neither excluded nor a protected attribute.

    Args:
        full_name: TABLE.COLUMN.
        values: its categories as they could be seen; none of a number.
        params: names the exceptions.
    """
    table, column = full_name.split(".", 1)
    if full_name in params.exclude:
        return False
    by_name = None if column in TABLES[table].by_name else protected_name(column)
    is_protected = by_name or protected_values(column, values)
    return not is_protected or full_name in params.allow_protected


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
        own = last_shown(warehouse, warehouse[subject.table], subject.table, key)
        return own.filter(own[key].notnull()).select(key).inner_join(warehouse[table], key)
    return warehouse[table]


def _reps_met(warehouse: Warehouse, subject: Subject) -> ir.Table:
    """The ids of reps that visible rows name: `rep_id`."""
    owned, working = (DEAL, ("quotas", "deals")) if subject is REP else (subject, (subject.table,))
    owners = changes_at_end(warehouse, owned.kind, owned.key)
    ids = owners.filter(owners.field == OWNER_FIELD).select(rep_id="value")
    for table in ("activities", *working):
        ids = ids.union(warehouse[table].select("rep_id"), distinct=True)
    return ids


def _is_key(kind: ColumnKind) -> bool:
    return kind in (ColumnKind.ID, ColumnKind.TIME)
