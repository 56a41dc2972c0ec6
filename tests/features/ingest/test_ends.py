"""Laws of ends: which are emptied or moved, and that it is said."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.ingest.load import ingest
from features.ingest.report import TableReport
from features.params import FeatureParams
from features.storage.catalog import current

T = datetime(2025, 3, 1)
Row = dict[str, Any]


def read(
    folder: Path, name: str, content: str, data_until: datetime | None = None
) -> tuple[list[Row], TableReport]:
    """Ingest one CSV table; return its accepted rows and its report."""
    source = folder / "source"
    source.mkdir()
    (source / f"{name}.csv").write_text(content, encoding="utf-8")
    report = ingest(str(source), folder, FeatureParams(), data_until=data_until)
    return pq.read_table(current(folder).path / f"{name}.parquet").to_pylist(), report.tables[name]


@pytest.mark.parametrize("column", ["converted_at", "lost_at", "do_not_contact_at"])
@pytest.mark.parametrize("end", ["2025-03-01", "2025-04-05T10:00"])
def test_an_end_at_or_after_the_declared_one_is_emptied(
    tmp_path: Path, column: str, end: str
) -> None:
    """The lead stays and is open: at that moment nobody knew of its end."""
    content = f"lead_id,created_at,{column}\na,2025-01-01,{end}\nb,2025-01-01,2025-02-28T23:59\n"
    rows, report = read(tmp_path, "leads", content, T)
    assert [row[column] for row in rows] == [None, datetime(2025, 2, 28, 23, 59)]
    assert report.quarantined == 0
    assert report.notes[f"{column}: at or after the declared --data-until, emptied"] == 1


def test_how_a_deal_ended_is_emptied_with_its_end(tmp_path: Path) -> None:
    """`won` goes with `closed_at`; a deal that closed before keeps both."""
    content = (
        "deal_id,rep_id,created_at,closed_at,won\na,r,2025-01-01,2025-03-01,yes\n"
        "b,r,2025-01-01,2025-02-01,yes\nc,r,2025-03-01,,\n"
    )
    rows, report = read(tmp_path, "deals", content, T)
    assert [(r["deal_id"], r["closed_at"], r["won"]) for r in rows] == [
        ("a", None, None),
        ("b", datetime(2025, 2, 1), True),
    ]
    assert report.quarantined == 1


def test_who_was_hired_or_had_left_after_the_end_is_unknown(tmp_path: Path) -> None:
    """A rep hired at the end is not there yet, and nobody knows yet who leaves."""
    content = (
        "rep_id,hired_at,left_at\na,2025-01-01,2025-03-01\nb,2025-03-01,\nc,,2025-02-01\n"
        "d,2025-02-28T23:59:59,\n"
    )
    rows, _ = read(tmp_path, "reps", content, T)
    assert [(r["rep_id"], r["left_at"]) for r in rows] == [
        ("a", None),
        ("c", datetime(2025, 2, 1)),
        ("d", None),
    ]


def test_a_quota_is_known_at_its_very_start(tmp_path: Path) -> None:
    """Half-open everywhere else: a target known at the end itself stays, one known later goes."""
    content = (
        "rep_id,period_start,period_end,amount,known_at\nr,2025-03-01,2025-06-01,5,\n"
        "r,2025-06-01,2025-09-01,5,\ns,2025-06-01,2025-09-01,7,2025-02-01\n"
    )
    rows, report = read(tmp_path, "quotas", content, T)
    assert [(r["rep_id"], r["period_start"].month) for r in rows] == [("r", 3), ("s", 6)]
    assert report.quarantine_reasons == {"known at or after the declared --data-until": 1}


def test_a_closing_without_an_outcome_is_no_end(tmp_path: Path) -> None:
    """`closed_at` beside an empty `won` is emptied and noted: it may be a plan."""
    content = "deal_id,rep_id,created_at,closed_at,won\na,r,2025-01-05,2025-01-01,\n"
    rows, report = read(tmp_path, "deals", content)
    assert [row["closed_at"] for row in rows] == [None]
    assert report.notes["closed_at: without won it is no end, emptied"] == 1


def test_a_date_on_the_day_of_creation_is_that_moment(tmp_path: Path) -> None:
    """In a column of dates the day of creation is not before it; an earlier day is."""
    content = (
        "lead_id,created_at,converted_at\na,2025-01-05T14:30,2025-01-05\n"
        "b,2025-01-05T14:30,2025-01-04\nc,2025-01-05T14:30,2025-01-06\n"
    )
    rows, report = read(tmp_path, "leads", content)
    assert [row["converted_at"] for row in rows] == [
        datetime(2025, 1, 5, 14, 30),
        datetime(2025, 1, 6),
    ]
    assert report.notes["converted_at: a date only, the day of creation: its moment"] == 1
    assert report.quarantine_reasons == {"converted_at lies before created_at": 1}


def test_a_midnight_among_times_is_a_time(tmp_path: Path) -> None:
    """Where other ends have a time of day, midnight before the creation is an error."""
    content = (
        "lead_id,created_at,converted_at\na,2025-01-05T14:30,2025-01-05\n"
        "b,2025-01-05T14:30,2025-01-06T09:00\n"
    )
    rows, report = read(tmp_path, "leads", content)
    assert [row["lead_id"] for row in rows] == ["b"]
    assert report.quarantined == 1


def test_a_wild_end_is_emptied_and_a_wild_beginning_set_aside(tmp_path: Path) -> None:
    """One mistyped year neither ends the data nor closes a lead in 2062."""
    rows = "".join(f"l{i},2025-01-{1 + i % 28:02}T0{i % 9}:00,\n" for i in range(60))
    wild = "w,2025-01-02T00:00,2062-01-01\nx,2062-01-01,\n"
    accepted, report = read(tmp_path, "leads", "lead_id,created_at,lost_at\n" + rows + wild)
    by_id = {row["lead_id"]: row for row in accepted}
    assert by_id["w"]["lost_at"] is None
    assert "x" not in by_id
    assert report.notes["lost_at: implausibly far beyond the other dates, emptied"] == 1
    assert current(tmp_path).data_until < datetime(2025, 2, 1)


def test_ids_among_changes_read_as_ids_do(tmp_path: Path) -> None:
    """Pandas writes 7.0 for rep 7 here as in any other column; an amount stays as it is."""
    head = "entity_type,entity_id,changed_at,field,value,old_value\n"
    content = head + "lead,1.0,2025-01-02,rep_id,7.0,X8\nlead,1.0,2025-01-02,value,7.0,\n"
    rows, _ = read(tmp_path, "changes", content)
    by_field = {row["field"]: row for row in rows}
    assert {row["entity_id"] for row in rows} == {"1"}
    assert (by_field["rep_id"]["value"], by_field["rep_id"]["old_value"]) == ("7", "X8")
    assert by_field["value"]["value"] == "7.0"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2025-03-31T14:05:00+01:00", "2025-03-31 13:05:00"),
        ("2025-03-31 14:05 UTC", "2025-03-31 14:05:00"),
        ("2025-03-31", "2025-03-31 00:00:00"),
        ("soon", "soon"),
        ("", None),
    ],
)
def test_moments_among_changes_keep_their_zone(
    tmp_path: Path, written: str, kept: str | None
) -> None:
    """A due date is converted to UTC in both values; a stage that looks like one is not."""
    head = "entity_type,entity_id,changed_at,field,value,old_value\n"
    content = head + "".join(
        f"deal,d,2025-01-02,{field},{written},{written}\n"
        for field in ("expected_close_at", "stage")
    )
    rows, _ = read(tmp_path, "changes", content)
    by_field = {row["field"]: row for row in rows}
    assert by_field["expected_close_at"]["value"] == kept
    assert by_field["expected_close_at"]["old_value"] == kept
    assert by_field["stage"]["value"] == (written or None)


def test_a_time_of_day_after_the_declared_end_changes_nothing_before(tmp_path: Path) -> None:
    """Whether a column holds days only is told by what an extract made then would hold."""
    content = (
        "lead_id,created_at,converted_at\na,2025-01-05T14:30,2025-01-05\n"
        "b,2025-01-05T14:30,2025-03-06T09:00\n"
    )
    rows, _ = read(tmp_path, "leads", content, T)
    assert [row["converted_at"] for row in rows] == [datetime(2025, 1, 5, 14, 30), None]
