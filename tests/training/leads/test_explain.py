"""Points add up to the score and point the way the feature pushed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.estimators.calibration import IDENTITY, Calibrator
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import Explanation, explain
from training.leads.reasons import reasons

MAPS = [IDENTITY, Calibrator("platt", 0.6, 0.6, -0.8), Calibrator("beta", 1.6, 0.7, 0.5)]


@pytest.fixture(scope="module")
def explained(bundle: Bundle, training_set: TrainingSet) -> Explanation:
    """Every row of the training_set, explained."""
    return explain(bundle, training_set.examples)


@pytest.mark.parametrize("calibrator", MAPS, ids=lambda c: c.method)
@pytest.mark.parametrize("each_side", [1, 3, 10])
def test_points_and_rest_are_the_score(
    bundle: Bundle, training_set: TrainingSet, calibrator: Calibrator, each_side: int
) -> None:
    """Base, points and rest add up to 100 p within a hundredth, for every row and every map."""
    mapped = replace(bundle, calibrator=calibrator)
    few = training_set.examples.take(np.arange(len(training_set.y)) % 7 == 0)
    explanation = explain(mapped, few)
    rows = reasons(explanation, few, each_side, mapped.precedents)
    sums = [m["base"] + sum(item["points"] for item in m["items"]) + m["rest"] for m in rows]
    assert np.abs(np.array(sums) - 100 * mapped.probability(few.X)).max() < 0.01
    assert len(rows) == len(few)


def test_all_points_are_the_score(
    explained: Explanation, bundle: Bundle, training_set: TrainingSet
) -> None:
    """Before anything is grouped or left out the sum is exact."""
    sums = explained.base + explained.points.sum(axis=1)
    np.testing.assert_allclose(sums, 100 * bundle.probability(training_set.examples.X), atol=1e-9)


def test_points_keep_the_sign_of_log_odds(
    explained: Explanation, bundle: Bundle, training_set: TrainingSet
) -> None:
    """What raises the raw margin raises the score, and what lowers it lowers it."""
    assert bundle.blend is not None
    pushes = bundle.blend.contributions(training_set.examples.X)[:, :-1]
    loud = np.abs(pushes) > 1e-9
    assert (np.sign(explained.points[loud]) == np.sign(pushes[loud])).all()


def test_a_row_at_the_base_has_its_slope(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where a row's margin is the base's, points are log-odds times the slope there, not 0/0."""
    few = training_set.examples.take(np.arange(len(training_set.y)) < 3)
    still = replace(bundle, calibrator=Calibrator("platt", 1e-12, 1e-12, 0.0))
    explanation = explain(still, few)
    assert np.isfinite(explanation.points).all()
    assert explanation.probability == pytest.approx([0.5] * 3)
