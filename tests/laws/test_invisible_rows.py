"""What cannot be seen at a moment changes nothing that is said of that moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from change_logs import alike
from engines import Engine
from extract import Extract, is_visible, known_at, masked
from histories import Case, meddle, random_case
from looks import assert_bit_equal, look_at, tried_on
from pasts import ENTITIES, Pasts, read

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


def assert_declared_is_made_then(duckdb: Engine, case: Case, moment: datetime) -> None:
    """Fail unless an extract declared to end at a moment looks as the engine's cut there does."""
    with duckdb.open(replace(case.extract, data_until=moment)) as warehouse:
        uncut = as_of(warehouse, case, moment)
    with duckdb.open(case.extract.cut(moment)) as warehouse:
        made_then = as_of(warehouse, case, moment)
    assert_same_look(uncut, made_then)


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
    extract = alike(case.extract, moment)
    with duckdb.open(extract) as warehouse:
        whole = as_of(warehouse, case, moment)
        cut = as_of(warehouse.until(moment), case, moment)
    with duckdb.open(extract.cut(moment)) as warehouse:
        made_then = as_of(warehouse, case, moment)
    assert_same_look(whole, cut)
    assert_same_look(whole, made_then)


@tried_on(802, 1036)
def test_an_uncut_extract_declared_to_end_looks_as_one_made_then(
    duckdb: Engine, rng: Random
) -> None:
    """Ingested with `--data-until T`, an extract that goes on after T says what one made at T says.

    Fields of which nothing is known before T are in both without a history.
    """
    case = random_case(rng)
    assert_declared_is_made_then(duckdb, case, rng.choice(case.cutoffs))


@tried_on(4, 157, 248, 287, 291, 296, 412, 434)
def test_a_cut_holds_the_visible_rows_and_no_end_of_a_story(duckdb: Engine, rng: Random) -> None:
    """`until` keeps of all seven tables just what the contract calls visible, ends masked."""
    case = random_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        past = warehouse.until(moment)
        assert past.data_until == moment
        kept = {name: past.arrow(past[name]).to_pylist() for name in TABLES}
    accepted = case.extract.accepted()
    pasts = accepted.pasts()
    told = {table: as_kept(accepted, pasts, table, moment) for table in TABLES}
    told["changes"] += at_creation(pasts, moment)
    for name in TABLES:
        columns = list(kept[name][0]) if kept[name] else []
        assert as_set(kept[name], columns) == as_set(told[name], columns), name


def as_kept(accepted: Extract, pasts: Pasts, table: str, moment: datetime) -> list[dict[str, Any]]:
    """Give a table's visible rows as a warehouse holds them: what has a history is in `changes`."""
    kind = table.removesuffix("s")
    rows = []
    for row in accepted.rows(table):
        # A rep's row carries no clock; what it tells is masked where it is read.
        if table != "reps" and not is_visible(table, row, moment):
            continue
        own = {
            n: v for n, v in row.items() if kind not in ENTITIES or not pasts.has_history(kind, n)
        }
        made = dict(masked(table, own, moment))
        rows.append(made | ({"known_at": known_at(table, row)} if TABLES[table].known_at else {}))
    return rows


def at_creation(pasts: Pasts, moment: datetime) -> list[dict[str, Any]]:
    """Give the rows of `changes` that tell what fields held at creation, where they are visible."""
    return [
        {
            "entity_type": kind,
            "entity_id": entity_id,
            "changed_at": row.changed_at,
            "known_at": row.known_at,
            "field": name,
            "value": row.value,
        }
        for kind, name in pasts.complete
        for entity_id in pasts.entities(kind)
        for row in pasts.at_creation(kind, entity_id, name)
        if row.available_at < moment
    ]


def as_set(rows: list[dict[str, Any]], columns: list[str]) -> list[str]:
    """Put rows into an order of their own; values of fields are compared as what they say."""
    return sorted(
        repr([(n, read(row.get(n)) if n == "value" else row.get(n)) for n in columns])
        for row in rows
    )
