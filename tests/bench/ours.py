"""The product's own build, and the plain group-by before and after it; prints lines of JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from generate import CUTOFFS, DIRECTIONS, TYPES, generate

from features.as_of.leads import open_lead_snapshots
from features.build import build_snapshots
from features.definitions.lead import lead_features
from features.feature import Aggregate, Aggregation, Feature, FeatureSet, Relation, Unit
from features.history.vocabulary import read_vocabulary
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from features.texts import About, Who

WINDOWS_DAYS = (7, 14, 30, 90, None)
ABOUT = About("touch", "activity", Who.REP)
GROUP_BY = """
    SELECT lead_id, type, count(*), sum(duration_s), max(occurred_at)
    FROM activities GROUP BY lead_id, type
"""


def shared(types: tuple[str, ...], directions: tuple[str, ...]) -> FeatureSet:
    """Declare what the peers can express too: counts and sums by word and window, recency."""
    made = []

    def add(name: str, how: Aggregate, unit: Unit, days: int | None = None) -> None:
        label = f"{name}_{days or 'all'}"
        made.append(Feature(label, Relation.TOUCHES, how, label, ABOUT, unit, days))

    words = [("type", code) for code in range(len(types))]
    words += [("direction", code) for code in range(len(directions))]
    for by, code in [(None, None), *words]:
        name = "touches" if by is None else f"{by}_{code}"
        for days in WINDOWS_DAYS:
            add(f"count_{name}", Aggregate(Aggregation.COUNT, by, code), Unit.COUNT, days)
            total = Aggregate(Aggregation.SUM, by, code, column="duration")
            add(f"hours_{name}", total, Unit.HOURS, days)
        add(f"days_since_{name}", Aggregate(Aggregation.SINCE_LAST, by, code), Unit.DAYS)
    return FeatureSet("lead", tuple(made))


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do the work; give its wall and processor seconds, and the peak memory so far."""
    before, start = os.times(), time.perf_counter()
    made = work()
    seconds, after = time.perf_counter() - start, os.times()
    cpu = after.user + after.system - before.user - before.system
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return made, {"seconds": seconds, "cpu": cpu, "memory_gb": peak}


def main(folder: Path, sizes: tuple[int, int], which: str, repeats: int) -> None:
    """Build one set of features several times, the group-by around each."""
    params = FeatureParams()
    warehouse = Warehouse.duckdb(generate(folder, *sizes))
    words = read_vocabulary(warehouse.until(None), params)
    declared = lead_features(words, params)
    sources = {
        "touches": (Relation.TOUCHES,),
        "days and reps": (Relation.TOUCH_DAYS, Relation.TOUCH_REPS),
        "whole": tuple(Relation),
    }
    if which == "shared":
        assert set(words.types) == set(TYPES)
        assert set(words.directions) == set(DIRECTIONS)
        chosen = shared(words.types, words.directions)
    else:
        kept = tuple(f for f in declared if f.source in sources[which])
        chosen = FeatureSet("lead", kept, declared.rows)

    def group_by() -> Any:
        return warehouse.backend.con.sql(GROUP_BY).to_arrow_table()

    group_by()  # the file is read once before anything is timed
    for _ in range(repeats):
        _, before = timed(group_by)
        with warehouse.workspace() as work:
            taken, opened = timed(lambda w=work: open_lead_snapshots(w, words, CUTOFFS, params))
            examples, built = timed(lambda s=taken: build_snapshots(s, chosen))
        result = {"snapshots": len(examples), "features": len(chosen)}
        if not (folder / "snapshots.parquet").exists():
            keys = examples.keys[["lead_id", "cutoff"]]
            pq.write_table(_plain(keys), folder / "snapshots.parquet")
        del examples
        _, after = timed(group_by)
        print(  # noqa: T201 - this is what the caller reads
            json.dumps({**result, "group_by": [before, after], "opening": opened, **built}),
            flush=True,
        )


def _plain(keys: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - only for the file the peers read

    table = pa.Table.from_pandas(keys, preserve_index=False)
    schema = pa.schema([("lead_id", pa.string()), ("cutoff", pa.timestamp("us"))])
    return table.cast(schema)


if __name__ == "__main__":
    place, activities, snapshots, name, times = sys.argv[1:]
    main(Path(place), (int(activities), int(snapshots)), name, int(times))
