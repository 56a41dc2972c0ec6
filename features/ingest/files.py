"""Where an extract comes from: a folder of parquet and CSV files, or a database.

A source is inspected first (which tables, which columns) and read later, table by table, so that
a missing column is reported before an hour of reading. Whatever the source, a table ends up as a
parquet file whose row numbers are the source's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from features.errors import SourceError, TableError
from features.ingest.csv_forms import LONGEST_LINE, REMEDY, CsvForm, by_line, form_of
from features.ingest.csv_rows import Remark, title_remarks, write_rows
from features.ingest.encodings import BY_LINE, UTF8, transcode
from features.storage.engine import (
    ident,
    if_readable,
    parquet,
    pattern,
    reading,
    rows,
    text,
    write,
)

Stage = Callable[[Backend, Path], Path]
"""Bring a table's rows into a parquet file: the path passed, or a file that exists already."""
Store = Callable[[str], None]
"""Store the rows of a FROM clause, whose columns are called as they are staged."""
Greatest = Callable[[Sequence[str]], tuple[str | None, ...]]
"""Return how many rows a table has, then the greatest value of each column named."""

SUFFIXES = (".parquet", ".csv")
_PARQUET_REMEDY = "write the file again, or give the table as CSV"
_ROW_NUMBERS = ("file_row_number", "rowid")
"""How the engine calls the places of rows."""
BACKSLASHES = Remark(
    "escape", "quotes inside of texts stand behind a backslash instead of doubled", 1, ""
)
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
        remarks: what was odd about the file as a whole, known once its rows are staged.
        has_typed_cells: it is a sheet of a workbook, whose numbers and dates were typed, though
            they are staged as texts.
        origin: staged columns that say where a row comes from, for the quarantine.
        tallies: how many rows of which files it is made of, in words, known once it is staged.
        direct: stores its rows without staging them, or else by way of the path passed; None where
            there is no such way.
    """

    where: str
    remedy: str
    columns: tuple[RawColumn, ...]
    stage: Stage
    greatest: Greatest | None = None
    is_csv: bool = False
    remarks: list[Remark] = field(default_factory=list)
    has_typed_cells: bool = False
    origin: tuple[RawColumn, ...] = ()
    tallies: list[str] = field(default_factory=list)
    direct: Callable[[Path, Store], None] | None = None

    def read(self, backend: Backend, staging: Path, store: Store) -> None:
        """Store its rows; `staging` may be left behind as a file."""
        if self.direct is None:
            store(parquet(self.stage(backend, staging)))
        else:
            self.direct(staging, store)


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
    if not any(column.staged.lower() in _ROW_NUMBERS for column in columns):
        return RawTable(str(file), _PARQUET_REMEDY, tuple(columns), lambda _backend, _path: file)
    # A column of such a name would hide the engine's own row numbers: copy under other names.
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
    form = form_of(file)
    columns = tuple(RawColumn(name, f"c{i}") for i, name in enumerate(form.names))
    remarks: list[Remark] = []

    def stage(backend: Backend, path: Path) -> Path:
        remarks[:] = stage_csv(backend, file, form, path)
        return path

    def read(staging: Path, store: Store) -> None:
        remarks[:] = _read_csv(file, form, staging, store)

    return RawTable(str(file), REMEDY, columns, stage, is_csv=True, remarks=remarks, direct=read)


def stage_csv(backend: Backend, file: Path, form: CsvForm, path: Path) -> list[Remark]:
    """Write a CSV file's rows to a parquet file, all columns as texts.

    Returns:
        What was odd about the file as a whole.
    """

    def store(scan: str) -> None:
        # Rows that were read line by line are there already.
        if scan != parquet(path):
            write(backend, f"SELECT * FROM {scan}", path, "snappy")

    return _read_csv(file, form, path, store)


def _read_csv(file: Path, form: CsvForm, staging: Path, store: Store) -> list[Remark]:
    """Store a CSV file's rows, all columns as texts.

    Returns:
        What was odd about the file as a whole.
    """
    return [*title_remarks(form), *_read_rows(file, form, staging, store)]


def _read_rows(file: Path, form: CsvForm, staging: Path, store: Store) -> list[Remark]:
    """Store a CSV file's rows.

    The engine reads what it can read strictly, quotes inside of texts doubled, else behind a
    backslash. Any other file is read line by line (`features.ingest.csv_rows`).
    """
    if form.encoding not in (UTF8, BY_LINE):
        return _read_transcoded(file, form, staging, store)
    # The engine skips rows, not lines.
    if form.older is None and not any('"' in title for title in form.titles):
        for escape in ('"', "\\"):
            if (escape == '"' or _has_backslashes(file)) and if_readable(
                store, _scan(file, form, escape)
            ):
                return [] if escape == '"' else [BACKSLASHES]
    if form.older is None:
        form = by_line(file, form)
    remarks = write_rows(file, form, staging)
    store(parquet(staging))
    return remarks


def _read_transcoded(file: Path, form: CsvForm, staging: Path, store: Store) -> list[Remark]:
    copy = staging.with_suffix(".utf8")
    try:
        transcode(file, form.encoding, copy)
        remarks = _read_rows(copy, replace(form, encoding=UTF8), staging, store)
    except UnicodeError as error:
        problem = f"it begins like {form.encoding}, but is not that throughout: {error}"
        raise SourceError(str(file), problem, "save it as UTF-8") from None
    finally:
        copy.unlink(missing_ok=True)
    return [Remark("encoding", f"it was read as {form.encoding.upper()}", 1, ""), *remarks]


def _scan(file: Path, form: CsvForm, escape: str) -> str:
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(form.names)))
    return (
        f"read_csv({text(pattern(file))}, auto_detect = false, header = true, "
        f"skip = {form.lines_before}, delim = {text(form.delimiter)}, quote = '\"', "
        f"escape = {text(escape)}, columns = {{{types}}}, "
        f"strict_mode = true, null_padding = false, max_line_size = {LONGEST_LINE})"
    )


def _has_backslashes(file: Path) -> bool:
    with file.open("rb") as lines:
        return any(b'\\"' in line for line in lines)
