"""From declarations to numbers: the same `build` for training, backtests and scoring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.arrays import Bools, Floats, Ints
from features.as_of import deals as deal_rows
from features.as_of import leads as lead_rows
from features.as_of import reps as rep_rows
from features.as_of.owners import PLACE, owner_context
from features.as_of.working_time import time_ahead
from features.clock import MOMENT, to_us
from features.errors import FeatureError, LeakageError
from features.feature import (
    Expression,
    Feature,
    FeatureSet,
    PeerRank,
    Ratio,
    Ready,
    Relation,
    Unit,
    WorkingDaysAhead,
)
from features.history import relations
from features.history.calendar import working_hours
from features.history.event_log import parts_of
from features.history.ranks import ranks
from features.history.relations import SnapshotSet
from features.history.spread import window_frame
from features.history.vocabulary import Vocabulary
from features.history.windows import columns_of, window_columns
from features.params import FeatureParams
from features.snapshot import (
    CUTOFF,
    SNAPSHOT,
    open_leads,
)
from features.spine import Spine
from features.storage.warehouse import Warehouse

HISTORIES: Mapping[Callable[[SnapshotSet], ir.Table], tuple[Relation, ...]] = {
    relations.touches: (Relation.TOUCHES, Relation.TOUCH_DAYS, Relation.TOUCH_REPS),
    relations.stages: (Relation.STAGES,),
    deal_rows.moves: (Relation.MOVES,),
}
"""Who makes the rows that are aggregated, many for one snapshot."""
CONTEXTS: Mapping[Relation, Callable[[SnapshotSet], ir.Table]] = {
    Relation.LEAD: lead_rows.leads,
    Relation.DEAL: deal_rows.deals,
    Relation.DEAL_CONTEXT: deal_rows.deal_context,
    Relation.REP: rep_rows.reps,
}
"""Who makes the rows from which values are read, one for each snapshot."""
SNAPSHOT_SETS: Mapping[
    str, Callable[[Warehouse, Vocabulary, Sequence[datetime], FeatureParams], SnapshotSet]
] = {
    "lead": lead_rows.open_lead_snapshots,
    "deal": deal_rows.open_deal_snapshots,
    "rep": rep_rows.quota_rep_snapshots,
}
"""Who takes the snapshots that a set of features describes."""


@dataclass(frozen=True)
class Examples:
    """What was known of each lead, deal or rep at each cutoff.

    Attributes:
        keys: the columns `features.subjects` names (of leads `lead_id, cutoff, owner`), one row
            an example, ordered by id and cutoff.
        X: the features in declaration order, float64, examples x features; empty values are NaN,
            categories are places in their frozen list.
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
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> Examples:
    """Build the features of all that the set describes: open leads, open deals, reps with a quota.

    Args:
        warehouse: the history. Rows a cutoff may not see are there and are not looked at.
        feature_set: what to build.
        vocabulary: the frozen vocabulary the features were declared with.
        cutoffs: the as-of moments, none beyond the moment the warehouse was cut at.
        params: calendar and windows.

    Raises:
        LeakageError: a cutoff lies beyond the moment the warehouse was cut at.
    """
    _refuse_later(warehouse, max(cutoffs))
    with warehouse.workspace() as work:
        snapshot_set = SNAPSHOT_SETS[feature_set.entity](work, vocabulary, cutoffs, params)
        return build_snapshots(snapshot_set, feature_set)


def build_pairs(
    warehouse: Warehouse,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    pairs: pd.DataFrame,
    params: FeatureParams,
) -> Examples:
    """Build the features of chosen leads, each at moments of its own; see `build`.

    Args:
        warehouse: the history.
        feature_set: what to build of leads; no ranks among peers, who are not among the rows.
        vocabulary: the frozen vocabulary the features were declared with.
        pairs: `lead_id, cutoff`, each pair once; one whose lead is not open gets no row.
        params: calendar and windows.
    """
    if ranked := [f.name for f in feature_set if isinstance(f.how, PeerRank)]:
        raise FeatureError(f"{', '.join(ranked)}: ranks need every open lead among the rows")
    _refuse_later(warehouse, pairs[CUTOFF].max().to_pydatetime())
    schema = {"lead_id": "string", CUTOFF: "timestamp(6)"}
    with warehouse.workspace() as work:
        leads = open_leads(work.ever("leads"), ibis.memtable(pairs[[*schema]], schema=schema))
        return build_snapshots(lead_rows.snapshots_of(work, leads, vocabulary, params), feature_set)


def _refuse_later(warehouse: Warehouse, cutoff: datetime) -> None:
    if warehouse.cut_at is not None and cutoff > warehouse.cut_at:
        raise LeakageError(
            f"features as of {cutoff} were asked of a history cut at {warehouse.cut_at}"
        )


def build_snapshots(snapshot_set: SnapshotSet, feature_set: FeatureSet) -> Examples:
    """Build features for snapshots that are already numbered."""
    subject, warehouse = snapshot_set.subject, snapshot_set.warehouse
    columns = snapshot_set.snapshots.select(SNAPSHOT, *subject.keys, subject.age)
    keys = warehouse.arrow(columns).sort_by(SNAPSHOT)
    frame = keys.drop_columns([SNAPSHOT, subject.age]).to_pandas()
    cutoffs_us = to_us(frame[CUTOFF].to_numpy())
    same = (frame[subject.key] == frame[subject.key].shift()).to_numpy(np.bool_)
    spine = Spine(same, cutoffs_us, keys[subject.age].to_numpy())
    matrix = _matrix(snapshot_set, feature_set, spine, keys)
    X = pd.DataFrame(matrix[: len(feature_set)].T, frame.index, feature_set.names, copy=False)
    return Examples(frame, X, feature_set)


def _matrix(
    snapshot_set: SnapshotSet, feature_set: FeatureSet, spine: Spine, keys: pa.Table
) -> Floats:
    """Compute every feature, those set aside included: features x snapshots."""
    every = (*feature_set, *feature_set.aside)
    # One block of memory: many small ones are several times as slow to come by.
    matrix = np.empty((len(every), len(spine)))
    columns = {feature.name: matrix[place] for place, feature in enumerate(every)}
    for relation, sources in HISTORIES.items():
        features = [feature for source in sources for feature in feature_set.of(source)]
        _fill_from_history(snapshot_set, features, relation, spine, columns)
    for source, relation in CONTEXTS.items():
        _fill_from_context(snapshot_set, feature_set.of(source), relation, columns)
    fill_from_owners(snapshot_set, spine, keys, feature_set.of(Relation.CONTEXT), columns)
    for feature in feature_set.of(Relation.AHEAD):
        columns[feature.name][:] = ahead(snapshot_set, feature, spine.cutoff)
    in_working_hours(columns, every, spine.cutoff, snapshot_set.params)
    # Last, since they are made of the columns above.
    for feature in feature_set.of(Relation.COLUMNS):
        columns[feature.name][:] = derived(feature, columns, spine.cutoff)
    return matrix


def derived(feature: Feature, columns: Mapping[str, Floats], cutoffs_us: Ints) -> Floats:
    """Compute a feature from other columns; every open lead must be among the rows.

    Args:
        feature: a ratio, or a rank among peers.
        columns: the columns that are there, by name.
        cutoffs_us: of each row, in microseconds.

    Raises:
        FeatureError: the feature is something else.
    """
    if isinstance(feature.how, Ratio):
        return columns[feature.how.of] / (columns[feature.how.over] + feature.how.plus)
    if not isinstance(feature.how, PeerRank):
        raise FeatureError(f"feature {feature.name} is neither a ratio nor a rank of columns")
    group = np.searchsorted(np.unique(cutoffs_us), cutoffs_us)
    if feature.how.within is not None:
        within = np.nan_to_num(columns[feature.how.within], nan=-1.0).astype(np.int64) + 1
        group = group * (within.max(initial=0) + 1) + within
    return ranks(columns[feature.how.of], group)


def _fill_from_history(
    snapshot_set: SnapshotSet,
    features: Sequence[Feature],
    relation: Callable[[SnapshotSet], ir.Table],
    spine: Spine,
    columns: Mapping[str, Floats],
) -> None:
    """Aggregate the rows of a history, part by part, side by side."""
    if not features:
        return
    if snapshot_set.warehouse.is_spread:
        computed = window_frame(snapshot_set, relation(snapshot_set), features).toArrow()
        place = computed[SNAPSHOT].to_numpy()
        for feature in features:
            columns[feature.name][place] = computed[feature.name].to_numpy()
        return
    history = relation(snapshot_set)
    rows = snapshot_set.warehouse.arrow(history.select(*columns_of(history, features)))

    def fill(part: Spine, rows_of_part: pa.Table) -> None:
        place = slice(part.offset, part.offset + len(part))
        for name, values in window_columns(part, rows_of_part, features).items():
            columns[name][place] = values

    with ThreadPoolExecutor(snapshot_set.params.ingest.threads) as pool:
        list(pool.map(lambda part: fill(*part), parts_of(spine, rows)))


def _fill_from_context(
    snapshot_set: SnapshotSet,
    features: tuple[Feature, ...],
    relation: Callable[[SnapshotSet], ir.Table],
    columns: Mapping[str, Floats],
) -> None:
    """Read values from a relation with one row for each snapshot."""
    if not features:
        return
    values_by_name = _values(snapshot_set.warehouse, features, relation(snapshot_set), SNAPSHOT)
    place = values_by_name.pop(SNAPSHOT)
    for name, values in values_by_name.items():
        columns[name][place] = values


def ahead(snapshot_set: SnapshotSet, feature: Feature, cutoffs_us: Ints) -> Floats:
    """Count the working days ahead once for each cutoff, and hand them to its snapshots.

    Raises:
        FeatureError: the feature is something else.
    """
    if not isinstance(feature.how, WorkingDaysAhead):
        raise FeatureError(f"feature {feature.name} does not count working days ahead")
    moments, place = np.unique(cutoffs_us, return_inverse=True)
    cutoffs = moments.astype(MOMENT).tolist()
    horizon, params = feature.how.horizon_days, snapshot_set.params
    days = time_ahead(snapshot_set.warehouse, cutoffs, horizon, params)
    return days[place]


def fill_from_owners(
    snapshot_set: SnapshotSet,
    spine: Spine,
    keys: pa.Table,
    features: tuple[Feature, ...],
    columns: Mapping[str, Floats],
) -> None:
    """Compute once what leads of one owner and cutoff share, and hand it to each."""
    if not features or not len(spine):
        return
    context = owner_context(snapshot_set, spine, keys["owner"])
    values_by_name = _values(snapshot_set.warehouse, features, context.rows, PLACE)
    order = np.argsort(values_by_name.pop(PLACE))
    for name, values in values_by_name.items():
        np.take(values[order], context.place, out=columns[name])
    for feature in features:
        if isinstance(feature.how, Ready):
            columns[feature.name][:] = context.ready[feature.how.column]


def expressions(features: Iterable[Feature], rows: ir.Table) -> dict[str, ir.Value]:
    """Return the features that are expressions over the rows, by name, as doubles."""
    return {
        feature.name: feature.how.value(rows).cast("float64")
        for feature in features
        if isinstance(feature.how, Expression)
    }


def _values(
    warehouse: Warehouse, features: Sequence[Feature], rows: ir.Table, number: str
) -> dict[str, npt.NDArray[Any]]:
    """Evaluate expressions over rows.

    Returns:
        The rows' numbers under the name `number`, and a column for each feature that is an
        expression.
    """
    values = expressions(features, rows)
    fetched = warehouse.arrow(rows.select(number, **values))
    return {number: fetched[number].to_numpy(), **{n: _floats(fetched[n]) for n in values}}


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.to_numpy().astype(np.float64, copy=False)
    return values


def in_working_hours(
    columns: Mapping[str, Floats],
    features: Iterable[Feature],
    cutoffs_us: Ints,
    params: FeatureParams,
) -> None:
    """Turn microseconds before the cutoff into working hours, in place, where a feature says so.

    Args:
        columns: by the names of the features.
        features: those of other units stay as they are.
        cutoffs_us: of each row, in microseconds.
        params: the calendar.
    """
    for feature in features:
        if feature.unit is Unit.WORKING_HOURS:
            column = columns[feature.name]
            filled = ~np.isnan(column)
            ends = cutoffs_us[filled]
            starts = ends - column[filled].astype(np.int64)
            column[filled] = working_hours(starts, ends, params)
