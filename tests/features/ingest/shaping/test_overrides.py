"""Laws of single files: read as the mapping says, or refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend
from mapped import load_folder, quarantined, shaped, values
from xlsx import write_workbook

from features.errors import MappingError, SourceError
from features.ingest.state import source_state
from features.params import IngestParams

MAPPING = """
sources: {people: {file: export.txt, %s}}
leads: {table: people, columns: {lead_id: {column: Nr, id: lower}, created_at: Datum}}
"""
LINES = 'Alle Leads;;\nvom 1.4.;;\nNr;Datum;Name\n1;2025-03-01;Müller\n2;2025-03-02;"a;b"\n'


def staged(backend: Backend, folder: Path, says: str, content: bytes) -> list[object]:
    """Return the names of the leads."""
    (folder / "export.txt").write_bytes(content)
    return values(shaped(backend, folder, MAPPING % says, {}, "leads"), "Name")


def test_a_file_is_read_as_the_mapping_says(backend: Backend, tmp_path: Path) -> None:
    """Encoding, delimiter and the row of the header, under a name no table has by itself."""
    says = 'encoding: cp1252, delimiter: ";", header_row: 3'
    assert staged(backend, tmp_path, says, LINES.encode("cp1252")) == ["Müller", "a;b"]
    says = 'encoding: utf-16, delimiter: ";", header_row: 3'
    assert staged(backend, tmp_path, says, LINES.encode("utf-16")) == ["Müller", "a;b"]


@pytest.mark.parametrize(
    ("says", "content", "problem"),
    [
        ('encoding: ascii, delimiter: ";", header_row: 3', LINES.encode(), "not that throughout"),
        ("encoding: klingon", b"a\n", "there is no encoding 'klingon'"),
        ('delimiter: ";", header_row: 9', LINES.encode(), "line 9 holds no header"),
        ("encoding: utf-8, header_row: 1", b'"a\n', "line 1, its header, cannot be split"),
    ],
)
def test_what_cannot_be_read_is_said(
    backend: Backend, tmp_path: Path, says: str, content: bytes, problem: str
) -> None:
    """What the mapping says of a file must be true of all of it."""
    with pytest.raises(SourceError, match=problem):
        staged(backend, tmp_path, says, content)


def test_a_line_that_is_no_row_is_set_aside(tmp_path: Path) -> None:
    """A footer costs itself only, also where a mapping reads the file and shapes its rows."""
    (tmp_path / "in").mkdir()
    content = f"{LINES}2 Leads\n"
    (tmp_path / "in" / "export.txt").write_text(content, encoding="utf-8")
    mapping = MAPPING % 'delimiter: ";", header_row: 3'
    report = load_folder(tmp_path, mapping, tmp_path / "in").tables["leads"]
    assert (report.read, report.accepted, report.quarantined) == (3, 2, 1)
    (row,) = quarantined(tmp_path, "leads")
    assert row["row_in_source_table"] == "2"


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """With what the folder holds instead."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("x\n", encoding="utf-8")
    with pytest.raises(
        MappingError, match=r"sources.people: .* no one file export.txt: found a.csv"
    ):
        load_folder(tmp_path, MAPPING % "delimiter: ','", tmp_path / "in")


def test_sheets_and_plain_files_have_names_of_their_own(backend: Backend, tmp_path: Path) -> None:
    """A sheet with a title above its header is found by its file, its sheet and that row."""
    write_workbook(
        tmp_path / "b.xlsx",
        {"One": [["x"]], "Two": [["Title"], ["Nr", "Datum"], [5, "2025-01-01"]]},
    )
    mapping = """
sources:
  people: {file: b.xlsx, sheet: Two, header_row: 2}
  more: {file: c.csv}
leads:
  union:
    - {table: people, columns: {lead_id: Nr, created_at: Datum}}
    - {table: more}
"""
    leads = shaped(backend, tmp_path, mapping, {"c": "lead_id,created_at\n6,2025-01-02\n"}, "leads")
    assert values(leads, "lead_id") == ["5", "6"]


def test_a_changed_file_of_another_kind_is_seen(tmp_path: Path) -> None:
    """Files that only the mapping names count among what tells whether anything is new."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "export.txt").write_text(LINES, encoding="utf-8")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(MAPPING % "header_row: 3", encoding="utf-8")
    before = source_state(str(tmp_path / "in"), mapping, IngestParams())
    (tmp_path / "in" / "export.txt").write_text(f"{LINES}\n", encoding="utf-8")
    assert source_state(str(tmp_path / "in"), mapping, IngestParams()) != before
