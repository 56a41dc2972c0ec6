"""Laws of the extract with posted events over it: rows laid over are the rows that were posted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.live import LiveData, change_id, takes_effect
from serving.store.posted import EventKind, PostedEvent

UNTIL = datetime(2025, 7, 20)
ARRIVAL = UNTIL + timedelta(hours=9)
DAY = timedelta(days=1)
TABLES: dict[str, list[dict[str, Any]]] = {
    "leads": [
        {"lead_id": f"L{n}", "created_at": UNTIL - 30 * DAY, "rep_id": "r1", "lost_at": None,
         "converted_at": UNTIL - DAY if n == 3 else None}
        for n in range(4)
    ],
    "activities": [
        {"activity_id": f"A{n}", "lead_id": f"L{n}", "occurred_at": UNTIL - 9 * DAY, "type": "call",
         "duration_s": 60.0}
        for n in range(4)
    ],
    "deals": [
        {"deal_id": f"D{n}", "rep_id": "r1", "created_at": UNTIL - 30 * DAY, "amount": 10.0,
         "closed_at": UNTIL - DAY if n == 1 else None, "won": True if n == 1 else None}
        for n in range(2)
    ],
    "changes": [
        {"entity_type": "lead", "entity_id": f"L{n}", "changed_at": UNTIL - 30 * DAY,
         "field": "stage", "value": "new"}
        for n in range(4)
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Four leads with a stage, one of them converted; two deals, one of them won."""
    home = tmp_path_factory.mktemp("live")
    (home / "source").mkdir()
    write(home / "source")
    ingest(str(home / "source"), home, FeatureParams(), data_until=UNTIL)
    return Warehouse.duckdb(current(home))


def write(source: Path) -> None:
    """Write the tables."""
    for name, rows in TABLES.items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")


def activity(number: int | str, known_at: datetime = ARRIVAL, **more: Any) -> PostedEvent:
    """A posted call."""
    row = {"activity_id": f"{number}", "lead_id": "L0", "type": "call", "duration_s": None,
           "occurred_at": (UNTIL + timedelta(hours=1)).isoformat(), **more}  # fmt: skip
    return PostedEvent(EventKind.ACTIVITY, f"{number}", row, known_at)


def change(
    entity: str, entity_id: str, field: str, value: str | None, at: datetime = UNTIL + DAY / 8
) -> PostedEvent:
    """A posted change."""
    row = {"entity_type": entity, "entity_id": entity_id, "field": field, "value": value,
           "changed_at": at.isoformat()}  # fmt: skip
    return PostedEvent(EventKind.CHANGE, change_id(row), row, ARRIVAL)


def rows_of(warehouse: Warehouse, table: str, key: str) -> dict[str, dict[str, Any]]:
    """A table by its key."""
    return {row[key]: row for row in warehouse.arrow(warehouse[table]).to_pylist()}


def test_without_events_it_is_the_extract(extract: Warehouse) -> None:
    """The very same, and now is its end."""
    live = LiveData.of(extract, [])
    assert live.at() is extract
    assert live.now == UNTIL


def test_an_activity_is_known_since_it_arrived(extract: Warehouse) -> None:
    """The row is laid over with its arrival for `known_at`, whatever it says itself."""
    event = activity(1, known_at=ARRIVAL, outcome="reached")
    event.row["known_at"] = "2020-01-01T00:00:00"  # type: ignore[index] # a dictionary, as posted
    live = LiveData.of(extract, [event])
    assert live.now == ARRIVAL + timedelta(microseconds=1)
    before, at, after = (
        rows_of(live.at(moment), "activities", "activity_id")
        for moment in (UNTIL, ARRIVAL, live.now)
    )
    assert set(before) == set(at) == {"A0", "A1", "A2", "A3"}
    assert after["1"]["known_at"] == ARRIVAL
    assert after["1"]["occurred_at"] == UNTIL + timedelta(hours=1)
    assert {name: row for name, row in after.items() if name != "1"} == before
    assert live.at().data_until == live.now
    assert extract.data_until == UNTIL


def test_now_is_never_before_the_end_of_the_extract(extract: Warehouse) -> None:
    """An event that arrived before the extract was made does not set the service back."""
    live = LiveData.of(extract, [activity(1, known_at=UNTIL - 9 * DAY)])
    assert live.now == UNTIL
    assert "1" in rows_of(live.at(), "activities", "activity_id")


def test_what_the_extract_holds_is_not_laid_over(extract: Warehouse) -> None:
    """The same activity, lead or change: the extract's row counts, and none is there twice."""
    events = [
        activity("A1", type="mail"),
        PostedEvent(
            EventKind.LEAD, "L2", {"lead_id": "L2", "created_at": UNTIL.isoformat()}, ARRIVAL
        ),
        change("lead", "L1", "stage", "other", UNTIL - 30 * DAY),
    ]
    live = LiveData.of(extract, events)
    assert live.events == ()
    assert live.at() is extract


def test_a_change_of_a_field_with_a_history_is_a_row(extract: Warehouse) -> None:
    """Of one without, nothing is laid over: it waits for the ingest."""
    stage, mood = change("lead", "L0", "stage", "qualified"), change("lead", "L0", "mood", "good")
    assert takes_effect(extract, stage.row)
    assert not takes_effect(extract, mood.row)
    changes = LiveData.of(extract, [stage, mood]).at()
    rows = changes.arrow(changes["changes"]).to_pylist()
    own = [row for row in rows if row["known_at"] == ARRIVAL]
    assert [(row["field"], row["value"]) for row in own] == [("stage", "qualified")]


def test_an_ending_fills_its_column_and_changes_no_other(extract: Warehouse) -> None:
    """At the named moment, else when it changed; what had ended before stays as it was."""
    converted = (UNTIL + timedelta(hours=2)).isoformat()
    events = [
        change("lead", "L0", "converted_at", converted),
        change("lead", "L1", "lost_at", None),
        change("lead", "L2", "do_not_contact_at", "soon"),
        change("lead", "L3", "converted_at", converted),
        change("lead", "L9", "lost_at", None),
        change("deal", "D0", "won", "true"),
        change("deal", "D1", "won", "false"),
    ]
    live = LiveData.of(extract, events)
    leads, before = (rows_of(w, "leads", "lead_id") for w in (live.at(), extract))
    at = UNTIL + DAY / 8
    assert leads["L0"] == before["L0"] | {"converted_at": UNTIL + timedelta(hours=2)}
    assert leads["L1"] == before["L1"] | {"lost_at": at}
    assert leads["L2"] == before["L2"] | {"do_not_contact_at": at}
    assert leads["L3"] == before["L3"]
    assert set(leads) == set(before)
    deals = rows_of(live.at(), "deals", "deal_id")
    assert (deals["D0"]["won"], deals["D0"]["closed_at"]) == (True, at)
    assert deals["D1"] == rows_of(extract, "deals", "deal_id")["D1"]
    assert rows_of(live.at(ARRIVAL), "leads", "lead_id") == before


def test_a_posted_lead_may_end_too(extract: Warehouse) -> None:
    """It came in and was lost before any ingest: one row, with its end."""
    created = UNTIL + timedelta(hours=1)
    events = [
        PostedEvent(
            EventKind.LEAD, "new", {"lead_id": "new", "created_at": created.isoformat()}, ARRIVAL
        ),
        change("lead", "new", "lost_at", None),
    ]
    leads = LiveData.of(extract, events).at()
    rows = leads.arrow(leads["leads"]).to_pylist()
    (own,) = (row for row in rows if row["lead_id"] == "new")
    assert (own["created_at"], own["lost_at"]) == (created, UNTIL + DAY / 8)
    assert len(rows) == 5


def test_a_row_that_fits_no_more_waits_and_says_so(
    extract: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    """An ingest may change what a column holds; the others are laid over all the same."""
    events = [activity(1, duration_s="long"), activity(2, duration_s=30.0)]
    rows = rows_of(LiveData.of(extract, events).at(), "activities", "activity_id")
    assert set(rows) - {"A0", "A1", "A2", "A3"} == {"2"}
    assert "'1' waits for an ingest" in caplog.text


def test_changes_are_told_apart(extract: Warehouse) -> None:
    """By what changed, which field, and when: not by the value."""
    first = change("lead", "L0", "stage", "a")
    assert first.id == change("lead", "L0", "stage", "b").id
    others = [
        change("lead", "L1", "stage", "a"),
        change("deal", "L0", "stage", "a"),
        change("lead", "L0", "mood", "a"),
        change("lead", "L0", "stage", "a", UNTIL),
    ]
    assert len({first.id, *(other.id for other in others)}) == 5
