"""A source as a mapping wants it: under our names, from as many of its tables as that takes.

The tables of ours that a mapping only gives names to come in as they are. Every other one is
made here, row by row, and then passes the same checks as all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.csv_rows import FAULT, Remark
from features.ingest.files import Greatest, RawColumn, RawTable, Source
from features.ingest.language.tables import TableMapping
from features.ingest.mapping import Mappings
from features.ingest.parsing import TextFormat
from features.ingest.shaping.overrides import with_overrides
from features.ingest.shaping.plans import ShapedColumn
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.shaped_rows import Rules, Tally, shape_rows
from features.ingest.shaping.table_rows import table_parts
from features.ingest.shaping.unpivoted import with_unpivoted
from features.ingest.shaping.values import cleaned_text
from features.params import IngestParams
from features.storage.engine import ident, run, text, write
from features.tables import TABLES, Table

ORIGIN = (RawColumn("source_table", "origin"), RawColumn("row_in_source_table", "origin_row"))
"""Where a shaped row comes from, as the quarantine names it."""


@dataclass(frozen=True)
class Shaping:
    """Rows of one source table that become rows of a table of ours; nothing is read yet.

    Attributes:
        raw: the source's table.
        columns: of the result.
        shape: makes a table of the name passed, with `source_row` and these columns.
    """

    raw: RawTable
    columns: tuple[ShapedColumn, ...]
    shape: Callable[[Rules, str], Tally]


Further = Callable[[Reader, Mappings, TextFormat], Mapping[str, Sequence[Shaping]]]
"""Rows for tables of ours that come from elsewhere, by table: histories for `changes`."""


@contextmanager
def shaped_source(
    reader: Reader,
    mappings: Mappings,
    params: IngestParams,
    further: Further,
    until: datetime | None = None,
) -> Iterator[tuple[Source, Mappings]]:
    """Open a source as a mapping wants it.

    Args:
        reader: reads the extract as it is.
        mappings: what the mapping file says.
        params: how texts are read where the mapping does not say.
        further: rows that come from elsewhere.
        until: the declared end of the data.

    Yields:
        The source under our names, and the part of the mapping that is left to do.

    Raises:
        MappingError: the mapping names a table or column that the source does not have.
    """
    reader.folder.mkdir(parents=True, exist_ok=True)
    try:
        reader = replace(reader, source=with_overrides(reader, mappings.sources))
        reader = replace(reader, source=with_unpivoted(reader, mappings.unpivot))
        for name, rates in mappings.rates.items():
            reader.table(rates.table, f"rates.{name}.table")
        rules = Rules(mappings.ids, mappings.rates, until)
        shapings = _shapings(reader, mappings, params, further)
        tables = {
            name: _raw_table(reader, TABLES[name], parts, rules) for name, parts in shapings.items()
        }
        yield _with(reader.source, tables), _left_to_do(mappings, tables)
    finally:
        shutil.rmtree(reader.folder, ignore_errors=True)


def _shapings(
    reader: Reader, mappings: Mappings, params: IngestParams, further: Further
) -> dict[str, list[Shaping]]:
    """Plan all tables that are not plain."""
    texts = TextFormat(params.day_first)
    added = further(reader, mappings, texts)
    shapings: dict[str, list[Shaping]] = {}
    for name, table in TABLES.items():
        mapping = mappings.tables[name]
        if mapping.is_plain and not mappings.needs_shaping and name not in added:
            continue
        is_asked_for = mapping != TableMapping() or reader.holds(name)
        parts = table_parts(reader, table, mapping, texts, mappings.ids) if is_asked_for else []
        planned = [
            Shaping(plan.raw, plan.result(), partial(shape_rows, plan)) for plan in parts
        ] + [*added.get(name, ())]
        if planned:
            shapings[name] = planned
    return shapings


def _left_to_do(mappings: Mappings, tables: Mapping[str, RawTable]) -> Mappings:
    """Return the mapping of the shaped source: of shaped tables only the zone is left."""
    left = {
        name: TableMapping(day_first=mapping.day_first, timezone=mapping.timezone)
        if name in tables
        else mapping
        for name, mapping in mappings.tables.items()
    }
    return replace(mappings, tables=left)


def _with(source: Source, tables: Mapping[str, RawTable]) -> Source:
    def table(backend: Backend, name: str) -> RawTable:
        return tables[name] if name in tables else source.table(backend, name)

    names = (*(name for name in source.tables if name not in tables), *tables)
    return replace(source, tables=names, table=table)


def _raw_table(reader: Reader, table: Table, parts: Sequence[Shaping], rules: Rules) -> RawTable:
    """Return a table of ours as if the source had it."""
    columns = _columns(table, parts)
    tallies: list[str] = []
    remarks: list[Remark] = []

    def stage(backend: Backend, path: Path) -> Path:
        tallies.clear()
        names = [f"shaped {table.name} {i}" for i in range(len(parts))]
        shaped = [part.shape(rules, name) for part, name in zip(parts, names, strict=True)]
        tallies.extend(str(tally) for tally in shaped)
        remarks[:] = _remarks(parts, shaped)
        write(backend, _union(parts, names, columns), path)
        for name in names:
            run(backend, f"DROP TABLE {ident(name)}")
        return path

    places = list(dict.fromkeys(part.raw.where for part in parts))
    return RawTable(
        " and ".join(places),
        parts[0].raw.remedy,
        columns,
        stage,
        greatest=_greatest(reader),
        is_csv=any(part.raw.is_csv for part in parts),
        origin=ORIGIN,
        remarks=remarks,
        tallies=tallies,
    )


def _remarks(parts: Sequence[Shaping], tallies: Sequence[Tally]) -> list[Remark]:
    """Return what was odd about the files read, and which rows of theirs were left out."""
    odd = {remark: None for part in parts for remark in part.raw.remarks}
    left_out = [
        Remark("left_out", f"{count:,} rows of {tally.where} were left out: {why}", count, "")
        for tally in tallies
        for why, count in tally.left_out.items()
    ]
    return [*odd, *left_out]


def _greatest(reader: Reader) -> Greatest | None:
    """Return what tells whether any of the tables read has changed; None for files."""
    tables = reader.read_tables()
    if any(raw.greatest is None for raw in tables):
        return None

    def greatest(_names: Sequence[str]) -> tuple[str | None, ...]:
        marks: list[str | None] = []
        for raw in tables:
            if raw.greatest is not None:
                marks += raw.greatest([column.name for column in raw.columns])
        return tuple(marks)

    return greatest


def _columns(table: Table, parts: Sequence[Shaping]) -> tuple[RawColumn, ...]:
    """Return the columns of all parts: ours first; a type is kept where all parts agree on it."""
    types: dict[str, set[tuple[str, str | None]]] = {}
    for part in parts:
        for column in part.columns:
            types.setdefault(column.name, set()).add((column.type, column.declared))
    ours = [name for name in table.by_name if name in types]
    names = [*ours, *(name for name in types if name not in ours)]
    return tuple(
        RawColumn(name, f"c{i}", *(types[name].copy().pop() if len(types[name]) == 1 else ()))
        for i, name in enumerate(names)
    )


def _union(parts: Sequence[Shaping], names: Sequence[str], columns: Sequence[RawColumn]) -> str:
    """Return SQL of the rows of all parts, each part in the order of its source."""
    queries = []
    for place, (part, name) in enumerate(zip(parts, names, strict=True)):
        by_name = {column.name: column for column in part.columns}
        selected = [
            f"{_value(by_name.get(column.name), column)} AS {column.staged}" for column in columns
        ]
        origin = f"{text(part.raw.where)} AS origin, source_row AS origin_row"
        queries.append(
            f"SELECT {', '.join(selected)}, {origin}, {FAULT}, {place} AS part FROM {ident(name)}"
        )
    return f"SELECT * EXCLUDE (part) FROM ({' UNION ALL '.join(queries)}) ORDER BY part, origin_row"


def _value(column: ShapedColumn | None, wanted: RawColumn) -> str:
    if column is None:
        return f"CAST(NULL AS {wanted.type})"
    staged = ident(column.staged)
    if column.type == wanted.type:
        return staged
    return cleaned_text(staged, column.type)
