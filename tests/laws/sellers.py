"""A seeded company whose leads convert for reasons, as rows, and its way through real ingest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from training.params import BoosterParams, LeadParams, SplitParams, TrainingParams

START = datetime(2024, 1, 1)
DAYS = 300
UNTIL = START + timedelta(days=DAYS)
HORIZON = 20
LEADS = 800
REPS = ("Ada Lovelock", "Bram Stokoe", "Cleo Patrasi", "Dov Gruner")
FEATURES = FeatureParams(
    windows_days=(7, 30), min_count=15, known_at_creation=("accounts.industry",)
)
TRAINING = TrainingParams(
    leads=LeadParams(horizon_days=HORIZON),
    split=SplitParams(every_days=4),
    booster=BoosterParams(
        max_rounds=40, early_stopping_rounds=8, min_data_in_leaf=15, learning_rate=0.1, bags=2
    ),
)
FEW = frozenset(
    {"age_days", "touches_all", "days_since_touch", "leads_source", "leads_value", "owner_rate"}
)
"""Features that are enough where it does not matter which there are."""
TYPES: Mapping[str, Mapping[str, pa.DataType]] = {
    "leads": {
        "lead_id": pa.string(),
        "created_at": pa.timestamp("us"),
        "rep_id": pa.string(),
        "account_id": pa.string(),
        "source": pa.string(),
        "value": pa.float64(),
        "converted_at": pa.timestamp("us"),
        "lost_at": pa.timestamp("us"),
        "do_not_contact_at": pa.timestamp("us"),
        "campaign": pa.string(),
    },
    "activities": {
        "activity_id": pa.string(),
        "lead_id": pa.string(),
        "occurred_at": pa.timestamp("us"),
        "known_at": pa.timestamp("us"),
        "type": pa.string(),
        "rep_id": pa.string(),
        "direction": pa.string(),
        "outcome": pa.string(),
        "duration_s": pa.float64(),
    },
    "changes": {
        "entity_type": pa.string(),
        "entity_id": pa.string(),
        "changed_at": pa.timestamp("us"),
        "known_at": pa.timestamp("us"),
        "field": pa.string(),
        "value": pa.string(),
        "old_value": pa.string(),
    },
    "reps": {
        "rep_id": pa.string(),
        "name": pa.string(),
        "team": pa.string(),
        "hired_at": pa.timestamp("us"),
        "left_at": pa.timestamp("us"),
    },
    "accounts": {"account_id": pa.string(), "industry": pa.string()},
}
"""The columns an extract is written with, whatever its rows hold."""


def company(seed: int = 1, leads: int = LEADS, until: datetime = UNTIL) -> Extract:
    """Make a company: warm sources, answered calls and reached stages make leads convert.

    A fifth of the activities and changes is entered days late, one lead in ten has no owner, some
    change hands, one in thirty asks not to be called.
    """
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    rows: dict[str, list[Row]] = {name: [] for name in TYPES}
    for place, name in enumerate(REPS):
        rows["reps"].append(
            {
                "rep_id": f"r{place}",
                "name": name,
                "team": "north" if place % 2 else "south",
                "hired_at": START + timedelta(days=90 * place - 100),
                "left_at": START + timedelta(days=250) if place == 1 else None,
            }
        )
    for place in range(40):
        industry = rng.choice(["steel", "software", "food"])
        rows["accounts"].append({"account_id": f"a{place}", "industry": industry})
    span = (until - START) / timedelta(hours=1)
    for number in range(leads):
        born = START + timedelta(hours=span * number / leads, minutes=rng.randrange(600))
        if born < until:
            _lead(rng, rows, f"L{number:04}", born, until)
    return Extract(rows, until)


def _lead(
    rng: Random, rows: dict[str, list[Row]], name: str, born: datetime, until: datetime
) -> None:
    source = rng.choices(["web", "event", "referral", "partner"], [50, 30, 19, 1])[0]
    owner = None if rng.random() < 0.1 else f"r{rng.randrange(len(REPS))}"
    interest = rng.random() + {"web": 0.0, "event": 0.1, "referral": 0.45, "partner": 0.2}[source]
    length = 4 + rng.expovariate(1 / 22)
    end = born + timedelta(days=length)
    won = rng.random() < 0.12 + 0.45 * (interest > 0.8)
    for _ in range(min(12, int(length * (0.15 + 0.2 * interest)))):
        at = born + (end - born) * rng.random()
        inbound = rng.random() < 0.3 * interest
        _enter(
            rng,
            rows["activities"],
            {
                "activity_id": f"{name}-{at:%m%d%H%M%S%f}",
                "lead_id": name,
                "occurred_at": at,
                "type": rng.choice(["call", "mail", "meeting"]),
                "rep_id": owner or "r0",
                "direction": "inbound" if inbound else "outbound",
                "outcome": rng.choice(["answered", "missed", None]),
                "duration_s": float(rng.randrange(30, 900)),
            },
            until,
        )
    moves: list[tuple[str, datetime, str]] = []
    if interest > 0.5:
        moves.append(("stage", born + (end - born) * 0.3, "talking"))
    if interest > 0.8 and rng.random() < 0.7:
        moves.append(("stage", born + (end - born) * 0.6, "offer"))
    if owner is not None and rng.random() < 0.1:
        moves.append(("rep_id", born, owner))
        owner = f"r{rng.randrange(len(REPS))}"
        moves.append(("rep_id", born + (end - born) * 0.5, owner))
    for changed, at, value in moves:
        change = {"entity_type": "lead", "entity_id": name, "field": changed, "value": value}
        _enter(rng, rows["changes"], {**change, "changed_at": at}, until)
    ended = "converted_at" if won else "lost_at"
    rows["leads"].append(
        {
            "lead_id": name,
            "created_at": born,
            "rep_id": owner,
            "account_id": f"a{rng.randrange(40)}" if rng.random() < 0.8 else None,
            "source": source,
            "value": None if rng.random() < 0.1 else float(rng.randrange(1, 60) * 100),
            ended: end if end < until else None,
            "do_not_contact_at": born + timedelta(days=3) if rng.random() < 0.03 else None,
            "campaign": "closed-won" if won else "spring",
        }
    )


def _enter(rng: Random, table: list[Row], row: dict[str, Any], until: datetime) -> None:
    """Put a row into a table, a fifth of them late; what lies past the end is not there."""
    clock = "occurred_at" if "occurred_at" in row else "changed_at"
    late = timedelta(days=rng.random() * 12) if rng.random() < 0.2 else timedelta()
    if row[clock] + late < until:
        table.append({**row, "known_at": row[clock] + late if late else None})


def without(names: Iterable[str]) -> TrainingParams:
    """Leave features out by name, and refit once."""
    leads = LeadParams(horizon_days=HORIZON, most_refits=1, leave_out=tuple(sorted(names)))
    return TRAINING.model_copy(update={"leads": leads})


def write_source(extract: Extract, folder: Path) -> None:
    """Write the tables as a CRM would hand them over."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, types in TYPES.items():
        rows = extract.rows(name)
        columns = {c: pa.array([row.get(c) for row in rows], kind) for c, kind in types.items()}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def open_warehouse(extract: Extract, home: Path, params: FeatureParams = FEATURES) -> Warehouse:
    """Ingest an extract that is complete up to its own end, and open it."""
    write_source(extract, home / "source")
    ingest(str(home / "source"), home, params, data_until=extract.data_until)
    return Warehouse.duckdb(current(home), params.ingest)


def open_at(leads: Sequence[Row], cutoff: datetime) -> set[str]:
    """Name the leads that are open at a cutoff, in the contract's words."""
    return {
        lead["lead_id"]
        for lead in leads
        if lead["created_at"] < cutoff
        and not any(
            (moment := lead.get(end)) is not None and moment < cutoff
            for end in ("converted_at", "lost_at")
        )
    }
