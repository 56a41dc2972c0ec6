"""Features of one's own: named in params.yaml, declared in a module, held to the same law."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from pydantic import ValidationError

from features.definitions.lead import lead_features
from features.definitions.own import own_features
from features.errors import FeatureError, InputError
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import About, Who

WORDS = Vocabulary(types=("call", "visit"))
VISITS = Feature(
    "visits_2d",
    Relation.TOUCHES,
    Aggregate(Aggregation.COUNT, "type", 1),
    "visits in the last 2 days",
    About("visits", "web visits", Who.LEAD),
    window_days=2,
)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of a company's own."""
    module = ModuleType("company_features")

    def visits(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
        assert params.own
        yield replace(
            VISITS, how=Aggregate(Aggregation.COUNT, "type", vocabulary.types.index("visit"))
        )

    module.visits = visits  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "company_features", module)
    return module


def named(*functions: str) -> FeatureParams:
    """Return settings that name functions of the company's module."""
    return FeatureParams(own=tuple(f"company_features:{name}" for name in functions))


@pytest.mark.usefixtures("company")
def test_what_is_named_is_declared_behind_the_others() -> None:
    """With the vocabulary of the data; the fingerprint knows it, and nothing else changes."""
    before, after = lead_features(WORDS, FeatureParams()), lead_features(WORDS, named("visits"))
    assert after.names == [*before.names, "visits_2d"]
    assert after.features[-1].how == Aggregate(Aggregation.COUNT, "type", 1)
    assert after.fingerprint != before.fingerprint


def test_nothing_is_declared_unless_it_is_named() -> None:
    """The defaults name none."""
    assert list(own_features(WORDS, FeatureParams())) == []


@pytest.mark.usefixtures("company")
def test_a_module_or_function_that_is_not_there_is_said() -> None:
    """With its name, and what to do."""
    with pytest.raises(InputError, match=r"nowhere:visits cannot be imported.*PYTHONPATH"):
        list(own_features(WORDS, FeatureParams(own=("nowhere:visits",))))
    with pytest.raises(InputError, match="company_features has no function calls"):
        list(own_features(WORDS, named("calls")))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("a text", "returns a str; it should return Features"),
        (replace(VISITS, source=Relation.MOVES), "of Relation.MOVES; a feature of a lead"),
    ],
)
def test_what_is_no_feature_of_a_lead_is_refused(
    company: ModuleType, returned: object, said: str
) -> None:
    """By its type, or by the rows it is made of."""
    company.odd = lambda *_: [returned]  # type: ignore[attr-defined] # a module made here
    with pytest.raises(InputError, match=said):
        list(own_features(WORDS, named("odd")))


def test_a_name_that_is_taken_is_refused(company: ModuleType) -> None:
    """A feature of one's own cannot stand for a built-in one."""
    taken = replace(VISITS, name="age_days", unit=Unit.DAYS)
    company.twice = lambda *_: [taken]  # type: ignore[attr-defined] # a module made here
    with pytest.raises(FeatureError, match="age_days"):
        lead_features(WORDS, named("twice"))


@pytest.mark.parametrize("name", ["visits", "company_features.visits", ":visits", "a b:c", "a:b:c"])
def test_a_name_is_a_module_and_a_function(name: str) -> None:
    """Anything else is refused as params.yaml is read."""
    with pytest.raises(ValidationError, match="pattern"):
        FeatureParams(own=(name,))
