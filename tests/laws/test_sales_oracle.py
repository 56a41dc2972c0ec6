"""Deals and reps: fast and slow ways agree, unseen rows change nothing, cuts are bit-identical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pandas as pd
import pytest
from change_logs import alike
from engines import Engine
from everything import Look, as_of, assert_same_look, filled, look, same_numbers
from histories import Case
from looks import tried_on
from oracle import is_near
from sales_histories import meddle_sales, sales_case
from sales_oracle import DealOracle, RepOracle

from features.build import Examples
from features.subjects import DEAL, REP, Subject

SPARK_SEEDS = (194,)
ORACLES = {DEAL: DealOracle, REP: RepOracle}


def assert_agrees(examples: Examples, oracle: DealOracle | RepOracle, case: Case) -> None:
    """Compare keys and every value with the slow truth."""
    keys = oracle.keys(case.cutoffs)
    key = oracle.subject.key
    assert list(examples.keys[key]) == [k.lead_id for k in keys]
    assert list(examples.keys["cutoff"]) == [k.cutoff for k in keys]
    if isinstance(oracle, DealOracle):
        told = [oracle.deal(oracle.row(key), key.cutoff) for key in keys]
        assert filled(examples.keys["owner"]) == [deal.owner for deal in told]
        assert filled(examples.keys["lead_id"]) == [deal.lead_id for deal in told]
    unlike = [
        f"{feature.name} of {key}: {found!r}, the oracle says {told!r}"
        for feature in examples.feature_set
        for key, found in zip(keys, examples.X[feature.name], strict=True)
        if not is_near(found, told := oracle.value(feature, key))
    ]
    assert not unlike, "\n".join(unlike[:20])


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@tried_on(4, 185, 194, 202)
def test_every_feature_is_what_the_slow_truth_says(
    duckdb: Engine, subject: Subject, rng: Random
) -> None:
    """What the engine compiles equals what a plain walk over the rows gives, to 1e-9."""
    case = sales_case(rng)
    with duckdb.open(case.extract) as warehouse:
        seen = look(warehouse, case, subject)
    declared = seen.examples.feature_set
    oracle = ORACLES[subject](case.extract, seen.words, declared, case.params)
    assert_agrees(seen.examples, oracle, case)
    keys = oracle.keys(case.cutoffs)
    if isinstance(oracle, DealOracle):
        told = [oracle.ending(key, case.trained) for key in keys]
        assert_near(seen.labels["outcome"], [outcome for outcome, _ in told])
        assert_near(seen.labels["amount"], [amount for _, amount in told])
    else:
        assert_near(seen.labels["ratio"], [oracle.attainment(k, case.trained) for k in keys])


def assert_near(found: Sequence[float], told: Sequence[float]) -> None:
    """Compare labels with the slow truth."""
    assert [(f, t) for f, t in zip(found, told, strict=True) if not is_near(f, t)] == []


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@tried_on(402, 412, 612)
def test_unseen_rows_change_nothing(duckdb: Engine, subject: Subject, rng: Random) -> None:
    """Later deals, closings, changes and quota revisions leave the past as it was."""
    case = sales_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        before = as_of(warehouse, case, moment, subject)
    with duckdb.open(meddle_sales(rng, case.extract, moment)) as warehouse:
        after = as_of(warehouse, case, moment, subject)
    assert_same_look(before, after)


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@tried_on(809, 843, 911)
def test_the_past_looks_as_an_extract_made_then(
    duckdb: Engine, subject: Subject, rng: Random
) -> None:
    """The whole extract, the same cut in the engine, and one really made then say the same."""
    case = sales_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    extract = alike(case.extract, moment)
    with duckdb.open(extract) as warehouse:
        whole = as_of(warehouse, case, moment, subject)
        cut = as_of(warehouse.until(moment), case, moment, subject)
    with duckdb.open(extract.cut(moment)) as warehouse:
        made_then = as_of(warehouse, case, moment, subject)
    assert_same_look(whole, cut)
    assert_same_look(whole, made_then)


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@tried_on(809, 843)
def test_an_uncut_extract_declared_to_end_looks_as_one_made_then(
    duckdb: Engine, subject: Subject, rng: Random
) -> None:
    """Ingested with `--data-until T`, what goes on after T says what an extract made at T says."""
    case = sales_case(rng)
    moment = rng.choice(case.cutoffs)
    with duckdb.open(replace(case.extract, data_until=moment)) as warehouse:
        uncut = as_of(warehouse, case, moment, subject)
    with duckdb.open(case.extract.cut(moment)) as warehouse:
        made_then = as_of(warehouse, case, moment, subject)
    assert_same_look(uncut, made_then)


@pytest.mark.spark
@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@pytest.mark.parametrize("seed", SPARK_SEEDS)
def test_spark_says_what_duckdb_says(
    duckdb: Engine, spark: Engine, subject: Subject, seed: int
) -> None:
    """The same files give the same words, keys, values and labels on both engines."""
    case = sales_case(Random(seed))  # noqa: S311 - no secret

    def seen_by(engine: Engine) -> Look:
        with engine.open(case.extract) as warehouse:
            return look(warehouse, case, subject)

    small, large = seen_by(duckdb), seen_by(spark)
    assert large.words == small.words
    assert len(small.examples) > 4, "the seed should be replaced by one with more examples"
    pd.testing.assert_frame_equal(large.examples.keys, small.examples.keys)
    unlike = [
        name
        for name in small.examples.X
        if not all(map(is_near, large.examples.X[name], small.examples.X[name]))
    ]
    assert not unlike
    same_numbers(small.labels, large.labels)
