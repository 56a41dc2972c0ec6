"""Laws of the company behind the rights: as visible at the end of the data, read once each."""

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
from serving.access import company as module
from serving.access.company import Company, CompanyCache, read_company

START = datetime(2025, 1, 1)


def load(home: Path, changes: list[dict[str, Any]] | None = None) -> None:
    """Ingest three leads and three reps, with handovers or without."""
    source = home / "extract"
    source.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[dict[str, Any]]] = {
        "leads": [
            {"lead_id": "owned", "created_at": START, "rep_id": "r1"},
            {"lead_id": "worked", "created_at": START, "rep_id": None},
            {"lead_id": "pooled", "created_at": START, "rep_id": None},
        ],
        "activities": [
            {
                "occurred_at": START + timedelta(days=d),
                "type": "call",
                "lead_id": lead,
                "rep_id": rep,
            }
            for d, lead, rep in ((3, "worked", "r2"), (5, "worked", "r1"), (20, "owned", "r2"))
        ],
        "reps": [
            {"rep_id": rep, "manager_id": manager}
            for rep, manager in (("r1", "m1"), ("r2", "m2"), ("m1", "top"), ("m2", None))
        ],
    }
    for name, rows in (tables | ({"changes": changes} if changes else {})).items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")
    ingest(str(source), home, FeatureParams())


def change(kind: str, entity: str, field: str, day: int, **values: str | None) -> dict[str, Any]:
    """Return a row of changes."""
    at = START + timedelta(days=day)
    return {"entity_type": kind, "entity_id": entity, "changed_at": at, "field": field,
            "value": values["value"], "old_value": values["old"]}  # fmt: skip


def test_without_a_history_the_columns_tell(tmp_path: Path) -> None:
    """A lead's owner is its column's, else whoever worked on it last; a manager the rep's own."""
    load(tmp_path)
    company = read_company(current(tmp_path))
    assert company.owners == {"owned": "r1", "worked": "r1", "pooled": None}
    assert company.tree.managers == {"r1": "m1", "r2": "m2", "m1": "top", "m2": None}
    assert company.tree.team("top") == {"m1", "r1"}


def test_with_a_history_the_last_visible_change_tells(tmp_path: Path) -> None:
    """Handovers of leads and moves between teams count as of the end of the data."""
    load(tmp_path, [
        change("lead", "owned", "rep_id", 10, value="r2", old="r1"),
        change("lead", "pooled", "rep_id", 11, value=None, old="r1"),
        change("rep", "r1", "manager_id", 12, value="m2", old="m1"),
        change("rep", "r2", "manager_id", 13, value=None, old="m2"),
    ])  # fmt: skip
    company = read_company(current(tmp_path))
    assert (company.owners["owned"], company.owners["pooled"]) == ("r2", None)
    assert company.tree.is_below("r1", "m2")
    assert not company.tree.is_below("r1", "m1")
    assert not company.tree.is_below("r2", "m2")


def test_it_is_read_once_for_each_extract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new extract is read at once, the same one is not read again, and no extract is nobody."""
    reads: list[str] = []
    read = module.read_company

    def counted(meta: Any) -> Company:
        reads.append(meta.fingerprint)
        return read(meta)

    monkeypatch.setattr(module, "read_company", counted)
    cache = CompanyCache(tmp_path)
    assert cache.current() == Company()
    load(tmp_path)
    assert cache.current() is cache.current()
    load(tmp_path, [change("lead", "owned", "rep_id", 10, value="r2", old="r1")])
    assert cache.current().owners["owned"] == "r2"
    assert len(reads) == 2
