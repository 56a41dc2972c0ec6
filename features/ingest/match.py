"""Finding our tables and columns in a source, before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ibis.backends.duckdb import Backend

from features.errors import MappingError, TableError
from features.ingest.files import RawColumn, RawTable, Source
from features.ingest.mapping import Mappings, TableMapping
from features.ingest.parsing import Reading
from features.params import IngestParams
from features.tables import TABLES, Table


@dataclass(frozen=True)
class Matched:
    """One of our tables and what plays its part.

    Attributes:
        table: ours.
        raw: the source's.
        columns: our column -> the source's column, for those that are there.
        attributes: name in the warehouse -> the source's column.
        reading: how its texts are read.
        notes: what was taken for something although its name differs.
    """

    table: Table
    raw: RawTable
    columns: Mapping[str, RawColumn]
    attributes: Mapping[str, RawColumn]
    reading: Reading
    notes: tuple[str, ...] = field(default=())


def match(
    backend: Backend, source: Source, mappings: Mappings, params: IngestParams
) -> tuple[Matched, ...]:
    """Find every table of the schema that the source holds, and check its columns."""
    found = []
    for name, table in TABLES.items():
        mapping = mappings.tables[name]
        theirs, notes = _table_name(source, name, mappings)
        if theirs is not None:
            raw = source.table(backend, theirs)
            _check_named(table, raw, mappings)
            found.append(match_table(table, raw, params, mapping, notes))
    if not found:
        have = ", ".join(source.tables) or "no table at all"
        raise TableError(
            f"{source.name} holds none of the tables {', '.join(TABLES)}: found {have}; "
            "name its tables so, or say in a --mapping file which is which"
        )
    return tuple(found)


def _table_name(
    source: Source, name: str, mappings: Mappings
) -> tuple[str | None, tuple[str, ...]]:
    mapping = mappings.tables[name]
    wanted = name if mapping.table is None else mapping.table
    hits = _alike(wanted, source.tables)
    if not hits:
        if mapping.table is None and not mapping.columns:
            return None, ()
        have = ", ".join(source.tables) or "no table at all"
        raise MappingError(
            f"{mappings.where}: {name}.table: {source.name} has no table '{wanted}': found {have}"
        )
    if len(hits) > 1:
        raise TableError(f"{source.name}: table '{wanted}' is there as {' and '.join(hits)}")
    return hits[0], () if hits[0] == wanted else (f"read from '{hits[0]}'",)


def match_table(
    table: Table,
    raw: RawTable,
    params: IngestParams,
    mapping: TableMapping | None = None,
    notes: tuple[str, ...] = (),
) -> Matched:
    """Find the columns of one table in what plays its part.

    Args:
        table: ours.
        raw: the source's.
        params: how texts are read.
        mapping: their names for ours; None where no mapping can be given.
        notes: what is known of the table already.
    """
    can_map, mapping = mapping is not None, mapping or TableMapping()
    dropped = {hit.name for name in mapping.drop for hit in _columns(name, raw.columns)}
    usable = [column for column in raw.columns if column.name not in dropped]
    columns: dict[str, RawColumn] = {}
    for name in table.by_name:
        hits = _columns(mapping.columns.get(name, name), usable)
        if len(hits) > 1:
            raise TableError(f"{raw.where}: column '{name}' is there {len(hits)} times; keep one")
        if hits:
            columns[name] = hits[0]
            if hits[0].name.lower() == name and hits[0].name != name:
                notes = (*notes, f"{name}: read from '{hits[0].name}'")
    for name in table.required:
        if name not in columns:
            have = [column.name for column in usable]
            raise TableError.missing_column(table.name, name, raw.where, have, can_map=can_map)
    day_first = params.day_first if mapping.day_first is None else mapping.day_first
    reading = Reading(day_first, mapping.timezone)
    return Matched(table, raw, columns, _attributes(table, usable, columns), reading, notes)


def _check_named(table: Table, raw: RawTable, mappings: Mappings) -> None:
    """Refuse a mapping that names columns the source does not have."""
    mapping = mappings.tables[table.name]
    named = [(f"columns.{ours}", theirs) for ours, theirs in mapping.columns.items()]
    named += [("drop", theirs) for theirs in mapping.drop]
    for key, theirs in named:
        if not _columns(theirs, raw.columns):
            have = ", ".join(column.name for column in raw.columns)
            raise MappingError(
                f"{mappings.where}: {table.name}.{key}: {raw.where} has no column '{theirs}': "
                f"found {have}"
            )


def _columns(name: str, columns: Sequence[RawColumn]) -> list[RawColumn]:
    names = set(_alike(name, (column.name for column in columns)))
    return [column for column in columns if column.name in names]


def _alike(name: str, names: Iterable[str]) -> list[str]:
    """Find a name as it is written, else those that differ only in case."""
    given = list(dict.fromkeys(names))
    if name in given:
        return [name]
    return [other for other in given if other.lower() == name.lower()]


def _attributes(
    table: Table, usable: Sequence[RawColumn], columns: Mapping[str, RawColumn]
) -> dict[str, RawColumn]:
    """Name the further columns so that no two names differ only in case."""
    used = {column.staged for column in columns.values()}
    taken = set(table.by_name)
    named = {}
    for place, column in enumerate(usable):
        if column.staged in used:
            continue
        plain = column.name or f"column_{place + 1}"
        name, copies = plain, 1
        while name.lower() in taken:
            copies += 1
            name = f"{plain}_{copies}"
        taken.add(name.lower())
        named[name] = column
    return named
