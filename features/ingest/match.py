"""Which of a source's tables and columns are ours, decided before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.errors import MappingError, TableError
from features.ingest.files import RawColumn, RawTable, Source
from features.ingest.language.tables import TableMapping
from features.ingest.mapping import Mappings
from features.ingest.months import columns_by_period
from features.ingest.parsing import TextFormat
from features.params import IngestParams
from features.tables import TABLES, Table


@dataclass(frozen=True)
class Matched:
    """One of our tables, and the source's columns for it.

    Attributes:
        table: ours.
        raw: the source's.
        columns: our column -> the source's column, for those that are there.
        attributes: name in the warehouse -> the source's column.
        texts: how its texts are read.
        notes: matches between names that differ.
    """

    table: Table
    raw: RawTable
    columns: Mapping[str, RawColumn]
    attributes: Mapping[str, RawColumn]
    texts: TextFormat
    notes: tuple[str, ...] = field(default=())


def match(
    backend: Backend, source: Source, mappings: Mappings, params: IngestParams
) -> tuple[Matched, ...]:
    """Find every table of the schema that the source holds, and check its columns.

    Raises:
        TableError: the source holds none of our tables, or lacks a required column.
        MappingError: the mapping names a table or column that the source does not have.
    """
    matches = []
    for name, table in TABLES.items():
        mapping = mappings.tables[name]
        source_name, notes = _table_name(source, name, mappings)
        if source_name is not None:
            raw = source.table(backend, source_name)
            _check_mapped_columns(table, raw, mappings)
            matches.append(match_table(table, raw, params, mapping, notes))
    if not matches:
        raise TableError(
            f"{source.name} holds none of the tables {', '.join(TABLES)}: "
            f"found {_listed(source.tables)}; rename its tables, or map them in a --mapping file"
        )
    return tuple(matches)


def _table_name(
    source: Source, name: str, mappings: Mappings
) -> tuple[str | None, tuple[str, ...]]:
    """Return the source's name of one of our tables, None without one, and notes about it."""
    mapping = mappings.tables[name]
    wanted = name if mapping.table is None else mapping.table
    hits = same_name(wanted, source.tables)
    if not hits:
        if mapping.table is None and not mapping.columns:
            return None, ()
        raise MappingError(
            f"{mappings.where}: {name}.table: {source.name} has no table '{wanted}': "
            f"found {_listed(source.tables)}"
        )
    if len(hits) > 1:
        names = " and ".join(hits)
        raise TableError(f"{source.name}: table '{wanted}' exists as {names}; keep one of them")
    return hits[0], () if hits[0] == wanted else (f"read from '{hits[0]}'",)


def _listed(tables: Sequence[str]) -> str:
    return ", ".join(tables) or "no table at all"


def match_table(
    table: Table,
    raw: RawTable,
    params: IngestParams,
    mapping: TableMapping | None = None,
    notes: tuple[str, ...] = (),
) -> Matched:
    """Find the columns of one of our tables in a table of the source.

    Args:
        table: ours.
        raw: the source's.
        params: how texts are read.
        mapping: the source's names for our columns; None where no mapping can be given.
        notes: what is already known about the table.

    Raises:
        TableError: a required column is missing, or one is there more than once.
    """
    can_map, mapping = mapping is not None, mapping or TableMapping()
    dropped = {column.name for name in mapping.drop for column in columns_named(name, raw.columns)}
    usable = [column for column in raw.columns if column.name not in dropped]
    columns: dict[str, RawColumn] = {}
    for name in table.by_name:
        hits = columns_named(mapping.source_names.get(name, name), usable)
        if len(hits) > 1:
            raise TableError(f"{raw.where}: column '{name}' exists {len(hits)} times; keep one")
        if hits:
            columns[name] = hits[0]
            if hits[0].name.lower() == name and hits[0].name != name:
                notes = (*notes, f"{name}: read from '{hits[0].name}'")
    for name in table.required:
        if name not in columns:
            names = [column.name for column in usable]
            hint = wide_hint(table, raw, names)
            raise TableError.missing_column(
                table.name, name, raw.where, names, can_map=can_map, hint=hint
            )
    day_first = params.day_first if mapping.day_first is None else mapping.day_first
    texts = TextFormat(
        bool(day_first), mapping.timezone, is_undeclared=day_first is None, decimal=params.decimal
    )
    return Matched(table, raw, columns, _attributes(table, usable, columns), texts, notes)


def wide_hint(table: Table, raw: RawTable, names: Sequence[str]) -> str:
    """Say what to do with quotas that have one column for each month or quarter; else empty."""
    periods = columns_by_period(names) if table.name == "quotas" else ()
    if not periods:
        return ""
    part = periods[0].part
    year = part if periods[0].has_year else "2025"
    name = Path(raw.where).stem
    # Names of months alone stand in the order of the sheet, as they sort by their letters.
    first, *_, last = sorted(periods, key=lambda period: period.says if period.has_year else "")
    return (
        f"it has one column for each {part} ({first.name} to {last.name}): say in a "
        f"--mapping file, or let `ingest --suggest-mapping` write, unpivot: {{targets: {{table: "
        f"{name}, names: {part}, values: amount}}}} and quotas: {{table: targets, period: "
        f"{{{part}: {part}, year: {year}}}, columns: {{rep_id: {names[0]}}}}}"
    )


def _check_mapped_columns(table: Table, raw: RawTable, mappings: Mappings) -> None:
    """Refuse a mapping that names columns the source does not have."""
    mapping = mappings.tables[table.name]
    mapped = [
        (f"columns.{name}", source_name) for name, source_name in mapping.source_names.items()
    ]
    mapped += [("drop", source_name) for source_name in mapping.drop]
    for key, source_name in mapped:
        if not columns_named(source_name, raw.columns):
            names = ", ".join(column.name for column in raw.columns)
            raise MappingError(
                f"{mappings.where}: {table.name}.{key}: {raw.where} has no column "
                f"'{source_name}': found {names}"
            )


def columns_named(name: str, columns: Sequence[RawColumn]) -> list[RawColumn]:
    """Return the columns of a name as it is written, else those whose name differs only in case."""
    names = set(same_name(name, (column.name for column in columns)))
    return [column for column in columns if column.name in names]


def same_name(name: str, candidates: Iterable[str]) -> list[str]:
    """Return the name as it is written, if it is there, else those that differ only in case."""
    distinct = list(dict.fromkeys(candidates))
    if name in distinct:
        return [name]
    return [other for other in distinct if other.lower() == name.lower()]


def _attributes(
    table: Table, usable: Sequence[RawColumn], columns: Mapping[str, RawColumn]
) -> dict[str, RawColumn]:
    """Name the further columns so that no two names of the table differ only in case."""
    used = {column.staged for column in columns.values()}
    taken = set(table.by_name)
    attributes = {}
    for place, column in enumerate(usable):
        if column.staged in used:
            continue
        attributes[free_name(column, place, taken)] = column
    return attributes


def free_name(column: RawColumn, place: int, taken: set[str]) -> str:
    """Return a name for a further column that differs in more than case, and take it.

    Args:
        column: of the source.
        place: its place among the source's columns, for one without a name.
        taken: names in small letters; gains the one returned.
    """
    plain = column.name or f"column_{place + 1}"
    name, copies = plain, 1
    while name.lower() in taken:
        copies += 1
        name = f"{plain}_{copies}"
    taken.add(name.lower())
    return name
