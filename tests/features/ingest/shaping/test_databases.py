"""Laws of databases: shaped like files, with types as declared, and seen to change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from mapped import rows

from features.errors import MappingError
from features.ingest.load import ingest
from features.ingest.state import source_state
from features.params import FeatureParams, IngestParams

MAPPING = """
activities:
  union:
    - table: calls
      joins: {contact: {table: contacts, keys: {contact: id}}}
      columns: {type: {constant: call}, occurred_at: {column: at, format: epoch_s},
                lead_id: {join: contact, column: lead}}
    - {table: mails, columns: {type: {constant: email}, occurred_at: sent, lead_id: lead}}
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database with calls, mails and contacts."""
    connection = sqlite3.connect(tmp_path / "crm.sqlite")
    connection.executescript(
        """
        CREATE TABLE calls (contact INTEGER, at INTEGER, minutes REAL);
        CREATE TABLE mails (lead INTEGER, sent TIMESTAMP, minutes REAL);
        CREATE TABLE contacts (id INTEGER, lead INTEGER);
        INSERT INTO calls VALUES (1, 1735689600, 2.5), (2, 1735776000, 1e3);
        INSERT INTO mails VALUES (70, '2025-01-03 10:00:00', NULL);
        INSERT INTO contacts VALUES (1, 70), (2, 9007199254740993);
        """
    )
    connection.commit()
    yield connection
    connection.close()


@pytest.fixture
def url(database: sqlite3.Connection, tmp_path: Path) -> str:
    """The address of the database."""
    assert database
    (tmp_path / "map.yaml").write_text(MAPPING, encoding="utf-8")
    return f"sqlite:///{tmp_path / 'crm.sqlite'}"


def test_tables_of_a_database_are_shaped_like_files(url: str, tmp_path: Path) -> None:
    """Long ids lose no digit, and attributes keep the type that the database declares."""
    ingest(url, tmp_path, FeatureParams(), tmp_path / "map.yaml")
    found = sorted(rows(tmp_path, "activities"), key=lambda row: row["occurred_at"])
    assert [(r["type"], r["lead_id"], r["minutes"]) for r in found] == [
        ("call", "70", 2.5),
        ("call", "9007199254740993", 1000.0),
        ("email", "70", None),
    ]
    assert found[0]["occurred_at"] == datetime(2025, 1, 1)


def test_a_change_in_any_table_of_a_union_is_seen(
    url: str, database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Also in one that is only joined."""
    states = [source_state(url, tmp_path / "map.yaml", IngestParams())]
    for change in (
        "INSERT INTO mails VALUES (1, NULL, NULL)",
        "INSERT INTO contacts VALUES (3, 1)",
    ):
        database.execute(change)
        database.commit()
        states.append(source_state(url, tmp_path / "map.yaml", IngestParams()))
    assert source_state(url, tmp_path / "map.yaml", IngestParams()) == states[-1]
    assert len({str(state.marks) for state in states}) == 3


def test_a_database_has_no_files_to_read_otherwise(url: str, tmp_path: Path) -> None:
    """What a mapping says under sources is refused for it."""
    (tmp_path / "map.yaml").write_text("sources: {calls: {delimiter: ';'}}", encoding="utf-8")
    with pytest.raises(MappingError, match=r"sources: sqlite:.* is a database; it has no files"):
        ingest(url, tmp_path, FeatureParams(), tmp_path / "map.yaml")
