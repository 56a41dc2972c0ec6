"""A declared feature and a set of them: what is made of what, what is left out, what it means."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from features.errors import FeatureError
from features.feature import (
    Aggregate,
    Aggregation,
    Expression,
    Feature,
    FeatureSet,
    How,
    PeerRank,
    Ratio,
    Ready,
    Relation,
    Segment,
    Unit,
)
from features.texts import About, Phrase, Who

ROOT = Path(__file__).parents[2]
STAGES = ("new", "offer")
ABOUT = About("touch", "activity", Who.REP, "activity")
COUNT = Aggregate(Aggregation.COUNT)


def feature(name: str, how: How | None = None) -> Feature:
    """Declare a count of activities, or what is made of other features."""
    source = Relation.TOUCHES if how is None else Relation.COLUMNS
    return Feature(name, source, how or COUNT, name, ABOUT)


def column(name: str, value: Callable[[Any], Any]) -> Feature:
    """Declare a figure that a lead's row holds."""
    return Feature(name, Relation.LEAD, Expression(value), name, ABOUT)


def stage() -> Feature:
    """Declare the stage."""
    return Feature(
        "stage",
        Relation.STAGES,
        Aggregate(Aggregation.LAST_WORD, "stage"),
        "stage",
        About("stage", "stage", Who.LEAD),
        Unit.CATEGORY,
        categories=STAGES,
        segment=Segment.STAGE,
    )


def some() -> FeatureSet:
    """Wait, rhythm and stage; a ratio of the first two, and ranks of it within the stage."""
    return FeatureSet(
        "lead",
        (
            feature("wait"),
            feature("rhythm"),
            stage(),
            feature("overdue", Ratio("wait", "rhythm", 0.1)),
            feature("rank_overdue", PeerRank("overdue", "stage")),
            feature("rank_wait", PeerRank("wait")),
        ),
    )


@pytest.mark.parametrize(
    ("names", "dependants"),
    [
        ({"wait"}, {"overdue", "rank_overdue", "rank_wait"}),
        ({"rhythm"}, {"overdue", "rank_overdue"}),
        ({"stage"}, {"rank_overdue"}),
        ({"overdue"}, {"rank_overdue"}),
        ({"rank_wait"}, set()),
        (set(), set()),
        ({"stage", "wait"}, {"overdue", "rank_overdue", "rank_wait"}),
        ({"not declared"}, set()),
    ],
)
def test_dependants_are_found_through_each_other(names: set[str], dependants: set[str]) -> None:
    """A rank of a ratio depends on both parts of the ratio, and on the category of the rank."""
    assert some().depends_on(names) == dependants


def test_dependants_are_found_through_what_is_set_aside() -> None:
    """A feature that is built but not kept passes on what it was made of."""
    kept = some().without(frozenset({"overdue", "wait"}))
    assert [f.name for f in kept.aside] == ["wait", "overdue"]
    assert kept.depends_on({"wait"}) == {"overdue", "rank_overdue", "rank_wait"}


def test_dependants_are_found_in_any_order() -> None:
    """A feature may be declared before what it is made of."""
    declared = some()
    turned = replace(declared, features=declared.features[::-1])
    for name in declared.names:
        assert turned.depends_on({name}) == declared.depends_on({name})


def test_what_is_left_out_is_gone_unless_others_are_made_of_it() -> None:
    """Leaving out a rank leaves nothing aside; leaving out its parts sets them aside."""
    declared = some()
    assert declared.without(frozenset({"rank_wait"})).aside == ()
    kept = declared.without(frozenset({"wait", "rhythm", "stage"}))
    assert kept.names == ["overdue", "rank_overdue", "rank_wait"]
    assert {f.name for f in kept.aside} == {"wait", "rhythm", "stage"}
    assert kept.without(frozenset({"overdue", "rank_overdue"})).names == ["rank_wait"]


def test_what_nobody_needs_any_more_is_not_built() -> None:
    """Aside stays only what a kept feature is made of, directly or by way of others."""
    kept = some().without(frozenset({"wait", "rhythm", "stage", "overdue"}))
    assert {f.name for f in kept.aside} == {"wait", "rhythm", "stage", "overdue"}
    fewer = kept.without(frozenset({"rank_overdue"}))
    assert {f.name for f in fewer.aside} == {"wait"}
    assert kept.without(frozenset({"rank_overdue", "rank_wait"})).aside == ()


def test_leaving_out_nothing_changes_nothing() -> None:
    """Neither no name nor the name of a feature that is not there."""
    declared = some()
    assert declared.without(frozenset()) == declared
    assert declared.without(frozenset({"not declared"})) == declared


def test_leaving_out_at_once_or_one_by_one_is_the_same() -> None:
    """The order in which features go does not matter for what is kept and what is built."""
    at_once = some().without(frozenset({"wait", "overdue"}))
    for first, then in (("wait", "overdue"), ("overdue", "wait")):
        in_turn = some().without(frozenset({first})).without(frozenset({then}))
        assert in_turn.names == at_once.names
        assert {f.name for f in in_turn.aside} == {f.name for f in at_once.aside}


def test_features_of_a_relation_are_found_with_those_set_aside() -> None:
    """What is built from activities is needed whether it is kept or only others are made of it."""
    kept = some().without(frozenset({"wait", "rhythm"}))
    assert {f.name for f in kept.of(Relation.TOUCHES)} == {"wait", "rhythm"}
    assert [f.name for f in kept.of(Relation.STAGES)] == ["stage"]
    assert kept.of(Relation.LEAD) == ()


def test_a_set_is_walked_and_counted_in_its_order() -> None:
    """Names, length and categories are those of the features that are kept."""
    declared = some()
    assert [f.name for f in declared] == declared.names
    assert len(declared) == 6
    assert declared.categorical == ["stage"]
    assert declared.without(frozenset({"stage"})).categorical == []


def test_two_features_of_one_name_are_refused() -> None:
    """A column stands once; the error names it."""
    with pytest.raises(FeatureError, match=r"declared twice: \['wait'\]"):
        FeatureSet("lead", (feature("wait"), feature("wait")))


@pytest.mark.parametrize("name", ["", "a b", "é", "a-b", "a.b", "{}"])
def test_names_that_a_file_would_change_are_refused(name: str) -> None:
    """Letters, digits and underscores only."""
    with pytest.raises(FeatureError, match="letters, digits and _ only"):
        feature(name)


def test_categories_go_with_their_unit() -> None:
    """A category without words and words without a category are both refused."""
    with pytest.raises(FeatureError, match="categories go with the unit"):
        Feature("x", Relation.LEAD, Ready("x"), "x", ABOUT, Unit.CATEGORY)
    with pytest.raises(FeatureError, match="categories go with the unit"):
        Feature("x", Relation.LEAD, Ready("x"), "x", ABOUT, categories=STAGES)


@pytest.mark.parametrize("kind", [Aggregation.SINCE_LAST, Aggregation.LAST_WORD])
def test_a_window_that_nobody_looks_through_is_refused(kind: Aggregation) -> None:
    """The time since the last row is that of all history, so a window would be a lie."""
    with pytest.raises(FeatureError, match="looks at all of a history"):
        Feature("x", Relation.TOUCHES, Aggregate(kind), "x", ABOUT, window_days=7)


@pytest.mark.parametrize(("short", "wide"), [(None, 30), (30, 30), (30, 7), (7, None)])
def test_a_trend_compares_a_window_with_a_wider_one(short: int | None, wide: int | None) -> None:
    """Seven days within thirty are a trend; without either, or turned about, there is none."""
    trend = Aggregate(Aggregation.TREND, wide_days=wide)
    with pytest.raises(FeatureError, match="a trend compares"):
        Feature("x", Relation.TOUCHES, trend, "x", ABOUT, window_days=short)
    fine = Aggregate(Aggregation.TREND, wide_days=30)
    assert Feature("x", Relation.TOUCHES, fine, "x", ABOUT, window_days=7).window_days == 7


def test_a_feature_says_what_its_topic_says() -> None:
    """Topic, who and lever are those of what it is about, and cannot be changed."""
    calls = feature("calls")
    assert (calls.topic, calls.who, calls.lever) == ("touch", Who.REP, "activity")
    with pytest.raises(FrozenInstanceError):
        calls.name = "other"  # type: ignore[misc]


def test_the_fingerprint_is_the_same_for_the_same_declarations() -> None:
    """Declared twice, a set has one fingerprint; of other features it has another."""
    assert some().fingerprint == some().fingerprint
    assert len(some().fingerprint) == 16
    assert some().without(frozenset({"rank_wait"})).fingerprint != some().fingerprint


def other_meanings() -> Iterator[FeatureSet]:
    """The set with one thing of another meaning at a time."""
    declared = some()
    wait, rhythm, stages, *rest = declared.features
    for changed in (
        replace(wait, name="waiting"),
        replace(wait, source=Relation.TOUCH_DAYS),
        replace(wait, how=Aggregate(Aggregation.COUNT, "type", 0)),
        replace(wait, unit=Unit.HOURS),
        replace(wait, window_days=7),
    ):
        yield replace(declared, features=(changed, rhythm, stages, *rest))
    yield replace(
        declared, features=(wait, rhythm, replace(stages, categories=STAGES[::-1]), *rest)
    )
    yield replace(declared, features=(rhythm, wait, stages, *rest))


def test_another_meaning_has_another_fingerprint() -> None:
    """Name, rows, aggregate, unit, window, categories and order: each counts."""
    prints = [declared.fingerprint for declared in (some(), *other_meanings())]
    assert len(set(prints)) == len(prints)


def test_other_words_have_the_same_fingerprint() -> None:
    """A better label or another lever refuses no model that is registered already."""
    declared = some()
    reworded = tuple(
        replace(
            f,
            says=f"another word for {f.name}",
            about=About("other", "other words", Who.COMPANY),
            phrase=Phrase("about {}"),
        )
        for f in declared
    )
    assert replace(declared, features=reworded).fingerprint == declared.fingerprint


def test_what_is_set_aside_is_part_of_the_meaning() -> None:
    """A rank means something else if what it ranks does, though that is not a column itself."""
    kept = some().without(frozenset({"wait"}))
    (wait,) = kept.aside
    assert wait.name == "wait"
    other = replace(kept, aside=(replace(wait, how=Aggregate(Aggregation.COUNT, "type", 1)),))
    assert other.names == kept.names
    assert other.fingerprint != kept.fingerprint


def test_an_expression_is_known_by_what_it_compiles_to() -> None:
    """Two ways to write one figure have one fingerprint; another figure has another."""
    rows = {Relation.LEAD: {"value": "float64"}}

    def valued(value: Callable[[Any], Any]) -> str:
        return FeatureSet("lead", (column("x", value),), rows).fingerprint

    assert valued(lambda r: r.value + 1) == valued(lambda r: r["value"] + 1)
    assert valued(lambda r: r.value + 1) != valued(lambda r: r.value + 2)


def test_a_description_holds_meaning_and_words() -> None:
    """What is filed with a model can be read without this product: plain words and numbers."""
    described = {row["name"]: row for row in some().describe()}
    assert described["stage"] == {
        "name": "stage",
        "source": "stages",
        "how": repr(Aggregate(Aggregation.LAST_WORD, "stage")),
        "unit": "category",
        "window_days": None,
        "categories": ["new", "offer"],
        "says": "stage",
        "topic": "stage",
        "who": "lead",
        "lever": None,
        "segment": "stage",
    }
    assert described["wait"]["lever"] == "activity"
    assert described["wait"]["segment"] is None


MAY_MATCH = {
    "serving/cli/champions.py",
    "serving/store/erase.py",
    "training/report/svg.py",
    "training/tracking/records.py",
}
"""Where texts that are no names of features are matched with patterns."""
TAKES_APART = {"startswith", "endswith", "removeprefix", "removesuffix", "split", "partition"}


def is_name(node: ast.expr) -> bool:
    """Whether an expression is the name of something, as in `feature.name`."""
    return isinstance(node, ast.Attribute) and node.attr in {"name", "feature"}


def guesses(code: str) -> Iterator[int]:
    """Find lines that look into names of features, or look names up in a list of their own."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import) and any(alias.name == "re" for alias in node.names):
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = [node.func.value, *node.args]
            if node.func.attr in TAKES_APART and any(is_name(value) for value in asked):
                yield node.lineno
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            inside = [side for side in node.comparators if is_name(side)]
            listed = [side for side in node.comparators if isinstance(side, ast.Dict | ast.Set)]
            if inside or (is_name(node.left) and listed):
                yield node.lineno


def test_nobody_guesses_from_a_name_what_a_feature_is_about() -> None:
    """Training and serving read declarations; no module takes the name of a feature apart."""
    modules = [path for floor in ("training", "serving") for path in (ROOT / floor).rglob("*.py")]
    named = {path.relative_to(ROOT).as_posix(): path for path in sorted(modules)}
    guessing = {
        name: lines
        for name, path in named.items()
        if name not in MAY_MATCH and (lines := [*guesses(path.read_text(encoding="utf-8"))])
    }
    assert guessing == {}
    assert named.keys() > MAY_MATCH


@pytest.mark.parametrize(
    "code",
    [
        "import re",
        "x = feature.name.startswith('is_')",
        "x = f.name.removeprefix('rank_')",
        "x = pattern.split(feature.name)",
        "x = 'touch' in feature.name",
        "x = feature.name in {'weekday': 1}",
    ],
)
def test_guessing_would_be_noticed(code: str) -> None:
    """Each way of looking into a name is found by the law above."""
    assert list(guesses(code)) == [1]
