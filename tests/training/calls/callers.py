"""A team that calls its leads once a day, in which being reached has a known effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from extract import Extract, Row

START = datetime(2025, 1, 6)
HORIZON = 20
REACH = {"ads": 0.25, "fair": 0.5}
"""Chance to get through, by where a lead came from."""
BASE = {"ads": 0.05, "fair": 0.15}
"""Chance to convert within the horizon of a call, if nobody was reached."""


def callers(
    seed: int, leads: int = 1500, gain: Mapping[str, float] | None = None, missed: str = "no answer"
) -> Extract:
    """Make leads that are each called once, two days after they came in.

    Args:
        seed: of every draw.
        leads: how many.
        gain: what being reached adds to the chance to convert, by source.
        missed: what a call is called that did not get through.
    """
    draws, gains = np.random.default_rng(seed), gain or {"ads": 0.1, "fair": 0.3}
    rows: dict[str, list[Row]] = {"leads": [], "activities": []}
    for number in range(leads):
        source = str(draws.choice(sorted(REACH)))
        born = START + timedelta(days=number * 200 // leads, hours=draws.uniform(7, 18))
        call = (born + timedelta(days=2)).replace(hour=10)
        reached = draws.random() < REACH[source]
        converts = draws.random() < BASE[source] + gains[source] * reached
        end = call + timedelta(days=draws.uniform(1, HORIZON - 2))
        rows["leads"].append(
            {
                "lead_id": f"L{number:04}",
                "rep_id": f"R{number % 4}",
                "created_at": born,
                "source": source,
                "value": 1000.0,
                "converted_at": end if converts else None,
                "lost_at": None if converts else call + timedelta(days=HORIZON + 5),
            }
        )
        rows["activities"].append(
            {
                "activity_id": f"T{number}",
                "lead_id": f"L{number:04}",
                "rep_id": f"R{number % 4}",
                "occurred_at": call,
                "type": "call",
                "direction": "outbound",
                "outcome": "connected" if reached else missed,
            }
        )
    return Extract(rows, START + timedelta(days=240))
