"""Which steps lead from the columns of a source to those of a warehouse table."""

from __future__ import annotations

from dataclasses import replace

from features.ingest import parsing
from features.ingest.columns import Field, Plan, kept_columns
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.parsing import SQL_TYPES, TextFormat
from features.ingest.plain_rows import plain_pattern, value_of
from features.ingest.reading import Readings
from features.tables import ColumnKind


def make_plan(matched: Matched, table: str, readings: Readings | None = None) -> Plan:
    """Lay out how each column of a table is read.

    Args:
        matched: our table and the source's columns for it.
        table: where its rows are kept.
        readings: what was decided about its columns; None: what is declared alone.
    """
    columns = matched.table.columns
    if readings is not None:
        matched = replace(matched, texts=readings.usual)
    of = readings or Readings(matched.texts)
    fields = [_schema_field(matched, i, of.of(columns[i].name)) for i in range(len(columns))]
    fields = [replace(f, has_placeholders=f.name in of.placeholders) for f in fields]
    attributes = enumerate(matched.attributes.items(), len(columns))
    fields += [_attribute_field(matched, place, *attribute) for place, attribute in attributes]
    return Plan(matched, tuple(fields), table, readings=readings)


def _schema_field(matched: Matched, place: int, texts: TextFormat) -> Field:
    column = matched.table.columns[place]
    source = matched.columns.get(column.name)
    if source is None:
        nothing = f"CAST(NULL AS {SQL_TYPES[column.kind]})"
        return Field(place, column.name, column, None, nothing, *_unchanged(place), None)
    trimming = parsing.trim(f"source_{place}", source.type)
    cleaning = parsing.clean(f"trimmed_{place}", source.type)
    if column.kind is ColumnKind.BOOLEAN and source.type == "VARCHAR":
        word = f"lower(trimmed_{place})"
        is_open = parsing.is_word(word, parsing.OPEN_WORDS)
        cleaning = f"CASE WHEN NOT {is_open} THEN {cleaning} END"
    parse = parsing.parse(column.kind, f"cleaned_{place}", source.type, texts)
    note = ""
    plain = parse_plain = ""
    if source.type == "VARCHAR":
        plain = plain_pattern(column.kind, texts)
        parse_plain = value_of(column.kind, f"cleaned_{place}", texts)
    if column.name == "entity_type":
        parse, parse_plain = f"lower({parse})", f"lower({parse_plain})"
    if column.kind is ColumnKind.ID and source.type in ("FLOAT", "DOUBLE"):
        note = "ids stored as floating-point numbers, read as whole ones"
    if column.kind is ColumnKind.ID and matched.raw.is_csv:
        parse = parsing.whole_id(parse)
        note = "ids written as 7.0, read as 7"
    always = parsing.always_parses(column.kind, source.type)
    return Field(
        place, column.name, column, source, kept_columns(matched)[source.staged], trimming,
        cleaning, parse, column.kind, always, note, plain, parse_plain,
    )  # fmt: skip


def _unchanged(place: int) -> tuple[str, str, str]:
    """Return `trimming`, `cleaning` and `parsing` of a column that passes through unchanged."""
    return f"source_{place}", f"trimmed_{place}", f"cleaned_{place}"


def _attribute_field(matched: Matched, place: int, name: str, source: RawColumn) -> Field:
    as_is, trimmed, cleaned = _unchanged(place)
    raw = kept_columns(matched)[source.staged]
    # Trimmed in the same step, see there.
    cleaning = parsing.clean_attribute(trimmed, source.type)
    if source.declared is None:
        kind, parse = parsing.parse_attribute(cleaned, source.type, matched.texts)
        return Field(place, name, None, source, raw, as_is, cleaning, parse, kind)
    kind, parse = parsing.parse_declared(cleaned, source.declared, matched.texts)
    return Field(place, name, None, source, raw, as_is, cleaning, parse, kind, always_parses=False)
