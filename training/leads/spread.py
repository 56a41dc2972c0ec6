"""Leads scored on the executors of Spark, each part of them by the same model.

The model travels as data: its values as JSON and its trees as text, the files of its folder. An
executor whose pacesetter would mean another thing by a feature refuses it, as one machine does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from features.snapshot import CUTOFF, SNAPSHOT
from features.spread import examples_of, spread
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.row_scores import row_scores

COLUMNS = {
    SNAPSHOT: "long",
    "lead_id": "string",
    CUTOFF: "timestamp_ntz",
    "owner": "string",
    "p": "double",
    "evidence": "string",
    "reasons": "string",
    "reach": "double",
    "gain": "double",
    "missed": "double",
    "days_since_touch": "double",
    "news": "string",
}
"""What comes back from the executors, in Spark's words."""
TYPES = pa.schema(
    [
        (SNAPSHOT, pa.int64()),
        ("lead_id", pa.string()),
        (CUTOFF, pa.timestamp("us")),
        ("owner", pa.string()),
        ("p", pa.float64()),
        ("evidence", pa.string()),
        ("reasons", pa.string()),
        ("reach", pa.float64()),
        ("gain", pa.float64()),
        ("missed", pa.float64()),
        ("days_since_touch", pa.float64()),
        ("news", pa.string()),
    ]
)
"""The same in Arrow's."""


def spread_scores(
    warehouse: Warehouse, bundle: Bundle, as_of: datetime, each_side: int
) -> pd.DataFrame:
    """Score every lead that is open at a moment; neither features nor histories come to the driver.

    Args:
        warehouse: the history, on Spark.
        bundle: the model.
        as_of: the cutoff.
        each_side: reasons for a lead, and as many against it, at most.

    Returns:
        What `row_scores` returns, ordered by lead.
    """
    plain = json.dumps(bundle.to_json())
    model = (plain, bundle.texts, bundle.segment_texts, bundle.call_texts)
    features = bundle.listed_features, bundle.vocabulary
    with spread(warehouse, *features, [as_of], bundle.params) as frame:
        shared_model = frame.sparkSession.sparkContext.broadcast(model)
        work = partial(_score, shared_model, each_side)
        schema = ", ".join(f"`{name}` {of_type}" for name, of_type in COLUMNS.items())
        scored = frame.mapInArrow(work, schema).toArrow()
    ordered = scored.cast(TYPES).sort_by(SNAPSHOT).drop_columns([SNAPSHOT])
    return ordered.to_pandas()


def _score(
    shared_model: Any, each_side: int, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score the rows of one part; this is what runs on an executor."""
    plain, texts, own, of_calls = shared_model.value
    where = "the driver of Spark"
    bundle = Bundle.of_parts(json.loads(plain), tuple(texts), own, of_calls, where=where)
    feature_set = bundle.listed_features
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        scores = row_scores(examples_of(rows, feature_set, bundle.params), bundle, each_side)
        columns = {name: scores[name] for name in COLUMNS if name != SNAPSHOT}
        scored = pa.table({SNAPSHOT: rows[SNAPSHOT], **columns})
        yield from scored.cast(TYPES).to_batches()
