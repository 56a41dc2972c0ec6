"""Faults of a data pipeline, planted into the extract of a company."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

Extract = dict[str, pd.DataFrame]
Plant = Callable[[Extract, pd.Timestamp], Extract]
"""Changes an extract from a moment on."""


def renamed_type(extract: Extract, since: pd.Timestamp) -> Extract:
    """Log calls under another name."""
    activities = extract["activities"].copy()
    is_new = (activities["occurred_at"] >= since) & (activities["type"] == "call")
    activities.loc[is_new, "type"] = "phone_call"
    return {**extract, "activities": activities}


def doubled_calls(extract: Extract, since: pd.Timestamp) -> Extract:
    """Write every call twice, the second time with an id of its own."""
    activities = extract["activities"]
    is_new = (activities["occurred_at"] >= since) & (activities["type"] == "call")
    copies = activities[is_new].assign(activity_id="again " + activities["activity_id"])
    return {**extract, "activities": pd.concat([activities, copies], ignore_index=True)}


def late_labels(extract: Extract, since: pd.Timestamp) -> Extract:
    """Leave out the conversions since, which will be entered later."""
    leads = extract["leads"].copy()
    leads.loc[leads["converted_at"] >= since, "converted_at"] = pd.NaT
    return {**extract, "leads": leads}


def silent_team(extract: Extract, since: pd.Timestamp) -> Extract:
    """Lose all activities that one team logs; its leads and deals go on."""
    activities, reps = extract["activities"], extract["reps"]
    team = reps["team"].dropna().sort_values().iloc[0]
    members = reps.loc[reps["team"] == team, "rep_id"]
    is_lost = (activities["occurred_at"] >= since) & activities["rep_id"].isin(members)
    return {**extract, "activities": activities[~is_lost]}


PLANTS: dict[str, tuple[Plant, int, frozenset[str]]] = {
    "renamed type": (renamed_type, 10, frozenset({"renamed type"})),
    "doubled calls": (doubled_calls, 10, frozenset({"repeated rows", "volume"})),
    "late labels": (late_labels, 21, frozenset({"late labels"})),
    "silent team": (silent_team, 10, frozenset({"logging"})),
}
"""Each fault, for how many days it has lasted, and what it should be found as."""


def read_extract(folder: Path) -> Extract:
    """Read the tables of a company."""
    return {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}


def write_extract(extract: Extract, folder: Path) -> Path:
    """Write the tables of a company."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in extract.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
