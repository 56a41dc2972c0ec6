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


def test_an_open_lead_is_there_until_it_is_deleted(tmp_path: Path) -> None:
    """It is lost then; before its deletion it is open; a conversion before it stays."""
    content = (
        "lead_id,created_at,converted_at,deleted_at\n"
        "open,2025-01-01,,2025-03-01\nconverted,2025-01-01,2025-02-01,2025-03-01\n"
        "too late,2025-01-01,2025-04-01,2025-03-01\nthere,2025-01-01,,\n"
    )
    report, leads = loaded(tmp_path, "leads", content, END)
    assert report.accepted == 4
    deleted = pd.Timestamp("2025-03-01")
    assert list(leads.loc[["open", "too late"], "lost_at"]) == [deleted, deleted]
    assert leads.loc[["converted", "there"], "lost_at"].isna().all()
    assert leads.loc["converted", "converted_at"] == pd.Timestamp("2025-02-01")
    assert pd.isna(leads.loc["too late", "converted_at"])
    assert report.notes["lost_at: deleted in the CRM then"] == 2


def test_an_extract_made_before_the_deletion_does_not_know_of_it(tmp_path: Path) -> None:
    """Cut before the deletion, the row is as open as the extract of that day had it."""
    content = "lead_id,created_at,is_deleted,deleted_at\na,2025-01-01,true,2025-03-01\n"
    before, leads = loaded(tmp_path, "leads", content, datetime(2025, 2, 1))
    assert (before.accepted, before.quarantined) == (1, 0)
    assert pd.isna(leads.loc["a", "lost_at"])
    # Nor does any column tell a model that the row is going to be deleted.
    assert leads.loc["a", ["is_deleted", "deleted_at"]].isna().all()


def test_a_deal_that_was_deleted_counts_no_longer(tmp_path: Path) -> None:
    """An open one is lost then; a won one would count for ever and is left out."""
    content = (
        "deal_id,rep_id,created_at,closed_at,won,amount,deleted_at\n"
        "open,r,2025-01-01,,,5,2025-03-01\nwon,r,2025-01-01,2025-02-01,true,5,2025-03-01\n"
        "lost,r,2025-01-01,2025-02-01,false,5,2025-03-01\nthere,r,2025-01-01,,,5,\n"
    )
    report, deals = loaded(tmp_path, "deals", content, END)
    assert report.quarantine_reasons == {"marked as deleted in the CRM": 1}
    assert "won" not in deals.index
    assert deals.loc["open", "closed_at"] == pd.Timestamp("2025-03-01")
    assert deals.loc["open", "won"] is False or not deals.loc["open", "won"]
    assert deals.loc["lost", "closed_at"] == pd.Timestamp("2025-02-01")
    assert pd.isna(deals.loc["there", "closed_at"])


def test_a_rep_that_was_deleted_has_left(tmp_path: Path) -> None:
    """The row stays, with the moment as its end."""
    _, reps = loaded(tmp_path, "reps", "rep_id,name,deleted_at\nr,Ann,2025-03-01\n", END)
    assert reps.loc["r", "left_at"] == pd.Timestamp("2025-03-01")


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
