"""Laws of a folder as a source: which files are tables, and what their headers say."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from features.errors import TableError
from features.ingest.files import folder, inspect_file, is_database
from features.storage.engine import parquet, rows

SEEDS = range(4)
NAMES = ("lead_id", "a b", "it's", 'quo"te', "Größe", "x;y", "x,y", "tab\tbed", "2025", "naïve")


def written(path: Path, table: list[list[str]], delimiter: str, encoding: str = "utf-8") -> Path:
    """Write a CSV file."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(table)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("address", ["sqlite:///a.db", "postgresql://u@h/d", "mysql://h/d", "x://"])
def test_a_url_is_a_database(address: str) -> None:
    """Whatever has a scheme is one, known or not."""
    assert is_database(address)


@pytest.mark.parametrize("path", ["exports/march", "C:/exports", "/abs", ".", "a:b", "sqlite"])
def test_a_path_is_no_database(path: str) -> None:
    """A path may hold colons and slashes, only not as a URL does."""
    assert not is_database(path)


def test_tables_are_files_of_two_kinds(tmp_path: Path) -> None:
    """Hidden files, notes, other formats and folders are left alone; suffixes have any case."""
    for name in ("leads.csv", "deals.PARQUET", ".leads.csv", "_reps.csv", "readme.txt", "x.xlsx"):
        (tmp_path / name).touch()
    assert sorted(folder(tmp_path).tables) == ["deals", "leads"]


def test_a_table_in_two_files_is_an_error_only_when_it_is_read(
    tmp_path: Path, backend: Backend
) -> None:
    """Two files of one table are refused by name; another table of the folder is not harmed."""
    written(tmp_path / "reps.csv", [["rep_id"]], ",")
    written(tmp_path / "leads.csv", [["lead_id"]], ",")
    pq.write_table(pa.table({"lead_id": ["a"]}), tmp_path / "leads.parquet")
    source = folder(tmp_path)
    assert [column.name for column in source.table(backend, "reps").columns] == ["rep_id"]
    with pytest.raises(TableError, match=r"exists twice, as leads\.csv and leads\.parquet; keep"):
        source.table(backend, "leads")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_header_is_read_as_it_was_written(
    tmp_path: Path, backend: Backend, delimiter: str, seed: int
) -> None:
    """Names come back whatever signs they hold, and rows under them, for every separator."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    names = [*rng.sample(NAMES, 4), "b", "c", "d", "e", "f", "g"]
    table = [names, *([rng.choice(["", "1", "x y", "é"]) for _ in names] for _ in range(5))]
    raw = inspect_file(backend, written(tmp_path / "t.csv", table, delimiter))
    assert [column.name for column in raw.columns] == names
    assert raw.is_csv
    staged = raw.stage(backend, tmp_path / "staged")
    read = rows(backend, f"SELECT * FROM {parquet(staged)}")
    assert [[value or "" for value in row] for row in read] == table[1:]


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path: Path, backend: Backend) -> None:
    """Excel begins UTF-8 with a mark; the first column is found all the same."""
    table = [["lead_id", "created_at"], ["a", "2025-01-01"]]
    raw = inspect_file(backend, written(tmp_path / "t.csv", table, ",", "utf-8-sig"))
    assert raw.columns[0].name == "lead_id"
    staged = raw.stage(backend, tmp_path / "staged")
    assert rows(backend, f"SELECT c0 FROM {parquet(staged)}") == [("a",)]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_found(tmp_path: Path, backend: Backend, encoding: str) -> None:
    """A header and rows come back in their own letters, and another encoding than UTF-8 is said."""
    table = [["lead_id", "Größe"], ["a", "Straße"], ["b", ""]]
    raw = inspect_file(backend, written(tmp_path / "t.csv", table, ",", encoding))
    assert [column.name for column in raw.columns] == table[0]
    staged = raw.stage(backend, tmp_path / "staged")
    read = rows(backend, f"SELECT c0, c1 FROM {parquet(staged)}")
    assert [[value or "" for value in row] for row in read] == table[1:]
    assert [remark.kind for remark in raw.remarks] == ["encoding"]


def test_row_labels_of_pandas_are_no_column(tmp_path: Path, backend: Backend) -> None:
    """An index that pandas stored beside the data is left out; a named one is data."""
    frame = pd.DataFrame({"lead_id": ["a", "b"]}, index=[5, 9])
    frame.to_parquet(tmp_path / "labels.parquet", index=True)
    frame.rename_axis("number").to_parquet(tmp_path / "named.parquet", index=True)
    for name, columns in (("labels", ["lead_id"]), ("named", ["lead_id", "number"])):
        raw = inspect_file(backend, tmp_path / f"{name}.parquet")
        assert [column.name for column in raw.columns] == columns


def test_columns_that_differ_only_in_case_keep_their_names(
    tmp_path: Path, backend: Backend
) -> None:
    """The file's own names are reported, and each column holds its own values."""
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["Id", "ID"])
    pq.write_table(table, tmp_path / "t.parquet")
    raw = inspect_file(backend, tmp_path / "t.parquet")
    assert [column.name for column in raw.columns] == ["Id", "ID"]
    staged = ", ".join(f'"{column.staged}"' for column in raw.columns)
    file = raw.stage(backend, tmp_path / "staged")
    assert rows(backend, f"SELECT {staged} FROM {parquet(file)}") == [("a", "b")]


@pytest.mark.parametrize("name", ["FILE_ROW_NUMBER", "RowId"])
def test_a_column_called_like_the_row_number_does_not_hide_it(
    tmp_path: Path, backend: Backend, name: str
) -> None:
    """Rows are numbered by their place even where a column has the engine's name for it."""
    pq.write_table(pa.table({name: [7, 8], "a": [1, 2]}), tmp_path / "t.parquet")
    raw = inspect_file(backend, tmp_path / "t.parquet")
    assert [column.name for column in raw.columns] == [name, "a"]
    staged = raw.stage(backend, tmp_path / "staged")
    assert staged == tmp_path / "staged"
    query = f"SELECT file_row_number, c0, c1 FROM {parquet(staged)} ORDER BY 1"
    assert rows(backend, query) == [(0, 7, 1), (1, 8, 2)]


def test_a_parquet_file_is_read_where_it_lies(tmp_path: Path, backend: Backend) -> None:
    """A table of gigabytes is not copied without need."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    raw = inspect_file(backend, tmp_path / "t.parquet")
    assert raw.stage(backend, tmp_path / "staged") == tmp_path / "t.parquet"
    assert not (tmp_path / "staged").exists()


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "what?.csv", "it's.csv", "a b.csv"])
def test_a_file_of_any_name_is_read_and_no_other(
    tmp_path: Path, backend: Backend, name: str
) -> None:
    """Signs that the engine reads as wildcards or quotes stand for themselves in a path."""
    written(tmp_path / name, [["lead_id"], ["right"]], ",")
    written(tmp_path / "a1.csv", [["lead_id"], ["wrong"]], ",")
    raw = inspect_file(backend, tmp_path / name)
    staged = raw.stage(backend, tmp_path / "staged")
    assert rows(backend, f"SELECT c0 FROM {parquet(staged)}") == [("right",)]
