"""What a lead model learns from: rows of open leads, mature labels, parts that do not overlap."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from sellers import FEATURES, HORIZON, START, TRAINING, without

from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.leads.dataset import TrainingSet, build_training_set


@pytest.fixture(scope="module")
def cutoffs(training_set: TrainingSet) -> list[datetime]:
    """Every cutoff there are rows of."""
    return [moment.to_pydatetime() for moment in sorted(set(training_set.examples.keys[CUTOFF]))]


def test_every_label_is_known(training_set: TrainingSet) -> None:
    """Labels are 0 or 1, one a row, and both are there."""
    assert len(training_set.y) == len(training_set.examples)
    assert set(training_set.y) == {0.0, 1.0}


def test_a_lead_stands_at_a_cutoff_once(training_set: TrainingSet) -> None:
    """And after the cutoff at which it converts within the horizon it stands at no later one."""
    keys = training_set.examples.keys.assign(y=training_set.y)
    assert not keys.duplicated(["lead_id", CUTOFF]).any()
    last = keys[CUTOFF].max()
    ever = keys.groupby("lead_id").agg(y=("y", "max"), last=(CUTOFF, "max"))
    gone = ever[ever["last"] < last - timedelta(days=HORIZON)]
    # Whoever is off the list for a horizon has ended: the last label says how.
    labels = keys.set_index(["lead_id", CUTOFF])["y"]
    ends = [labels[lead, moment] for lead, moment in zip(gone.index, gone["last"], strict=True)]
    np.testing.assert_array_equal(ends, gone["y"])


def test_a_part_holds_the_rows_of_its_cutoffs(
    training_set: TrainingSet, cutoffs: list[datetime]
) -> None:
    """Rows, labels and columns are those asked for, in order, each with weight 1."""
    chosen, columns = cutoffs[2:5], ["age_days", "touches_all"]
    part = training_set.part(chosen, columns)
    mask = training_set.rows(chosen)
    assert mask.sum() == len(part.y) > 0
    assert list(part.X.columns) == columns
    assert (part.weights == 1).all()
    assert set(training_set.examples.keys.loc[mask, CUTOFF]) == set(chosen)
    np.testing.assert_array_equal(part.y, training_set.y[mask])


def test_parts_of_all_cutoffs_are_everything(
    training_set: TrainingSet, cutoffs: list[datetime]
) -> None:
    """Cutoffs divide the rows: each row is in the part of one cutoff, and no cutoff is no row."""
    counts = np.array([training_set.rows([cutoff]) for cutoff in cutoffs]).sum(axis=0)
    assert (counts == 1).all()
    assert not training_set.rows([]).any()
    assert training_set.rows(cutoffs).all()


def test_the_split_is_of_cutoffs_that_have_rows(
    training_set: TrainingSet, cutoffs: list[datetime]
) -> None:
    """Parts are made of cutoffs with open leads, and lie a horizon apart."""
    split = training_set.split
    assert {*split.train, *split.tune, *split.calibrate} <= set(cutoffs)
    gap = timedelta(days=HORIZON)
    assert split.calibrate[0] - max((*split.train, *split.tune)) >= gap


def test_features_left_out_by_name_are_never_built(history: Warehouse) -> None:
    """What a person excludes is not even looked at, and nothing else goes with it."""
    past = history.until(START + timedelta(days=80))
    whole = build_training_set(past, HORIZON, FEATURES, TRAINING)
    names = whole.examples.feature_set.names
    fewer = build_training_set(past, HORIZON, FEATURES, without(names[3:]))
    assert fewer.examples.feature_set.names == names[:3]
    np.testing.assert_array_equal(fewer.y, whole.y)
    np.testing.assert_array_equal(fewer.examples.X, whole.examples.X[names[:3]])


def test_too_short_a_history_has_columns_and_no_rows(history: Warehouse) -> None:
    """Before the first label is mature there is an empty training set, and it says so."""
    early = build_training_set(
        history.until(START + timedelta(days=9)), HORIZON, FEATURES, TRAINING
    )
    assert len(early.examples) == len(early.y) == 0
    assert list(early.examples.X.columns) == early.examples.feature_set.names
    assert early.suspicions == ()
    assert early.split.says == ("no label is mature yet",)
