"""Laws of rows that the CRM has deleted: there until then, left out without a moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.ingest.load import ingest
from features.ingest.report import TableReport
from features.params import FeatureParams
from features.storage.catalog import current

END = datetime(2025, 6, 1)


def loaded(
    home: Path, table: str, content: str, until: datetime | None = None
) -> tuple[TableReport, pd.DataFrame]:
    """Ingest one CSV file; returns what became of it, and its accepted rows."""
    (home / "in").mkdir(exist_ok=True)
    (home / "in" / f"{table}.csv").write_text(content)
    report = ingest(str(home / "in"), home, FeatureParams(), data_until=until)
    rows = pd.read_parquet(current(home).path / f"{table}.parquet")
    return report.tables[table], rows.set_index(rows.columns[0])


CONTENT = {
    "leads": "lead_id,created_at",
    "activities": "activity_id,occurred_at,type",
    "reps": "rep_id,name",
    "deals": "deal_id,created_at,rep_id",
    "changes": "entity_id,changed_at,entity_type,field,value",
    "quotas": "rep_id,period_start,period_end,amount",
    "accounts": "account_id,city",
}
"""A few columns of each table."""
ROWS = {
    "leads": "2025-01-01",
    "activities": "2025-01-01,call",
    "reps": "Ann",
    "deals": "2025-01-01,r",
    "changes": "2025-01-01,lead,stage,new",
    "quotas": "2025-01-01,2025-04-01,100",
    "accounts": "Ulm",
}
"""A row of each, but for its id."""


def table_of(name: str, header: str, *rows: str) -> str:
    """Write a table with further columns."""
    lines = [f"{CONTENT[name]},{header}"]
    lines += [f"{place},{ROWS[name]},{row}" for place, row in enumerate(rows)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("table", CONTENT)
def test_every_table_keeps_when_its_rows_were_deleted(tmp_path: Path, table: str) -> None:
    """No row is lost and no end made up; without a moment there is none."""
    content = table_of(table, "deleted_at", "2025-03-01", "")
    report, rows = loaded(tmp_path, table, content, END)
    assert (report.accepted, report.quarantined) == (2, 0)
    assert rows["deleted_at"].dropna().tolist() == [pd.Timestamp("2025-03-01")]
    ends = [name for name in ("lost_at", "left_at", "closed_at", "won") if name in rows]
    assert rows[ends].isna().all(axis=None)


@pytest.mark.parametrize("name", ["Deleted At", "_ab_cdc_deleted_at", "archivedAt"])
def test_the_moment_may_have_any_usual_name(tmp_path: Path, name: str) -> None:
    """Beside a flag or by itself."""
    content = table_of("leads", f"{name},deleted", "2025-03-01 12:00:00,true", ",false")
    report, leads = loaded(tmp_path, "leads", content)
    assert report.accepted == 2
    assert leads.loc["0", "deleted_at"] == pd.Timestamp("2025-03-01 12:00")


def test_an_extract_made_before_the_deletion_does_not_know_of_it(tmp_path: Path) -> None:
    """Declared to end at the deletion or before it, nothing tells of it, and that is noted."""
    content = table_of("leads", "is_deleted,deleted_at", "true,2025-03-01")
    before, leads = loaded(tmp_path, "leads", content, datetime(2025, 3, 1))
    assert (before.accepted, before.quarantined) == (1, 0)
    assert "deleted_at" not in leads
    assert leads["is_deleted"].isna().all()
    assert before.notes["deleted_at: at or after the declared --data-until, emptied"] == 1


def test_a_later_deletion_sets_no_end_of_the_data(tmp_path: Path) -> None:
    """The extract ends with its last event, whenever its rows were deleted."""
    (tmp_path / "in").mkdir()
    content = table_of("leads", "deleted_at", "2025-05-01", "2031-01-01")
    (tmp_path / "in" / "leads.csv").write_text(content)
    report = ingest(str(tmp_path / "in"), tmp_path, FeatureParams())
    assert report.data_until == datetime(2025, 1, 1)


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "x"])
@pytest.mark.parametrize("name", ["IsDeleted", "is_deleted", "_fivetran_deleted", "archived"])
def test_a_flag_alone_leaves_its_row_out(tmp_path: Path, name: str, word: str) -> None:
    """Any usual name, any usual yes; other words leave the row in."""
    content = f"account_id,{name}\na,{word}\nb,false\nc,\nd,0\n"
    report, accounts = loaded(tmp_path, "accounts", content)
    assert report.quarantined == 1
    assert list(accounts.index) == ["b", "c", "d"]


def test_a_column_called_alike_is_no_flag(tmp_path: Path) -> None:
    """`deleted_by` and `not_deleted_reason` say nothing of the row."""
    content = "account_id,deleted_by,undeletable\na,true,true\n"
    report, _ = loaded(tmp_path, "accounts", content)
    assert report.quarantined == 0


def said_of(home: Path, header: str, *rows: str) -> tuple[list[str], pd.DataFrame]:
    """Ingest leads; returns what the ingest says of the moments of deletion, and the rows."""
    (home / "in").mkdir()
    (home / "in" / "leads.csv").write_text(table_of("leads", header, *rows))
    report = ingest(str(home / "in"), home, FeatureParams())
    name = header.split(",", maxsplit=1)[0]
    said = [f.says for f in report.findings if f.column in (name, "deleted_at")]
    return said, pd.read_parquet(current(home).path / "leads.parquet").set_index("lead_id")


def test_a_moment_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """However few: the row stays, unless a flag leaves it out, and nobody learns of it else."""
    rows = [*["2025-01-05,"] * 3, "soon,", "soon,true", *[","] * 95]
    said, leads = said_of(tmp_path, "deleted_at,is_deleted", *rows)
    assert len(leads) == 99
    assert leads["deleted_at"].count() == 3
    (words,) = said
    assert words.startswith("1 of 99 (1.01 %) values: no moment of deletion can be read there, ")
    assert "like 'soon', so the row counts as not deleted" in words


def test_a_column_without_any_readable_moment_deletes_nothing(tmp_path: Path) -> None:
    """Each of its words is said, and none stands where a moment of deletion would."""
    said, leads = said_of(tmp_path, "deleted_at", "soon", "later")
    assert said
    assert "deleted_at" not in leads or leads["deleted_at"].isna().all()


@pytest.mark.parametrize(
    ("written", "right", "words"),
    [
        (["05/01/2025", "25/01/2025"], "2025-01-05", "day first"),
        (["01/05/2025", "01/25/2025"], "2025-01-05", "month first"),
        (["05/01/2025", "06/01/2025"], "2025-05-01", "may have the day or the month first"),
        (["05/01/2025", "25/01/2025", "01/25/2025"], None, "dates have two formats"),
        (["1736035200", "1736121600"], "2025-01-05", "numbers like 1736035200"),
    ],
)
def test_moments_are_read_as_their_whole_column_says(
    tmp_path: Path, written: list[str], right: str | None, words: str
) -> None:
    """The day or the month first, or seconds: decided and said like for the dates of our tables."""
    said, leads = said_of(tmp_path, "deleted_at", *written, "")
    assert any(words in sentence for sentence in said), said
    read = leads.loc["0", "deleted_at"]
    assert read == pd.Timestamp(right) if right else pd.isna(read)
