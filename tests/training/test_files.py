"""Files keep to the contract: what may be written is written as it is, what may not is named."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.errors import InputError
from training.files import (
    BANDS,
    FILES,
    LEAD_PREDICTIONS,
    LEAD_SCORES,
    QUOTA_PREDICTIONS,
    REP_SCORES,
    FileSchema,
    checked,
)
from training.leads.score import BANDS as LIFTS
from training.leads.score import NOT_TO_BE_CONTACTED

Bend = Callable[[pd.DataFrame], pd.DataFrame]
CONTRACT = {
    "lead_predictions.parquet": "lead_id, cutoff, horizon_days, p, y, fold",
    "quota_predictions.parquet": "rep_id, period_start, period_end, cutoff, p_attain, "
    "attainment_p10, attainment_p50, attainment_p90, attainment",
    "lead_scores.parquet": "lead_id, rep_id, as_of, horizon_days, p, score, priority, rank, band, "
    "evidence, reasons, model_version",
    "rep_scores.parquet": "rep_id, period_start, period_end, as_of, quota, attained, p_attain, "
    "attainment_p10, attainment_p50, attainment_p90, at_risk, evidence, reasons, model_version",
    "rep_causes.parquet": "rep_id, period_start, as_of, rank, cause, size, low, high, share, "
    "since, p, theirs, evidence",
    "equal_grounds.parquet": "rep_id, period_start, as_of, metric, actual, expected, residual, "
    "low, high, shrunk",
}
"""What other people's programs read, word for word."""
ALL = list(FILES.values())


def table(schema: FileSchema, rows: int = 6, seed: int = 0) -> pd.DataFrame:
    """Make a table that keeps to a schema."""
    rng = np.random.default_rng(seed)
    columns = {}
    for column in schema.columns:
        low = 0.0 if column.low is None else column.low
        high = low + 1.0 if column.high is None else column.high
        values: object = rng.uniform(low, high, rows)
        if column.among:
            values = rng.choice(np.array(column.among), rows)
        elif column.name in schema.rising:
            values = np.full(rows, schema.rising.index(column.name) / 2)
        elif column.dtype == "str":
            values = [f"{column.name}-{n}" for n in range(rows)]
        elif column.dtype.startswith("datetime"):
            values = np.datetime64("2024-01-01", "us")
        elif column.dtype in ("int64", "Int64", "bool"):
            values = rng.integers(int(low), int(low) + 3, rows)
        columns[column.name] = pd.Series(values, range(rows)).astype(column.dtype)
        if column.nullable:
            columns[column.name] = columns[column.name].where(np.arange(rows) % 2 == 0)
    return pd.DataFrame(columns)


def refused(frame: pd.DataFrame, schema: FileSchema) -> str:
    """Return what is said of a table that may not be written."""
    with pytest.raises(InputError, match=f"^{re.escape(schema.file)} would break") as error:
        checked(frame, schema)
    return str(error.value)


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.file)
def test_the_contracts_columns_are_there(schema: FileSchema) -> None:
    """All of them; those that were added stand behind, or between, and take none away."""
    assert set(CONTRACT[schema.file].split(", ")) <= set(schema.names)
    assert schema.names[0] == CONTRACT[schema.file].split(", ")[0]
    assert set(schema.key) | set(schema.rising) <= set(schema.names)


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.file)
@pytest.mark.parametrize("seed", range(3))
def test_what_keeps_to_the_schema_passes_unchanged(schema: FileSchema, seed: int) -> None:
    """The very frame comes back, with rows or without; a column that may be missing may."""
    frame = table(schema, seed=seed)
    before = frame.copy()
    assert checked(frame, schema) is frame
    pd.testing.assert_frame_equal(frame, before)
    checked(frame.iloc[:0], schema)
    checked(frame[[*schema.names]], schema)


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.file)
def test_every_column_is_held_to_its_type_and_place(schema: FileSchema) -> None:
    """Missing, of another type or in another place: each column is missed and named."""
    frame = table(schema)
    for name in schema.names:
        assert f"missing: {name}" in refused(frame.drop(columns=name), schema)
        other = frame.assign(**{name: frame[name].astype(object)})
        assert f"{name} must be of type" in refused(other, schema)
    assert "not part of it: extra" in refused(frame.assign(extra=1), schema)
    assert "out of order" in refused(frame[[*frame.columns[::-1]]], schema)


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.file)
def test_every_border_is_guarded(schema: FileSchema) -> None:
    """A value just beyond a border, an empty or an infinite one is named with its row."""
    frame = table(schema)
    for column in schema.columns:
        bad: list[object] = [] if column.low is None else [column.low - 1]
        bad += [] if column.high is None else [column.high + 1e-6]
        bad += ["nonsense"] if column.among and column.dtype == "str" else []
        bad += [0.5] if column.among and column.dtype == "float64" else []
        if not column.nullable and column.dtype in ("str", "float64", "datetime64[us]"):
            bad.append(None)
        bad += [-np.inf] if column.dtype == "float64" else []
        for value in bad:
            bent = frame.copy()
            bent.loc[3, column.name] = value
            words = refused(bent, schema)
            assert f"{column.name} must" in words
            assert "first in row 3" in words


@pytest.mark.parametrize("schema", [QUOTA_PREDICTIONS, REP_SCORES], ids=lambda s: s.file)
def test_quantiles_rise(schema: FileSchema) -> None:
    """p10, p50 and p90 may be equal, and never fall."""
    frame = table(schema)
    level = frame.assign(**dict.fromkeys(schema.rising, 0.7))
    checked(level, schema)
    words = refused(level.assign(attainment_p50=0.69), schema)
    assert "attainment_p10 must not lie above attainment_p50: wrong in 6 of 6 rows" in words


@pytest.mark.parametrize("schema", ALL, ids=lambda s: s.file)
def test_no_key_is_there_twice(schema: FileSchema) -> None:
    """The rows that repeat one are counted."""
    twice = pd.concat([table(schema), table(schema).head(2)], ignore_index=True)
    assert f"{', '.join(schema.key)} must not repeat: wrong in 2 of 8 rows" in refused(
        twice, schema
    )


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (
            lambda f: f.assign(p=1.5),
            "p must be 1 or less: wrong in 6 of 6 rows, first in row 0 (1.5)",
        ),
        (lambda f: f.assign(y=0.5), "y must be one of 0.0, 1.0: wrong in 6 of 6 rows"),
        (lambda f: f.assign(fold=0.0), "fold must be of type int64, not float64"),
        (
            lambda f: f.assign(cutoff=f["cutoff"].astype("datetime64[ns]")),
            "cutoff must be of type datetime64[us], not datetime64[ns]",
        ),
        (lambda f: f.assign(p=-1.0, fold=-1), "; fold must be 0 or more"),
    ],
)
def test_faults_are_said_in_words(bend: Bend, words: str) -> None:
    """Column, what would be right, how often it is wrong and where; all faults at once."""
    assert words in refused(bend(table(LEAD_PREDICTIONS)), LEAD_PREDICTIONS)


def test_bands_are_those_of_the_scores() -> None:
    """The words that may be written are the words that scoring gives."""
    assert (*(name for _, name in LIFTS), NOT_TO_BE_CONTACTED) == BANDS


def test_checking_leaves_the_process_as_it_was() -> None:
    """The library that checks would have pyarrow drop the zones of moments: it may not."""
    before = dict(os.environ)
    checked(table(LEAD_SCORES), LEAD_SCORES)
    assert dict(os.environ) == before
    noon = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    stored = pa.array([noon], pa.timestamp("us")).to_pylist()
    assert stored == [noon.astimezone(UTC).replace(tzinfo=None)]
