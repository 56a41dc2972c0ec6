"""Featuretools with cutoff times on a part of the same files; prints one line of JSON.

It can express counts, sums and recency, in all and by type and direction, in each window. It is
given whole leads with all their snapshots, twice as many until the time is spent, and honours no
`known_at`. The best rate counts.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import featuretools as ft
import pandas as pd
import pyarrow.parquet as pq

warnings.filterwarnings("ignore")
WINDOWS = ("7 days", "14 days", "30 days", "90 days", None)
FIRST_LEADS = 500
INTERESTING = ("type", "direction")


def entities(leads: pd.DataFrame, activities: pd.DataFrame) -> ft.EntitySet:
    """Declare the two tables and the words to count by."""
    made = ft.EntitySet("crm")
    made.add_dataframe(
        dataframe=leads,
        dataframe_name="leads",
        index="lead_id",
        time_index="created_at",
        logical_types={"lead_id": "Categorical"},
    )
    made.add_dataframe(
        dataframe=activities,
        dataframe_name="activities",
        index="activity",
        make_index=True,
        time_index="occurred_at",
        logical_types=dict.fromkeys(("lead_id", *INTERESTING), "Categorical"),
    )
    made.add_relationship("leads", "lead_id", "activities", "lead_id")
    words = {name: sorted(activities[name].unique()) for name in INTERESTING}
    made.add_interesting_values(dataframe_name="activities", values=words)
    return made


def build(folder: Path, leads: int) -> dict[str, float]:
    """Build the features of the first so many leads that have snapshots."""
    snapshots = pq.read_table(folder / "snapshots.parquet").to_pandas()
    ids = snapshots["lead_id"].drop_duplicates().iloc[:leads]
    snapshots = snapshots[snapshots["lead_id"] <= ids.iloc[-1]].rename(columns={"cutoff": "time"})
    read = {"filters": [("lead_id", "<=", ids.iloc[-1])]}
    columns = ["lead_id", "occurred_at", "type", "direction", "duration_s"]
    activities = pq.read_table(folder / "activities.parquet", columns=columns, **read).to_pandas()
    columns = ["lead_id", "created_at"]
    known = pq.read_table(folder / "leads.parquet", columns=columns, **read).to_pandas()
    made, features, seconds = entities(known, activities), 0, 0.0
    for window in WINDOWS:
        start = time.perf_counter()
        matrix, _ = ft.dfs(
            entityset=made,
            target_dataframe_name="leads",
            cutoff_time=snapshots,
            agg_primitives=["count", "sum", "time_since_last"],
            where_primitives=["count", "sum", "time_since_last"],
            trans_primitives=[],
            training_window=window,
            max_depth=1,
            n_jobs=1,
            ignore_columns={"leads": ["created_at"]},
        )
        seconds += time.perf_counter() - start
        features += matrix.shape[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "snapshots": len(snapshots),
        "features": features,
        "seconds": seconds,
        "memory_gb": peak,
    }


def main(folder: Path, most_seconds: float) -> dict[str, float]:
    """Take twice as many leads as long as the next round is likely to end in time."""
    leads, spent, best = FIRST_LEADS, 0.0, {}
    while True:
        found = build(folder, leads)
        spent += found["seconds"]
        if not best or found["snapshots"] / found["seconds"] > best["snapshots"] / best["seconds"]:
            best = found
        if spent + 2 * found["seconds"] > most_seconds:
            return best
        leads *= 2


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), float(sys.argv[2]))))  # noqa: T201 - for the caller
