"""A small company, ingested and trained on once for all tests of serving."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest.load import ingest
from features.params import FeatureParams, MinimumParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.settings import Settings
from training.leads.fit import learn_leads
from training.params import BoosterParams, QuotaParams, SplitParams, TrainingParams
from training.quota.dataset import build_quota_training_set
from training.quota.fit import fit_quota
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking

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
    bundle = learn_leads(warehouse, horizon_days, SETTINGS.features, SETTINGS.training)
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


MANAGERS = {"r1": "m1", "r2": "m1", "r3": "m2", "r4": "m2", "r5": None, "r9": "m9"}
MONTHS = [datetime(2025, month, 1) for month in range(1, 9)]
QUARTERS = MONTHS[::3]
FEW = FeatureParams(minimum=MinimumParams(won=20, periods=10))
"""What counts as enough to learn quota attainment from, so that a small company has it."""


def sellers(seed: int = 5) -> dict[str, Rows]:
    """Make deals and quotas: r3 has quarters where others have months, r4 has left, r5's is 0.

    r9 has no quota, and a manager of its own.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    reps = [{"rep_id": rep, "name": rep.upper(), "manager_id": of, "left_at": None}
            for rep, of in MANAGERS.items()]  # fmt: skip
    reps[3]["left_at"] = datetime(2025, 7, 10)
    deals: Rows = []
    for number in range(330):
        born = START + timedelta(hours=number * 14 + chance.randrange(12))
        rep = chance.choice(["r1", "r1", "r2", "r3", "r4", "r5"])
        ends = born + timedelta(days=chance.randrange(5, 50))
        over = ends < UNTIL and not (rep == "r4" and ends > datetime(2025, 7, 10))
        deals.append(
            {
                "deal_id": f"D{number:03}",
                "rep_id": rep,
                "created_at": born,
                "amount": float(chance.randrange(5, 60) * 100),
                "expected_close_at": born + timedelta(days=30),
                "closed_at": ends if over else None,
                "won": chance.random() < (0.6 if rep == "r1" else 0.4) if over else None,
            }
        )
    quotas = [
        {"rep_id": rep, "period_start": start, "period_end": end, "amount": amount}
        for rep, amount, ends in (
            ("r1", 9000.0, MONTHS), ("r2", 9000.0, MONTHS), ("r3", 12000.0, QUARTERS),
            ("r4", 4000.0, MONTHS), ("r5", 0.0, MONTHS),
        )
        for start, end in pairwise([*ends, datetime(2025, 10, 1)] if rep == "r3" else ends)
    ]  # fmt: skip
    return {"reps": reps, "deals": deals, "quotas": quotas}


def teach_quota(home: Path, features: FeatureParams = FEW) -> str:
    """Train a forecast of quota attainment on what is ingested; returns the version."""
    meta = current(home)
    params = SETTINGS.training.model_copy(update={"quota": QuotaParams(every_days=14, futures=400)})
    training_set = build_quota_training_set(Warehouse.duckdb(meta).until(None), features, params)
    bundle = fit_quota(training_set, features, params)
    return Tracking(home).log(RunRecord("quota", bundle, {}, meta.fingerprint))


@pytest.fixture(scope="session")
def sales(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Rows], home: Path) -> Path:
    """A home with leads, deals and quotas, and a champion of each kind; tests only read it."""
    place = tmp_path_factory.mktemp("sales")
    load(place, {**tables, **sellers()})
    Tracking(place).log(RunRecord("leads", Tracking(home).champion("leads").bundle, {}, "data"))
    teach_quota(place)
    return place
