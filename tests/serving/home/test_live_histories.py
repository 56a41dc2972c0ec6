"""Laws of posted events where fields have histories: what was posted reads as if ingested."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.history.values import as_it_stood, changes_of, last_shown
from features.ingest.load import ingest
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.live import LiveData, change_id
from serving.store.posted import EventKind, PostedEvent

UNTIL = datetime(2025, 7, 20)
ARRIVAL = UNTIL + timedelta(hours=9)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
FIELDS = ("source", "value", "rep_id", "is_partner")
"""Fields of leads that have a history back to the creation, beside `stage` without a column."""
POSTED: dict[str, Any] = {
    "lead_id": "new", "created_at": UNTIL + DAY / 24, "source": "fair", "value": 70.5,
    "rep_id": "r2", "is_partner": True, "employees": 12.0,
}  # fmt: skip


def tables(*further: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Six leads, of which three changed a field each since they were created."""
    leads = [
        {"lead_id": f"L{n}", "created_at": UNTIL - (30 - n) * DAY, "source": "web", "value": 10.0,
         "rep_id": "r1", "is_partner": False, "employees": float(n), "converted_at": None,
         "lost_at": None}
        for n in range(6)
    ]  # fmt: skip
    at_first = {"source": "mail", "value": "5", "rep_id": "r9", "is_partner": "true"}
    changes = [
        {"entity_type": "lead", "entity_id": f"L{n}", "changed_at": at, "field": field,
         "value": value, "old_value": before}
        for n, field in ((0, "source"), (1, "value"), (2, "rep_id"), (3, "is_partner"))
        for at, value, before in (
            (UNTIL - 9 * DAY, {"source": "web", "value": "10", "rep_id": "r1",
                               "is_partner": "false"}[field], at_first[field]),
        )
    ]  # fmt: skip
    more = [{**dict.fromkeys(leads[0]), **row} for row in further]
    return {"leads": [*leads, *more], "changes": changes}


def ingested(home: Path, *further: Mapping[str, Any], until: datetime = UNTIL) -> Warehouse:
    """Ingest the tables, with further leads among them."""
    source = home / "source"
    source.mkdir(parents=True)
    for name, rows in tables(*further).items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")
    ingest(str(source), home, FeatureParams(), data_until=until)
    return Warehouse.duckdb(current(home))


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An extract in which four fields of leads have a complete history."""
    warehouse = ingested(tmp_path_factory.mktemp("histories") / "home")
    found = {history.field for history in warehouse.histories if history.complete}
    assert found == set(FIELDS)
    return warehouse


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The extract of the next day, which holds the lead that was posted."""
    return ingested(tmp_path_factory.mktemp("later") / "home", POSTED, until=UNTIL + DAY)


def lead(**more: Any) -> PostedEvent:
    """The posted lead."""
    row = POSTED | {"created_at": POSTED["created_at"].isoformat()} | more
    return PostedEvent(EventKind.LEAD, row["lead_id"], row, ARRIVAL)


def change(
    field: str, value: str | None, at: datetime, known: datetime = ARRIVAL, of: str = "new"
) -> PostedEvent:
    """A posted change of a lead."""
    row = {"entity_type": "lead", "entity_id": of, "field": field, "value": value,
           "changed_at": at.isoformat()}  # fmt: skip
    return PostedEvent(EventKind.CHANGE, change_id(row), row, known)


def last(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """What each lead's fields held last, by lead."""
    rows = last_shown(warehouse, warehouse["leads"], "leads", *FIELDS)
    return {row["lead_id"]: {name: row[name] for name in FIELDS} for row in
            warehouse.arrow(rows).to_pylist()}  # fmt: skip


def stood(warehouse: Warehouse, cutoff: datetime) -> dict[str, dict[str, Any]]:
    """What each lead's fields held as a cutoff may see them, by lead."""
    rows = warehouse["leads"].mutate(**{CUTOFF: cutoff, SNAPSHOT: warehouse["leads"].lead_id})
    columns = {name: name for name in FIELDS}
    shown = as_it_stood(rows, changes_of(warehouse, "lead", "lead_id"), "lead_id", columns)
    return {row["lead_id"]: {name: row[name] for name in FIELDS} for row in
            warehouse.arrow(shown).to_pylist()}  # fmt: skip


def test_a_posted_lead_reads_as_an_ingested_one(extract: Warehouse, later: Warehouse) -> None:
    """Source, value, owner and flag are those that the next ingest will show."""
    live = LiveData.of(extract, [lead()]).at()
    assert last(live) == last(later)
    assert last(live)["new"] == {
        "source": "fair", "value": "70.5", "rep_id": "r2", "is_partner": "true",
    }  # fmt: skip


def test_a_posted_lead_stands_as_an_ingested_one(extract: Warehouse, later: Warehouse) -> None:
    """Features read the same of it, whichever way it came in."""
    live = LiveData.of(extract, [lead()])
    assert stood(live.at(), live.now)["new"] == stood(later, live.now)["new"]
    assert stood(live.at(), live.now)["L0"] == stood(extract, UNTIL)["L0"]


def test_own_columns_of_fields_with_a_history_are_empty(extract: Warehouse) -> None:
    """As an ingest leaves them; a column without a history keeps what was posted."""
    live = LiveData.of(extract, [lead()]).at()
    rows = {row["lead_id"]: row for row in live.arrow(live["leads"]).to_pylist()}
    assert [rows["new"][name] for name in FIELDS] == [None] * len(FIELDS)
    assert rows["new"]["employees"] == 12.0
    assert {name: row for name, row in rows.items() if name != "new"} == {
        row["lead_id"]: row for row in extract.arrow(extract["leads"]).to_pylist()
    }


def test_what_was_not_posted_is_not_laid_down(extract: Warehouse) -> None:
    """A lead with nothing but its beginning has no row in `changes`."""
    bare = PostedEvent(
        EventKind.LEAD, "bare", {"lead_id": "bare", "created_at": UNTIL.isoformat()}, ARRIVAL
    )
    live = LiveData.of(extract, [bare]).at()
    assert last(live)["bare"] == dict.fromkeys(FIELDS)
    changes = live.arrow(live["changes"]).to_pylist()
    assert "bare" not in {row["entity_id"] for row in changes}


@pytest.mark.parametrize("field", FIELDS)
def test_what_a_lead_brought_is_known_since_it_arrived(extract: Warehouse, field: str) -> None:
    """Before, no moment sees it, although the lead is older than its arrival."""
    live = LiveData.of(extract, [lead()])
    assert "new" not in last(live.at(ARRIVAL))
    changes = live.at().arrow(live.at()["changes"]).to_pylist()
    (own,) = (row for row in changes if (row["entity_id"], row["field"]) == ("new", field))
    assert (own["changed_at"], own["known_at"]) == (POSTED["created_at"], ARRIVAL)


def test_a_later_change_of_a_posted_lead_counts(extract: Warehouse) -> None:
    """What it brought holds until the change; a change that empties a field empties it."""
    events = [
        lead(),
        change("source", "referral", ARRIVAL - DAY / 24, ARRIVAL + DAY),
        change("rep_id", None, ARRIVAL - DAY / 24, ARRIVAL + DAY),
    ]
    live = LiveData.of(extract, events)
    before, after = last(live.at(ARRIVAL + INSTANT))["new"], last(live.at())["new"]
    assert (before["source"], before["rep_id"]) == ("fair", "r2")
    assert (after["source"], after["rep_id"], after["value"]) == ("referral", None, "70.5")


def test_a_change_before_the_creation_does_not_undo_what_was_brought(extract: Warehouse) -> None:
    """The order is that of moments, not of arrivals."""
    early = change("source", "old", POSTED["created_at"] - DAY, ARRIVAL + DAY)
    assert last(LiveData.of(extract, [lead(), early]).at())["new"]["source"] == "fair"


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_change_of_an_ingested_lead_counts(extract: Warehouse, seed: int) -> None:
    """Random changes in random order of arrival: as of any moment, the newest that had arrived."""
    chance = Random(seed)  # noqa: S311 - no secret
    moments = [UNTIL + DAY * place / 50 for place in chance.sample(range(50), 3)]
    arrivals = sorted(UNTIL + DAY + DAY * chance.random() for _ in moments)
    events = [
        change("source", f"s{place}", at, known, "L0")
        for place, (at, known) in enumerate(zip(moments, arrivals, strict=True))
    ]
    live = LiveData.of(extract, events)
    for count in range(len(events) + 1):
        moment = arrivals[count - 1] + INSTANT if count else UNTIL
        seen = max(events[:count], key=lambda event: event.row["changed_at"], default=None)
        shown = last(live.at(moment))
        assert shown["L0"]["source"] == ("web" if seen is None else seen.row["value"])
        assert shown["L1"]["source"] == "web"


def test_a_posted_lead_that_ends_keeps_what_it_brought(extract: Warehouse) -> None:
    """Its end fills a column; its fields stay in `changes`."""
    at = ARRIVAL - DAY / 24
    live = LiveData.of(extract, [lead(), change("lost_at", None, at)]).at()
    (own,) = (row for row in live.arrow(live["leads"]).to_pylist() if row["lead_id"] == "new")
    assert own["lost_at"] == at
    assert last(live)["new"]["source"] == "fair"
    assert own["source"] is None


def test_a_lead_that_the_extract_holds_is_not_laid_down_twice(later: Warehouse) -> None:
    """Once an ingest has brought the lead, its history is the extract's."""
    assert LiveData.of(later, [lead(source="other")]).at() is later
