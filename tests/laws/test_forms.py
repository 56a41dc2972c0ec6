"""The form of the files says nothing: order of rows, CSV or parquet, how a column is typed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from engines import Engine
from everything import all_as_of, assert_same, is_worth_it
from extract import Extract, Row, change, lead, touch
from looks import assert_bit_equal, only, tried_on
from sales_histories import sales_case

from features.build import Examples, build
from features.definitions.lead import lead_features
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.params import FeatureParams

CUTOFF = datetime(2024, 5, 15, 12)
DAY = timedelta(days=1)
BORN, END = CUTOFF - 20 * DAY, CUTOFF + 30 * DAY
FORMS = ("parquet", "csv")
ASKED = ("leads_", "accounts_", "owner_", "touches_all", "sum_", "mean_")
"""How the features begin that hang on columns; building the others takes a while."""
COLUMNS = {
    "score": pa.float64(),
    "flag": pa.bool_(),
    "day": pa.timestamp("us"),
    "note": pa.string(),
    "mixed": pa.string(),
}
PARAMS = FeatureParams(
    windows_days=(7,),
    min_count=1,
    known_at_creation=tuple(
        f"{table}.{name}" for table in ("leads", "accounts", "reps") for name in COLUMNS
    ),
)
ATTRIBUTES = {
    **dict.fromkeys(("leads", "accounts", "reps"), COLUMNS),
    "activities": {"score": pa.float64(), "flag": pa.bool_(), "note": pa.string()},
}


@tried_on(6)
def test_csv_rows_in_another_order_say_what_parquet_says(duckdb: Engine, rng: Random) -> None:
    """The same rows as CSV and shuffled: the same words, features, owners and labels."""
    case = sales_case(rng)
    moment = rng.choice(case.cutoffs)

    def shuffled(_table: str, rows: list[Row]) -> list[Row]:
        return rng.sample(rows, len(rows))

    with duckdb.open(case.extract) as warehouse:
        before = all_as_of(warehouse, case, moment)
    with duckdb.open(case.extract.each(shuffled), "csv") as warehouse:
        after = all_as_of(warehouse, case, moment)
    assert is_worth_it(before), "the seed should be replaced by one with examples"
    assert_same(before, after)


def company(early: Row, late: Row, ids: Sequence[str] = ("7", "8")) -> Extract:
    """Write three leads, each with a call, an account and a rep; the last comes after the cutoff.

    Args:
        early: further columns of what can be seen.
        late: further columns of what cannot.
        ids: how the activities name the first two leads.
    """
    own = {name: early.get(name) for name in ("score", "flag", "note")}
    return Extract(
        {
            "leads": (
                lead("7", BORN, account_id="A1", rep_id="R1", **early),
                lead("8", BORN, account_id="A1", rep_id="R1", **early),
                lead("9", CUTOFF + DAY, account_id="A2", rep_id="R2", **late),
            ),
            "activities": (
                *(touch(name, CUTOFF - DAY, rep_id="R1", **own) for name in ids),
                {"occurred_at": CUTOFF - DAY, "type": "mail"},
                touch("9", CUTOFF + 2 * DAY, **{n: late.get(n) for n in own}),
            ),
            "accounts": ({"account_id": "A1", **early}, {"account_id": "A2", **late}),
            "reps": (
                {"rep_id": "R1", **early},
                {"rep_id": "R2", "hired_at": CUTOFF + DAY, **late},
            ),
        },
        END,
        ATTRIBUTES,
    )


def seen(engine: Engine, extract: Extract, form: str) -> tuple[Vocabulary, Examples]:
    """Look at the leads as of the cutoff, with words as of the same moment."""
    with engine.open(extract, form) as warehouse:
        words = read_vocabulary(warehouse.until(CUTOFF), PARAMS)
        declared = lead_features(words, PARAMS)
        asked = only(declared, [name for name in declared.names if name.startswith(ASKED)])
        return words, build(warehouse, asked, words, [CUTOFF], PARAMS)


LATE: dict[str, Any] = {
    "score": 7.5,
    "flag": True,
    "day": CUTOFF + DAY,
    "note": "a text",
    "mixed": "true",
}


def test_columns_that_are_filled_later_are_no_features_yet(duckdb: Engine) -> None:
    """Whatever their type in the file, and in either form, they are as if they were empty."""
    words, before = seen(duckdb, company({}, {}), "parquet")
    assert not words.columns.keys() & set(PARAMS.known_at_creation)
    assert not words.numbers
    for form in FORMS:
        others, after = seen(duckdb, company({}, LATE), form)
        assert others == words
        assert_bit_equal(before, after)


def test_a_column_is_what_its_visible_values_are(duckdb: Engine) -> None:
    """Numbers, and true and false alone, are numbers; moments are no feature; others are words.

    What comes later does not make a number a word, nor a moment one.
    """
    early: dict[str, Any] = {"score": 2.5, "flag": False, "day": BORN, "note": "10", "mixed": "1"}
    found = [
        seen(duckdb, company(early, late), form)
        for late in ({}, {**LATE, "note": "2024-05-01"}, {"note": "ten", "mixed": "true"})
        for form in FORMS
    ]
    words, before = found[0]
    for table in ("leads", "accounts", "reps"):
        numbers = {f"{table}.{name}": None for name in ("score", "flag", "note", "mixed")}
        assert numbers.items() <= words.columns.items()
        assert f"{table}.day" not in words.columns
    assert set(words.numbers) == {"score", "flag", "note"}
    assert before.X["leads_flag"].tolist() == [0.0, 0.0]
    for others, after in found[1:]:
        assert others == words
        assert_bit_equal(before, after)


def test_true_beside_a_number_is_a_word(duckdb: Engine) -> None:
    """True and false are 1 and 0 only where all that is filled is true or false."""
    extract = company({"mixed": "true"}, {})
    first, *others = extract.rows("leads")
    words, _ = seen(duckdb, extract.but("leads", [{**first, "mixed": "2"}, *others]), "csv")
    assert words.columns["leads.mixed"] == ("2", "true")


@pytest.mark.parametrize("late_id", ["X77", "77.5"])
def test_an_id_that_comes_later_does_not_change_how_others_are_read(
    duckdb: Engine, late_id: str
) -> None:
    """Ids that pandas wrote as 7.0, since one is empty, stay what they are read as.

    `X77` after the cutoff once made the visible 7.0 another id than 7.
    """
    extract = company({}, {}, ids=("7.0", "8.0"))
    words, before = seen(duckdb, extract, "csv")
    *rows, _ = extract.rows("activities")
    other = extract.but("activities", [*rows, touch(late_id, CUTOFF + 2 * DAY, rep_id="R1")])
    others, after = seen(duckdb, other, "csv")
    assert others == words
    assert_bit_equal(before, after)


def test_changes_of_a_field_read_alike_in_both_forms(duckdb: Engine) -> None:
    """A number, a truth and a moment mean the same in a typed column and in a change's text."""
    early = {"score": 2.5, "flag": True, "note": "x"}
    rows = [
        change("7", CUTOFF - DAY, "score", "3", old_value="2.50"),
        change("7", CUTOFF - DAY, "flag", "false", old_value="true"),
        change("7", CUTOFF + DAY, "note", "y", old_value="x"),
    ]
    extract = company(early, LATE).but("changes", rows)
    words, before = seen(duckdb, extract, "parquet")
    assert before.X["leads_score"].tolist() == [3.0, 2.5]
    assert before.X["leads_flag"].tolist() == [0.0, 1.0]
    assert words.columns["leads.note"] == ("x",)
    others, after = seen(duckdb, extract, "csv")
    assert others == words
    assert_bit_equal(before, after)
