"""Equal questions get equal answers, to the last bit, however they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from engines import Engine
from extract import Row
from histories import Case
from looks import assert_bit_equal, look, look_at, only

from features.build import Examples, build
from features.history.vocabulary import Vocabulary
from features.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Asked:
    """A company that was looked at once, and is still open."""

    case: Case
    warehouse: Warehouse
    words: Vocabulary
    examples: Examples


@pytest.fixture(scope="module")
def asked(duckdb: Engine, crm: Callable[[int], Case]) -> Iterator[Asked]:
    """Look at one company with many open leads."""
    case = crm(11)
    with duckdb.open(case.extract) as warehouse:
        seen = look(warehouse, case)
        yield Asked(case, warehouse, seen.words, seen.examples)


def test_asking_twice_gives_the_same_bits(asked: Asked) -> None:
    """A build has no memory."""
    again = look_at(asked.warehouse, asked.words, asked.case.cutoffs, asked.case.params)
    assert_bit_equal(asked.examples, again)


def test_the_order_of_rows_does_not_matter(duckdb: Engine, asked: Asked) -> None:
    """Shuffled tables give the same words, and the same bits in every value."""
    rng = Random(0)  # noqa: S311 - no secret

    def shuffled(_table: str, rows: list[Row]) -> list[Row]:
        return rng.sample(rows, len(rows))

    with duckdb.open(asked.case.extract.each(shuffled)) as warehouse:
        seen = look(warehouse, asked.case)
    assert seen.words == asked.words
    assert_bit_equal(asked.examples, seen.examples)


def test_other_cutoffs_do_not_matter(asked: Asked) -> None:
    """What is said of one cutoff is the same whether it is asked for alone, late, or twice."""
    first, *_, last = asked.case.cutoffs
    some = look_at(asked.warehouse, asked.words, [last, first, last], asked.case.params)
    kept = asked.examples.keys["cutoff"].isin([first, last])
    assert_bit_equal(asked.examples.take(kept.to_numpy()), some)


@pytest.mark.parametrize(
    "names",
    [
        ("overdue", "rank_days_since_touch"),
        ("touches_all", "owner_rate", "last_type"),
    ],
)
def test_other_features_do_not_matter(asked: Asked, names: tuple[str, ...]) -> None:
    """A feature that is built with few others has the bits it has among all."""
    few = only(asked.examples.feature_set, names)
    alone = build(asked.warehouse, few, asked.words, asked.case.cutoffs, asked.case.params)
    assert sorted(alone.X.columns) == sorted(names)
    for name in names:
        np.testing.assert_array_equal(alone.X[name], asked.examples.X[name])
