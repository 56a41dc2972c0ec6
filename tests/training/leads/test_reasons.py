"""Reasons are few, unlike each other, and hold most of what there is to say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import Aggregate, Aggregation, Feature, FeatureSet, Relation, Unit
from features.texts import DATA_ISSUE, GROUPS, About, Phrase, Theme, Who
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import Explanation, explain
from training.leads.reasons import Units, as_json, is_data_issue, reasons, share_shown
from training.leads.values import say_value


@pytest.fixture(scope="module")
def explained(bundle: Bundle, training_set: TrainingSet) -> Explanation:
    """Every row of the training_set, explained."""
    return explain(bundle, training_set.examples)


@pytest.fixture(scope="module")
def told(bundle: Bundle, training_set: TrainingSet, explained: Explanation) -> list[dict[str, Any]]:
    """The reasons of every row, three for and three against."""
    return reasons(explained, training_set.examples, 3, bundle.precedents)


def test_what_is_shown_is_most_of_what_there_is(explained: Explanation) -> None:
    """On nine rows of ten, three for and three against hold 80 % of the points of all reasons."""
    shares = share_shown(Units.of(explained, 3).points, 3)
    assert (shares >= 0.8).mean() >= 0.9
    assert (shares < 0.999).any()


def test_units_share_out_every_feature_once(explained: Explanation) -> None:
    """Every feature speaks in one unit of a row, and the unit's points are the sum of theirs."""
    units = Units.of(explained, 3)
    np.testing.assert_allclose(units.points.sum(axis=1), explained.points.sum(axis=1), atol=1e-9)
    for row in range(0, len(units.points), 97):
        used = np.flatnonzero(units.points[row])
        members = np.array([units.members(row, int(unit)) for unit in used])
        sums = members @ explained.points[row]
        np.testing.assert_allclose(units.points[row, used], sums, atol=1e-9)
        assert (members.sum(axis=0) <= 1).all()


@pytest.mark.parametrize("each_side", [1, 2, 3])
def test_few_reasons_unlike_each_other_the_strongest_first(
    explained: Explanation, training_set: TrainingSet, each_side: int
) -> None:
    """At most so many for and against, none said twice, none weaker than one left out."""
    for row in reasons(explained, training_set.examples, each_side, {})[::11]:
        sides = {s: [i for i in row["items"] if i["side"] == s] for s in ("for", "against")}
        assert all(len(side) <= each_side for side in sides.values())
        assert all(item["points"] >= 0 for item in sides["for"])
        assert all(item["points"] <= 0 for item in sides["against"])
        labels = [item["label"] for item in row["items"]]
        assert len(labels) == len(set(labels))
        for side in sides.values():
            sizes = [abs(item["points"]) for item in side]
            assert sizes == sorted(sizes, reverse=True)


def test_a_reason_is_what_the_contract_says(
    told: list[dict[str, Any]], explained: Explanation, training_set: TrainingSet, bundle: Bundle
) -> None:
    """Feature, label, value, points, side and who, and then what became of such leads."""
    declared = {feature.name: feature for feature in explained.features}
    row = json.loads(as_json(told[0]))
    assert set(row) == {"base", "items", "rest"}
    assert row["items"]
    contract = ["feature", "label", "value", "points", "side", "who"]
    for item in row["items"]:
        assert list(item) == [*contract, "group", "history"]
        feature = declared[item["feature"]]
        assert item["who"] == feature.who.value
        raw = float(training_set.examples.X[feature.name].iloc[0])
        assert item["value"] == say_value(feature, raw)
        assert "nan" not in item["value"].lower()
        assert item["history"] == bundle.precedents[feature.name].of(raw)


def lead(topics: dict[str, tuple[Theme, float]]) -> tuple[Explanation, Examples]:
    """Explain one lead by features that are a topic each."""
    features = [
        replace(feature(name), about=About(name, name, Who.REP, named_theme=theme))
        for name, (theme, _) in topics.items()
    ]
    points = np.array([[value for _, value in topics.values()]])
    p = (10.0 + points.sum(axis=1)) / 100
    return Explanation(np.array([10.0]), points, p, (*features,)), frame(
        dict.fromkeys(topics, 1.0), features
    )


def test_weak_topics_of_one_theme_speak_as_one() -> None:
    """Where six reasons would leave too much untold, the theme is one reason, said by its best."""
    work, progress, owner = Theme.WORK, Theme.PROGRESS, Theme.OWNER
    names = {"calls": (work, 6.0), "pace": (work, 1.0), "stage": (progress, 4.0)}
    names |= {"wait": (progress, 1.0), "area": (owner, 1.0), "load": (owner, 1.0)}
    (row,) = reasons(*lead(names), 3, {})
    items = [(i["feature"], i["label"], i["points"]) for i in row["items"]]
    assert items == [
        ("calls", "calls", 6.0),
        ("stage", "stage", 4.0),
        ("area", "whose it is", 2.0),
    ]
    assert row["rest"] == pytest.approx(2.0)  # the pace and the wait: 2 of 14 points


def test_where_all_can_be_told_topics_stand_alone() -> None:
    """Two strong topics of one theme are two reasons if nothing has to give way for it."""
    names = {"calls": (Theme.WORK, 6.0), "mails": (Theme.WORK, -4.0), "pace": (Theme.WORK, 1.0)}
    (row,) = reasons(*lead(names), 3, {})
    items = [(i["label"], i["points"]) for i in row["items"]]
    assert items == [("calls", 6.0), ("pace", 1.0), ("mails", -4.0)]


@pytest.mark.parametrize(
    ("value", "unit", "phrase", "is_issue"),
    [
        (np.nan, Unit.AMOUNT, Phrase(), True),
        (np.nan, Unit.DAYS, Phrase("last touched {} ago", "no touch yet"), False),
        (-3.0, Unit.DAYS, Phrase(), True),
        (-3.0, Unit.AMOUNT, Phrase(), False),
        (3.0, Unit.DAYS, Phrase(), False),
    ],
)
def test_what_cannot_be_is_a_data_issue(
    value: float, unit: Unit, phrase: Phrase, *, is_issue: bool
) -> None:
    """A value that ought to be there and is not, or a time below 0; "none yet" is an answer."""
    asked = replace(feature("x", unit), phrase=phrase)
    assert is_data_issue(asked, value) is is_issue


def test_groups_say_who_can_do_something(told: list[dict[str, Any]]) -> None:
    """Who can change a value and how it is grouped go together."""
    pairs = {(i["who"], i["group"]) for row in told for i in row["items"]}
    assert pairs >= {
        ("rep", "you can change"),
        ("company", "manager or company can change"),
        ("lead", "the lead's or market's own"),
    }
    assert {group for _, group in pairs} <= {*GROUPS.values(), DATA_ISSUE}


def test_a_topic_is_spoken_for_by_its_strongest_feature() -> None:
    """Calls in two windows are one reason: their sum, in the words of the one that pushed most."""
    calls = About("type_call", "calls", Who.REP)
    age = About("age", "age", Who.LEAD)
    features = [
        replace(feature("type_call_7d"), about=calls, phrase=Phrase("{} calls this week")),
        replace(feature("type_call_30d"), about=calls, phrase=Phrase("{} calls this month")),
        replace(feature("age_days", Unit.DAYS), about=age, phrase=Phrase("came in {} ago")),
    ]
    explanation = Explanation(
        np.array([10.0]), np.array([[3.0, -1.0, -4.0]]), np.array([0.08]), (*features,)
    )
    examples = frame({"type_call_7d": 2.0, "type_call_30d": 5.0, "age_days": 41.0}, features)
    (row,) = reasons(explanation, examples, 2, {})
    items = [(i["feature"], i["label"], i["value"], i["points"]) for i in row["items"]]
    assert items == [
        ("type_call_7d", "calls", "2 calls this week", 2.0),
        ("age_days", "age", "came in 41 days ago", -4.0),
    ]
    assert row["rest"] == pytest.approx(0.0)


def test_a_fallback_has_a_base_and_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where the base rate answers there is nothing to explain, and it still adds up."""
    fallback = replace(bundle, blend=None, columns=(), base_rate=0.2)
    few = training_set.examples.take(np.arange(len(training_set.y)) < 3)
    rows = reasons(explain(fallback, few), few, 3, {})
    assert rows == [{"base": 20.0, "items": [], "rest": pytest.approx(0.0)}] * 3


def test_no_rows_have_no_reasons(bundle: Bundle, training_set: TrainingSet) -> None:
    """A moment without open leads is explained by nothing."""
    none = training_set.examples.take(np.zeros(len(training_set.y), dtype=bool))
    assert reasons(explain(bundle, none), none, 3, {}) == []


def test_reasons_of_a_real_model_are_sentences(
    told: list[dict[str, Any]], explained: Explanation
) -> None:
    """A label is a few words, and its value reads on: no bare share, no bare number of days."""
    values = {item["feature"]: item["value"] for row in told[::7] for item in row["items"]}
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
