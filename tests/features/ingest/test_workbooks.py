"""Laws of workbooks: a sheet is a table, and what was typed in comes out as it was meant."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend
from mapped import column, load_folder, rows
from xlsx import write_workbook

from features.errors import SourceError, TableError
from features.ingest.state import source_state
from features.ingest.workbooks import open_files, sheet_table
from features.params import IngestParams

HEADER = ["lead_id", "created_at", "value", "Mail"]
LEADS = [
    HEADER,
    ["001", datetime(2025, 3, 1, 14, 5), 1234.125, "a@x"],
    [7, date(2025, 3, 2), None, "#N/A"],
    [1.05e14, "2025-03-03", 5, True],
]


def test_cells_read_back_as_they_were_typed(backend: Backend, tmp_path: Path) -> None:
    """Whole numbers lose no digit, three decimals are no group of thousands, errors are empty."""
    book = write_workbook(tmp_path / "b.xlsx", {"s": [*LEADS, ["x", time(14, 5), -0.5, False]]})
    table = sheet_table(book)
    staged = pq.read_table(table.stage(backend, tmp_path / "t.parquet")).to_pylist()
    assert [column.name for column in table.columns] == HEADER
    assert [list(row.values()) for row in staged] == [
        ["001", "2025-03-01 14:05:00", "1234.1250", "a@x"],
        ["7", "2025-03-02", None, None],
        ["105000000000000", "2025-03-03", "5", "true"],
        ["x", "14:05:00", "-0.5", "false"],
    ]


def test_a_workbook_is_a_source_like_a_folder(tmp_path: Path) -> None:
    """Sheets with our names need no mapping; its empty last rows are no rows."""
    book = write_workbook(
        tmp_path / "crm.xlsx", {"leads": [*LEADS, [None, None], [None]], "Notes": [["x"]]}
    )
    report = load_folder(tmp_path, "{}", book)
    assert report.tables["leads"].read == 3
    assert sorted(column(tmp_path, "leads", "lead_id")) == ["001", "105000000000000", "7"]
    assert {row["lead_id"]: row["value"] for row in rows(tmp_path, "leads")}["001"] == 1234.125


def test_a_single_sheet_has_the_name_of_its_file(backend: Backend, tmp_path: Path) -> None:
    """A folder may mix workbooks with other files; which of two namesakes is meant is asked."""
    write_workbook(tmp_path / "leads.xlsx", {"Sheet1": LEADS})
    write_workbook(tmp_path / "two.xlsx", {"deals": [["a"]], "reps": [["a"]]})
    (tmp_path / "reps.csv").write_text("rep_id\nr\n", encoding="utf-8")
    (tmp_path / "~$two.xlsx").write_text("a lock", encoding="utf-8")
    source = open_files(tmp_path)
    assert source.tables == ("reps", "leads", "deals")
    assert source.table(backend, "leads").where == f"sheet 'Sheet1' of {tmp_path / 'leads.xlsx'}"
    with pytest.raises(
        TableError, match=r"'reps' exists 2 times, as sheet 'reps' of two\.xlsx and"
    ):
        source.table(backend, "reps")


def test_titles_above_a_header_are_not_read(tmp_path: Path) -> None:
    """The first row that fills most columns is the header, and where it stands is said."""
    titles = [["Leads", None, "as of today"], [], *LEADS]
    report = load_folder(
        tmp_path, "{}", write_workbook(tmp_path / "leads.xlsx", {"Sheet1": titles})
    )
    assert report.tables["leads"].read == len(LEADS) - 1
    (said,) = [f.says for f in report.findings if f.kind == "header_row"]
    assert "found in row 3" in said


def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path) -> None:
    """The file, the sheets it has, and the row of the header are named."""
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(SourceError, match="it is no workbook that can be read"):
        open_files(tmp_path)
    book = write_workbook(tmp_path / "b.xlsx", {"s": LEADS})
    with pytest.raises(SourceError, match="it has no sheet 'x': found s"):
        sheet_table(book, "x")
    with pytest.raises(SourceError, match="row 9 holds no header"):
        sheet_table(book, "s", 9)


def test_a_changed_workbook_is_seen(tmp_path: Path) -> None:
    """Whether a source has anything new is told by its workbooks too."""
    book = write_workbook(tmp_path / "leads.xlsx", {"s": LEADS})
    before = source_state(str(tmp_path), None, IngestParams())
    assert source_state(str(tmp_path), None, IngestParams()) == before
    assert source_state(str(book), None, IngestParams()).marks == before.marks
    write_workbook(tmp_path / "leads.xlsx", {"s": LEADS[:2]})
    assert source_state(str(tmp_path), None, IngestParams()) != before
