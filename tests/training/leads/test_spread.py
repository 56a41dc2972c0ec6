"""Scores made on executors are those of one machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from engines import Engine
from extract import Extract
from sellers import FEATURES, FEW, HORIZON, UNTIL, open_warehouse, without

from features.definitions.time_ahead import DAYS_AHEAD
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import fit_leads
from training.leads.score import Listing, score_leads

AS_OF = UNTIL - timedelta(days=30)
SOME = FEW | {"working_hours_since_touch", "overdue", "rank_days_since_touch", DAYS_AHEAD}
"""One feature at least of every source: a query that computes all takes minutes to plan."""


@pytest.mark.spark
def test_executors_score_as_one_machine_does(
    history: Warehouse, extract: Extract, training_set: TrainingSet, spark: Engine, tmp_path: Path
) -> None:
    """Chances, ranks, evidence and reasons are the same to the bit, leads in the same order."""
    past, listing = history.until(None), Listing("7", 3, CallParams())
    few = without(set(training_set.examples.feature_set.names) - SOME)
    learned_from = build_training_set(past, HORIZON, FEATURES, few)
    bundle = fit_leads(learned_from, past, FEATURES, few)
    assert set(bundle.columns) == SOME
    open_warehouse(extract, tmp_path).backend.disconnect()
    scores = score_leads(spark.connect(current(tmp_path)), bundle, listing, AS_OF)
    expected = score_leads(history, bundle, listing, AS_OF)
    assert len(expected) > 20
    pd.testing.assert_frame_equal(scores, expected, check_exact=True)
