"""How far each lead's chance has moved over a week and four weeks, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pandas as pd

from serving.pages.facts import Moved

SPANS = (7, 28)
"""Days."""
STILL = 0.005
"""Less than half a point is no movement."""


def trends(
    now: pd.DataFrame, scored_at: Callable[[datetime], pd.DataFrame], as_of: datetime
) -> dict[str, list[Moved]]:
    """Compare each lead's chance with those of earlier moments, by the same model.

    Args:
        now: the scores, by lead.
        scored_at: scores as of another moment.
        as_of: the moment of the scores.

    Returns:
        By lead, one movement for each span in which the lead was open already.
    """
    moved: dict[str, list[Moved]] = {}
    for days in SPANS:
        then = scored_at(as_of - timedelta(days=days)).set_index("lead_id")
        earlier = then[["p", "reasons"]].add_suffix("_then")
        both = now[["p", "reasons"]].join(earlier, how="inner")
        for lead, row in zip(both.index, both.to_dict("records"), strict=True):
            by = float(row["p"] - row["p_then"])
            because = mover(row["reasons"], row["reasons_then"], by) if abs(by) >= STILL else ""
            moved.setdefault(lead, []).append(Moved(days, by, because))
    return moved


def mover(now: str, then: str, by: float) -> str:
    """Return the reason whose points moved most in the direction of a movement, in words.

    A reason that is named on one side only counts as 0 on the other, so it moved by its points.

    Args:
        now: the reasons of the newer score, as JSON.
        then: those of the earlier one.
        by: the movement.

    >>> now = '{"items": [{"feature": "calls", "label": "calls", "value": "4", "points": 3.0}]}'
    >>> mover(now, '{"items": []}', 0.03)
    'mainly: 4'
    >>> mover('{"items": []}', now, -0.03)
    'no longer so: 4'
    """
    newer, older = _items(now), _items(then)
    sign = 1 if by > 0 else -1
    change = {
        name: sign * (_points(newer.get(name)) - _points(older.get(name)))
        for name in {**newer, **older}
    }
    name = max(change, key=lambda key: (change[key], key), default=None)
    if name is None or change[name] <= 0:
        return ""
    item = newer.get(name)
    return f"no longer so: {older[name]['value']}" if item is None else f"mainly: {item['value']}"


def _items(reasons: str) -> Mapping[str, Mapping[str, object]]:
    return {item["feature"]: item for item in json.loads(reasons)["items"]}


def _points(item: Mapping[str, object] | None) -> float:
    return 0.0 if item is None else float(str(item["points"]))
