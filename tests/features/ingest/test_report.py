"""Laws of ingest-report.json: plain JSON whose counts and verdict are those of the ingest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from features.evidence import EvidenceState
from features.ingest.readiness import Readiness
from features.ingest.report import IngestReport, TableReport, iso

REPORT = IngestReport(
    tables={
        "leads": TableReport(
            read=10,
            accepted=8,
            quarantined=2,
            notes={"value: empty": 3},
            quarantine_reasons={"lead_id is empty": 2},
            matched=("read from 'sf_lead'",),
            absent_columns=("source",),
            attributes=("Größe",),
        ),
        "reps": TableReport(0, 0, 0),
    },
    absent=("deals",),
    source="postgresql://crm:***@db/sales",
    data_until=datetime(2025, 1, 1, 12, 0, 0, 5),
    data_until_declared=False,
    fingerprint="abc",
    verdict=(
        Readiness("lead conversion: possible", EvidenceState.ENOUGH, "leads"),
        Readiness("quota risk: not possible", EvidenceState.NONE, "quota", ("deals",)),
        Readiness("no `deals`: no revenue", EvidenceState.NONE, missing=("deals",)),
    ),
)


def content(report: IngestReport) -> Any:
    """Read the report's JSON."""
    return json.loads(report.to_json())


def test_each_table_has_its_counts() -> None:
    """The contract's three counts stand under each table that was read, and under no other."""
    tables = content(REPORT)["tables"]
    assert {name: [t["read"], t["accepted"], t["quarantined"]] for name, t in tables.items()} == {
        "leads": [10, 8, 2],
        "reps": [0, 0, 0],
    }


def test_every_field_is_in_the_file_under_its_name() -> None:
    """Nothing that the ingest found out is left out of the file."""
    table = content(REPORT)["tables"]["leads"]
    assert table["notes"] == {"value: empty": 3}
    assert table["quarantine_reasons"] == {"lead_id is empty": 2}
    assert table["matched"] == ["read from 'sf_lead'"]
    assert table["absent_columns"] == ["source"]
    assert table["attributes"] == ["Größe"]
    report = content(REPORT)
    assert (report["absent"], report["source"]) == (["deals"], "postgresql://crm:***@db/sales")
    assert (report["fingerprint"], report["data_until_declared"]) == ("abc", False)


def test_the_verdict_says_of_each_statement_whether_it_is_supported() -> None:
    """Evidence is a plain word, and a gap does not make anything unsupported."""
    statements = content(REPORT)["verdict"]
    assert [(s["model"], s["evidence"], s["supported"], s["missing"]) for s in statements] == [
        ("leads", "enough", True, []),
        ("quota", "none", False, ["deals"]),
        (None, "none", True, ["deals"]),
    ]
    assert [s["says"] for s in statements] == [s.says for s in REPORT.verdict]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 1, 1), "2025-01-01T00:00:00"),
        (datetime(2025, 1, 1, 12, 0, 0, 5), "2025-01-01T12:00:00.000005"),
        (None, None),
    ],
)
def test_a_moment_is_written_to_the_microsecond(moment: datetime | None, text: str | None) -> None:
    """It can be read back as that moment; an extract without events has none."""
    assert iso(moment) == text
    assert content(replace(REPORT, data_until=moment))["data_until"] == text
    assert moment is None or datetime.fromisoformat(str(text)) == moment


def test_letters_beyond_ascii_stay_readable() -> None:
    """Names of columns stand in the file as people write them."""
    assert "Größe" in REPORT.to_json()
