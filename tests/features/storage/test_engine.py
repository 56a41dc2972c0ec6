"""DuckDB as we open it: it speaks UTC, quotes whatever it is given, and its errors are ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from ibis.backends.duckdb import Backend

from features.errors import InputError, SourceError
from features.storage.engine import (
    engine,
    ident,
    moment,
    parquet,
    reading,
    row,
    rows,
    run,
    text,
    write,
)

ODD = ("plain", "it's", 'say "so"', "Ünïcode", "a;b--c", "", "two\nlines", "%s {x} \\n")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """Open a small engine."""
    opened = engine(memory_gb=0.5, threads=1, temp_dir=tmp_path / "scratch")
    yield opened
    opened.disconnect()


def test_the_engine_speaks_utc_and_stays_offline(backend: Backend) -> None:
    """Nor does it fetch extensions, or draw a bar of its own."""
    settings = {
        "TimeZone": "UTC",
        "threads": "1",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_progress_bar": "false",
        "preserve_insertion_order": "true",
    }
    for name, value in settings.items():
        assert str(row(backend, f"SELECT current_setting('{name}')")[0]).lower() == value.lower()


@pytest.mark.parametrize("value", ODD)
def test_any_text_is_quoted(backend: Backend, value: str) -> None:
    """It comes back to the letter."""
    assert row(backend, f"SELECT {text(value)}") == (value,)


@pytest.mark.parametrize("name", [name for name in ODD if name])
def test_any_name_is_quoted(backend: Backend, name: str) -> None:
    """As the name of a table and of a column."""
    run(backend, f"CREATE TABLE {ident(name)} AS SELECT 7 AS {ident(name)}")
    assert row(backend, f"SELECT {ident(name)} FROM {ident(name)}") == (7,)


@pytest.mark.parametrize(
    "value",
    [datetime(2024, 2, 29, 6, 30), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)],
)
def test_a_moment_is_written_to_the_microsecond(backend: Backend, value: datetime) -> None:
    """From the first year to the last."""
    assert row(backend, f"SELECT {moment(value)}") == (value,)


@pytest.mark.parametrize("name", ["plain", "a[1]", "what?", "all*", "it's", "[x"])
def test_files_are_read_by_their_own_name(backend: Backend, tmp_path: Path, name: str) -> None:
    """What looks like a wildcard in a path is none: the file beside it is not read."""
    for number, file in enumerate((name, "a1", "whatX", "allX")):
        write(backend, f"SELECT {number} AS n", tmp_path / f"{file}.parquet")
    write(backend, "SELECT 100 + x AS n FROM range(3) t(x)", tmp_path / f"{name}.parquet")
    source = parquet(tmp_path / f"{name}.parquet")
    fetched = rows(backend, f"SELECT n, file_row_number FROM {source}")
    assert fetched == [(100, 0), (101, 1), (102, 2)]


def test_an_error_of_the_engine_names_the_file_and_what_would_be_right(
    backend: Backend, tmp_path: Path
) -> None:
    """In one line, without the engine's own options."""
    broken = tmp_path / "leads.parquet"
    broken.write_text("not a table")
    with pytest.raises(SourceError) as error, reading("leads.parquet", "write it again"):
        rows(backend, f"SELECT * FROM {parquet(broken)}")
    said = str(error.value)
    assert said.startswith("cannot read leads.parquet: ")
    assert said.endswith("; write it again")
    assert "\n" not in said
    assert "Error: " not in said


def test_too_little_memory_is_said_with_the_setting() -> None:
    """The setting is ours, in params.yaml."""
    said = r"leads\.csv: could not allocate; .*features\.ingest\.memory_gb"
    with pytest.raises(InputError, match=said), reading("leads.csv", "write it again"):
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate")


def test_errors_of_others_pass(backend: Backend) -> None:
    """Only the engine's are put into words; what works is left alone."""
    with pytest.raises(KeyError), reading("leads.csv", "write it again"):
        raise KeyError("x")
    with reading("leads.csv", "write it again"):
        assert row(backend, "SELECT 1") == (1,)
