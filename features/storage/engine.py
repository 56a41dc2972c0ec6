"""The one place that knows DuckDB: opens an engine, quotes for it, and puts its errors in words.

Everything row-level in ingestion is SQL over parquet files, so that tables far larger than
memory pass through; what does not fit is spilled into a folder the caller names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from features.errors import InputError, SourceError

_GLOB = re.compile(r"([\[\]*?])")


def engine(memory_gb: float, threads: int, temp_dir: Path) -> Backend:
    """Open an in-memory engine that speaks UTC, stays offline and spills into `temp_dir`.

    Insertion order is kept, since a row of a source is named by its position.
    """
    backend = ibis.duckdb.connect(
        threads=threads,
        memory_limit=f"{int(memory_gb * 1000)}MB",
        temp_directory=str(temp_dir),
        preserve_insertion_order=True,
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )
    run(backend, "SET TimeZone = 'UTC'")
    # Progress belongs to the caller; the engine's own bar would write to stdout. In Jupyter without
    # ipywidgets the bar is off, and the engine refuses any word about it, "off" included.
    if row(backend, "SELECT current_setting('enable_progress_bar')")[0]:
        run(backend, "SET enable_progress_bar = false")
    return backend


def run(backend: Backend, sql: str) -> None:
    """Execute one statement for its effect."""
    backend.con.execute(sql)


def rows(backend: Backend, sql: str) -> list[tuple[Any, ...]]:
    """Execute one query and fetch its rows, which must be few."""
    fetched: list[tuple[Any, ...]] = backend.con.execute(sql).fetchall()
    return fetched


def row(backend: Backend, sql: str) -> tuple[Any, ...]:
    """Execute a query that has exactly one row."""
    return rows(backend, sql)[0]


def columns_of(backend: Backend, scan: str) -> list[str]:
    """Return the names of the columns of a FROM clause."""
    return [str(name) for name, *_ in rows(backend, f"DESCRIBE SELECT * FROM {scan}")]


def ident(name: str) -> str:
    """Quote a name of a column or table."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def moment(value: datetime) -> str:
    """Write a time as a literal."""
    return f"TIMESTAMP '{value.isoformat(sep=' ')}'"


def parquet(path: Path) -> str:
    """Name a parquet file in a FROM clause; its rows have a `file_row_number`."""
    return f"read_parquet({text(pattern(path))})"


def pattern(path: Path) -> str:
    """Escape what the engine would take for a wildcard in a path.

    >>> pattern(Path("a[1].csv"))
    'a[[]1[]].csv'
    """
    return _GLOB.sub(r"[\1]", str(path))


def write(backend: Backend, select: str, path: Path, compression: str = "zstd") -> None:
    """Write a query's rows to a parquet file, in their order.

    Args:
        backend: the engine.
        select: the query.
        path: the file.
        compression: the codec; files that are read once need no small one.
    """
    # Higher levels take a fifth longer for files that are 2 % smaller.
    level = ", COMPRESSION_LEVEL 1" if compression == "zstd" else ""
    codec = f"COMPRESSION {compression}{level}"
    run(backend, f"COPY ({select}) TO {text(str(path))} (FORMAT parquet, {codec})")


def if_readable(store: Callable[[str], None], scan: str) -> bool:
    """Store the rows of a FROM clause, if the engine can read all of them.

    Returns:
        Whether it could.
    """
    try:
        store(scan)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return False
    return True


@contextmanager
def reading(where: str, right: str) -> Iterator[None]:
    """Turn what the engine says about a file into one error that names the file.

    The message is kept to its first line: the rest lists options of the engine that no
    command of ours offers.
    """
    problem = ""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise InputError(
            f"{where}: {_first_line(error)}; give it more with `features.ingest.memory_gb` "
            "in params.yaml, or free disk space under the home folder"
        ) from None
    except duckdb.Error as error:
        problem = _first_line(error)
    if problem:
        raise SourceError(where, problem, right)


def _first_line(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    head = re.sub(r"^(\w+ )+Error: ", "", lines[0])
    faults = (
        line
        for line in lines[1:]
        if re.match(r"Expected Number|Invalid uni|Value with|Maximum line", line)
    )
    return ", ".join([head, *faults])
