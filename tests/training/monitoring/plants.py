"""Faults planted into an extract: what a loader, a CRM or a team does without saying so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

Tables = dict[str, pd.DataFrame]
Plant = Callable[[Tables, pd.Timestamp], None]
WEEK = pd.Timedelta(days=7)


def renamed_type(tables: Tables, end: pd.Timestamp) -> None:
    """From the last week on e-mails are called by another name."""
    rows = tables["activities"]
    is_new = (rows["occurred_at"] >= end - WEEK) & (rows["type"] == "email")
    rows.loc[is_new, "type"] = "e-mail (v2)"


def doubled_calls(tables: Tables, end: pd.Timestamp) -> None:
    """In the last week every call is loaded twice, under a new id."""
    rows = tables["activities"]
    calls = rows[(rows["occurred_at"] >= end - WEEK) & (rows["type"] == "call")]
    copies = calls.assign(activity_id="again-" + calls["activity_id"])
    tables["activities"] = pd.concat([rows, copies], ignore_index=True)


def late_labels(tables: Tables, end: pd.Timestamp) -> None:
    """Conversions of the last three weeks are not recorded yet."""
    leads = tables["leads"]
    leads.loc[leads["converted_at"] >= end - 3 * WEEK, "converted_at"] = pd.NaT
    changes = tables["changes"]
    is_told = (changes["entity_type"] == "lead") & (changes["value"] == "converted")
    tables["changes"] = changes[~(is_told & (changes["changed_at"] >= end - 3 * WEEK))]


def stopped_team(tables: Tables, end: pd.Timestamp) -> None:
    """In the last week nothing that one team does reaches the CRM's log."""
    reps, rows = tables["reps"], tables["activities"]
    team = reps.loc[reps["team"] == min(reps["team"].unique()), "rep_id"]
    is_lost = (rows["occurred_at"] >= end - WEEK) & rows["rep_id"].isin(team)
    tables["activities"] = rows[~is_lost]


def late_rows(tables: Tables, end: pd.Timestamp) -> None:
    """Activities of the last three weeks became known five days after they happened."""
    rows = tables["activities"]
    is_new = rows["occurred_at"] >= end - 3 * WEEK
    rows.loc[is_new, "known_at"] = rows["occurred_at"][is_new] + pd.Timedelta(days=5)


PLANTS: Mapping[str, tuple[Plant, frozenset[str]]] = MappingProxyType(
    {
        "a renamed activity type": (renamed_type, frozenset({"vanished_type", "new_type"})),
        "a loader that doubles calls": (doubled_calls, frozenset({"repeated", "volume"})),
        "labels that arrive late": (late_labels, frozenset({"late_labels"})),
        "logging that stops for one team": (stopped_team, frozenset({"stopped_team"})),
        "rows that arrive late": (late_rows, frozenset({"late_rows"})),
    }
)
"""Each fault, and the findings of which at least one must be an alarm."""


def read(folder: Path) -> Tables:
    """Read a company's tables."""
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def planted(tables: Tables, plant: Plant, end: pd.Timestamp, out: Path) -> Path:
    """Write a company's tables with a fault in them."""
    changed = {name: frame.copy() for name, frame in tables.items()}
    plant(changed, end)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in changed.items():
        frame.to_parquet(out / f"{name}.parquet", index=False)
    return out
