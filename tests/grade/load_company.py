"""A company of 40 reps with 200 open leads each, and one with 5,000, written as an extract."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 1, 1)
DAYS = 200
OWN_LEADS = {f"rep-{number}": 200 for number in range(40)} | {"rep-40": 5_000}
OLD_LEADS = 1_500
SETTINGS = """\
features:
  windows_days: [7, 30]
training:
  leads: {horizon_days: 14, most_refits: 1}
  split: {every_days: 7}
  booster: {max_rounds: 60, early_stopping_rounds: 5, min_data_in_leaf: 20, bags: 1, threads: 1}
  evaluation: {draws: 20}
"""
"""Settings that make a model in seconds; the service is what is measured."""


def write_load_company(folder: Path, seed: int = 5) -> None:
    """Write leads that have ended, from which a model learns, and all that are open."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    leads: list[dict[str, Any]] = []
    activities: list[dict[str, Any]] = []
    for number in range(OLD_LEADS):
        born = START + timedelta(days=DAYS * 0.8 * number / OLD_LEADS)
        rep = chance.choice([*OWN_LEADS])
        answers = _touch(chance, activities, f"old-{number}", rep, born)
        won = chance.random() < 0.05 + 0.2 * answers
        ended = born + timedelta(days=chance.randrange(8, 35))
        lead = _lead(chance, f"old-{number}", rep, born)
        leads.append(lead | {"converted_at" if won else "lost_at": ended.isoformat()})
    for rep, count in OWN_LEADS.items():
        for number in range(count):
            name = f"{rep}-lead-{number}"
            born = START + timedelta(days=DAYS - 20 + 20 * number / count)
            _touch(chance, activities, name, rep, born)
            leads.append(_lead(chance, name, rep, born))
    reps = [{"rep_id": rep, "name": rep.title()} for rep in OWN_LEADS]
    folder.mkdir(parents=True)
    for name, rows in (("leads", leads), ("activities", activities), ("reps", reps)):
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


def _lead(chance: random.Random, name: str, rep: str, born: datetime) -> dict[str, Any]:
    return {
        "lead_id": name,
        "created_at": born.isoformat(),
        "rep_id": rep,
        "source": chance.choice(["web", "fair", "referral"]),
        "value": chance.randrange(1, 90) * 100,
    }


def _touch(
    chance: random.Random, activities: list[dict[str, Any]], lead: str, rep: str, born: datetime
) -> int:
    """Add activities of a lead; returns how many of them came from the lead."""
    answers = 0
    for place in range(chance.randrange(5)):
        at = born + timedelta(days=place * 2, hours=chance.randrange(1, 40))
        if at >= START + timedelta(days=DAYS):
            break
        is_inbound = chance.random() < 0.4
        answers += is_inbound
        activities.append(
            {
                "activity_id": f"a{len(activities)}",
                "lead_id": lead,
                "occurred_at": at.isoformat(),
                "type": chance.choice(["call", "mail"]),
                "rep_id": rep,
                "direction": "inbound" if is_inbound else "outbound",
            }
        )
    return answers
