"""How the rows of one table are read: a typed SQL expression for every warehouse column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ibis.backends.duckdb import Backend

from features import parsing
from features.engine import ident, parquet, row
from features.match import Matched
from features.parsing import SQL_TYPES
from features.sources import RawColumn
from features.tables import Column, Kind

SOURCE_ROW = "file_row_number"


@dataclass(frozen=True)
class Field:
    """One column of a warehouse table, and the three steps that make it.

    The steps are columns of nested queries, so that none repeats what another has computed:
    from the source `given`, what is written there; from that `read`; and from that `value`.

    Attributes:
        place: its place among the fields.
        name: its name in the warehouse.
        column: its meaning in the schema; None for an attribute.
        raw: the source's column; None where the source has none.
        taking: SQL of what is written there, from the source's column.
        reading: SQL of what that means, from `given`.
        kind: what it is settled as; None for an attribute that stays as it is.
        is_sure: whatever is given can be read.
        note: how its values were changed, if they were.
    """

    place: int
    name: str
    column: Column | None
    raw: RawColumn | None
    taking: str
    reading: str
    kind: Kind | None
    is_sure: bool = True
    note: str = ""

    @property
    def given(self) -> str:
        """What is written there, NULL where that is nothing, as a column of `Plan.rows`."""
        return f"given_{self.place}"

    @property
    def read(self) -> str:
        """What that means, before it is settled."""
        return f"read_{self.place}"

    @property
    def value(self) -> str:
        """What the warehouse gets, as a column of `Plan.rows`."""
        return f"value_{self.place}"

    @property
    def unreadable(self) -> str:
        """Whether something is given that cannot be read."""
        return f"({self.given} IS NOT NULL AND {self.value} IS NULL)"


@dataclass(frozen=True)
class Plan:
    """How one staged table is read."""

    matched: Matched
    file: Path
    fields: tuple[Field, ...]

    @property
    def rows(self) -> str:
        """The typed rows, for a FROM clause: source_row, and each field given and as value."""
        taken = (f"{f.taking} AS {f.given}" for f in self.fields)
        read = (f"{f.given}, {f.reading} AS {f.read}" for f in self.fields)
        settled = (
            f"{f.given}, {f.read if f.kind is None else parsing.settled(f.kind, f.read)} "
            f"AS {f.value}"
            for f in self.fields
        )
        query = f"SELECT {SOURCE_ROW} AS source_row, {', '.join(taken)} FROM {parquet(self.file)}"
        query = f"SELECT source_row, {', '.join(read)} FROM ({query})"
        return f"(SELECT source_row, {', '.join(settled)} FROM ({query}))"

    def __getitem__(self, name: str) -> Field:
        """Give the field of a schema column."""
        return next(f for f in self.fields if f.column is not None and f.name == name)

    def schema_fields(self) -> Iterator[Field]:
        """Go through the schema columns that the source has."""
        return (f for f in self.fields if f.column is not None and f.raw is not None)


def plan(backend: Backend, matched: Matched, file: Path) -> Plan:
    """Decide how each column of a staged table is read."""
    columns = matched.table.columns
    fields = [_schema_field(backend, matched, file, i) for i in range(len(columns))]
    named = enumerate(matched.attributes.items(), len(columns))
    fields += [_attribute_field(matched, place, *item) for place, item in named]
    return Plan(matched, file, tuple(fields))


def _schema_field(backend: Backend, matched: Matched, file: Path, place: int) -> Field:
    column = matched.table.columns[place]
    source = matched.columns.get(column.name)
    if source is None:
        nothing = f"CAST(NULL AS {SQL_TYPES[column.kind]})"
        return Field(place, column.name, column, None, nothing, f"given_{place}", None)
    raw, given = ident(source.staged), f"given_{place}"
    taking = parsing.given(raw, source.type)
    reading = parsing.parsed(column.kind, given, source.type, matched.reading)
    note = ""
    if column.name == "entity_type":
        reading = f"lower({reading})"
    if column.kind is Kind.ID and source.type in ("FLOAT", "DOUBLE"):
        note = "ids stored as floating-point numbers, read as whole ones"
    if column.kind is Kind.ID and matched.raw.is_csv and _is_damaged(backend, file, taking):
        reading = f"regexp_replace({reading}, '\\.0$', '')"
        note = "ids written as 7.0, read as 7"
    is_sure = parsing.is_sure(column.kind, source.type)
    return Field(place, column.name, column, source, taking, reading, column.kind, is_sure, note)


def _is_damaged(backend: Backend, file: Path, taking: str) -> bool:
    """Tell whether pandas wrote a column of whole numbers as floats because some are empty.

    Only when every id ends in `.0` and at least one is empty: otherwise ids stay as they are.
    """
    every, some, gaps = row(
        backend,
        f"SELECT bool_and(regexp_full_match(given, '\\d+\\.0')), count(given), "
        f"count(*) - count(given) FROM (SELECT {taking} AS given FROM {parquet(file)})",
    )
    return bool(every) and some > 0 and gaps > 0


def _attribute_field(matched: Matched, place: int, name: str, source: RawColumn) -> Field:
    given = f"given_{place}"
    taking = parsing.given(ident(source.staged), source.type)
    if source.declared is None:
        kind, reading = parsing.attribute(given, source.type, matched.reading)
        return Field(place, name, None, source, taking, reading, kind)
    kind, reading = parsing.declared(given, source.declared, matched.reading)
    return Field(place, name, None, source, taking, reading, kind, is_sure=False)
