"""Where an extract comes from: a folder of parquet and CSV files, or a database.

A source is inspected first (which tables, which columns) and read later, table by table, so that
a missing column is reported before an hour of reading. Whatever the source, a table ends up as a
parquet file whose row numbers are the source's own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from features.errors import SourceError, TableError
from features.storage.engine import ident, parquet, pattern, reading, rows, text, write

Stage = Callable[[Backend, Path], Path]
"""Bring a table's rows into a parquet file: the path passed, or a file that exists already."""
Greatest = Callable[[Sequence[str]], tuple[str | None, ...]]
"""Return how many rows a table has, then the greatest value of each column named."""

SUFFIXES = (".parquet", ".csv")
_CSV_REMEDY = "a CSV file is UTF-8 text with a header row and as many fields in every row"
_PARQUET_REMEDY = "write the file again, or give the table as CSV"
_DELIMITERS = (",", ";", "\t")
# The engine takes sixteen such lines of memory per file at a time.
_LONGEST_LINE = 2 * 2**20
# pandas stores its row labels as a column; they are positions, not data.
_ROW_LABELS = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class RawColumn:
    """One column as the source has it.

    Attributes:
        name: its name in the source.
        staged: its name in the staged parquet file.
        type: the engine's type of the staged column.
        declared: the engine's type for what a database calls it, though it is staged as text.
    """

    name: str
    staged: str
    type: str = "VARCHAR"
    declared: str | None = None


@dataclass(frozen=True)
class RawTable:
    """One table of a source, not read yet.

    Attributes:
        where: the file, or the table of a database, as messages name it.
        remedy: what to do when it cannot be read.
        columns: its columns in their order.
        stage: brings its rows into a parquet file.
        greatest: counts the rows of a database's table and finds the greatest value of each of some
            columns, all as texts; None for a file.
        is_csv: empty ids may have made pandas write 7 as 7.0.
    """

    where: str
    remedy: str
    columns: tuple[RawColumn, ...]
    stage: Stage
    greatest: Greatest | None = None
    is_csv: bool = False


@dataclass(frozen=True)
class Source:
    """An extract, opened.

    Attributes:
        name: the folder or URL, without any password.
        tables: names of the tables it holds.
        table: inspects one of them.
        close: lets go of files and connections.
    """

    name: str
    tables: tuple[str, ...]
    table: Callable[[Backend, str], RawTable]
    close: Callable[[], None] = lambda: None


def is_database(source: str) -> bool:
    """Return whether a source is the URL of a database."""
    return "://" in source


def folder(path: Path) -> Source:
    """Open a folder of <table>.parquet and <table>.csv files.

    Raises:
        SourceError: there is no such folder, or it may not be read.
    """
    remedy = "give a folder with <table>.parquet or <table>.csv files, or a database URL"
    if path.is_file():
        raise SourceError(str(path), "it is a file", remedy)
    if not path.is_dir():
        raise SourceError(str(path), "there is no such folder", remedy)
    files = table_files(path)

    def table(backend: Backend, name: str) -> RawTable:
        if len(files[name]) > 1:
            names = " and ".join(file.name for file in files[name])
            raise TableError(f"{path}: table '{name}' exists twice, as {names}; keep one of them")
        return inspect_file(backend, files[name][0])

    return Source(str(path), tuple(files), table)


def table_files(path: Path) -> Mapping[str, list[Path]]:
    """Return the files of a folder that hold tables, by the table's name.

    Raises:
        SourceError: the folder may not be read.
    """
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise SourceError(str(path), error.strerror or "no access", "allow reading it") from None
    files: dict[str, list[Path]] = {}
    for file in entries:
        if file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "_")):
            files.setdefault(file.stem, []).append(file)
    return files


def inspect_file(backend: Backend, file: Path) -> RawTable:
    """Read the names and types of a file's columns.

    Raises:
        SourceError: it is not a file, is empty, or cannot be read.
    """
    if not file.is_file():
        raise SourceError(str(file), "it is not a file", "a table is one parquet or CSV file")
    try:
        if file.stat().st_size == 0:
            raise SourceError(str(file), "the file is empty", "it needs at least a header row")
        with file.open("rb"):
            pass
    except OSError as error:
        raise SourceError(str(file), error.strerror or "no access", "allow reading it") from None
    return _parquet(backend, file) if file.suffix.lower() == ".parquet" else _csv(file)


def _parquet(backend: Backend, file: Path) -> RawTable:
    scan = parquet(file)
    with reading(str(file), _PARQUET_REMEDY):
        described = rows(backend, f"DESCRIBE SELECT * FROM {scan}")
    try:
        # The engine renames columns that differ only in case; the file's own schema does not.
        names = pq.read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise SourceError(str(file), str(error).splitlines()[0], _PARQUET_REMEDY) from None
    columns = [
        RawColumn(name, str(entry[0]), str(entry[1]))
        for name, entry in zip(names, described, strict=True)
        if not _ROW_LABELS.fullmatch(name)
    ]
    if all(column.staged.lower() != "file_row_number" for column in columns):
        return RawTable(str(file), _PARQUET_REMEDY, tuple(columns), lambda _backend, _path: file)
    # A column of that name would hide the engine's own row numbers: copy under other names.
    renamed = tuple(
        RawColumn(column.name, f"c{i}", column.type) for i, column in enumerate(columns)
    )
    pairs = zip(columns, renamed, strict=True)
    selected = ", ".join(f"{ident(old.staged)} AS {new.staged}" for old, new in pairs)

    def copy(backend: Backend, path: Path) -> Path:
        write(backend, f"SELECT {selected} FROM {scan}", path)
        return path

    return RawTable(str(file), _PARQUET_REMEDY, renamed, copy)


def _csv(file: Path) -> RawTable:
    names, delimiter = _header(file)
    columns = tuple(RawColumn(name, f"c{i}") for i, name in enumerate(names))
    types = ", ".join(f"'{column.staged}': 'VARCHAR'" for column in columns)
    scan = (
        f"read_csv({text(pattern(file))}, auto_detect = false, header = true, "
        f"delim = {text(delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}, "
        f"strict_mode = true, null_padding = false, max_line_size = {_LONGEST_LINE})"
    )

    def stage(backend: Backend, path: Path) -> Path:
        write(backend, f"SELECT * FROM {scan}", path)
        return path

    return RawTable(str(file), _CSV_REMEDY, columns, stage, is_csv=True)


def _header(file: Path) -> tuple[list[str], str]:
    """Return a CSV file's column names, and the sign that separates its fields.

    The sign is the one of the usual three that the first line holds most of.
    """
    problem = ""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            start = lines.readline(_LONGEST_LINE)
            delimiter = max(_DELIMITERS, key=start.count)
            lines.seek(0)
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        problem = "it is not UTF-8 text"
    except csv.Error as error:
        problem = f"its header row cannot be read: {error}"
    if problem:
        raise SourceError(str(file), problem, _CSV_REMEDY)
    if not any(name.strip() for name in names):
        raise SourceError(str(file), "it has no header row", _CSV_REMEDY)
    return [name.strip() for name in names], delimiter
