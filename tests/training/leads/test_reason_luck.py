"""What a model says of the luck in its reasons is what other seeds bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sellers import FEATURES, TRAINING

from features.storage.warehouse import Warehouse
from training.estimators.boosting import Ensemble
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import explain
from training.leads.fit import fit_leads
from training.leads.reason_luck import first_reasons_kept, reason_luck
from training.leads.reasons import reasons


def firsts(bundle: Bundle, training_set: TrainingSet) -> list[str]:
    """Return the label of the first reason for every tenth lead."""
    some = training_set.examples.take(np.arange(len(training_set.y)) % 10 == 0)
    rows = reasons(explain(bundle, some), some, 3, {})
    return [next((i["label"] for i in row["items"] if i["side"] == "for"), "") for row in rows]


def test_other_seeds_keep_as_many_as_was_said(
    bundle: Bundle, training_set: TrainingSet, history: Warehouse
) -> None:
    """A model from other seeds names the first reason for as many leads, within 12 points."""
    kept = first_reasons_kept(bundle, training_set.examples, 3)
    assert kept is not None
    booster = TRAINING.booster.model_copy(update={"seed": 5_000})
    params = TRAINING.model_copy(update={"booster": booster})
    other = fit_leads(training_set, history.until(None), FEATURES, params)
    pairs = zip(firsts(bundle, training_set), firsts(other, training_set), strict=True)
    assert np.mean([a == b for a, b in pairs]) == pytest.approx(kept[0], abs=0.12)
    (says,) = reason_luck(bundle, training_set.examples, 3)
    assert f"{100 * kept[0]:.0f} % of leads the same first reason for" in says


def test_equal_boosters_keep_all(bundle: Bundle, training_set: TrainingSet) -> None:
    """Without luck nothing changes."""
    assert bundle.blend is not None
    trees = Ensemble(bundle.blend.trees.texts[:1] * 3, bundle.blend.trees.columns)
    still = replace(bundle, blend=replace(bundle.blend, trees=trees))
    assert first_reasons_kept(still, training_set.examples, 3) == (1.0, 1.0)


def test_what_cannot_be_known_is_not_said(bundle: Bundle, training_set: TrainingSet) -> None:
    """One booster shows no luck, and a fallback has no reasons."""
    assert bundle.blend is not None
    alone = Ensemble(bundle.blend.trees.texts[:1], bundle.blend.trees.columns)
    single = replace(bundle, blend=replace(bundle.blend, trees=alone))
    assert reason_luck(single, training_set.examples, 3) == []
    assert reason_luck(replace(bundle, blend=None), training_set.examples, 3) == []
    none = training_set.examples.take(np.zeros(len(training_set.y), dtype=np.bool_))
    assert reason_luck(bundle, none, 3) == []
