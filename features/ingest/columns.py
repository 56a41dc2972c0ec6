"""How the rows of one table are read: a typed SQL expression for every warehouse column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from features.ingest import parsing
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.parsing import SQL_TYPES, TextFormat
from features.ingest.reading import Readings
from features.storage.engine import ident, parquet
from features.tables import Column, ColumnKind

SOURCE_ROW = "file_row_number"


@dataclass(frozen=True)
class Field:
    """One column of a warehouse table, and the four steps from the source's column to it.

    The steps are columns of nested queries, so that none repeats what another has computed:
    `trimmed`, then `cleaned` (NULL where nothing is written), then `parsed`, then `value`, which
    also lies in a plausible range.

    Attributes:
        place: its place among the fields.
        name: its name in the warehouse.
        column: its meaning in the schema; None for an attribute.
        raw: the source's column; None where the source has none.
        trimming: SQL of `trimmed`, from the source's column.
        cleaning: SQL of `cleaned`, from `trimmed`.
        parsing: SQL of `parsed`, from `cleaned`.
        kind: the kind whose range `value` keeps to; None where `parsed` stays as it is.
        always_parses: nothing that can be written there fails to parse.
        note: how its values were changed, if they were.
    """

    place: int
    name: str
    column: Column | None
    raw: RawColumn | None
    trimming: str
    cleaning: str
    parsing: str
    kind: ColumnKind | None
    always_parses: bool = True
    note: str = ""

    @property
    def trimmed(self) -> str:
        """The source's column without white space around it, as a column of a query."""
        return f"trimmed_{self.place}"

    @property
    def cleaned(self) -> str:
        """What is written there, NULL where that is nothing, as a column of `Plan.rows`."""
        return f"cleaned_{self.place}"

    @property
    def parsed(self) -> str:
        """What that means, in any range, as a column of a query."""
        return f"parsed_{self.place}"

    @property
    def value(self) -> str:
        """What the warehouse gets, as a column of `Plan.rows`."""
        return f"value_{self.place}"

    @property
    def unreadable(self) -> str:
        """Condition: something is written that cannot be read."""
        return f"({self.cleaned} IS NOT NULL AND {self.value} IS NULL)"


class Amendment(NamedTuple):
    """What a column holds instead, in rows where a condition is met.

    Attributes:
        condition: SQL over the columns of `Plan.rows`.
        value: SQL of the other value.
        note: what the report says of such rows; empty for a rewriting nobody need know of.
    """

    condition: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """How one staged table is read.

    Attributes:
        matched: our table and the source's columns for it.
        file: the staged parquet file.
        fields: the schema's columns in their order, then the attributes.
        amendments: by field, values that are replaced in the light of their row; of several
            whose condition is met the first counts.
        beside: attributes that the conditions of amendments ask about.
        deleted_at: SQL of when the CRM deleted a row; empty where no row was deleted.
    """

    matched: Matched
    file: Path
    fields: tuple[Field, ...]
    amendments: Mapping[str, tuple[Amendment, ...]] = field(default_factory=dict)
    beside: tuple[Field, ...] = ()
    deleted_at: str = ""

    def amended(self, name: str) -> str:
        """Return SQL of what the warehouse gets in a schema column, over `Plan.rows` of them all.

        The steps of a field look at one value alone; an amendment looks at its row.
        """
        value, branches = self[name].value, self.amendments.get(name, ())
        if not branches:
            return value
        cases = " ".join(f"WHEN {a.condition} THEN {a.value}" for a in branches)
        return f"CASE {cases} ELSE {value} END"

    def rows(self, *fields: Field) -> str:
        """Return a FROM clause: `source_row`, and each field's `cleaned` and `value`.

        Only the fields asked for are in it: the engine's planner is slow to find out for itself
        which of hundreds of columns a query can do without.
        """
        steps = (
            (f"{f.trimming} AS {f.trimmed}" for f in fields),
            (f"{f.cleaning} AS {f.cleaned}" for f in fields),
            (f"{f.cleaned}, {f.parsing} AS {f.parsed}" for f in fields),
            (f"{f.cleaned}, {_in_range(f)} AS {f.value}" for f in fields),
        )
        query, row_number = parquet(self.file), f"{SOURCE_ROW} AS source_row"
        for step in steps:
            query = f"(SELECT {', '.join([row_number, *step])} FROM {query})"
            row_number = "source_row"
        return query

    def __getitem__(self, name: str) -> Field:
        """Return the field of a schema column."""
        return next(f for f in self.fields if f.column is not None and f.name == name)

    def schema_fields(self) -> Iterator[Field]:
        """Go through the schema's columns that the source has."""
        return (f for f in self.fields if f.column is not None and f.raw is not None)


def _in_range(field: Field) -> str:
    return field.parsed if field.kind is None else parsing.in_range(field.kind, field.parsed)


def make_plan(matched: Matched, file: Path, readings: Readings | None = None) -> Plan:
    """Lay out how each column of a staged table is read.

    Args:
        matched: our table and the source's columns for it.
        file: the staged rows.
        readings: what was decided about its columns; None: what is declared alone.
    """
    columns = matched.table.columns
    if readings is not None:
        matched = replace(matched, texts=readings.usual)
    of = readings or Readings(matched.texts)
    fields = [_schema_field(matched, i, of.of(columns[i].name)) for i in range(len(columns))]
    attributes = enumerate(matched.attributes.items(), len(columns))
    fields += [_attribute_field(matched, place, *attribute) for place, attribute in attributes]
    return Plan(matched, file, tuple(fields))


def _schema_field(matched: Matched, place: int, texts: TextFormat) -> Field:
    column = matched.table.columns[place]
    source = matched.columns.get(column.name)
    if source is None:
        nothing = f"CAST(NULL AS {SQL_TYPES[column.kind]})"
        return Field(place, column.name, column, None, nothing, *_unchanged(place), None)
    trimming = parsing.trim(ident(source.staged), source.type)
    cleaning = parsing.clean(f"trimmed_{place}", source.type)
    if column.kind is ColumnKind.BOOLEAN and source.type == "VARCHAR":
        word = f"lower(trimmed_{place})"
        cleaning = f"CASE WHEN {word} NOT IN {parsing.OPEN_WORDS} THEN {cleaning} END"
    parse = parsing.parse(column.kind, f"cleaned_{place}", source.type, texts)
    note = ""
    if column.name == "entity_type":
        parse = f"lower({parse})"
    if column.kind is ColumnKind.ID and source.type in ("FLOAT", "DOUBLE"):
        note = "ids stored as floating-point numbers, read as whole ones"
    if column.kind is ColumnKind.ID and matched.raw.is_csv:
        parse = parsing.whole_id(parse)
        note = "ids written as 7.0, read as 7"
    always = parsing.always_parses(column.kind, source.type)
    return Field(
        place, column.name, column, source, trimming, cleaning, parse, column.kind, always, note
    )


def _unchanged(place: int) -> tuple[str, str]:
    """Return `cleaning` and `parsing` of a column that passes through both unchanged."""
    return f"trimmed_{place}", f"cleaned_{place}"


def _attribute_field(matched: Matched, place: int, name: str, source: RawColumn) -> Field:
    trimmed, cleaned = _unchanged(place)
    raw = ident(source.staged)
    # Trimmed in the same step, see there.
    cleaning = parsing.clean_attribute(trimmed, source.type)
    if source.declared is None:
        kind, parse = parsing.parse_attribute(cleaned, source.type, matched.texts)
        return Field(place, name, None, source, raw, cleaning, parse, kind)
    kind, parse = parsing.parse_declared(cleaned, source.declared, matched.texts)
    return Field(place, name, None, source, raw, cleaning, parse, kind, always_parses=False)
