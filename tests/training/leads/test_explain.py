"""Reasons add up to the score, point the way the feature pushed, and are said in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import Aggregate, Aggregation, Feature, FeatureSet, Relation, Unit, Who
from training.estimators.calibration import IDENTITY, Calibrator
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import Explanation, as_json, explain, reasons, say_value, topic

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
    told = reasons(explanation, few, each_side)
    sums = [m["base"] + sum(item["points"] for item in m["items"]) + m["rest"] for m in told]
    assert np.abs(np.array(sums) - 100 * mapped.probability(few.X)).max() < 0.01
    assert len(told) == len(few)


def test_all_points_are_the_score(
    explained: Explanation, bundle: Bundle, training_set: TrainingSet
) -> None:
    """Before anything is grouped or left out the sum is exact."""
    sums = explained.base + explained.points.sum(axis=1)
    np.testing.assert_allclose(sums, 100 * bundle.probability(training_set.examples.X), atol=1e-9)


def test_points_keep_the_sign_of_log_odds(
    explained: Explanation, bundle: Bundle, training_set: TrainingSet
) -> None:
    """What raises the trees' margin raises the score, and what lowers it lowers it."""
    assert bundle.ensemble is not None
    pushes = bundle.ensemble.contributions(training_set.examples.X)[:, :-1]
    loud = np.abs(pushes) > 1e-9
    assert (np.sign(explained.points[loud]) == np.sign(pushes[loud])).all()


def test_a_row_at_the_base_has_its_slope(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where a row's margin is the base's, points are log-odds times the slope there, not 0/0."""
    few = training_set.examples.take(np.arange(len(training_set.y)) < 3)
    still = replace(bundle, calibrator=Calibrator("platt", 1e-12, 1e-12, 0.0))
    explanation = explain(still, few)
    assert np.isfinite(explanation.points).all()
    assert explanation.probability == pytest.approx([0.5] * 3)


@pytest.mark.parametrize("each_side", [1, 2, 3])
def test_few_reasons_of_unlike_topics_the_strongest_first(
    explained: Explanation, training_set: TrainingSet, each_side: int
) -> None:
    """At most so many for and against, no topic twice, none weaker than one left out."""
    for made in reasons(explained, training_set.examples, each_side)[::11]:
        items = made["items"]
        sides = {s: [i for i in items if i["side"] == s] for s in ("for", "against")}
        assert all(len(side) <= each_side for side in sides.values())
        assert all(item["points"] >= 0 for item in sides["for"])
        assert all(item["points"] <= 0 for item in sides["against"])
        topics = [topic(item["feature"]) for item in items]
        assert len(topics) == len(set(topics))
        for side in sides.values():
            sizes = [abs(item["points"]) for item in side]
            assert sizes == sorted(sizes, reverse=True)


def test_a_reason_is_what_the_contract_says(
    explained: Explanation, training_set: TrainingSet
) -> None:
    """Feature, label, value, points, side and who, as JSON of words and numbers."""
    declared = {feature.name: feature for feature in explained.features}
    made = json.loads(as_json(reasons(explained, training_set.examples, 3)[0]))
    assert set(made) == {"base", "items", "rest"}
    assert made["items"]
    for item in made["items"]:
        assert list(item) == ["feature", "label", "value", "points", "side", "who"]
        feature = declared[item["feature"]]
        assert (item["label"], item["who"]) == (feature.says, feature.who.value)
        raw = float(training_set.examples.X[feature.name].iloc[0])
        assert item["value"] == say_value(feature, raw)
        assert "nan" not in item["value"].lower()


def test_a_topic_is_spoken_for_by_its_strongest_feature() -> None:
    """Calls in two windows are one reason: their sum, under the name that pushed most."""
    calls = [feature("type_call_7d"), feature("type_call_30d"), feature("age_days")]
    explanation = Explanation(10.0, np.array([[3.0, -1.0, -4.0]]), np.array([0.08]), tuple(calls))
    examples = frame({"type_call_7d": 2.0, "type_call_30d": 5.0, "age_days": 41.0}, calls)
    (made,) = reasons(explanation, examples, 2)
    told = [(item["feature"], item["points"], item["value"]) for item in made["items"]]
    assert told == [("type_call_7d", 2.0, "2"), ("age_days", -4.0, "41")]
    assert made["rest"] == pytest.approx(0.0)


def test_a_fallback_has_a_base_and_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where the base rate answers there is nothing to explain, and it still adds up."""
    fallback = replace(bundle, ensemble=None, columns=(), base_rate=0.2)
    few = training_set.examples.take(np.arange(len(training_set.y)) < 3)
    told = reasons(explain(fallback, few), few, 3)
    assert told == [{"base": 20.0, "items": [], "rest": pytest.approx(0.0)}] * 3


def test_no_rows_have_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """A moment without open leads is explained by nothing."""
    none = training_set.examples.take(np.zeros(len(training_set.y), dtype=bool))
    assert reasons(explain(bundle, none), none, 3) == []


@pytest.mark.parametrize(
    ("value", "unit", "words", "says"),
    [
        (np.nan, Unit.COUNT, None, "none yet"),
        (0.0, Unit.COUNT, None, "0"),
        (12_345.6, Unit.AMOUNT, None, "12,346"),
        (3.25, Unit.DAYS, None, "3.2"),
        (0.456, Unit.SHARE, None, "0.46"),
        (1.0, Unit.CATEGORY, ("web", "event"), "event"),
        (2.0, Unit.CATEGORY, ("web", "event"), "another"),
        (np.nan, Unit.CATEGORY, ("web", "event"), "none yet"),
    ],
)
def test_values_are_said_in_words(
    value: float, unit: Unit, words: tuple[str, ...] | None, says: str
) -> None:
    """Counts are whole, shares have two digits, categories are named."""
    assert say_value(feature("x", unit, words), value) == says


def feature(name: str, unit: Unit = Unit.COUNT, words: tuple[str, ...] | None = None) -> Feature:
    """Declare a feature of activities."""
    how = Aggregate(Aggregation.COUNT)
    return Feature(name, Relation.TOUCHES, how, f"the {name}", Who.REP, unit, categories=words)


def frame(values: dict[str, float], features: list[Feature]) -> Examples:
    """Make the examples of one lead."""
    keys = pd.DataFrame({"lead_id": ["L1"], "cutoff": [pd.Timestamp("2024-01-01")], "owner": ["r"]})
    return Examples(keys, pd.DataFrame([values]), FeatureSet("lead", tuple(features)))
