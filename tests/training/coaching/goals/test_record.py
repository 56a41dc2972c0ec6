"""Laws of what happened until a moment: whose it is, and nothing that came after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.coaching.goals.measures import MEASURES
from training.coaching.goals.propose import Goals
from training.coaching.goals.record import SalesRecord, here, named, read_record

START = datetime(2025, 1, 1)
AS_OF, END = START + timedelta(days=60), START + timedelta(days=90)
Rows = list[dict[str, Any]]
NAMES = ("people", "arrivals", "decisions", "endings", "touches")


def at(days: float) -> datetime:
    """Return a moment so many days into the story."""
    return START + timedelta(days=days)


def story(*, with_later: bool) -> dict[str, Rows]:
    """Two reps, a lead that is handed over, a deal that changes hands; and what came later."""
    leads: Rows = [
        lead("L1", 1, "a", converted_at=at(20)),
        lead("L2", 2, "a", lost_at=at(70) if with_later else None),
        lead("L3", 3, None),
    ]
    activities: Rows = [
        touch("L1", "a", 1.5),
        touch("L1", "a", 4),
        touch("L2", "b", 3),
        {**touch("L2", "a", 5), "direction": "inbound"},
    ]
    deals: Rows = [
        deal("D1", "a", 20, 100.0, closed_at=at(40), won=True),
        deal("D2", "a", 21, 200.0, closed_at=at(75) if with_later else None, won=with_later),
    ]
    changes: Rows = [
        change("deal", "D1", "rep_id", 20, "a"),
        change("deal", "D1", "rep_id", 30, "b"),
    ]
    changes += [change("deal", "D2", "rep_id", 21, "a")]
    changes += [change("lead", f"L{k}", "rep_id", k, "a") for k in (1, 2)]
    changes += [change("lead", "L1", "rep_id", 10, "b")]
    if with_later:
        leads.append(lead("L4", 65, "a"))
        activities.append(touch("L2", "a", 66))
        changes.append(change("lead", "L4", "rep_id", 65, "a"))
        changes.append(change("deal", "D2", "rep_id", 70, "b"))
    reps: Rows = [
        {"rep_id": "a", "name": "Ada", "left_at": at(80) if with_later else None},
        {"rep_id": "b", "name": None, "left_at": None},
    ]
    return {
        "leads": leads,
        "activities": activities,
        "deals": deals,
        "changes": changes,
        "reps": reps,
    }


def lead(lead_id: str, days: float, rep: str | None, **ends: Any) -> dict[str, Any]:
    """Make a lead."""
    row = {"lead_id": lead_id, "created_at": at(days), "rep_id": rep, "source": "web"}
    return row | {"converted_at": None, "lost_at": None} | ends


def touch(lead_id: str, rep: str, days: float) -> dict[str, Any]:
    """Make a call."""
    row = {"activity_id": f"{lead_id}{rep}{days}", "lead_id": lead_id, "rep_id": rep}
    return row | {"occurred_at": at(days), "type": "call", "direction": "outbound"}


def deal(deal_id: str, rep: str, days: float, amount: float, **ends: Any) -> dict[str, Any]:
    """Make a deal."""
    return {"deal_id": deal_id, "rep_id": rep, "created_at": at(days), "amount": amount, **ends}


def change(entity: str, key: str, field: str, days: float, value: str) -> dict[str, Any]:
    """Make a change."""
    row = {"entity_type": entity, "entity_id": key, "field": field}
    return row | {"changed_at": at(days), "value": value}


def read(home: Path, *, with_later: bool, as_of: datetime = AS_OF) -> SalesRecord:
    """Ingest a story and read what happened until a moment."""
    source = home / "source"
    source.mkdir(parents=True)
    for name, rows in story(with_later=with_later).items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")
    ingest(str(source), home, FeatureParams(), data_until=END)
    return read_record(Warehouse.duckdb(current(home)), as_of)


def test_things_belong_to_whom_they_belonged(tmp_path: Path) -> None:
    """A lead is counted for its first owner, its end for the owner then, a deal for the last."""
    record = read(tmp_path, with_later=True)
    arrivals = record.arrivals.set_index("lead_id")
    assert arrivals["rep_id"].to_dict() == {"L1": "a", "L2": "a"}
    assert arrivals.loc["L1", "touched_at"] == pd.Timestamp(at(1.5))
    assert pd.isna(arrivals.loc["L2", "touched_at"])
    assert record.decisions[["lead_id", "rep_id", "won"]].to_numpy().tolist() == [["L1", "b", 1]]
    ending = record.endings.iloc[0]
    assert (ending["deal_id"], ending["rep_id"], ending["amount"]) == ("D1", "b", 100.0)
    assert record.touches.groupby("rep_id")["count"].sum().to_dict() == {"a": 2, "b": 1}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_came_later_changes_anything(tmp_path: Path, name: str) -> None:
    """Rows, ends and owners that came after the moment leave every frame as it is."""
    alone = read(tmp_path / "alone", with_later=False)
    later = read(tmp_path / "later", with_later=True)
    pd.testing.assert_frame_equal(getattr(alone, name), getattr(later, name), check_dtype=False)


def test_who_is_there_and_what_they_are_called(tmp_path: Path) -> None:
    """Somebody who leaves later is still there; without a name the id stands for it."""
    record = read(tmp_path / "then", with_later=True)
    assert here(record) == {"a", "b"}
    assert (named(record, "a"), named(record, "b")) == ("Ada", "b")
    assert here(read(tmp_path / "end", with_later=True, as_of=END)) == {"b"}


def test_deals_alone_make_a_record(tmp_path: Path) -> None:
    """Without reps, quotas and activities nobody is known, and no goal can be learned: no error."""
    source = tmp_path / "source"
    source.mkdir()
    rows = [deal(f"D{k}", "a", k, 10.0, closed_at=at(k + 5), won=k % 2 == 0) for k in range(40)]
    pq.write_table(pa.Table.from_pylist(rows), source / "deals.parquet")
    ingest(str(source), tmp_path, FeatureParams(), data_until=END)
    record = read_record(Warehouse.duckdb(current(tmp_path)), AS_OF)
    assert len(record.people) == len(record.touches) == 0
    assert set(record.endings["rep_id"]) == {"a"}
    assert Goals.learned(record).value("a", MEASURES["win_rate"]) == (0.5, 40.0)
