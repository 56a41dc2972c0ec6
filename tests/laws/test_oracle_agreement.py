"""The fast way and the slow way agree, on every engine: values, population, owners, labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest
from engines import Engine
from histories import Case, random_case
from looks import MORE, Look, keys_of, look, tried_on
from oracle import Oracle, is_near

from features.build import Examples, build
from features.feature import Aggregate, Aggregation, Feature, FeatureSet, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.texts import About, Who

SEEDS = tuple(range(100, 100 + MORE)) or (11, 29)
SPARK_SEEDS = (11, 30)
"""Companies with many open leads and most kinds of words."""
MORE_ABOUT = About("more", "more", Who.REP)


def assert_agrees(examples: Examples, oracle: Oracle, case: Case) -> None:
    """Compare leads, owners and every value with the slow truth."""
    keys = oracle.keys(case.cutoffs)
    assert keys_of(examples) == [(key.lead_id, key.cutoff, key.owner) for key in keys]
    unlike = [
        f"{feature.name} of {key}: {found!r}, the oracle says {told!r}"
        for feature in examples.feature_set
        for key, found in zip(keys, examples.X[feature.name], strict=True)
        if not is_near(found, told := oracle.value(feature, key))
    ]
    assert not unlike, "\n".join(unlike[:20])


def more_features(words: Vocabulary, params_windows: tuple[int, ...]) -> Iterator[Feature]:
    """Declare what a data scientist could, beyond what is declared: each kind, by each word."""
    short, wide = params_windows[0], params_windows[-1] + 1
    counted = [
        ("trend", Aggregate(Aggregation.TREND, wide_days=wide), short),
        ("sum", Aggregate(Aggregation.SUM, column="duration"), short),
        ("mean", Aggregate(Aggregation.MEAN, column="duration"), wide),
        ("count", Aggregate(Aggregation.COUNT), wide),
    ]
    whole = [
        (kind.value.replace(" ", "_"), Aggregate(kind), None)
        for kind in (
            Aggregation.SINCE_LAST,
            Aggregation.SINCE_FIRST,
            Aggregation.RESPONSE,
            Aggregation.RHYTHM,
        )
    ]
    for by, found in (("type", words.types), ("direction", words.directions)):
        for code in (None, *range(len(found) + 1)):
            for name, how, days in (*counted, *whole):
                made = Aggregate(how.kind, by, code, how.column, how.wide_days)
                label = f"more_{name}_{by}_{'all' if code is None else code}"
                yield Feature(label, Relation.TOUCHES, made, label, MORE_ABOUT, unit_of(how), days)
    for kind in (Aggregation.LAST_WORD, Aggregation.SECOND_WORD, Aggregation.NEWEST_WORD):
        name = f"more_{kind.value.replace(' ', '_')}_outcome"
        how = Aggregate(kind, "outcome")
        yield Feature(
            name,
            Relation.TOUCHES,
            how,
            name,
            MORE_ABOUT,
            Unit.CATEGORY,
            categories=words.outcomes,
        )


def unit_of(how: Aggregate) -> Unit:
    """Times are counted in days, the rest in what it is."""
    timed = (Aggregation.SINCE_LAST, Aggregation.SINCE_FIRST, Aggregation.RHYTHM)
    if how.kind in timed:
        return Unit.DAYS
    return Unit.HOURS if how.kind is Aggregation.RESPONSE else Unit.AMOUNT


@tried_on(4, 157, 248, 287, 291, 296)
def test_every_feature_owner_and_label_is_what_the_slow_truth_says(
    duckdb: Engine, rng: Random
) -> None:
    """What the engine compiles equals what a plain walk over the rows gives, to 1e-9."""
    case = random_case(rng)
    with duckdb.open(case.extract) as warehouse:
        seen = look(warehouse, case)
    declared = seen.examples.feature_set
    oracle = Oracle(case.extract, seen.words, declared, case.params)
    assert_agrees(seen.examples, oracle, case)
    told = [oracle.label(key, case.horizon_days) for key in oracle.keys(case.cutoffs)]
    np.testing.assert_array_equal(seen.labels, np.array(told))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_declaration_of_any_kind_is_what_the_slow_truth_says(
    duckdb: Engine, crm: Callable[[int], Case], seed: int
) -> None:
    """A feature nobody declared yet means what its declaration says, whatever kind and word."""
    case = crm(seed)
    with duckdb.open(case.extract) as warehouse:
        words = look(warehouse, case).words
        more = FeatureSet("lead", tuple(more_features(words, case.params.windows_days)))
        examples = build(warehouse, more, words, case.cutoffs, case.params)
    assert_agrees(examples, Oracle(case.extract, words, more, case.params), case)


@pytest.mark.spark
@pytest.mark.parametrize("seed", SPARK_SEEDS)
def test_spark_says_what_duckdb_says(
    duckdb: Engine, spark: Engine, crm: Callable[[int], Case], seed: int
) -> None:
    """The same files give the same words, leads, owners, values and labels on both engines."""
    case = crm(seed)

    def seen_by(engine: Engine) -> Look:
        with engine.open(case.extract) as warehouse:
            return look(warehouse, case)

    small, large = seen_by(duckdb), seen_by(spark)
    assert large.words == small.words
    assert keys_of(large.examples) == keys_of(small.examples)
    assert len(small.examples) > 10, "the seed should be replaced by one with open leads"
    unlike = [
        name
        for name in small.examples.X
        if not all(map(is_near, large.examples.X[name], small.examples.X[name]))
    ]
    assert not unlike
    np.testing.assert_array_equal(large.labels, small.labels)
