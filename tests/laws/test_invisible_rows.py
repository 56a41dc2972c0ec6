"""What cannot be seen at a moment changes nothing that is said of that moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from engines import Engine
from extract import Extract, Row
from histories import Case, meddle, random_case
from looks import assert_bit_equal, look_at, tried_on

from features.build import Examples
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.conversion import conversion
from features.storage.warehouse import Warehouse
from features.tables import TABLES

Labels = npt.NDArray[np.float64]


def as_of(
    warehouse: Warehouse, case: Case, moment: datetime
) -> tuple[Vocabulary, Examples, Labels]:
    """Look at all cutoffs up to a moment with what was known at that moment."""
    words = read_vocabulary(warehouse.until(moment), case.params)
    cutoffs = [cutoff for cutoff in case.cutoffs if cutoff <= moment]
    examples = look_at(warehouse, words, cutoffs, case.params)
    past = warehouse.until(moment)
    return words, examples, conversion(past, examples.keys, case.horizon_days)


def assert_same_look(
    one: tuple[Vocabulary, Examples, Labels], other: tuple[Vocabulary, Examples, Labels]
) -> None:
    """Require the same words, and the same values and labels to the last bit."""
    assert one[0] == other[0]
    assert_bit_equal(one[1], other[1])
    np.testing.assert_array_equal(one[2], other[2])


@tried_on(412, 434, 491)
def test_adding_editing_and_deleting_unseen_rows_changes_nothing(
    duckdb: Engine, rng: Random
) -> None:
    """Later activities, changes, leads, outcomes, reps and accounts leave the past as it was."""
    case = random_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        before = as_of(warehouse, case, moment)
    with duckdb.open(meddle(rng, case.extract, moment)) as warehouse:
        after = as_of(warehouse, case, moment)
    assert_same_look(before, after)


@tried_on(802, 809, 1036)
def test_the_past_looks_as_an_extract_made_then(duckdb: Engine, rng: Random) -> None:
    """The whole extract, the same cut in the engine, and one really made then say the same."""
    case = random_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        whole = as_of(warehouse, case, moment)
        cut = as_of(warehouse.until(moment), case, moment)
    with duckdb.open(case.extract.cut(moment)) as warehouse:
        made_then = as_of(warehouse, case, moment)
    assert_same_look(whole, cut)
    assert_same_look(whole, made_then)


@tried_on(4, 157, 248, 287, 291, 296, 412, 434)
def test_a_cut_holds_the_visible_rows_and_no_end_of_a_story(duckdb: Engine, rng: Random) -> None:
    """`until` keeps of all seven tables just what the contract calls visible, ends masked."""
    case = random_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        past = warehouse.until(moment)
        assert past.data_until == moment
        kept = {name: past.arrow(past[name]).to_pylist() for name in TABLES}
    told = case.extract.cut(moment)
    for name in TABLES:
        assert as_set(kept[name]) == as_set(with_all_columns(told, name, kept[name])), name


def as_set(rows: list[dict[str, Any]]) -> list[str]:
    """Put rows into an order of their own."""
    return sorted(repr(sorted(row.items())) for row in rows)


def with_all_columns(
    extract: Extract, table: str, like: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Give the oracle's rows the columns the engine has, `known_at` filled."""
    columns = list(like[0]) if like else []
    return [_completed(table, row, columns) for row in extract.rows(table)]


def _completed(table: str, row: Row, columns: list[str]) -> dict[str, Any]:
    clock: Mapping[str, str | None] = {name: TABLES[name].event_time for name in TABLES}
    made = {name: row.get(name) for name in columns}
    if "known_at" in made and made["known_at"] is None:
        made["known_at"] = row[str(clock[table])]
    return made
