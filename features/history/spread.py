"""Histories aggregated where their rows lie: on the executors of Spark, part by part.

The snapshots of an entity have neighbouring numbers, and a row of a history names the first of
them. So both are sent to the same part by that number, and a part is worked on alone, by the code
that works on parts on one machine. What comes back is a column for each feature; the rows of the
history never come to the driver.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.history.counts import microseconds
from features.history.event_log import PART
from features.history.relations import SnapshotSet
from features.history.windows import aggregate_of, columns_of, window_columns
from features.snapshot import AVAILABLE_AT, CUTOFF, ENTITY, EVENT_TIME, SNAPSHOT, Spine
from features.texts import About, Who

NUMBER = "part"


def window_frame(
    snapshot_set: SnapshotSet, rows: ir.Table, features: Sequence[Feature], size: int = PART
) -> Any:
    """Aggregate a history on the executors.

    Args:
        snapshot_set: the snapshots; its warehouse is on Spark.
        rows: what `snapshot.observable` returns for them.
        features: what to make of the rows.
        size: snapshots of a part, roughly.

    Returns:
        A Spark table: `snapshot` and one column a feature, NaN where it is empty; one row for each
        snapshot, in no order. Working hours are microseconds still.
    """
    warehouse, subject = snapshot_set.warehouse, snapshot_set.subject
    snapshots = snapshot_set.snapshots
    first = snapshots[SNAPSHOT].min().over(group_by=snapshots[subject.key])
    spine = snapshots.select(SNAPSHOT, CUTOFF, subject.age, **{ENTITY: first})
    names = (ENTITY, EVENT_TIME, AVAILABLE_AT, *columns_of(features))
    parts = [
        warehouse.frame(table.mutate(**{NUMBER: table[ENTITY] // size})).groupBy(NUMBER)
        for table in (spine, rows.select(*names))
    ]
    plain = json.dumps([_to_plain(feature) for feature in features])
    work = partial(_work, plain, subject.age)
    columns = ", ".join(f"`{feature.name}` double" for feature in features)
    return parts[0].cogroup(parts[1]).applyInArrow(work, f"`{SNAPSHOT}` long, {columns}")


def _work(plain: str, age: str, snapshots: pa.Table, rows: pa.Table) -> pa.Table:
    """Aggregate one part; this is what runs on an executor."""
    features = [_from_plain(feature) for feature in json.loads(plain)]
    # A row belongs to a snapshot, so a part without snapshots has no rows.
    snapshots = snapshots.sort_by(SNAPSHOT)
    number, entity = (snapshots[name].to_numpy() for name in (SNAPSHOT, ENTITY))
    same = np.diff(entity, prepend=-1) == 0
    cutoffs_us, ages = microseconds(snapshots[CUTOFF]), snapshots[age].to_numpy()
    spine = Spine(same, cutoffs_us, ages, offset=int(number[0]))
    columns = window_columns(spine, rows, features)
    columns_in_order = {feature.name: columns[feature.name] for feature in features}
    return pa.table({SNAPSHOT: number.astype(np.int64), **columns_in_order})


def _to_plain(feature: Feature) -> dict[str, Any]:
    """Return what decides a history feature's values, as plain values."""
    how = aggregate_of(feature)
    return {
        "name": feature.name,
        "source": feature.source.value,
        "how": {**vars(how), "kind": how.kind.value},
        "unit": feature.unit.value,
        "window_days": feature.window_days,
        "categories": feature.categories,
    }


def _from_plain(plain: Mapping[str, Any]) -> Feature:
    """Read back what `_to_plain` returned; what people read of a feature is not needed here."""
    categories = plain["categories"]
    return Feature(
        name=plain["name"],
        source=Relation(plain["source"]),
        how=Aggregate(**{**plain["how"], "kind": Aggregation(plain["how"]["kind"])}),
        says=plain["name"],
        about=About(plain["name"], plain["name"], Who.MARKET),
        unit=Unit(plain["unit"]),
        window_days=plain["window_days"],
        categories=None if categories is None else tuple(categories),
    )
