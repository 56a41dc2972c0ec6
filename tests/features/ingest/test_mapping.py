"""Laws of the mapping file: foreign names and habits, read as ours."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.errors import TableError
from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.params import FeatureParams
from features.storage.catalog import current


def load(tmp_path: Path, mapping: str, **tables: str) -> IngestReport:
    """Ingest CSV tables under a mapping."""
    (tmp_path / "in").mkdir()
    for name, content in tables.items():
        (tmp_path / "in" / f"{name}.csv").write_text(content, encoding="utf-8")
    (tmp_path / "map.yaml").write_text(mapping, encoding="utf-8")
    return ingest(str(tmp_path / "in"), tmp_path, FeatureParams(), tmp_path / "map.yaml")


def rows(home: Path, name: str) -> list[dict[str, Any]]:
    """Read an accepted table."""
    records: list[dict[str, Any]] = pq.read_table(
        current(home).path / f"{name}.parquet"
    ).to_pylist()
    return records


def test_foreign_names_are_read_as_ours(tmp_path: Path) -> None:
    """A mapped table and its columns get our names; the rest become attributes."""
    report = load(
        tmp_path,
        "leads: {table: sf_lead, columns: {lead_id: Id, created_at: CreatedDate, value: Worth}}",
        sf_lead="Id,CreatedDate,Worth,value,Industry\na,2025-01-01,5,high,food\n",
    )
    (lead,) = rows(tmp_path, "leads")
    assert (lead["lead_id"], lead["value"], lead["Industry"]) == ("a", 5.0, "food")
    assert lead["value_2"] == "high"
    assert report.tables["leads"].attributes == ("value_2", "Industry")


def test_one_foreign_column_may_play_two_parts(tmp_path: Path) -> None:
    """A single source column may feed two of ours."""
    columns = "{occurred_at: at, known_at: at}"
    load(tmp_path, f"activities: {{columns: {columns}}}", activities="at,type\n2025-01-01,call\n")
    (activity,) = rows(tmp_path, "activities")
    assert activity["known_at"] == activity["occurred_at"] == datetime(2025, 1, 1)


def test_times_without_zone_are_local_where_declared(tmp_path: Path) -> None:
    """A declared zone applies to times without one, winter and summer, and to nothing else."""
    content = "lead_id,created_at\na,2025-01-01\nb,2025-07-01 12:00\nc,2025-07-01T12:00Z\n"
    load(tmp_path, "leads: {timezone: Europe/Amsterdam}", leads=content)
    assert [row["created_at"] for row in rows(tmp_path, "leads")] == [
        datetime(2024, 12, 31, 23),
        datetime(2025, 7, 1, 10),
        datetime(2025, 7, 1, 12),
    ]


def test_day_first_is_declared_per_table(tmp_path: Path) -> None:
    """One table may be day-first while another is not."""
    load(
        tmp_path,
        "leads: {day_first: true}",
        leads="lead_id,created_at\na,03/04/2025\n",
        deals="deal_id,rep_id,created_at\nd,r,03/04/2025\n",
    )
    assert rows(tmp_path, "leads")[0]["created_at"] == datetime(2025, 4, 3)
    assert rows(tmp_path, "deals")[0]["created_at"] == datetime(2025, 3, 4)


def test_dropped_columns_are_nowhere(tmp_path: Path) -> None:
    """A dropped column reaches neither the warehouse nor the quarantine."""
    content = "lead_id,created_at,Email\na,2025-01-01,x@y.example\n,2025-01-01,z@y.example\n"
    load(tmp_path, "leads: {drop: [email]}", leads=content)
    assert "Email" not in rows(tmp_path, "leads")[0]
    turned = pq.read_table(tmp_path / "data" / "quarantine" / "leads.parquet")
    assert turned.column_names == ["source_row", "reason", "lead_id", "created_at"]


def test_dropping_a_required_column_is_refused(tmp_path: Path) -> None:
    """A required column cannot be dropped."""
    with pytest.raises(TableError, match="needs the column 'lead_id': found created_at"):
        load(tmp_path, "leads: {drop: [lead_id]}", leads="lead_id,created_at\na,2025-01-01\n")


def test_the_mapping_is_remembered(tmp_path: Path) -> None:
    """The warehouse tells with which mapping it was read, so that it can be read again."""
    load(tmp_path, "leads: {day_first: true}", leads="lead_id,created_at\na,03/04/2025\n")
    assert current(tmp_path).mapping == tmp_path / "map.yaml"


EXPORTS = Path(__file__).parents[4] / "shared" / "data" / "exports"


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the exported samples are not here")
def test_a_salesforce_export_is_read(tmp_path: Path) -> None:
    """Tables as a loader delivers them are read through a mapping, every row accounted for."""
    (tmp_path / "map.yaml").write_text(
        """
leads:
  table: sf_lead_data
  columns: {lead_id: id, created_at: created_date, rep_id: owner_id, source: lead_source,
            converted_at: converted_date}
  drop: [phone, email]
activities:
  table: sf_task_data
  columns: {activity_id: id, occurred_at: created_date, type: task_subtype, rep_id: owner_id,
            lead_id: who_id, duration_s: call_duration_in_seconds}
deals:
  table: sf_opportunity_data
  columns: {deal_id: id, rep_id: owner_id, closed_at: close_date, created_at: created_date,
            won: is_won}
reps: {table: sf_user_data, columns: {rep_id: id, team: department}}
accounts: {table: sf_account_data, columns: {account_id: id}}
""",
        encoding="utf-8",
    )
    source = str(EXPORTS / "salesforce")
    report = ingest(source, tmp_path, FeatureParams(), tmp_path / "map.yaml")
    assert set(report.tables) == {"leads", "activities", "deals", "reps", "accounts"}
    for counts in report.tables.values():
        assert counts.read == counts.accepted + counts.quarantined > 0
