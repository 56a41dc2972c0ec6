"""A small company whose leads convert when they answer, written as an extract."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

Rows = list[dict[str, Any]]

START = datetime(2025, 1, 1)
DAYS = 200
LEADS = 700
HORIZON = 14
SMALL = """\
features:
  windows_days: [7, 30]
training:
  leads: {horizon_days: 14, most_refits: 1}
  split: {every_days: 7}
  quota: {every_days: 14, futures: 200, most_refits: 1}
  booster: {max_rounds: 20, early_stopping_rounds: 5, min_data_in_leaf: 20, bags: 1, threads: 1}
  evaluation: {draws: 20}
"""
"""Settings that make a model in a second or two."""


@dataclass(frozen=True)
class Result:
    """What a command left behind: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it wrote to stdout, read as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Walked:
    """A backtest that was made: its folder, and what it said as JSON."""

    out: Path
    told: Any


Run = Callable[..., Result]
NOT_SAID: Mapping[str, list[str]] = MappingProxyType({})


def company(seed: int = 11, leads: int = LEADS) -> dict[str, Rows]:
    """Make leads of three reps and of nobody; an inbound answer makes a conversion likely."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    end = START + timedelta(days=DAYS)
    rows: Rows = []
    activities: Rows = []
    for number in range(leads):
        born = START + timedelta(minutes=number * DAYS * 1440 // leads + chance.randrange(200))
        owner = chance.choice(["anna", "béla", "chloé", ""])
        source = chance.choice(["web", "web", "fair", "referral"])
        answers = 0
        for place in range(chance.randrange(6)):
            inbound = chance.random() < 0.4
            answers += inbound
            at = born + timedelta(days=place * 2, hours=chance.randrange(1, 40))
            if at < end:
                activities.append(
                    {
                        "activity_id": f"a{len(activities)}",
                        "lead_id": f"L-{number:04}",
                        "occurred_at": at.isoformat(),
                        "type": chance.choice(["call", "mail"]),
                        "rep_id": owner or "anna",
                        "direction": "inbound" if inbound else "outbound",
                    }
                )
        won = chance.random() < 0.04 + 0.22 * answers + (0.15 if source == "referral" else 0.0)
        ends = born + timedelta(days=chance.randrange(8, 35), hours=chance.randrange(24))
        over = ends.isoformat() if ends < end else ""
        rows.append(
            {
                "lead_id": f"L-{number:04}",
                "created_at": born.isoformat(),
                "rep_id": owner,
                "source": source,
                "value": chance.randrange(1, 90) * 100,
                "converted_at": over if won else "",
                "lost_at": "" if won else over,
            }
        )
    reps = [{"rep_id": name, "name": name.title()} for name in ("anna", "béla", "chloé")]
    return {"leads": rows, "activities": activities, "reps": reps}


def sellers(seed: int = 2) -> dict[str, Rows]:
    """Make the three reps' deals and monthly quotas; Chloé has a quota, and deals of nobody."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    end = START + timedelta(days=DAYS)
    deals: Rows = []
    for number in range(300):
        born = START + timedelta(hours=number * DAYS * 24 // 300 + chance.randrange(10))
        ends = born + timedelta(days=chance.randrange(5, 45))
        deals.append(
            {
                "deal_id": f"D-{number:03}",
                "rep_id": chance.choice(["anna", "béla"]),
                "created_at": born.isoformat(),
                "amount": chance.randrange(5, 60) * 100,
                "closed_at": ends.isoformat() if ends < end else "",
                "won": chance.choice(["true", "false"]) if ends < end else "",
            }
        )
    months = [datetime(2025, month, 1) for month in range(1, 9)]
    quotas = [
        {
            "rep_id": rep,
            "period_start": start.isoformat(),
            "period_end": after.isoformat(),
            "amount": 30_000,
        }
        for rep in ("anna", "béla", "chloé")
        for start, after in pairwise(months)
    ]
    return {"deals": deals, "quotas": quotas}


def write(
    folder: Path, tables: Mapping[str, Rows], header: Mapping[str, list[str]] = NOT_SAID
) -> Path:
    """Write tables as CSV; a table without rows needs its header said."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        columns = header.get(name) or list(rows[0])
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def prepared(
    home: Path, tables: Mapping[str, Rows], header: Mapping[str, list[str]] = NOT_SAID
) -> Path:
    """Give a home small settings and an extract beside them, not ingested yet."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "params.yaml").write_text(SMALL, encoding="utf-8")
    write(home / "extract", tables, header)
    return home


def day(number: int) -> str:
    """Write a day of the company's life as people would."""
    return f"{START + timedelta(days=number):%Y-%m-%d}"
