"""Laws of what a source holds: every change of a file is seen, and every new row of a table."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import SourceError
from features.ingest.state import source_state
from features.params import IngestParams

PARAMS = IngestParams()


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    """A folder with one table and a file that is none."""
    place = tmp_path / "extract"
    place.mkdir()
    (place / "reps.csv").write_text("rep_id\nr1\n", encoding="utf-8")
    (place / "note.txt").write_text("none", encoding="utf-8")
    return place


def test_files_are_told_apart_by_size_time_and_content(extract: Path) -> None:
    """Each alone makes another state; files that hold no table do not count."""
    file = extract / "reps.csv"
    first = source_state(str(extract), None, PARAMS)
    assert set(first.marks) == {"reps.csv"}
    (extract / "note.txt").write_text("another", encoding="utf-8")
    assert source_state(str(extract), None, PARAMS) == first
    at = file.stat().st_mtime_ns
    file.write_text("rep_id\nr2\n", encoding="utf-8")
    os.utime(file, ns=(at, at))
    edited = source_state(str(extract), None, PARAMS)
    assert edited.marks["reps.csv"][:2] == first.marks["reps.csv"][:2]
    assert edited != first
    os.utime(file, ns=(at, at + 1))
    assert source_state(str(extract), None, PARAMS) not in (edited, first)
    (extract / "deals.parquet").write_bytes(b"")
    assert set(source_state(str(extract), None, PARAMS).marks) == {"reps.csv", "deals.parquet"}


def test_a_table_that_cannot_be_read_is_named(extract: Path) -> None:
    """A folder in a file's place is one clear error."""
    (extract / "deals.csv").mkdir()
    with pytest.raises(SourceError, match=r"deals\.csv"):
        source_state(str(extract), None, PARAMS)


@pytest.mark.parametrize(
    ("statement", "is_seen"),
    [
        ("INSERT INTO crm_lead VALUES ('l0', '2025-01-01', NULL, 'web')", True),
        ("UPDATE crm_lead SET lost = '2025-03-01' WHERE id = 'l2'", True),
        ("UPDATE crm_lead SET id = 'l3' WHERE id = 'l2'", True),
        ("DELETE FROM crm_lead WHERE id = 'l1'", True),
        ("UPDATE crm_lead SET source = 'fair'", False),
        ("INSERT INTO other VALUES (2)", False),
    ],
)
def test_tables_are_told_apart_by_rows_keys_and_moments(
    tmp_path: Path,
    statement: str,
    is_seen: bool,  # noqa: FBT001 - a column of cases
) -> None:
    """New rows, keys, events and ends are seen; edits beside them, and other tables, are not."""
    mapping = tmp_path / "mapping.yaml"
    names = "{lead_id: id, created_at: made, lost_at: lost}"
    mapping.write_text(f"leads: {{table: crm_lead, columns: {names}}}", encoding="utf-8")
    file = tmp_path / "crm.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE crm_lead (id, made, lost, source)")
        connection.execute("CREATE TABLE other (id)")
        for number in (1, 2):
            row = (f"l{number}", f"2025-01-0{number}", None, "web")
            connection.execute("INSERT INTO crm_lead VALUES (?, ?, ?, ?)", row)
    before = source_state(f"sqlite:///{file}", mapping, PARAMS)
    assert before.marks == {"leads": ("2", "l2", "2025-01-02", None)}
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)
    assert (source_state(f"sqlite:///{file}", mapping, PARAMS) != before) is is_seen
