"""Laws of the watched folder: files are read once, by key, through the door of posted events."""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from service_people import SETTINGS

from serving.api.office import Office
from serving.api.watched_folder import WatchedFolder
from serving.home.cache import ScoreCache
from serving.pages.desk import Desk

AT = datetime(2025, 7, 21, 9, 30)


@pytest.fixture(scope="module")
def office(desk: Path) -> Office:
    """The office of the company, with scores."""
    scores = ScoreCache(desk, SETTINGS)
    scores.look()
    return Office.of(Desk(desk, SETTINGS, scores))


def calls(*ids: str, **others: object) -> list[dict[str, object]]:
    """Return calls as an extract has them."""
    row = {"occurred_at": AT, "type": "call", "rep_id": "r1", "duration_s": 95.0} | others
    return [{"activity_id": name, **row} for name in ids]


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*dict.fromkeys(name for row in rows for name in row)])
        writer.writeheader()
        writer.writerows(rows)


def held(office: Office) -> list[str]:
    """Return the ids of the posted events."""
    return [event.id for event in office.home.posted.all()]


def test_a_file_is_read_when_it_has_stopped_growing_and_once(
    office: Office, tmp_path: Path
) -> None:
    """Not before two looks see the same; a change of the file brings the new rows alone."""
    watched, file = WatchedFolder(tmp_path / "inbox", office), tmp_path / "inbox/activities-1.csv"
    watched.look()
    file.parent.mkdir()
    (tmp_path / "inbox" / "leads.csv").write_text("lead_id\nx\n")
    write_csv(file, calls("f1"))
    watched.look()
    assert "f1" not in held(office), "it may still grow"
    watched.look()
    assert held(office).count("f1") == 1
    (kept,) = (event for event in office.home.posted.all() if event.id == "f1")
    assert (kept.row["duration_s"], kept.row["type"], kept.row["lead_id"]) == (95.0, "call", None)
    write_csv(file, calls("f1", "f2"))
    again = WatchedFolder(tmp_path / "inbox", office)
    for one in (watched, again):
        one.look()
        one.look()
    assert [held(office).count(name) for name in ("f1", "f2")] == [1, 1]
    file.rename(file.with_name("activities-2.csv"))
    mark = office.home.posted.mark()
    for _ in range(3):
        watched.look()
    assert office.home.posted.mark() == mark


def test_a_row_that_cannot_be_kept_costs_no_other(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows without an id, without a moment, or with an id that meant something else are named."""
    without_moment, without_id = calls("g2")[0], calls("g3")[0]
    del without_moment["occurred_at"], without_id["activity_id"]
    rows = [*calls("g1"), without_moment, without_id, *calls("g1", type="mail"), *calls("g4")]
    write_csv(tmp_path / "activities.csv", rows)
    watched = WatchedFolder(tmp_path, office)
    with caplog.at_level(logging.ERROR, "pacesetter.serve"):
        watched.look()
        watched.look()
    assert [held(office).count(name) for name in ("g1", "g2", "g3", "g4")] == [1, 0, 0, 1]
    (said,) = caplog.messages
    assert "3 rows are left out" in said
    assert "occurred_at" in said


def test_parquet_says_the_same_as_csv(office: Office, tmp_path: Path) -> None:
    """The rows of both are the same events."""
    pq.write_table(pa.Table.from_pylist(calls("h1", "h2")), tmp_path / "activities.parquet")
    write_csv(tmp_path / "activities.csv", calls("h1", "h2"))
    watched = WatchedFolder(tmp_path, office)
    watched.look()
    watched.look()
    assert [held(office).count(name) for name in ("h1", "h2")] == [1, 1]
    again = tmp_path / "activities-again.parquet"
    pq.write_table(pa.Table.from_pylist(calls("h1", "h2", "h3")), again)
    os.utime(again, (1, 1))
    watched.look()
    watched.look()
    assert held(office).count("h3") == 1


def test_a_file_that_is_no_table_is_named_and_left(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried once, and again when it has changed."""
    broken = tmp_path / "activities.parquet"
    broken.write_bytes(b"no parquet")
    watched = WatchedFolder(tmp_path, office)
    for _ in range(4):
        watched.look()
    assert len([line for line in caplog.messages if "cannot be read" in line]) == 1
    pq.write_table(pa.Table.from_pylist(calls("k1")), broken)
    watched.look()
    watched.look()
    assert held(office).count("k1") == 1
