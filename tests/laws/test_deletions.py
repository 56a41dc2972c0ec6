"""Deleted rows: what the CRM deleted is there until then, and after it as if it had never been."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest
from deletions import DELETED_AT, left_of, oracle_at, with_deletions
from engines import Engine
from everything import as_of as sales_as_of
from everything import assert_same_look as assert_same_sales
from everything import look as sales_look
from extract import Extract, Row
from histories import Case, random_case
from looks import keys_of, look, tried_on
from oracle import Oracle, is_near
from sales_histories import sales_case
from sales_oracle import DealOracle, RepOracle
from test_invisible_rows import as_of, assert_declared_is_made_then, assert_same_look

from features.build import Examples
from features.subjects import DEAL, REP, Subject

ORACLES = {DEAL: DealOracle, REP: RepOracle}


def assert_agrees(examples: Examples, oracle: Oracle, cutoff: datetime) -> None:
    """Compare the keys and every value of one cutoff with the slow truth."""
    keys = oracle.keys([cutoff])
    at_cutoff = examples.take((examples.keys["cutoff"] == cutoff).to_numpy())
    assert list(at_cutoff.keys[oracle.subject.key]) == [key.lead_id for key in keys]
    unlike = [
        f"{feature.name} of {key}: {found!r}, the oracle says {told!r}"
        for feature in examples.feature_set
        for key, found in zip(keys, at_cutoff.X[feature.name], strict=True)
        if not is_near(found, told := oracle.value(feature, key))
    ]
    assert not unlike, "\n".join(unlike[:20])


@tried_on(157, 291)
def test_leads_are_seen_as_if_deleted_rows_had_never_been(duckdb: Engine, rng: Random) -> None:
    """At each cutoff, from the rows that were not deleted before it, and no others."""
    case = with_deletions(rng, random_case(rng))
    with duckdb.open(case.extract) as warehouse:
        seen = look(warehouse, case)
    whole = Oracle(case.extract, seen.words, seen.examples.feature_set, case.params)
    told = {c: oracle_at(Oracle, whole, case, c) for c in case.cutoffs}
    for cutoff, oracle in told.items():
        assert_agrees(seen.examples, oracle, cutoff)
    keys = [key for cutoff in case.cutoffs for key in told[cutoff].keys([cutoff])]
    keys.sort(key=lambda key: (key.lead_id, key.cutoff))
    assert keys_of(seen.examples) == [(key.lead_id, key.cutoff, key.owner) for key in keys]
    labels = [told[key.cutoff].label(key, case.horizon_days) for key in keys]
    assert all(map(is_near, seen.labels, labels))


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@tried_on(185)
def test_sales_are_seen_as_if_deleted_rows_had_never_been(
    duckdb: Engine, subject: Subject, rng: Random
) -> None:
    """At each cutoff, and labels at the end of what may be read."""
    case = with_deletions(rng, sales_case(rng))
    with duckdb.open(case.extract) as warehouse:
        seen = sales_look(warehouse, case, subject)
    kind = ORACLES[subject]
    whole = kind(case.extract, seen.words, seen.examples.feature_set, case.params)
    for cutoff in case.cutoffs:
        assert_agrees(seen.examples, oracle_at(kind, whole, case, cutoff), cutoff)
    if subject is REP:
        end = oracle_at(RepOracle, whole, case, case.trained)
        assert isinstance(end, RepOracle)
        for cutoff in case.cutoffs:
            own = oracle_at(RepOracle, whole, case, cutoff)
            found = seen.labels["ratio"][(seen.examples.keys["cutoff"] == cutoff).to_numpy()]
            told = [end.attainment(key, case.trained) for key in own.keys([cutoff])]
            assert all(map(is_near, found, told)), (found, told)


def deleted_otherwise(rng: Random, extract: Extract, moment: datetime) -> Extract:
    """Delete other rows, or at other moments, from a moment on."""
    later = (None, moment, moment, extract.data_until)

    def other(_table: str, rows: list[Row]) -> list[Row]:
        return [
            row
            if row[DELETED_AT] is not None and row[DELETED_AT] < moment
            else {**row, DELETED_AT: rng.choice(later)}
            for row in rows
        ]

    return extract.each(other)


@tried_on(412)
def test_what_is_deleted_later_changes_nothing_before(duckdb: Engine, rng: Random) -> None:
    """Deleting a row at the moment or after it, or not at all, leaves the past as it was."""
    case = with_deletions(rng, sales_case(rng))
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    other = deleted_otherwise(rng, case.extract, moment)
    with duckdb.open(case.extract) as warehouse:
        before = as_of(warehouse, case, moment)
        sales = [sales_as_of(warehouse, case, moment, subject) for subject in ORACLES]
    with duckdb.open(other) as warehouse:
        assert_same_look(before, as_of(warehouse, case, moment))
        for subject, look_before in zip(ORACLES, sales, strict=True):
            assert_same_sales(look_before, sales_as_of(warehouse, case, moment, subject))


@tried_on(802)
def test_an_extract_declared_to_end_knows_of_no_later_deletion(duckdb: Engine, rng: Random) -> None:
    """Ingested with `--data-until T` it looks as the engine's cut at T does."""
    for made in (random_case, sales_case):
        case = with_deletions(rng, made(rng))
        assert_declared_is_made_then(duckdb, case, rng.choice(case.cutoffs))


@pytest.mark.spark
def test_spark_sees_deleted_rows_as_duckdb_does(duckdb: Engine, spark: Engine) -> None:
    """The same files give the same leads, owners and values on both engines."""
    case: Case = with_deletions(Random(11), random_case(Random(11)))  # noqa: S311 - no secret
    looks = []
    for engine in (duckdb, spark):
        with engine.open(case.extract) as warehouse:
            looks.append(look(warehouse, case))
    small, large = looks
    assert large.words == small.words
    assert keys_of(large.examples) == keys_of(small.examples)
    X, Y = small.examples.X, large.examples.X
    assert not [name for name in X if not all(map(is_near, X[name], Y[name]))]


def test_some_rows_are_deleted_and_some_are_not() -> None:
    """The companies that the laws are tried on have what the laws are about."""
    case = with_deletions(Random(4), sales_case(Random(4)))  # noqa: S311 - no secret
    left = left_of(case.extract, case.cutoffs[-1])
    for table in ("leads", "activities", "changes", "deals", "quotas"):
        assert 0 < len(left.rows(table)) < len(case.extract.rows(table)), table
