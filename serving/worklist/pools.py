"""Whose pool the leads of a rep who has left or is away stand in: the manager's who is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from features.history.values import last_shown
from features.storage.warehouse import Warehouse
from serving.worklist.rules import EVERYBODY


def pools_of(warehouse: Warehouse, as_of: datetime, away: AbstractSet[str]) -> dict[str, str]:
    """Return, for each rep who has left or is away, in whose pool the leads stand.

    Args:
        warehouse: the history; only what the moment may see of it counts.
        as_of: the moment.
        away: reps who are away that day.

    Returns:
        Rep -> the next manager up who is there; the pool of everybody where there is none.
    """
    past = warehouse.until(as_of)
    reps = past["reps"].select("rep_id", "manager_id", "left_at")
    rows = past.arrow(last_shown(past, reps, "reps", "manager_id")).to_pylist()
    managers = {row["rep_id"]: row["manager_id"] for row in rows}
    gone = {row["rep_id"] for row in rows if row["left_at"] is not None} | away
    return {rep: _next_there(rep, managers, gone) for rep in gone}


def _next_there(rep: str, managers: Mapping[str, str | None], gone: AbstractSet[str]) -> str:
    """Return the nearest manager who is there. Managers who manage each other are gone round once.

    With A under B, B under C, and A and B away: C's pool. With C away too: everybody's.
    """
    return next((name for name in _above(rep, managers) if name not in gone), EVERYBODY)


def _above(rep: str, managers: Mapping[str, str | None]) -> Iterator[str]:
    met = {rep}
    manager = managers.get(rep)
    while manager and manager not in met:
        yield manager
        met.add(manager)
        manager = managers.get(manager)
