"""A declared feature and a set of them: what is made of what, what is left out, what it means."""

from __future__ import annotations

import pytest

from features.feature import (
    Aggregate,
    Aggregation,
    Feature,
    FeatureSet,
    How,
    PeerRank,
    Ratio,
    Relation,
    Unit,
    Who,
)

STAGES = ("new", "offer")


def feature(name: str, how: How | None = None) -> Feature:
    """Declare a count of activities, or what is made of other features."""
    source = Relation.TOUCHES if how is None else Relation.COLUMNS
    return Feature(name, source, how or Aggregate(Aggregation.COUNT), name, Who.REP)


def some() -> FeatureSet:
    """Wait, rhythm and stage; a ratio of the first two, and ranks of it within the stage."""
    stage = Feature(
        "stage",
        Relation.STAGES,
        Aggregate(Aggregation.LAST_WORD, "stage"),
        "stage",
        Who.LEAD,
        Unit.CATEGORY,
        categories=STAGES,
    )
    return FeatureSet(
        "lead",
        (
            feature("wait"),
            feature("rhythm"),
            stage,
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
