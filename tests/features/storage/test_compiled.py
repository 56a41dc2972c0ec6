"""Queries compiled once for each shape are to the letter what ibis writes for each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from engines import Engine
from histories import Case
from ibis.backends.duckdb import Backend
from looks import look

from features.storage.compiled import CompiledQueries
from features.storage.engine import Engine as Remembering
from features.storage.engine import engine

MARCH, APRIL = datetime(2025, 3, 1), datetime(2025, 4, 1, 12, 30, 7, 250)
LEADS = {"lead_id": "string", "created_at": "timestamp(6)", "n": "int64", "x": "float64"}


class Checked(Remembering):
    """An engine that compares each query with the one that ibis writes."""

    def compile(self, expr: ir.Expr, /, **how: Any) -> str:
        """Return the SQL, which is the same however it was come by."""
        sql = super().compile(expr, **how)
        assert sql == Backend.compile(self, expr, **how)
        return sql


def leads(name: str = "leads", **changed: str) -> ir.Table:
    """Return a table that an engine holds."""
    return ibis.duckdb.connect().create_table(name, schema=LEADS | changed)


def fresh() -> CompiledQueries:
    """Know no query yet."""
    return CompiledQueries(Backend.compiler, most=100)


def plain(rows: ir.Table) -> str:
    """Compile as ibis does."""
    return str(ibis.to_sql(rows, dialect="duckdb", pretty=False))


@pytest.mark.parametrize("limit", [None, 0, 1])
def test_a_limit_is_kept(tmp_path: Path, limit: int | None) -> None:
    """A query that was remembered without one is not taken for the same with one."""
    backend = engine(0.5, 1, tmp_path)
    rows = early(leads(), MARCH)
    for asked in (None, limit):
        assert backend.compile(rows, limit=asked) == Backend.compile(backend, rows, limit=asked)
    backend.disconnect()


@pytest.mark.parametrize("seed", [4, 11, 157])
def test_every_query_of_a_build_is_what_ibis_writes(
    duckdb: Engine, crm: Callable[[int], Case], seed: int
) -> None:
    """Whatever was compiled before: companies have other words, moments, zones and calendars."""
    case = crm(seed)
    with duckdb.open(case.extract) as warehouse:
        warehouse.backend.__class__ = Checked
        assert len(look(warehouse, case).examples.feature_set) > 20
        # Once more, from what is known by now.
        look(warehouse, case)


def early(t: ir.Table, moment: datetime) -> ir.Table:
    """Ask for the days between a moment and what came before it."""
    rows = t.filter(t.created_at < moment).mutate(age=ibis.literal(moment) - t.created_at)
    return rows.group_by("lead_id").agg(n=rows.n.sum(), first=rows.created_at.min())


def joined(t: ir.Table, moment: datetime) -> ir.Table:
    """Join rows with others of the same table, which another moment chooses."""
    other = t.filter(t.created_at < moment + timedelta(days=1)).view()
    return t.filter(t.created_at < moment).join(other, "lead_id").drop("n")


@pytest.mark.parametrize("ask", [early, joined])
def test_a_shape_is_filled_with_other_tables_and_moments(
    ask: Callable[[ir.Table, datetime], ir.Table],
) -> None:
    """The second query comes from the first, and is what ibis writes of the second."""
    queries = fresh()
    first, second = ask(leads(), MARCH), ask(leads('odd "name"; --'), APRIL)
    assert plain(first) != plain(second)
    for rows in (first, second, first):
        assert queries.sql(rows) == plain(rows)


def pairs() -> dict[str, tuple[ir.Table, ir.Table]]:
    """Return queries that are nearly alike, by what differs."""
    t, other = leads(), leads(n="int32")
    twice = t.filter(t.created_at < MARCH)
    return {
        "a number": (t.filter(t.n < 3), t.filter(t.n < 4)),
        "a kind of number": (t.mutate(y=ibis.literal(1)), t.mutate(y=ibis.literal(1.0))),
        "a truth": (t.mutate(y=ibis.literal(1)), t.mutate(y=ibis.literal(value=True))),
        "a text": (t.filter(t.lead_id == "a"), t.filter(t.lead_id == "b")),
        "a sign of nothing": (t.mutate(y=ibis.literal(0.0)), t.mutate(y=ibis.literal(-0.0))),
        "a column": (t.select("n"), t.select("x")),
        "a name": (t.select(y="n"), t.select(z="n")),
        "an order": (t.order_by("n"), t.order_by(ibis.desc("n"))),
        "a type of the table": (
            t.mutate(y=t.n.cast("int64")),
            other.mutate(y=other.n.cast("int64")),
        ),
        "a dropped column": (t.drop("n"), t.drop("x")),
        "a join": (t.join(other, "lead_id"), t.left_join(other, "lead_id")),
        "two tables or one": (t.union(leads("more")), t.union(t)),
        "two moments or one": (
            twice.filter(twice.created_at < APRIL),
            twice.filter(twice.created_at < MARCH),
        ),
    }


@pytest.mark.parametrize("what", pairs())
def test_another_value_is_another_query(what: str) -> None:
    """Only names of tables and moments are filled in: all else is compiled anew, in any order."""
    one, other = pairs()[what]
    assert plain(one) != plain(other)
    for order in ((one, other), (other, one)):
        queries = fresh()
        for rows in order:
            assert queries.sql(rows) == plain(rows)


@pytest.mark.parametrize("word", ["leads", '"leads"', "MAKE_TIMESTAMP(2025, 3, 1, 0, 0, 0.0)"])
def test_a_text_that_reads_like_a_gap_stays(word: str) -> None:
    """What stands in a value is never taken for a table or a moment."""
    queries = fresh()
    for name, moment in (("leads", MARCH), ("others", APRIL)):
        t = leads(name)
        rows = t.filter(t.lead_id == word, t.created_at < moment)
        assert queries.sql(rows) == plain(rows)


def test_what_is_forgotten_is_compiled_anew() -> None:
    """However few shapes are remembered, each query is right."""
    queries = CompiledQueries(Backend.compiler, most=1)
    for moment in (MARCH, APRIL, MARCH):
        for rows in (early(leads(), moment), joined(leads(), moment)):
            assert queries.sql(rows) == plain(rows)
