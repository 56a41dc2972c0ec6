"""A seeded company that sells against quotas, as plain rows: small, quick, with planted odds.

Reps find deals at a pace of their own; a deal is won mostly if it came warm. Everything a test
bends (periods, amounts, tables that are missing) is bent on these rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from extract import Extract, Row

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.params import BoosterParams, QuotaParams, TrainingParams

START = datetime(2023, 1, 1)
QUARTERS = [datetime(2023 + n // 4, 1 + 3 * (n % 4), 1) for n in range(8)]
REPS = 8
FEATURES = FeatureParams(windows_days=(30,), known_at_creation=("deals.origin",))
TRAINING = TrainingParams(
    booster=BoosterParams(
        max_rounds=40, early_stopping_rounds=8, min_data_in_leaf=15, learning_rate=0.1, bags=2
    ),
    quota=QuotaParams(futures=200, most_refits=1, every_days=14),
)
TYPES: Mapping[str, Mapping[str, pa.DataType]] = {
    "deals": {
        "deal_id": pa.string(),
        "rep_id": pa.string(),
        "created_at": pa.timestamp("us"),
        "amount": pa.float64(),
        "closed_at": pa.timestamp("us"),
        "won": pa.bool_(),
        "origin": pa.string(),
        "currency": pa.string(),
    },
    "quotas": {
        "rep_id": pa.string(),
        "period_start": pa.timestamp("us"),
        "period_end": pa.timestamp("us"),
        "amount": pa.float64(),
        "known_at": pa.timestamp("us"),
    },
    "reps": {
        "rep_id": pa.string(),
        "manager_id": pa.string(),
        "territory": pa.string(),
        "hired_at": pa.timestamp("us"),
        "left_at": pa.timestamp("us"),
    },
    "changes": {
        "entity_type": pa.string(),
        "entity_id": pa.string(),
        "changed_at": pa.timestamp("us"),
        "field": pa.string(),
        "value": pa.string(),
        "old_value": pa.string(),
        "known_at": pa.timestamp("us"),
    },
}


def sellers(until: datetime, seed: int = 1, each: float = 4.0) -> Extract:
    """Make a company of eight reps with two managers.

    Args:
        until: where the extract ends.
        seed: of everything.
        each: days between a usual rep's deals.
    """
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    rows: dict[str, list[Row]] = {name: [] for name in TYPES}
    for place in range(REPS):
        pace = each * (0.7 + 0.6 * place / REPS)
        rep = {"rep_id": f"r{place}", "manager_id": f"m{place % 2}", "territory": "north"}
        rows["reps"].append({**rep, "hired_at": START - timedelta(days=400), "left_at": None})
        born = START
        while (born := born + timedelta(days=rng.expovariate(1 / pace))) < until:
            _deal(rng, rows, f"r{place}", born, until)
        for quarter in QUARTERS:
            rows["quotas"].append(quota(f"r{place}", quarter, 20_000 * 4 / pace))
    return Extract(rows, until)


def quota(rep_id: str, start: datetime, amount: float | None, months: int = 3) -> dict[str, Any]:
    """Write a quota's row."""
    month = start.month - 1 + months
    end = datetime(start.year + month // 12, month % 12 + 1, 1)
    return {"rep_id": rep_id, "period_start": start, "period_end": end, "amount": amount}


def _deal(
    rng: Random, rows: dict[str, list[Row]], rep_id: str, born: datetime, until: datetime
) -> None:
    origin = rng.choice(("warm", "cold"))
    closed = born + timedelta(days=6 + rng.expovariate(1 / 25))
    won = rng.random() < (0.75 if origin == "warm" else 0.1)
    name = f"{rep_id}-{len(rows['deals']):04}"
    rows["deals"].append(
        {
            "deal_id": name,
            "rep_id": rep_id,
            "created_at": born,
            "amount": round(2_000 * rng.lognormvariate(0, 0.5), 2),
            "closed_at": closed if closed < until else None,
            "won": won if closed < until else None,
            "origin": origin,
        }
    )
    for field, at, value in (("stage", born, "open"), ("stage", born + (closed - born) / 2, "bid")):
        if at < until:
            told = {"entity_type": "deal", "entity_id": name, "changed_at": at}
            rows["changes"].append({**told, "field": field, "value": value})


def opened(
    extract: Extract, home: Path, tables: Sequence[str] = tuple(TYPES), *, until: bool = True
) -> Warehouse:
    """Write some tables as a CRM would, ingest them, and open what came of it."""
    source = home / "source"
    source.mkdir(parents=True)
    for name in tables:
        rows = extract.rows(name)
        columns = {c: pa.array([r.get(c) for r in rows], kind) for c, kind in TYPES[name].items()}
        pq.write_table(pa.table(columns), source / f"{name}.parquet")
    ingest(str(source), home, FEATURES, data_until=extract.data_until if until else None)
    return Warehouse.duckdb(current(home), FEATURES.ingest)
