"""Protected attributes of people in a whole extract, and how they are named to people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.params import ATTRIBUTE_TABLES, FeatureParams
from features.protected import protected_name, protected_values
from features.tables import ENTITY_TABLES, TABLES, ColumnKind

Fetch = Callable[[ir.Table], pa.Table]
"""Computes an expression."""
MOST_VALUES = 40
"""Different values beyond which a column holds no categories."""

MOST_ROWS = 5_000
"""Rows of a table whose values are looked at."""
BATCH = 25
"""Columns looked at together."""


@dataclass(frozen=True)
class ProtectedColumn:
    """A column or field that looks like a protected attribute.

    Attributes:
        table: its table.
        column: its name there, or the field's in `changes`.
        kind: what it says of a person: gender, age …
        seen_by: whether its name or its values say so.
    """

    table: str
    column: str
    kind: str
    seen_by: Literal["name", "values"]

    @property
    def name(self) -> str:
        """The column with its table, as params.yaml names it."""
        return f"{self.table}.{self.column}"

    @property
    def says(self) -> str:
        """What it looks like."""
        return f"{self.name} looks like {self.kind}, by its {self.seen_by}"

    def to_json(self) -> dict[str, str]:
        """Return plain values."""
        return asdict(self)


def find_protected(tables: Mapping[str, ir.Table], fetch: Fetch) -> tuple[ProtectedColumn, ...]:
    """Find every column and field of an extract that looks like a protected attribute.

    Args:
        tables: all tables of an extract, cut to what may be read.
        fetch: computes an expression.
    """
    found: dict[str, ProtectedColumn] = {}
    for table in (*ATTRIBUTE_TABLES, "activities"):
        for column in (*_of_columns(tables[table], table, fetch),):
            found.setdefault(column.name, column)
    for column in _of_fields(tables["changes"], fetch):
        found.setdefault(column.name, column)
    return tuple(found.values())


def _of_columns(rows: ir.Table, table: str, fetch: Fetch) -> Iterator[ProtectedColumn]:
    own = TABLES[table].by_name
    further = [name for name in sorted(rows.columns) if name not in own]
    texts = [name for name, column in own.items() if column.kind is ColumnKind.TEXT]
    unnamed = [*texts] if table in ATTRIBUTE_TABLES else []
    for column in further:
        if kind := protected_name(column):
            yield ProtectedColumn(table, column, kind, "name")
        elif rows[column].type().is_string():
            unnamed.append(column)
    for column, values in _categories(rows, [c for c in unnamed if c != "name"], fetch).items():
        if kind := protected_values(column, values):
            yield ProtectedColumn(table, column, kind, "values")


def _categories(
    rows: ir.Table, columns: Sequence[str], fetch: Fetch
) -> Mapping[str, Sequence[str]]:
    """Return the different values of each column that has few of them.

    A few columns at a time and the first rows only: a table may have hundreds of columns.
    """
    held: dict[str, Sequence[str]] = {}
    for batch in range(0, len(columns), BATCH):
        some = {f"c{place}": name for place, name in enumerate(columns[batch : batch + BATCH])}
        sample = rows.select(**{short: rows[name] for short, name in some.items()}).limit(MOST_ROWS)
        values = fetch(sample).to_pydict()
        for short, name in some.items():
            distinct = {value for value in values[short] if value is not None}
            if 0 < len(distinct) <= MOST_VALUES:
                held[name] = sorted(distinct)
    return held


def _of_fields(changes: ir.Table, fetch: Fetch) -> Iterator[ProtectedColumn]:
    rows = changes.filter(changes.value.notnull())
    grouped = rows.group_by("entity_type", "field").aggregate(n=rows["value"].nunique())
    few = ibis.ifelse(grouped.n <= MOST_VALUES, grouped.n, 0)
    counted = fetch(grouped.mutate(n=few).order_by("entity_type", "field")).to_pylist()
    for row in counted:
        table = ENTITY_TABLES.get(row["entity_type"])
        if table is None:
            continue
        if row["field"] not in TABLES[table].by_name and (kind := protected_name(row["field"])):
            yield ProtectedColumn(table, row["field"], kind, "name")
        elif row["n"]:
            is_it = (rows.entity_type == row["entity_type"]) & (rows["field"] == row["field"])
            values = fetch(rows.filter(is_it).select("value").distinct())["value"].to_pylist()
            if kind := protected_values(row["field"], values):
                yield ProtectedColumn(table, row["field"], kind, "values")


def usage_says(found: Sequence[ProtectedColumn], params: FeatureParams) -> Iterator[str]:
    """Say which columns no model uses, which are used all the same, and why."""
    kept_out = [c for c in found if c.name not in params.allow_protected]
    if kept_out:
        listed = "; ".join(column.says for column in kept_out)
        yield (
            f"protected attributes of people, which no model and no reason uses: {listed}. To use "
            "one all the same, name it with the reason under features.allow_protected"
        )
    for column in found:
        if column.name in params.allow_protected:
            why = params.allow_protected[column.name]
            yield f"{column.says}; models may use it, as features.allow_protected says: {why}"
    for name, why in params.exclude.items():
        yield f"{name} is used by no model, as features.exclude says: {why}"


def not_used(found: Sequence[ProtectedColumn], params: FeatureParams) -> frozenset[str]:
    """Return the columns that models may not use, as TABLE.COLUMN."""
    protected = {c.name for c in found if c.name not in params.allow_protected}
    return frozenset(protected | params.exclude.keys())
