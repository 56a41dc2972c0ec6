"""From declarations to numbers: features of features, examples in part, an empty extract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from by_hand import Opened, day, deal, quota
from extract import lead, touch

from features.build import Examples, build, derived
from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.definitions.rep import rep_features
from features.errors import FeatureError, LeakageError
from features.feature import (
    Aggregate,
    Aggregation,
    Feature,
    FeatureSet,
    PeerRank,
    Ratio,
    Relation,
    Unit,
    Who,
)
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.subjects import SUBJECTS

PARAMS = FeatureParams(min_count=1, windows_days=(7, 30))
DECLARE: dict[str, Any] = {"lead": lead_features, "deal": deal_features, "rep": rep_features}


def of_columns(how: Any) -> Feature:
    """Declare a feature that is made of other ones."""
    return Feature("x", Relation.COLUMNS, how, "says", Who.LEAD, Unit.SHARE)


def test_a_ratio_is_kept_calm_by_a_constant() -> None:
    """Over nothing there is the constant to divide by; empty values stay empty."""
    columns = {"won": np.array([1.0, 0.0, np.nan]), "all": np.array([3.0, 0.0, 5.0])}
    ratio = derived(of_columns(Ratio("won", "all", 1.0)), columns, np.zeros(3, np.int64))
    np.testing.assert_array_equal(ratio, [0.25, 0.0, np.nan])


def test_a_rank_is_among_those_of_the_same_cutoff() -> None:
    """And, where it is within a category, among those of the same category; empty is one too."""
    columns = {
        "age": np.array([1.0, 2.0, 3.0, 9.0, 5.0]),
        "stage": np.array([0.0, 1.0, 0.0, np.nan, np.nan]),
    }
    cutoffs = np.array([7, 7, 7, 7, 9])
    plain = derived(of_columns(PeerRank("age")), columns, cutoffs)
    np.testing.assert_array_equal(plain, [0.25, 0.5, 0.75, 1.0, 1.0])
    within = derived(of_columns(PeerRank("age", "stage")), columns, cutoffs)
    np.testing.assert_array_equal(within, [0.5, 1.0, 1.0, 1.0, 1.0])


def test_only_ratios_and_ranks_are_made_of_columns() -> None:
    """Anything else was declared wrongly."""
    odd = of_columns(Aggregate(Aggregation.COUNT))
    with pytest.raises(FeatureError, match="neither a ratio nor a rank"):
        derived(odd, {}, np.zeros(0, np.int64))


def test_examples_are_kept_in_part() -> None:
    """Keys and features stay side by side, numbered anew."""
    keys = pd.DataFrame({"lead_id": ["a", "b", "c"]})
    examples = Examples(keys, pd.DataFrame({"x": [1.0, 2.0, 3.0]}), FeatureSet("lead", ()))
    some = examples.take(np.array([True, False, True]))
    assert len(some) == 2
    assert some.keys["lead_id"].tolist() == ["a", "c"]
    assert some.X["x"].tolist() == [1.0, 3.0]
    assert some.X.index.tolist() == [0, 1]


@pytest.mark.parametrize("kind", SUBJECTS)
def test_where_nothing_is_open_there_are_no_examples(opened: Opened, kind: str) -> None:
    """No rows, but all the columns: what follows needs no case of its own."""
    declared = DECLARE[kind](Vocabulary(), PARAMS)
    with opened() as warehouse:
        examples = build(warehouse, declared, Vocabulary(), [day(5)], PARAMS)
    assert examples.X.shape == (0, len(declared))
    assert list(examples.X.columns) == declared.names
    assert list(examples.keys.columns) == list(SUBJECTS[kind].keys)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_examples_stand_by_id_and_cutoff(opened: Opened, kind: str) -> None:
    """In whatever order rows and cutoffs come; of the same cutoff twice there is one."""
    tables: dict[str, Any] = {
        "leads": [lead(name, day(0)) for name in "cab"],
        "deals": [deal(name) for name in "cab"],
        "quotas": [quota(name, 0, 100) for name in "cab"],
        "activities": [touch("a", day(1))],
    }
    declared = DECLARE[kind](Vocabulary(types=("call",)), PARAMS)
    with opened(**tables) as warehouse:
        cutoffs = [day(9), day(3), day(9)]
        keys = build(warehouse, declared, Vocabulary(types=("call",)), cutoffs, PARAMS).keys
    key = SUBJECTS[kind].key
    pairs = list(zip(keys[key], keys["cutoff"], strict=True))
    assert pairs == [(name, pd.Timestamp(day(at))) for name in "abc" for at in (3, 9)]


def test_a_cutoff_beyond_the_cut_is_refused(opened: Opened) -> None:
    """At the cut itself it is answered; a microsecond later would be beyond it."""
    declared = lead_features(Vocabulary(), PARAMS)
    with opened(leads=[lead("a", day(0))]) as warehouse:
        past = warehouse.until(day(5))
        assert len(build(past, declared, Vocabulary(), [day(5)], PARAMS)) == 1
        with pytest.raises(LeakageError, match=r"2024-01-07 .* cut at 2024-01-06"):
            build(past, declared, Vocabulary(), [day(5), day(6)], PARAMS)


def test_features_that_others_are_made_of_are_built_and_not_kept(opened: Opened) -> None:
    """Leaving a column out changes no other column."""
    declared = lead_features(Vocabulary(types=("call",)), PARAMS)
    ranked = next(f for f in declared if isinstance(f.how, PeerRank))
    source = ranked.how.of  # type: ignore[union-attr]
    tables: dict[str, Any] = {
        "leads": [lead(name, day(at)) for at, name in enumerate("abc")],
        "activities": [touch("a", day(1)), touch("b", day(2))],
    }
    with opened(**tables) as warehouse:
        words = Vocabulary(types=("call",))
        every = build(warehouse, declared, words, [day(9)], PARAMS).X
        fewer = build(warehouse, declared.without(frozenset({source})), words, [day(9)], PARAMS).X
    assert source not in fewer.columns
    pd.testing.assert_frame_equal(fewer, every.drop(columns=source))
    assert replace(declared, aside=()).names == every.columns.tolist()
