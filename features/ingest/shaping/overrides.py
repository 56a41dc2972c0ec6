"""Files that are read in a way of their own: what a mapping says under `sources`."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from features.errors import SourceError
from features.ingest.files import RawColumn, RawTable, Source, inspect_file, is_database
from features.ingest.language.sources import SourceFile
from features.ingest.shaping.reader import Reader
from features.ingest.workbooks import is_workbook, sheet_table

_REMEDY = "mend the file, or what the mapping says under sources"
_BATCH = 50_000


def with_overrides(reader: Reader, files: Mapping[str, SourceFile]) -> Source:
    """Return a source in which some tables are read from the files and in the ways named.

    Raises:
        MappingError: the source is a database, or has no such file.
    """
    if not files:
        return reader.source
    if is_database(reader.source.name):
        raise reader.problem("sources", f"{reader.source.name} is a database; it has no files")
    folder = Path(reader.source.name)
    places = {name: _place(reader, folder, name, file) for name, file in files.items()}

    def table(backend: Backend, name: str) -> RawTable:
        if name not in files:
            return reader.source.table(backend, name)
        return _inspect(backend, places[name], files[name])

    names = dict.fromkeys((*reader.source.tables, *files))
    return replace(reader.source, tables=tuple(names), table=table)


def _place(reader: Reader, folder: Path, name: str, file: SourceFile) -> Path:
    if folder.is_file():
        return folder
    if file.file is not None:
        hits = [folder / file.file]
    else:
        hits = sorted(path for path in folder.iterdir() if path.stem == name)
    if len(hits) != 1 or not hits[0].is_file():
        wanted = file.file or f"{name}.*"
        found = ", ".join(sorted(path.name for path in folder.iterdir()))
        raise reader.problem(f"sources.{name}", f"{folder} has no one file {wanted}: found {found}")
    return hits[0]


def _inspect(backend: Backend, path: Path, file: SourceFile) -> RawTable:
    if is_workbook(path):
        return sheet_table(path, file.sheet, file.header_row)
    if path.suffix.lower() == ".parquet":
        return inspect_file(backend, path)
    if file.delimiter is None and file.encoding is None and file.header_row == 1:
        return inspect_file(backend, path)
    return _csv_table(path, file)


def _csv_table(path: Path, file: SourceFile) -> RawTable:
    """Return a CSV file's table, its text split as the mapping says."""
    _, header = next(_records(path, file), (0, []))
    if not any(name.strip() for name in header):
        raise SourceError(str(path), f"line {file.header_row} holds no header", _REMEDY)
    columns = tuple(RawColumn(name.strip(), f"c{i}") for i, name in enumerate(header))

    def stage(_backend: Backend, target: Path) -> Path:
        rows = itertools.islice(_records(path, file), 1, None)
        _write(path, rows, [column.staged for column in columns], target)
        return target

    return RawTable(str(path), _REMEDY, columns, stage, is_csv=True)


def _records(path: Path, file: SourceFile) -> Iterator[tuple[int, list[str]]]:
    """Go through the records of a CSV file from its header on, with their line numbers.

    Raises:
        SourceError: it is not text in the encoding named, or a record cannot be split.
    """
    encoding = file.encoding or "utf-8-sig"
    before, reader = file.header_row - 1, None
    problem = ""
    try:
        with path.open(encoding=encoding, newline="") as lines:
            for _ in range(before):
                lines.readline()
            reader = csv.reader(lines, delimiter=file.delimiter or ",", strict=True)
            for fields in reader:
                if fields:
                    yield before + reader.line_num, fields
    except LookupError:
        problem = f"there is no encoding '{encoding}'"
    except UnicodeDecodeError as error:
        line = before + (0 if reader is None else reader.line_num) + 1
        problem = f"it is not {encoding} text after line {line - 1}: {error.reason}"
    except csv.Error as error:
        line = before + (0 if reader is None else reader.line_num)
        problem = f"line {line} cannot be split: {error}"
    except OSError as error:
        problem = error.strerror or "no access"
    if problem:
        raise SourceError(str(path), problem, _REMEDY)


def _write(
    path: Path, records: Iterator[tuple[int, list[str]]], names: Sequence[str], target: Path
) -> None:
    """Write records to a parquet file as texts; one of another length is refused by its line."""
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(target, schema) as file:
        while batch := list(itertools.islice(records, _BATCH)):
            for line, fields in batch:
                if len(fields) != len(names):
                    problem = f"line {line} has {len(fields)} fields, the header {len(names)}"
                    raise SourceError(str(path), problem, _REMEDY)
            columns = zip(*(fields for _, fields in batch), strict=True)
            arrays = [pa.array(column, pa.string()) for column in columns]
            file.write_batch(pa.record_batch(arrays, schema=schema))
