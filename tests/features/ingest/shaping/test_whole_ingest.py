"""What a mapping makes passes the same checks as all else, and past moments stay as they were."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mapped import column, load, quarantined, rows

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current

DEALS = """
deals:
  table: daily
  latest_by: day
  missing_is_deleted: true
  columns: {amount: {column: amount, number: {decimal: ","}}}
histories:
  snapshots:
    - {entity: deal, table: daily, id: deal_id, taken_at: day,
       fields: {stage: stage, amount: {column: amount, number: {decimal: ","}}}}
"""
DAILY = (
    "deal_id,rep_id,created_at,day,stage,amount\n"
    'a,r,2025-01-01,2025-01-01,new,"1,5"\na,r,2025-01-01,2025-01-02,offer,"2,5"\n'
    'b,r,2025-01-01,2025-01-01,new,"7,0"\na,r,2025-01-01,2025-01-03,won,"3,5"\n'
)


def test_a_record_that_snapshots_lack_is_gone_when_it_is_missed(tmp_path: Path) -> None:
    """Its last state is its row, seen up to the snapshot that lacks it."""
    report = load(tmp_path, DEALS, {"daily": DAILY})
    deals = {row["deal_id"]: row for row in rows(tmp_path, "deals")}
    assert deals["b"]["deleted_at"] == datetime(2025, 1, 2)
    assert deals["a"]["deleted_at"] is None
    assert report.tables["deals"].read == 2
    assert report.tables["changes"].accepted == 8
    left_out = [f for f in report.findings if f.kind == "left_out"]
    assert [(f.table, f.count) for f in left_out] == [("deals", 2)]


def test_with_an_end_declared_later_states_are_not_seen(tmp_path: Path) -> None:
    """The warehouse is that of the snapshots there were then, to the last value."""
    load(tmp_path, DEALS, {"daily": DAILY})
    cut, source = tmp_path / "cut", tmp_path / "in"
    until = datetime(2025, 1, 3)
    ingest(str(source), tmp_path, FeatureParams(), tmp_path / "map.yaml", until)
    kept = "".join(line for line in DAILY.splitlines(keepends=True) if ",2025-01-03," not in line)
    cut.mkdir()
    (cut / "in").mkdir()
    (cut / "in" / "daily.csv").write_text(kept, encoding="utf-8")
    ingest(str(cut / "in"), cut, FeatureParams(), tmp_path / "map.yaml", until)
    for table in ("deals", "changes"):
        assert rows(tmp_path, table) == rows(cut, table)
    assert current(tmp_path).fingerprint == current(cut).fingerprint


def test_what_could_not_be_read_is_set_aside_with_its_words(tmp_path: Path) -> None:
    """A required value costs its row, an optional one is emptied and counted."""
    mapping = """
leads:
  table: people
  columns:
    lead_id: id
    created_at: {column: made, format: "%d.%m.%Y"}
    value: {column: worth, number: {decimal: ","}}
"""
    people = 'id,made,worth\na,31.01.2025,"1.250,5"\nb,01/31/2025,5\nc,31.01.2025,12.5\n'
    report = load(tmp_path, mapping, {"people": people})
    assert report.tables["leads"].quarantined == 1
    (aside,) = quarantined(tmp_path, "leads")
    assert "01/31/2025 (not a time like %d.%m.%Y)" in aside["reason"]
    assert column(tmp_path, "leads", "value") == [1250.5, None]
    assert report.tables["leads"].notes["value: cannot be read as a number, emptied"] == 1


def test_repeated_keys_of_a_union_are_found(tmp_path: Path) -> None:
    """A lead in two files is one lead; the other row is set aside and says where it stands."""
    mapping = "leads: {union: [{table: open}, {table: old}]}"
    content = "lead_id,created_at\nx,2025-01-01\n"
    report = load(tmp_path, mapping, {"open": content, "old": content})
    assert (report.tables["leads"].read, report.tables["leads"].accepted) == (2, 1)
    (aside,) = quarantined(tmp_path, "leads")
    assert "lead_id 'x' is repeated" in aside["reason"]
    assert aside["source_table"].endswith("old.csv")


def test_nothing_of_the_shaping_is_left_behind(tmp_path: Path) -> None:
    """The warehouse holds its tables and nothing else."""
    load(tmp_path, DEALS, {"daily": DAILY})
    names = {path.name for path in current(tmp_path).path.iterdir()}
    assert not {name for name in names if "shap" in name or "stag" in name}
