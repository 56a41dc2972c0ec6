"""Reasons add up to the score, point the way the feature pushed, and are said in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import Aggregate, Aggregation, Feature, FeatureSet, Relation, Unit
from features.texts import PLAIN, About, Phrase, Who
from training.estimators.calibration import IDENTITY, Calibrator
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import Explanation, as_json, explain, reasons, say_value

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
    rows = reasons(explanation, few, each_side)
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


@pytest.mark.parametrize("each_side", [1, 2, 3])
def test_few_reasons_of_unlike_topics_the_strongest_first(
    explained: Explanation, training_set: TrainingSet, each_side: int
) -> None:
    """At most so many for and against, no topic twice, none weaker than one left out."""
    topics_of = {feature.name: feature.topic for feature in explained.features}
    for made in reasons(explained, training_set.examples, each_side)[::11]:
        items = made["items"]
        sides = {s: [i for i in items if i["side"] == s] for s in ("for", "against")}
        assert all(len(side) <= each_side for side in sides.values())
        assert all(item["points"] >= 0 for item in sides["for"])
        assert all(item["points"] <= 0 for item in sides["against"])
        topics = [topics_of[item["feature"]] for item in items]
        assert len(topics) == len(set(topics))
        for side in sides.values():
            sizes = [abs(item["points"]) for item in side]
            assert sizes == sorted(sizes, reverse=True)


def test_a_reason_is_what_the_contract_says(
    explained: Explanation, training_set: TrainingSet
) -> None:
    """Feature, label, value, points, side and who, as JSON of words and numbers."""
    declared = {feature.name: feature for feature in explained.features}
    row = json.loads(as_json(reasons(explained, training_set.examples, 3)[0]))
    assert set(row) == {"base", "items", "rest"}
    assert row["items"]
    for item in row["items"]:
        assert list(item) == ["feature", "label", "value", "points", "side", "who"]
        feature = declared[item["feature"]]
        assert (item["label"], item["who"]) == (feature.about.label, feature.who.value)
        raw = float(training_set.examples.X[feature.name].iloc[0])
        assert item["value"] == say_value(feature, raw)
        assert "nan" not in item["value"].lower()


def test_a_topic_is_spoken_for_by_its_strongest_feature() -> None:
    """Calls in two windows are one reason: their sum, in the words of the one that pushed most."""
    calls = About("type_call", "calls", Who.REP)
    features = [
        replace(feature("type_call_7d"), about=calls, phrase=Phrase("{} calls this week")),
        replace(feature("type_call_30d"), about=calls, phrase=Phrase("{} calls this month")),
        replace(feature("age_days", Unit.DAYS), phrase=Phrase("came in {} ago")),
    ]
    explanation = Explanation(
        np.array([10.0]), np.array([[3.0, -1.0, -4.0]]), np.array([0.08]), (*features,)
    )
    examples = frame({"type_call_7d": 2.0, "type_call_30d": 5.0, "age_days": 41.0}, features)
    (made,) = reasons(explanation, examples, 2)
    items = [(i["feature"], i["label"], i["value"], i["points"]) for i in made["items"]]
    assert items == [
        ("type_call_7d", "calls", "2 calls this week", 2.0),
        ("age_days", "the age_days", "came in 41 days ago", -4.0),
    ]
    assert made["rest"] == pytest.approx(0.0)


def test_what_is_called_alike_is_not_added_up() -> None:
    """Two features whose names differ in a number only are two reasons if they are so declared."""
    features = [feature("x_7d"), feature("x_30d")]
    explanation = Explanation(
        np.array([10.0]), np.array([[3.0, 2.0]]), np.array([0.15]), (*features,)
    )
    (made,) = reasons(explanation, frame({"x_7d": 1.0, "x_30d": 1.0}, features), 3)
    assert [item["points"] for item in made["items"]] == [3.0, 2.0]


def test_a_fallback_has_a_base_and_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where the base rate answers there is nothing to explain, and it still adds up."""
    fallback = replace(bundle, blend=None, columns=(), base_rate=0.2)
    few = training_set.examples.take(np.arange(len(training_set.y)) < 3)
    rows = reasons(explain(fallback, few), few, 3)
    assert rows == [{"base": 20.0, "items": [], "rest": pytest.approx(0.0)}] * 3


def test_no_rows_have_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """A moment without open leads is explained by nothing."""
    none = training_set.examples.take(np.zeros(len(training_set.y), dtype=bool))
    assert reasons(explain(bundle, none), none, 3) == []


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (np.nan, Unit.COUNT, "not known"),
        (0.0, Unit.COUNT, "0"),
        (12_345.0, Unit.COUNT, "12,345"),
        (12_345.6, Unit.AMOUNT, "12,346"),
        (41.5, Unit.AMOUNT, "42"),
        (4.55, Unit.AMOUNT, "4.5"),
        (0.0123, Unit.AMOUNT, "0.012"),
        (-3.0, Unit.AMOUNT, "-3"),
        (1.34, Unit.RATIO, "1.3"),
        (0.266, Unit.RATIO, "0.27"),
        (12.3, Unit.RATIO, "12"),
        (1.0, Unit.BOOLEAN, "yes"),
        (0.0, Unit.BOOLEAN, "no"),
        (np.nan, Unit.BOOLEAN, "not known"),
        (0.24, Unit.SHARE, "24 %"),
        (0.0, Unit.SHARE, "0 %"),
        (1.0, Unit.SHARE, "100 %"),
        (0.004, Unit.SHARE, "less than 1 %"),
        (0.996, Unit.SHARE, "more than 99 %"),
        (1.32, Unit.SHARE, "132 %"),
        (3.25, Unit.DAYS, "3.2 days"),
        (41.7, Unit.DAYS, "42 days"),
        (2.0, Unit.DAYS, "2 days"),
        (1.5, Unit.DAYS, "36 hours"),
        (0.5, Unit.DAYS, "12 hours"),
        (-5.0, Unit.DAYS, "-5 days"),
        (300.0, Unit.HOURS, "12 days"),
        (2.5, Unit.HOURS, "2.5 hours"),
        (1.0, Unit.HOURS, "1 hour"),
        (0.5, Unit.HOURS, "30 minutes"),
        (1 / 60, Unit.HOURS, "1 minute"),
        (0.001, Unit.HOURS, "less than a minute"),
        (40.0, Unit.WORKING_HOURS, "40 working hours"),
        (1.0, Unit.WORKING_HOURS, "1 working hour"),
        (0.0, Unit.WORKING_HOURS, "less than a working hour"),
        (0.0, Unit.DAYS, "less than a minute"),
    ],
)
def test_values_are_said_in_their_unit(value: float, unit: Unit, says: str) -> None:
    """Shares are percent, times fit their size, numbers have the decimals worth reading."""
    assert say_value(feature("x", unit), value) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.0, "web"), (1.0, "event"), (2.0, "another"), (np.nan, "not known")],
)
def test_categories_are_named(value: float, says: str) -> None:
    """A place in the list is its word; the one after the last stands for every other word."""
    assert say_value(feature("x", Unit.CATEGORY, ("web", "event")), value) == says


@pytest.mark.parametrize(
    ("phrase", "unit", "value", "says"),
    [
        (
            Phrase("older than {} of them", one="the oldest"),
            Unit.SHARE,
            0.96,
            "older than 96 % of them",
        ),
        (Phrase("older than {} of them", one="the oldest"), Unit.SHARE, 1.0, "the oldest"),
        (Phrase("last touched {} ago", "no touch yet"), Unit.DAYS, 5.0, "last touched 5 days ago"),
        (Phrase("last touched {} ago", "no touch yet"), Unit.DAYS, np.nan, "no touch yet"),
        (Phrase("{} calls", zero="no call"), Unit.COUNT, 0.0, "no call"),
        (Phrase("{} more", below="{} fewer"), Unit.RATIO, -0.5, "0.5 fewer"),
        (PLAIN, Unit.COUNT, 3.0, "3"),
    ],
)
def test_values_are_said_as_declared(phrase: Phrase, unit: Unit, value: float, says: str) -> None:
    """A sentence a rep would say, whichever the unit."""
    assert say_value(replace(feature("x", unit), phrase=phrase), value) == says


def test_no_name_decides_how_a_value_is_said() -> None:
    """A count called `is_new` is a number, for its unit says so."""
    assert say_value(feature("is_new"), 1.0) == "1"
    assert say_value(feature("anything", Unit.BOOLEAN), 1.0) == "yes"


def test_reasons_of_a_real_model_are_sentences(
    explained: Explanation, training_set: TrainingSet
) -> None:
    """A label is a few words, and its value reads on: no bare share, no bare number of days."""
    rows = reasons(explained, training_set.examples, 3)[::7]
    values = {item["feature"]: item["value"] for row in rows for item in row["items"]}
    units = {feature.name: feature.unit for feature in explained.features}
    spoken = {name: value for name, value in values.items() if units[name] is not Unit.CATEGORY}
    assert len(spoken) > 5
    plain = {name for name, value in spoken.items() if value.replace(".", "").isdigit()}
    assert plain <= {"leads_value"}


def feature(name: str, unit: Unit = Unit.COUNT, words: tuple[str, ...] | None = None) -> Feature:
    """Declare a feature of activities, a topic of its own."""
    about = About(name, f"the {name}", Who.REP)
    how = Aggregate(Aggregation.COUNT)
    return Feature(name, Relation.TOUCHES, how, f"the {name}", about, unit, categories=words)


def frame(values: dict[str, float], features: list[Feature]) -> Examples:
    """Make the examples of one lead."""
    keys = pd.DataFrame({"lead_id": ["L1"], "cutoff": [pd.Timestamp("2024-01-01")], "owner": ["r"]})
    return Examples(keys, pd.DataFrame([values]), FeatureSet("lead", tuple(features)))
