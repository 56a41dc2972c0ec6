"""Laws of histories that are aggregated in parts, wherever the parts are worked on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from engines import Engine
from histories import Case

from features.as_of.leads import open_lead_snapshots
from features.build import HISTORIES, build_snapshots
from features.definitions.lead import conversion_features
from features.feature import Feature, Unit
from features.history.event_log import PART
from features.history.relations import touches
from features.history.spread import part_columns, to_plain, with_entity
from features.history.vocabulary import read_vocabulary
from features.history.windows import columns_of
from features.snapshot import CUTOFF, ENTITY, SNAPSHOT


@dataclass(frozen=True)
class Part:
    """What an executor is sent, as tables of pandas, and what should come back."""

    features: list[Feature]
    snapshots: pd.DataFrame
    rows: pd.DataFrame
    expected: pd.DataFrame


def whole(engine: Engine, case: Case) -> Part:
    """Build the features of a history on one machine, and fetch what they are made of."""
    with engine.open(case.extract) as warehouse, warehouse.workspace() as work:
        words = read_vocabulary(work, case.params)
        declared = conversion_features(words, case.params, 21)
        snapshot_set = open_lead_snapshots(work, words, case.cutoffs, case.params)
        features = [f for source in HISTORIES[touches] for f in declared.of(source)]
        features = [f for f in features if f.unit is not Unit.WORKING_HOURS]
        rows = touches(snapshot_set)
        names = columns_of(rows, features)
        snapshots = with_entity(snapshot_set, CUTOFF, snapshot_set.subject.age)
        return Part(
            features,
            work.arrow(snapshots).to_pandas(types_mapper=pd.ArrowDtype),
            work.arrow(rows.select(*names)).to_pandas(types_mapper=pd.ArrowDtype),
            build_snapshots(snapshot_set, replace(declared, features=tuple(features))).X,
        )


def test_parts_of_any_size_say_what_the_whole_says(
    duckdb: Engine, crm: Callable[[int], Case]
) -> None:
    """Leads in parts of one, of five and all in one part have the values of one machine.

    The rows of a part come in any order, as they do from executors.
    """
    part = whole(duckdb, crm(11))
    assert part.rows[ENTITY].nunique() > 3, "the seed should be replaced by one with a history"
    for size in (1, 5, PART):
        columns = []
        for number, snapshots in part.snapshots.groupby(part.snapshots[ENTITY] // size):
            rows = part.rows[part.rows[ENTITY] // size == number]
            tables = [
                pa.Table.from_pandas(frame.sample(frac=1, random_state=3), preserve_index=False)
                for frame in (snapshots, rows)
            ]
            columns.append(part_columns(to_plain(part.features), "lead_age_us", *tables))
        found = pa.concat_tables(columns).sort_by(SNAPSHOT).to_pandas()
        assert found.pop(SNAPSHOT).tolist() == list(range(len(part.expected)))
        for name in part.expected:
            np.testing.assert_array_equal(found[name], part.expected[name], err_msg=name)
