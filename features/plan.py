"""How the rows of one table are read: a typed SQL expression for every warehouse column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.engine import ident, parquet, row
from features.match import Matched
from features.parsing import SQL_TYPES, Parsed, attribute, cleaned, parse
from features.sources import RawColumn
from features.tables import Column, Kind

SOURCE_ROW = "file_row_number"


@dataclass(frozen=True)
class Field:
    """One column of a warehouse table.

    Attributes:
        name: its name in the warehouse.
        column: its meaning in the schema; None for an attribute.
        raw: the source's column as SQL; None where the source has none.
        parsed: its value as SQL.
        note: how its values were changed, if they were.
    """

    name: str
    column: Column | None
    raw: str | None
    parsed: Parsed
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """How one staged table is read."""

    matched: Matched
    file: Path
    fields: tuple[Field, ...]

    @property
    def scan(self) -> str:
        """The staged rows, for a FROM clause."""
        return parquet(self.file)

    def __getitem__(self, name: str) -> Field:
        """Give the field of a schema column."""
        return next(f for f in self.fields if f.column is not None and f.name == name)

    def value(self, name: str) -> str:
        """Give the typed SQL of a schema column."""
        return self[name].parsed.value

    def given(self) -> Iterator[Field]:
        """Go through the schema columns that the source has."""
        return (f for f in self.fields if f.column is not None and f.raw is not None)


def plan(backend: Backend, matched: Matched, file: Path) -> Plan:
    """Decide how each column of a staged table is read."""
    fields = [_schema_field(backend, matched, file, c) for c in matched.table.columns]
    fields += [_attribute_field(matched, *item) for item in matched.attributes.items()]
    return Plan(matched, file, tuple(fields))


def _schema_field(backend: Backend, matched: Matched, file: Path, column: Column) -> Field:
    source = matched.columns.get(column.name)
    if source is None:
        parsed = Parsed(f"CAST(NULL AS {SQL_TYPES[column.kind]})")
        return Field(column.name, column, None, parsed)
    raw = ident(source.staged)
    field = Field(column.name, column, raw, parse(column.kind, raw, source.type, matched.reading))
    if column.name == "entity_type":
        return replace(field, parsed=Parsed(f"lower({field.parsed.value})"))
    if column.kind is Kind.ID and source.type in ("FLOAT", "DOUBLE"):
        return replace(field, note="ids stored as floating-point numbers, read as whole ones")
    if column.kind is Kind.ID and matched.raw.is_csv and _is_damaged(backend, file, raw):
        whole = f"regexp_replace({field.parsed.value}, '\\.0$', '')"
        return replace(field, parsed=Parsed(whole), note="ids written as 7.0, read as 7")
    return field


def _is_damaged(backend: Backend, file: Path, raw: str) -> bool:
    """Tell whether pandas wrote a column of whole numbers as floats because some are empty.

    Only when every id ends in `.0` and at least one is empty: otherwise ids stay as they are.
    """
    given = cleaned(raw)
    every, some, gaps = row(
        backend,
        f"SELECT bool_and(regexp_full_match(given, '\\d+\\.0')), count(given), "
        f"count(*) - count(given) FROM (SELECT {given} AS given FROM {parquet(file)})",
    )
    return bool(every) and some > 0 and gaps > 0


def _attribute_field(matched: Matched, name: str, source: RawColumn) -> Field:
    raw = ident(source.staged)
    if source.declared is None:
        value = attribute(raw, source.type, matched.reading)
        return Field(name, None, raw, Parsed(value))
    parsed = parse(source.declared, raw, source.type, matched.reading)
    return Field(name, None, raw, parsed)
