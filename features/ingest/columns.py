"""How the rows of one table are read: a typed SQL expression for every warehouse column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest import parsing
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.parsing import SQL_TYPES
from features.storage.engine import ident, parquet, row
from features.tables import Column, ColumnKind

SOURCE_ROW = "file_row_number"


@dataclass(frozen=True)
class Field:
    """One column of a warehouse table, and the four steps that make it.

    The steps are columns of nested queries, so that none repeats what another has computed:
    the source's column `taken` and trimmed, what is `given` in it, how that is `read`, and the
    `value` it settles to.

    Attributes:
        place: its place among the fields.
        name: its name in the warehouse.
        column: its meaning in the schema; None for an attribute.
        raw: the source's column; None where the source has none.
        taking: SQL of `taken`, from the source's column.
        giving: SQL of `given`, from `taken`.
        reading: SQL of `read`, from `given`.
        kind: what it is settled as; None for an attribute that stays as it is.
        is_sure: whatever is given can be read.
        note: how its values were changed, if they were.
    """

    place: int
    name: str
    column: Column | None
    raw: RawColumn | None
    taking: str
    giving: str
    reading: str
    kind: ColumnKind | None
    is_sure: bool = True
    note: str = ""

    @property
    def taken(self) -> str:
        """The source's column, as a column of a query."""
        return f"taken_{self.place}"

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

    def rows(self, *fields: Field) -> str:
        """Give the typed rows for a FROM clause: source_row, and the fields given and as value.

        Only fields that are asked for are named: the engine's planner is slow to find out for
        itself which of hundreds of columns a query can do without.
        """
        steps = (
            (f"{f.taking} AS {f.taken}" for f in fields),
            (f"{f.giving} AS {f.given}" for f in fields),
            (f"{f.given}, {f.reading} AS {f.read}" for f in fields),
            (f"{f.given}, {_settled(f)} AS {f.value}" for f in fields),
        )
        query, row_number = parquet(self.file), f"{SOURCE_ROW} AS source_row"
        for step in steps:
            query = f"(SELECT {', '.join([row_number, *step])} FROM {query})"
            row_number = "source_row"
        return query

    def __getitem__(self, name: str) -> Field:
        """Give the field of a schema column."""
        return next(f for f in self.fields if f.column is not None and f.name == name)

    def schema_fields(self) -> Iterator[Field]:
        """Go through the schema columns that the source has."""
        return (f for f in self.fields if f.column is not None and f.raw is not None)


def _settled(field: Field) -> str:
    return field.read if field.kind is None else parsing.settled(field.kind, field.read)


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
        return Field(place, column.name, column, None, nothing, *_unchanged(place), None)
    taking = parsing.trimmed(ident(source.staged), source.type)
    giving = parsing.given(f"taken_{place}", source.type)
    reading = parsing.parsed(column.kind, f"given_{place}", source.type, matched.reading)
    note = ""
    if column.name == "entity_type":
        reading = f"lower({reading})"
    if column.kind is ColumnKind.ID and source.type in ("FLOAT", "DOUBLE"):
        note = "ids stored as floating-point numbers, read as whole ones"
    if column.kind is ColumnKind.ID and matched.raw.is_csv and _is_damaged(backend, file, source):
        reading = f"regexp_replace({reading}, '\\.0$', '')"
        note = "ids written as 7.0, read as 7"
    is_sure = parsing.is_sure(column.kind, source.type)
    return Field(
        place, column.name, column, source, taking, giving, reading, column.kind, is_sure, note
    )


def _unchanged(place: int) -> tuple[str, str]:
    """Name the steps of a column that pass on what they get."""
    return f"taken_{place}", f"given_{place}"


def _is_damaged(backend: Backend, file: Path, source: RawColumn) -> bool:
    """Tell whether pandas wrote a column of whole numbers as floats because some are empty.

    Only when every id ends in `.0` and at least one is empty: otherwise ids stay as they are.
    """
    given = parsing.given(f"trim({ident(source.staged)})", source.type)
    every, some, gaps = row(
        backend,
        f"SELECT bool_and(regexp_full_match(given, '\\d+\\.0')), count(given), "
        f"count(*) - count(given) FROM (SELECT {given} AS given FROM {parquet(file)})",
    )
    return bool(every) and some > 0 and gaps > 0


def _attribute_field(matched: Matched, place: int, name: str, source: RawColumn) -> Field:
    taken, given = _unchanged(place)
    raw = ident(source.staged)
    giving = parsing.given_attribute(taken, source.type)
    if source.declared is None:
        kind, reading = parsing.attribute(given, source.type, matched.reading)
        return Field(place, name, None, source, raw, giving, reading, kind)
    kind, reading = parsing.declared(given, source.declared, matched.reading)
    return Field(place, name, None, source, raw, giving, reading, kind, is_sure=False)
