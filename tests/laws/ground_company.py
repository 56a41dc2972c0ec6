"""A seeded company in which every rep is dealt the same leads, as plain rows: small and quick.

Every day each rep gets one lead. Leads from the web convert three times as often as cold ones, and
half of the deals are won. Everything a test bends (skill, ground, people) is bent by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from extract import Extract, Row

from features.storage.warehouse import Warehouse

START = datetime(2022, 10, 1)
QUARTERS = [datetime(2023 + k // 4, 1 + 3 * (k % 4), 1) for k in range(5)]
UNTIL = QUARTERS[4]
REPS = tuple(f"r{place}" for place in range(8))
CHANCE = {"web": 0.45, "cold": 0.15}
WIN = 0.5
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bent:
    """What is unlike the others.

    Attributes:
        skill: factor of a rep's conversions; 1 for reps not named.
        cold: reps who get cold leads only.
        reps: further columns of a rep's row, such as `left_at`.
    """

    skill: Mapping[str, float] = field(default_factory=dict)
    cold: frozenset[str] = frozenset()
    reps: Mapping[str, Row] = field(default_factory=dict)


def grounds_company(seed: int = 1, bent: Bent | None = None, until: datetime = UNTIL) -> Extract:
    """Make the company.

    Args:
        seed: of all luck.
        bent: what is unlike the others.
        until: where the extract ends.
    """
    rng, bent = Random(seed), bent or Bent()  # noqa: S311 - a sample, no secret
    rows: dict[str, list[Row]] = {name: [] for name in ("leads", "deals", "reps", "quotas")}
    for place, rep in enumerate(REPS):
        row = {"rep_id": rep, "territory": "north" if place % 2 else "south"}
        rows["reps"].append(
            {**row, "hired_at": START - 900 * DAY, "left_at": None, **bent.reps.get(rep, {})}
        )
        rows["quotas"] += [
            {"rep_id": rep, "period_start": start, "period_end": end, "amount": 50_000.0}
            for start, end in zip(QUARTERS, [*QUARTERS[1:], datetime(2024, 4, 1)], strict=True)
            if start < until
        ]
    for day in range((until - START).days):
        for rep in REPS:
            _lead(rng, rows, bent, rep, START + day * DAY + timedelta(hours=9), until)
    return Extract(rows, until)


def _lead(
    rng: Random, rows: dict[str, list[Row]], bent: Bent, rep: str, born: datetime, until: datetime
) -> None:
    source = "cold" if rep in bent.cold or born.day % 2 else "web"
    value = (2_000.0, 5_000.0, 9_000.0)[born.day % 3]
    ended = born + timedelta(days=1 + rng.expovariate(1 / 15))
    converts = rng.random() < CHANCE[source] * bent.skill.get(rep, 1.0)
    is_over = ended < until
    lead_id = f"{rep}-{len(rows['leads']):05}"
    lead = {"lead_id": lead_id, "created_at": born, "rep_id": rep, "source": source, "value": value}
    lead["converted_at"] = ended if converts and is_over else None
    lead["lost_at"] = ended if not converts and is_over else None
    rows["leads"].append(lead)
    closed, won = ended + timedelta(days=2 + rng.expovariate(1 / 25)), rng.random() < WIN
    if converts and is_over:
        deal: dict[str, Any] = {"deal_id": f"d-{lead_id}", "rep_id": rep, "lead_id": lead_id}
        deal |= {"created_at": ended, "amount": value}
        deal |= {"closed_at": closed, "won": won} if closed < until else {}
        rows["deals"].append(deal)


def laid_open(extract: Extract, folder: Path) -> Warehouse:
    """Lay the tables down as ingest would leave them, and open them."""
    return Warehouse.duckdb(extract.laid_down(folder))
