"""Conditions mean what they mean in SQL, and say clearly what they cannot mean."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.feature import Expression, Feature, Relation, Unit
from features.texts import About, Who
from training.leads.where import Where

WORDS = ("web", "event", "it's")
OTHER = "rare"


def feature(name: str, words: tuple[str, ...] | None = None) -> Feature:
    """Declare a column."""
    about, unit = About(name, name, Who.REP), Unit.COUNT if words is None else Unit.CATEGORY
    how = Expression(lambda rows: rows.x)
    return Feature(name, Relation.LEAD, how, name, about, unit, categories=words)


KNOWN = (
    feature("leads_source", WORDS),
    feature("leads_value"),
    feature("age_days"),
    feature("accounts_industry", ("steel",)),
)
number = st.sampled_from([-2.0, -0.5, 0.0, 1.0, 2.5, 1000.0])
literal = number.map(lambda value: f"{value:g}")
text = st.sampled_from(["'web'", "'event'", "'it''s'"])
column = st.sampled_from(["leads_value", "age_days"])
ordered = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
leaf = st.one_of(
    st.tuples(column, ordered, literal).map(" ".join),
    st.tuples(literal, ordered, column).map(" ".join),
    st.tuples(column, ordered, column).map(" ".join),
    st.tuples(st.just("leads_source"), st.sampled_from(["=", "<>"]), text).map(" ".join),
    st.lists(literal, min_size=1, max_size=3).map(lambda v: f"age_days IN ({', '.join(v)})"),
    st.lists(text, min_size=1, max_size=3).map(lambda v: f"leads_source NOT IN ({', '.join(v)})"),
    st.tuples(column, literal, literal).map(lambda v: f"{v[0]} BETWEEN {v[1]} AND {v[2]}"),
    st.sampled_from(["leads_source IS NULL", "leads_value IS NOT NULL"]),
)
condition = st.recursive(
    leaf,
    lambda inner: st.one_of(
        inner.map(lambda part: f"NOT ({part})"),
        inner.map(lambda part: f"NOT {part}"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda v: f"({' '.join(v)})"),
    ),
    max_leaves=6,
)
empty = st.just(float("nan"))
rows = st.lists(
    st.tuples(
        st.one_of(empty, st.sampled_from([0.0, 1.0, 2.0, 3.0])),
        st.one_of(empty, number),
        st.one_of(empty, number),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """What SQL says."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE leads (n INTEGER, leads_source VARCHAR, leads_value DOUBLE, "
            "age_days DOUBLE)"
        )
        yield connection


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=condition, values=rows)
def test_a_condition_holds_where_sql_says_so(
    database: duckdb.DuckDBPyConnection, where: str, values: list[tuple[float, float, float]]
) -> None:
    """Random conditions on random rows choose the rows that DuckDB chooses, empty values too."""
    X = pd.DataFrame(values, columns=["leads_source", "leads_value", "age_days"], dtype=np.float64)
    words = [None if np.isnan(code) else (*WORDS, OTHER)[int(code)] for code in X["leads_source"]]
    database.execute("DELETE FROM leads")
    for place, (word, (_, value, age)) in enumerate(zip(words, values, strict=True)):
        plain = [None if np.isnan(cell) else cell for cell in (value, age)]
        database.execute("INSERT INTO leads VALUES (?, ?, ?, ?)", [place, word, *plain])
    chosen = database.execute(f"SELECT n FROM leads WHERE {where} ORDER BY n").fetchall()
    assert np.flatnonzero(Where.of(where, KNOWN).holds(X)).tolist() == [n for (n,) in chosen]


@pytest.mark.parametrize(
    "written", ["leads_source", "leads.source", '"leads.source"', "source", "(source)"]
)
def test_a_column_of_a_lead_has_short_names(written: str) -> None:
    """`source`, `leads.source` and `leads_source` are the same column."""
    where = Where.of(f"{written} = 'web'", KNOWN)
    assert where.columns == {"leads_source": WORDS}
    assert where.holds(pd.DataFrame({"leads_source": [0.0, 1.0, np.nan]})).tolist() == [True, 0, 0]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("leads_sorce = 'web'", r"unknown column 'leads_sorce' \(did you mean leads_source"),
        ("colour = 'red'", r"unknown column 'colour'; known are leads_source, leads_value"),
        ("source = 'wep'", r"'wep' is not a value of leads_source \(did you mean web\?\)"),
        ("source > 'web'", r"leads_source is a category; compare it by =, <> or IN"),
        ("source = 3", r"leads_source is a category"),
        ("value > age_days AND value = source", r"leads_source is a category"),
        ("value = 'web'", r"'web' is a text, but is compared with a number"),
        ("value > NULL", r"a comparison with NULL is never true; write IS NULL"),
        ("1 = 1", r"1 = 1 compares no column"),
        ("upper(source) = 'WEB'", r"UPPER\(source\) is not allowed; comparisons"),
        ("value + 1 > 2", r"value \+ 1 is not allowed"),
        ("source LIKE 'w%'", r"LIKE 'w%' is not allowed"),
        ("value IN (SELECT 1)", r"is not allowed"),
        ("value BETWEEN SYMMETRIC 3 AND 1", r"is not allowed|cannot be read"),
        ("1 IS NULL", r"1 should be a column of a lead"),
        ("age_days", r"age_days is not allowed"),
        ("age_days > 1 b", r"is not allowed"),
        ("value > 1; DROP TABLE leads", r"should be one condition, such as"),
        (" ", r"should be one condition, such as"),
        ("value > ", r"cannot be read as a condition"),
        ("((((", r"cannot be read as a condition"),
        ("__import__('os').system('true')", r"is not allowed|cannot be read"),
    ],
)
def test_what_is_no_condition_is_said(where: str, says: str) -> None:
    """An error repeats the condition and names what was wrong with it and what would be right."""
    with pytest.raises(InputError, match=says) as caught:
        Where.of(where, KNOWN)
    assert repr(where) in str(caught.value)


def test_what_was_not_known_yet_counts_as_empty() -> None:
    """In an earlier past a column or a word may be missing: nobody knows who would match."""
    X = pd.DataFrame({"leads_source": [0.0, 3.0, np.nan]})
    rows = {
        "source = 'fair'": [False, False, False],
        "source <> 'fair'": [True, False, False],
        "NOT source = 'fair'": [True, False, False],
        "colour = 'red'": [False, False, False],
        "NOT colour > 3": [False, False, False],
        "colour IS NULL": [True, True, True],
    }
    for where, expected in rows.items():
        assert Where.of(where, KNOWN, is_final=False).holds(X).tolist() == expected, where


def test_a_condition_is_saved_as_text() -> None:
    """Read back, it is equal and chooses the same rows."""
    where = Where.of("source IN ('web', 'it''s') AND value > 1", KNOWN)
    X = pd.DataFrame({"leads_source": [0.0, 1.0, 2.0, 2.0], "leads_value": [2.0, 2.0, 2.0, 0.0]})
    loaded = Where.from_json(where.to_json())
    assert loaded == where
    assert loaded.holds(X).tolist() == where.holds(X).tolist() == [True, False, True, False]
