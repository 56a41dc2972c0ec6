"""Laws of posted events: counted once, seen from their arrival on, gone into the next ingest."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from service_people import Service, running

from features.clock import utc_now, zulu
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from serving.home.home import Home
from serving.settings import Settings
from serving.store.posted import EventKind, PostedEvent

UNTIL = datetime(2025, 7, 20)
MOMENTS = ("created_at", "converted_at", "lost_at", "do_not_contact_at", "occurred_at")


@pytest.fixture
def place(home: Path, tmp_path: Path) -> Path:
    """A copy of the small company that a test may write into."""
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    return copy


@pytest.fixture(scope="module")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another copy, which a service answers from."""
    copy = tmp_path_factory.mktemp("events") / "home"
    shutil.copytree(home, copy)
    return copy


@pytest.fixture(scope="module")
def events(served: Path) -> Iterator[Service]:
    """Its service."""
    with running(served, Settings()) as service:
        yield service


def call(lead_id: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A call on a lead, just now."""
    return {
        "activity_id": f"posted-{number}",
        "lead_id": lead_id,
        "occurred_at": zulu(utc_now() - timedelta(minutes=5)),
        "type": "call",
        "direction": "inbound",
        "rep_id": "r1",
        **more,
    }


def chance(service: Service, lead_id: str, as_of: str | None = None) -> tuple[float, str]:
    """A lead's chance, and the moment it is for."""
    answer = service.ask("admin", "/explain_lead", lead_id=lead_id, as_of=as_of)
    return answer["p"], answer["as_of"]


def test_scores_follow_posted_events_and_the_past_stays(events: Service, served: Path) -> None:
    """Within a minute the lead's score has moved; as of a moment before the arrival it has not."""
    lead = events.ask("admin", "/next_calls", rep_id="r1", limit=1)["calls"][0]["lead_id"]
    before, as_of = chance(events, lead)
    bundle_until = Home(served, Settings()).open_leads().bundle.until
    body = {"activities": [call(lead), call(lead, 2)]}
    kept = events.ask("admin", "/events", **body)
    assert [row["is_repeated"] for row in kept["received"]] == [False, False]
    assert "Ingest newer data" in kept["note"]
    deadline = time.monotonic() + 60
    while (moved := chance(events, lead))[1] == as_of:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert moved[0] != before
    assert moved[1] > zulu(utc_now() - timedelta(minutes=2))
    assert chance(events, lead, as_of) == (before, as_of)
    again = events.ask("admin", "/events", **body)
    assert [row["is_repeated"] for row in again["received"]] == [True, True]
    health = events.ask("admin", "/health")
    assert health["data_until"] == as_of
    assert Home(served, Settings()).open_leads().bundle.until == bundle_until
    assert current(served).data_until == UNTIL


def test_what_does_not_fit_is_refused_whole(events: Service, served: Path) -> None:
    """One wrong value, and none of the request is kept; a stranger key is named, no more."""
    lead = events.ask("admin", "/next_calls", rep_id="r1", limit=1)["calls"][0]["lead_id"]
    before = Home(served, Settings()).posted.all()
    wrong = {"activities": [call(lead, 5), call(lead, 6, duration_s="long")]}
    assert "duration_s" in events.ask("admin", "/events", 400, **wrong)["error"]
    events.ask("admin", "/events", 400)
    many = {"activities": [call(lead, number) for number in range(1001)]}
    assert "send 1 to 1000" in events.ask("admin", "/events", 400, **many)["error"]
    assert Home(served, Settings()).posted.all() == before
    change = {
        "entity_type": "lead", "entity_id": lead, "changed_at": "2025-07-19", "field": "mood",
        "value": "good",
    }  # fmt: skip
    kept = events.ask(
        "admin", "/events", activities=[call(lead, 3, weather="fair")], changes=[change]
    )
    assert kept["ignored"] == ["activities.weather"]
    assert kept["waiting"] == ["lead.mood"]
    for who in ("r1", "m1", "analyst"):
        events.ask(who, "/events", 403, activities=[call(lead, 4)])


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the store keeps it."""
    return {k: v.isoformat() if k in MOMENTS and v else v for k, v in row.items()}


def post(home: Home, *events: PostedEvent) -> datetime:
    """Keep events; returns the moment just after their arrival."""
    home.posted.add(events, "tests")
    return home.live().now


def test_posted_events_score_like_ingested_ones(
    place: Path, tmp_path: Path, tables: dict[str, list[dict[str, Any]]]
) -> None:
    """Activities and a new lead, posted, give the score that an ingest of the same rows gives.

    And once an ingest has brought them, the extract's rows count and the posted ones do not.
    """
    home = Home(place, Settings())
    open_lead = home.open_leads().score()["lead_id"].iloc[0]
    rows = {
        "activities": [
            {
                "activity_id": f"new-{number}", "lead_id": lead, "type": "call", "rep_id": "r1",
                "direction": "inbound", "occurred_at": UNTIL - timedelta(hours=number),
            }
            for number, lead in enumerate((open_lead, open_lead, "fresh"), 1)
        ],
        "leads": [
            {
                "lead_id": "fresh", "created_at": UNTIL - timedelta(hours=9), "rep_id": "r1",
                "source": "web", "value": 900.0, "employees": 7,
            }
        ],
    }  # fmt: skip
    posted = [
        PostedEvent(kind, row[key], plain(row))
        for kind, key, table in (
            (EventKind.ACTIVITY, "activity_id", "activities"),
            (EventKind.LEAD, "lead_id", "leads"),
        )
        for row in rows[table]
    ]  # fmt: skip
    now = post(home, *posted)
    laid_over = home.open_leads(home.live().at()).score(now).set_index("lead_id")["p"]
    assert {"fresh", open_lead} <= set(laid_over.index)
    bare = home.open_leads().score(now).set_index("lead_id")["p"]
    assert laid_over[open_lead] != bare[open_lead]

    both = {name: [*tables[name], *rows.get(name, [])] for name in tables}
    write(tmp_path / "source", both)
    ingest(str(tmp_path / "source"), place, FeatureParams(), data_until=UNTIL)
    live = home.live()
    assert (len(live.events), live.now) == (0, UNTIL)
    ingested = home.open_leads().score(now).set_index("lead_id")["p"]
    assert ingested.equals(laid_over.reindex(ingested.index))


def write(source: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Write an extract."""
    import pyarrow as pa  # noqa: PLC0415 - only here
    import pyarrow.parquet as pq  # noqa: PLC0415 - only here

    source.mkdir()
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")


def test_nobody_sees_an_event_before_it_arrived(place: Path) -> None:
    """As of the arrival itself there is no new lead, activity or end; just after it there is."""
    home = Home(place, Settings())
    lead = home.open_leads().score()["lead_id"].iloc[0]
    created = (UNTIL - timedelta(days=2)).isoformat()
    lost = {
        "entity_type": "lead", "entity_id": lead, "field": "lost_at", "value": None,
        "changed_at": created,
    }  # fmt: skip
    now = post(
        home,
        PostedEvent(EventKind.LEAD, "fresh", {"lead_id": "fresh", "created_at": created}),
        PostedEvent(EventKind.CHANGE, "change", lost),
    )
    live = home.live()
    outlook = home.open_leads(live.at())
    assert outlook.moment() == now
    arrival = now - timedelta(microseconds=1)
    at_arrival = set(home.open_leads(live.at(arrival)).score(arrival)["lead_id"])
    after = set(outlook.score(now)["lead_id"])
    assert (lead in at_arrival, "fresh" in at_arrival) == (True, False)
    assert (lead in after, "fresh" in after) == (False, True)
    assert live.extract.data_until == UNTIL
