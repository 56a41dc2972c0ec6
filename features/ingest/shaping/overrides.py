"""Files that are read in a way of their own: what a mapping says under `sources`."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.errors import SourceError
from features.ingest.csv_forms import CsvForm, form_of, layout
from features.ingest.csv_headers import likely_delimiter
from features.ingest.csv_rows import Remark
from features.ingest.encodings import BY_LINE, HEAD, UTF8
from features.ingest.files import (
    RawColumn,
    RawTable,
    Source,
    inspect_file,
    is_database,
    stage_csv,
)
from features.ingest.language.sources import SourceFile
from features.ingest.shaping.reader import Reader
from features.ingest.workbooks import is_workbook, sheet_table

_REMEDY = "mend the file, or what the mapping says under sources"


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
    if file.delimiter is None and file.encoding is None and file.header_row is None:
        return inspect_file(backend, path)
    return _csv_table(path, file)


def _csv_table(path: Path, file: SourceFile) -> RawTable:
    """Return a CSV file's table, its text split as the mapping says."""
    form = _form(path, file)
    columns = tuple(RawColumn(name, f"c{i}") for i, name in enumerate(form.names))
    remarks: list[Remark] = []

    def stage(backend: Backend, target: Path) -> Path:
        remarks[:] = stage_csv(backend, path, form, target)
        return target

    return RawTable(str(path), _REMEDY, columns, stage, is_csv=True, remarks=remarks)


def _form(path: Path, file: SourceFile) -> CsvForm:
    """Return how a CSV file is written: as the mapping says, and else as it looks.

    Raises:
        SourceError: its header is not text in the encoding named, or cannot be split.
    """
    if file.encoding is None:
        found = form_of(path)
        encoding, older, guess = found.encoding, found.older, found.guess
    else:
        is_mixed = file.encoding == BY_LINE
        encoding = file.encoding if is_mixed else _known(path, file.encoding)
        older, guess = None, None
    with path.open("rb") as opened:
        start = opened.read(HEAD).decode(UTF8 if encoding == BY_LINE else encoding, "replace")
    start = start.removeprefix("\ufeff")
    if file.header_row is None:
        form = layout(path, start, file.delimiter)
    else:
        form = _below(path, start, file.header_row, file.delimiter)
    return replace(form, encoding=encoding, older=older, guess=guess)


def _below(path: Path, start: str, header_row: int, delimiter: str | None) -> CsvForm:
    """Return how a file is written whose header stands in the line named.

    Raises:
        SourceError: there is none in that line, or it cannot be split.
    """
    lines = io.StringIO(start, newline="")
    for _ in range(header_row - 1):
        lines.readline()
    place = lines.tell()
    sign = delimiter or likely_delimiter(lines.readline())
    lines.seek(place)
    try:
        names = next(csv.reader(lines, delimiter=sign, strict=True), [])
    except csv.Error as error:
        problem = f"line {header_row}, its header, cannot be split: {error}"
        raise SourceError(str(path), problem, _REMEDY) from None
    if not any(name.strip() for name in names):
        raise SourceError(str(path), f"line {header_row} holds no header", _REMEDY)
    return CsvForm(tuple(name.strip() for name in names), sign, lines_before=header_row - 1)


def _known(path: Path, encoding: str) -> str:
    """Return an encoding's usual name."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise SourceError(str(path), f"there is no encoding '{encoding}'", _REMEDY) from None
    return UTF8 if name in (UTF8, "utf-8-sig") else name
