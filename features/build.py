"""From declarations to numbers: the same `build` for training, backtests and scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.arrays import Bools, Floats
from features.as_of import deals as deal_rows
from features.as_of import reps as rep_rows
from features.as_of.leads import open_scene
from features.as_of.owners import PLACE, owner_context
from features.clock import to_us
from features.errors import FeatureError, LeakageError
from features.feature import Expression, Feature, FeatureSet, PeerRank, Ratio, Ready, Relation, Unit
from features.history import relations
from features.history.calendar import working_hours
from features.history.ranks import ranks
from features.history.relations import SnapshotSet
from features.history.vocabulary import Vocabulary
from features.history.windows import (
    EventLog,
    WindowAggregates,
    columns_of,
    groupings,
    parts_of,
    windows_of,
)
from features.params import FeatureParams
from features.snapshot import (
    AVAILABLE_AT,
    CUTOFF,
    ENTITY,
    EVENT_TIME,
    SNAPSHOT,
    Spine,
)
from features.storage.warehouse import Warehouse

HISTORIES: Mapping[Callable[[SnapshotSet], ir.Table], tuple[Relation, ...]] = {
    relations.touches: (Relation.TOUCHES, Relation.TOUCH_DAYS, Relation.TOUCH_REPS),
    relations.stages: (Relation.STAGES,),
    deal_rows.moves: (Relation.MOVES,),
}
SURROUNDINGS: Mapping[Relation, Callable[[SnapshotSet], ir.Table]] = {
    Relation.LEAD: relations.leads,
    Relation.DEAL: deal_rows.deals,
    Relation.DEAL_CONTEXT: deal_rows.market,
    Relation.REP: rep_rows.reps,
}


@dataclass(frozen=True)
class Examples:
    """What was known of each lead, deal or rep at each cutoff.

    Attributes:
        keys: the columns `subjects` names (of leads `lead_id, cutoff, owner`), one row an
            example, ordered by id and cutoff.
        X: the features in declaration order, float64; empty values are NaN, categories are
            places in their frozen list.
        feature_set: what the columns mean.
    """

    keys: pd.DataFrame
    X: pd.DataFrame
    feature_set: FeatureSet

    def __len__(self) -> int:
        """Count the examples."""
        return len(self.keys)

    def take(self, rows: Bools) -> Examples:
        """Keep some of the examples."""
        keys, matrix = self.keys[rows], self.X[rows]
        return Examples(
            keys.reset_index(drop=True), matrix.reset_index(drop=True), self.feature_set
        )


def build(
    warehouse: Warehouse,
    feature_set: FeatureSet,
    words: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> Examples:
    """Build the features of all that the set describes: open leads, open deals, reps with a quota.

    Args:
        warehouse: the history. Rows a cutoff may not see are there and are not looked at.
        feature_set: what to build.
        words: the frozen words the features were declared with.
        cutoffs: the as-of moments, none beyond the moment the warehouse was cut at.
        params: calendar and windows.
    """
    if warehouse.cut_at is not None and max(cutoffs) > warehouse.cut_at:
        raise LeakageError(
            f"features as of {max(cutoffs)} were asked of a history cut at {warehouse.cut_at}"
        )
    with warehouse.workspace() as work:
        scene = SCENES[feature_set.entity](work, words, cutoffs, params)
        return build_scene(scene, feature_set)


SCENES: Mapping[
    str, Callable[[Warehouse, Vocabulary, Sequence[datetime], FeatureParams], SnapshotSet]
] = {"lead": open_scene, "deal": deal_rows.open_deals_scene, "rep": rep_rows.open_reps_scene}
"""How the snapshots are taken that a set of features describes."""


def build_scene(scene: SnapshotSet, feature_set: FeatureSet) -> Examples:
    """Build features for snapshots that are already numbered."""
    subject = scene.subject
    keys = scene.snapshots.select(SNAPSHOT, *subject.keys, subject.age)
    fetched = scene.warehouse.arrow(keys).sort_by(SNAPSHOT)
    frame = fetched.drop_columns([SNAPSHOT, subject.age]).to_pandas()
    cutoffs_us = to_us(frame[CUTOFF].to_numpy())
    same = (frame[subject.key] == frame[subject.key].shift()).to_numpy(np.bool_)
    spine = Spine(same, cutoffs_us, fetched[subject.age].to_numpy())
    every = (*feature_set, *feature_set.aside)
    # One block of memory: many small ones are several times as slow to come by.
    matrix = np.empty((len(every), len(frame)))
    columns = {feature.name: matrix[place] for place, feature in enumerate(every)}
    for relation, sources in HISTORIES.items():
        features = [feature for source in sources for feature in feature_set.of(source)]
        _from_history(scene, features, relation, spine, columns)
    for source, relation in SURROUNDINGS.items():
        _from_surroundings(scene, feature_set.of(source), relation, columns)
    _from_shared(scene, spine, fetched, feature_set.of(Relation.CONTEXT), columns)
    for feature in every:
        if feature.unit is Unit.WORKING_HOURS:
            column = columns[feature.name]
            column[:] = _working_hours(column, cutoffs_us, scene.params)
    for feature in feature_set.of(Relation.COLUMNS):
        columns[feature.name][:] = derived(feature, columns, cutoffs_us)
    made = matrix[: len(feature_set)].T
    X = pd.DataFrame(made, frame.index, feature_set.names, copy=False)
    return Examples(frame, X, feature_set)


def derived(
    feature: Feature,
    columns: Mapping[str, Floats],
    cutoffs_us: npt.NDArray[np.int64],
) -> Floats:
    """Make a feature of columns that are there already; every open lead must be among the rows."""
    if isinstance(feature.how, Ratio):
        return columns[feature.how.of] / (columns[feature.how.over] + feature.how.plus)
    if not isinstance(feature.how, PeerRank):
        raise FeatureError(f"feature {feature.name} is made of columns, but not how")
    group = np.searchsorted(np.unique(cutoffs_us), cutoffs_us)
    if feature.how.within is not None:
        within = np.nan_to_num(columns[feature.how.within], nan=-1.0).astype(np.int64) + 1
        group = group * (within.max(initial=0) + 1) + within
    return ranks(columns[feature.how.of], group)


def _from_history(
    scene: SnapshotSet,
    features: Sequence[Feature],
    relation: Callable[[SnapshotSet], ir.Table],
    spine: Spine,
    columns: Mapping[str, Floats],
) -> None:
    if not features:
        return
    rows = relation(scene).select(ENTITY, EVENT_TIME, AVAILABLE_AT, *columns_of(features))
    fetched = scene.warehouse.arrow(rows)
    grouped, windows = groupings(features), windows_of(features)

    def fill(part: Spine, own_rows: pa.Table) -> None:
        history = EventLog(part, own_rows, windows)
        place = slice(part.offset, part.offset + len(part))
        for by, own in grouped.items():
            runs = WindowAggregates(history, by, own)
            for feature in own:
                columns[feature.name][place] = runs.column(feature)

    with ThreadPoolExecutor(scene.params.ingest.threads) as pool:
        list(pool.map(lambda part: fill(*part), parts_of(spine, fetched)))


def _from_surroundings(
    scene: SnapshotSet,
    features: tuple[Feature, ...],
    relation: Callable[[SnapshotSet], ir.Table],
    columns: Mapping[str, Floats],
) -> None:
    if not features:
        return
    made = _values(scene, features, relation(scene), SNAPSHOT)
    place = made.pop(SNAPSHOT)
    for name, values in made.items():
        columns[name][place] = values


def _from_shared(
    scene: SnapshotSet,
    spine: Spine,
    keys: pa.Table,
    features: tuple[Feature, ...],
    columns: Mapping[str, Floats],
) -> None:
    """Work out once what leads of one owner and cutoff share, and hand it to each."""
    if not features or not len(spine):
        return
    around = owner_context(scene, spine, keys["owner"])
    made = _values(scene, features, around.rows, PLACE)
    order = np.argsort(made.pop(PLACE))
    for name, values in made.items():
        np.take(values[order], around.place, out=columns[name])
    for feature in features:
        if isinstance(feature.how, Ready):
            columns[feature.name][:] = around.ready[feature.how.column]


def _values(
    scene: SnapshotSet, features: Sequence[Feature], rows: ir.Table, number: str
) -> dict[str, npt.NDArray[Any]]:
    """Evaluate expressions; give the rows' numbers, and a column for each feature."""
    values = {
        feature.name: feature.how.value(rows).cast("float64")
        for feature in features
        if isinstance(feature.how, Expression)
    }
    fetched = scene.warehouse.arrow(rows.select(number, **values))
    return {number: fetched[number].to_numpy(), **{n: _floats(fetched[n]) for n in values}}


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.to_numpy().astype(np.float64, copy=False)
    return values


def _working_hours(
    back_us: Floats, cutoffs_us: npt.NDArray[np.int64], params: FeatureParams
) -> Floats:
    filled = ~np.isnan(back_us)
    made = np.full(len(back_us), np.nan)
    ends = cutoffs_us[filled]
    made[filled] = working_hours(ends - back_us[filled].astype(np.int64), ends, params)
    return made
