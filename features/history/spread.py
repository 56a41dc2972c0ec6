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
from features.snapshot import CUTOFF, ENTITY, SNAPSHOT
from features.spine import Spine
from features.texts import About, Who

NUMBER = "part"


def window_frame(snapshot_set: SnapshotSet, rows: ir.Table, features: Sequence[Feature]) -> Any:
    """Aggregate a history on the executors.

    Args:
        snapshot_set: the snapshots; its warehouse is on Spark.
        rows: what `snapshot.observable` returns for them.
        features: what to make of the rows.

    Returns:
        A Spark table: `snapshot` and one column a feature, NaN where it is empty; one row for each
        snapshot, in no order. Working hours are microseconds still.
    """
    warehouse, age = snapshot_set.warehouse, snapshot_set.subject.age
    spine = with_entity(snapshot_set, CUTOFF, age)
    parts = [
        warehouse.frame(table.mutate(**{NUMBER: table[ENTITY] // PART})).groupBy(NUMBER)
        for table in (spine, rows.select(*columns_of(rows, features)))
    ]
    work = partial(part_columns, to_plain(features), age)
    columns = ", ".join(f"`{feature.name}` double" for feature in features)
    return parts[0].cogroup(parts[1]).applyInArrow(work, f"`{SNAPSHOT}` long, {columns}")


def with_entity(snapshot_set: SnapshotSet, *columns: str) -> ir.Table:
    """Return columns of the snapshots, with the number of each entity's first one.

    Args:
        snapshot_set: the snapshots.
        columns: what is wanted besides `snapshot` and `entity`.
    """
    snapshots = snapshot_set.snapshots
    first = snapshots[SNAPSHOT].min().over(group_by=snapshots[snapshot_set.subject.key])
    return snapshots.select(SNAPSHOT, *columns, **{ENTITY: first})


def part_columns(plain: str, age: str, snapshots: pa.Table, rows: pa.Table) -> pa.Table:
    """Aggregate one part of a history; this is what runs on an executor.

    Args:
        plain: the features, as `to_plain` returned them.
        age: the column of the snapshots that holds the age of their entity.
        snapshots: `snapshot, entity, cutoff` and the age, all snapshots of some entities, at least
            one, whose numbers follow each other.
        rows: of the same entities, what `snapshot.observable` returns.

    Returns:
        `snapshot` and one column a feature.
    """
    features = [_from_plain(feature) for feature in json.loads(plain)]
    snapshots = snapshots.sort_by(SNAPSHOT)
    number, entity = (snapshots[name].to_numpy() for name in (SNAPSHOT, ENTITY))
    same = np.diff(entity, prepend=-1) == 0
    cutoffs_us, ages = microseconds(snapshots[CUTOFF]), snapshots[age].to_numpy()
    spine = Spine(same, cutoffs_us, ages, offset=int(number[0]))
    columns = window_columns(spine, rows, features)
    columns_in_order = {feature.name: columns[feature.name] for feature in features}
    return pa.table({SNAPSHOT: number.astype(np.int64), **columns_in_order})


def to_plain(features: Sequence[Feature]) -> str:
    """Return what decides the values of features of a history, as text."""
    return json.dumps([_as_plain(feature) for feature in features])


def _as_plain(feature: Feature) -> dict[str, Any]:
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
    """Read back one of the features; what people read of it is not needed here."""
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
