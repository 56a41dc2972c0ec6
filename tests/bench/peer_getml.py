"""getML FastProp on the same files; run by its own interpreter, prints one line of JSON.

It can express counts and sums, in all and by type and direction, in each window. It is given the
snapshots, honours no `known_at`, and only enumerates its features when fitted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import getml
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WINDOWS_DAYS = (7, 14, 30, 90, None)
FITTED_ROWS = 5_000
MOST_FREQUENT = 8


def frame(name: str, table: pa.Table, **roles: list[str]) -> getml.DataFrame:
    """Hand a table to the engine."""
    return getml.data.DataFrame.from_arrow(table, name, roles=getml.data.Roles(**roles))


def memory_gb() -> float:
    """Give the peak of the engine's processes, which are the peer's own children."""
    peaks = [0.0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            command = (status.parent / "cmdline").read_bytes().lower()
        except OSError:
            continue
        if b"getml" in command and "VmHWM" in lines:
            peaks.append(int(lines["VmHWM"].split()[0]) / 2**20)
    return max(peaks)


def main(folder: Path) -> dict[str, float]:
    """Build the features once."""
    snapshots = pq.read_table(folder / "snapshots.parquet")
    target = np.arange(len(snapshots)) % 2  # what is learned does not matter here
    snapshots = snapshots.append_column("y", pa.array(target.astype(np.float64)))
    activities = pq.read_table(
        folder / "activities.parquet",
        columns=["lead_id", "occurred_at", "type", "direction", "duration_s"],
    )
    population = frame(
        "population", snapshots, join_key=["lead_id"], time_stamp=["cutoff"], target=["y"]
    )
    activity = frame(
        "activity",
        activities,
        join_key=["lead_id"],
        time_stamp=["occurred_at"],
        categorical=["type", "direction"],
        numerical=["duration_s"],
    )
    model = getml.data.DataModel(population.to_placeholder("population"))
    peripheral = {}
    for days in WINDOWS_DAYS:
        name = f"activity_{days or 'all'}"
        peripheral[name] = activity
        model.add(placeholder := activity.to_placeholder(name))
        model.population.join(
            placeholder,
            on="lead_id",
            time_stamps=("cutoff", "occurred_at"),
            memory=getml.data.time.days(days) if days else None,
        )
    aggregations = getml.feature_learning.aggregations
    learner = getml.feature_learning.FastProp(
        loss_function=getml.feature_learning.loss_functions.CrossEntropyLoss,
        aggregation=[aggregations.COUNT, aggregations.SUM],
        num_features=1_000,
        n_most_frequent=MOST_FREQUENT,
        num_threads=2,
        sampling_factor=1.0,
    )
    pipeline = getml.pipeline.Pipeline(data_model=model, feature_learners=[learner])
    pipeline.fit(population[:FITTED_ROWS], peripheral, check=False)
    start = time.perf_counter()
    made = pipeline.transform(population, peripheral)
    seconds = time.perf_counter() - start
    return {
        "snapshots": len(snapshots),
        "features": made.shape[1],
        "seconds": seconds,
        "memory_gb": memory_gb(),
    }


if __name__ == "__main__":
    getml.engine.launch(
        launch_browser=False,
        allow_push_notifications=False,
        quiet=True,
        home_directory=sys.argv[2],
    )
    for _ in range(100):
        if getml.engine.is_alive():
            break
        time.sleep(0.1)
    try:
        getml.set_project("bench")
        result = main(Path(sys.argv[1]))
    finally:
        getml.engine.shutdown()
    print(json.dumps(result))  # noqa: T201 - this is what the caller reads
