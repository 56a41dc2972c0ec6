"""A small company, ingested and trained on once for all tests of the floor."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest import ingest
from features.params import FeatureParams
from features.store import current
from features.warehouse import Warehouse
from serving.settings import Settings
from training.learn import learn
from training.params import BoosterParams, SplitParams, TrainingParams
from training.records import RunRecord
from training.tracking import Tracking

START = datetime(2025, 1, 1)
UNTIL = datetime(2025, 7, 20)
LEADS = 420
SETTINGS = Settings(
    training=TrainingParams(
        split=SplitParams(every_days=4),
        booster=BoosterParams(
            max_rounds=25, early_stopping_rounds=5, min_data_in_leaf=10, bags=1, threads=1
        ),
    )
)
Rows = list[dict[str, Any]]


def company(seed: int = 3) -> dict[str, Rows]:
    """Make leads whose callers call back sooner or later, three reps, and one who sells nothing."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    leads: Rows = []
    activities: Rows = []
    for number in range(LEADS):
        born = START + timedelta(hours=number * 11 + chance.randrange(9))
        source = chance.choice(["web", "referral"])
        lead: dict[str, Any] = {
            "lead_id": f"L{number:03}",
            "created_at": born,
            "rep_id": chance.choice(["r1", "r2", "r3", None]),
            "source": source,
            "value": float(chance.randrange(1, 50) * 100),
            "converted_at": None,
            "lost_at": None,
            "do_not_contact_at": born + timedelta(days=1) if number % 37 == 5 else None,
            "employees": chance.randrange(500),
        }
        touches = chance.randrange(6)
        for place in range(touches):
            at = born + timedelta(days=place * 2, hours=chance.randrange(20))
            activities.append(
                {
                    "activity_id": f"A{len(activities)}",
                    "lead_id": lead["lead_id"],
                    "occurred_at": at,
                    "type": chance.choice(["call", "mail"]),
                    "rep_id": lead["rep_id"] or "r1",
                    "direction": chance.choice(["inbound", "outbound"]),
                }
            )
        ends = born + timedelta(days=chance.randrange(6, 40))
        won = chance.random() < 0.08 * touches + (0.2 if source == "referral" else 0.0)
        lead["converted_at" if won else "lost_at"] = ends if ends < UNTIL else None
        leads.append(lead)
    reps = [{"rep_id": name, "name": name.upper()} for name in ("r1", "r2", "r3", "r9")]
    return {
        "leads": leads,
        "activities": [row for row in activities if row["occurred_at"] < UNTIL],
        "reps": reps,
    }


def load(home: Path, tables: dict[str, Rows], until: datetime = UNTIL) -> None:
    """Write an extract and ingest it."""
    source = home / "source"
    source.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")
    ingest(str(source), home, FeatureParams(), data_until=until)


def teach(home: Path, horizon_days: int = 14, until: datetime | None = None) -> str:
    """Train on what is ingested, and register; returns the version."""
    meta = current(home)
    warehouse = Warehouse.duckdb(meta).until(until)
    bundle = learn(warehouse, horizon_days, SETTINGS.features, SETTINGS.training)
    settings = SETTINGS.model_dump(mode="json")
    return Tracking(home).log(RunRecord("leads", bundle, settings, meta.fingerprint))


@pytest.fixture(scope="session")
def tables() -> dict[str, Rows]:
    """The rows of the company."""
    return company()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Rows]) -> Path:
    """A home with data and a champion; tests only read it."""
    place = tmp_path_factory.mktemp("home")
    load(place, tables)
    teach(place)
    return place
