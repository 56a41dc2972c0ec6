"""Features as a table of Spark: what `build` makes, where it would not fit one machine.

Everything that is of one snapshot stays on the executors: its history, its context, its columns.
To the driver comes what one snapshot has to do with others: each snapshot's owner, cutoff and age,
and the columns that leads are compared by. What is made of those goes back as a small table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.arrays import Floats
from features.build import (
    CONTEXTS,
    HISTORIES,
    SNAPSHOT_SETS,
    Examples,
    ahead,
    derived,
    expressions,
    fill_from_owners,
    in_working_hours,
)
from features.feature import FeatureSet, Relation
from features.history.counts import microseconds
from features.history.relations import SnapshotSet
from features.history.spread import window_frame, with_entity
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, ENTITY, SNAPSHOT
from features.spine import Spine
from features.storage.warehouse import Warehouse
from features.subjects import SUBJECTS

SHARED = (Relation.CONTEXT, Relation.AHEAD, Relation.COLUMNS)
"""Sources of features that are computed on the driver: snapshots share them, or are compared."""


@contextmanager
def spread(
    warehouse: Warehouse,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> Iterator[Any]:
    """Compute the features that `build` computes, and leave them on Spark.

    Args:
        warehouse: the history, on Spark.
        feature_set: what to build.
        vocabulary: the frozen vocabulary the features were declared with.
        cutoffs: the as-of moments.
        params: calendar and windows.

    Yields:
        A Spark table for as long as the block lasts: `snapshot`, the columns that name an example,
        and one column a feature; `examples_of` reads its rows.
    """
    with warehouse.workspace() as work:
        snapshot_set = SNAPSHOT_SETS[feature_set.entity](work, vocabulary, cutoffs, params)
        own = _own_columns(snapshot_set, feature_set).persist()
        try:
            shared = _shared_columns(snapshot_set, feature_set, own)
            yield own.join(own.sparkSession.createDataFrame(shared), SNAPSHOT)
        finally:
            own.unpersist()


def examples_of(rows: pa.Table, feature_set: FeatureSet, params: FeatureParams) -> Examples:
    """Read rows of the table that `spread` yields; this is what executors call.

    Args:
        rows: some of them.
        feature_set: what was built.
        params: the calendar.
    """
    keys = rows.select(SUBJECTS[feature_set.entity].keys).to_pandas()
    matrix = np.empty((len(feature_set), len(rows)))
    for place, name in enumerate(feature_set.names):
        matrix[place] = rows[name].to_numpy()
    columns = dict(zip(feature_set.names, matrix, strict=True))
    in_working_hours(columns, feature_set, microseconds(rows[CUTOFF]), params)
    return Examples(keys, pd.DataFrame(matrix.T, columns=feature_set.names), feature_set)


def _own_columns(snapshot_set: SnapshotSet, feature_set: FeatureSet) -> Any:
    """Compute what is of one snapshot, on the executors; working hours are microseconds still."""
    subject, warehouse = snapshot_set.subject, snapshot_set.warehouse
    frame = warehouse.frame(with_entity(snapshot_set, *subject.keys, subject.age))
    for relation, sources in HISTORIES.items():
        features = [feature for source in sources for feature in feature_set.of(source)]
        if features:
            windows = window_frame(snapshot_set, relation(snapshot_set), features)
            frame = frame.join(windows, SNAPSHOT)
    for source, make in CONTEXTS.items():
        if features := list(feature_set.of(source)):
            rows = make(snapshot_set)
            values = rows.select(SNAPSHOT, **expressions(features, rows))
            frame = frame.join(warehouse.frame(values), SNAPSHOT)
    return frame


def _shared_columns(snapshot_set: SnapshotSet, feature_set: FeatureSet, own: Any) -> pa.Table:
    """Compute on the driver what snapshots share, and what compares them: one row a snapshot."""
    features = [feature for source in SHARED for feature in feature_set.of(source)]
    made_of = {name for feature in features for name in feature.made_of}
    compared = [f for f in (*feature_set, *feature_set.aside) if f.name in made_of]
    compared = [feature for feature in compared if feature not in features]
    age = snapshot_set.subject.age
    names = [SNAPSHOT, ENTITY, CUTOFF, age, *(feature.name for feature in compared)]
    if feature_set.of(Relation.CONTEXT):
        names.append("owner")
    rows = own.select(*names).toArrow().sort_by(SNAPSHOT)
    cutoffs_us = microseconds(rows[CUTOFF])
    same = np.diff(rows[ENTITY].to_numpy(), prepend=-1) == 0
    spine = Spine(same, cutoffs_us, rows[age].to_numpy())
    columns: dict[str, Floats] = {f.name: np.array(rows[f.name], float) for f in compared}
    in_working_hours(columns, compared, cutoffs_us, snapshot_set.params)
    columns |= {feature.name: np.empty(len(spine)) for feature in features}
    fill_from_owners(snapshot_set, spine, rows, feature_set.of(Relation.CONTEXT), columns)
    for feature in feature_set.of(Relation.AHEAD):
        columns[feature.name][:] = ahead(snapshot_set, feature, cutoffs_us)
    for feature in feature_set.of(Relation.COLUMNS):
        columns[feature.name][:] = derived(feature, columns, cutoffs_us)
    made = {feature.name: columns[feature.name] for feature in features}
    return pa.table({SNAPSHOT: rows[SNAPSHOT], **made})
