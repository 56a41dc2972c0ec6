"""Only `features.snapshot` decides what a cutoff may see, and nobody looks past a cut."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from engines import Engine
from histories import MICROSECOND, Case
from looks import look_at

import features.snapshot
from features.errors import LeakageError
from features.history.vocabulary import read_vocabulary

CLOCKS = (
    "cutoff",
    "occurred_at",
    "known_at",
    "changed_at",
    "created_at",
    "converted_at",
    "lost_at",
    "closed_at",
    "made_at",
    "resolved_at",
    "hired_at",
    "left_at",
    "do_not_contact_at",
    "period_start",
)
MAKERS = (
    "book",
    "build",
    "calendar",
    "commits",
    "company",
    "deal",
    "deal_rows",
    "feature",
    "lead",
    "ranks",
    "relations",
    "rep",
    "rep_past",
    "rep_rows",
    "rep_sales",
    "rep_work",
    "runs",
    "spells",
    "tally",
    "vocabulary",
)
"""The modules between the tables and the numbers."""
ALLOWED = {
    # The guard itself.
    "build: max(cutoffs) > warehouse.cut_at",
    # Which of the two ends of one story came first.
    "company: leads.converted_at <= leads.lost_at",
    # Whether a commit was made when its own period was over, whatever the cutoff.
    "commits: made_at >= periods[start]",
}


def clock_comparisons(source: str) -> Iterator[str]:
    """Find comparisons by order in which a clock or the cutoff takes part."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            by_order = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)
            if by_order and any(clock in ast.unparse(node).lower() for clock in CLOCKS):
                yield ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_range = node.func.attr in ("between", "asof_join")
            if is_range and any(clock in ast.unparse(node).lower() for clock in CLOCKS):
                yield ast.unparse(node)


def test_no_other_module_compares_a_clock() -> None:
    """Between the tables and the numbers, clocks are compared in `snapshot` alone."""
    folder = Path(features.snapshot.__file__).parent
    found = {
        f"{name}: {comparison}"
        for name in MAKERS
        for comparison in clock_comparisons((folder / f"{name}.py").read_text(encoding="utf-8"))
    }
    assert found <= ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "rows.occurred_at < t",
        "t >= rows['known_at']",
        "a <= rows[CUTOFF]",
        "x.changed_at.between(a, b)",
    ],
)
def test_the_search_for_comparisons_finds_them(source: str) -> None:
    """The guard is not blind."""
    assert list(clock_comparisons(source))


def test_asking_past_a_cut_is_refused(duckdb: Engine, crm: Callable[[int], Case]) -> None:
    """A history cut at a moment answers up to that moment, and not a microsecond later."""
    case = crm(11)
    cut_at = case.cutoffs[0]
    with duckdb.open(case.extract) as warehouse:
        past = warehouse.until(cut_at)
        words = read_vocabulary(past, case.params)
        assert len(look_at(past, words, [cut_at], case.params))
        with pytest.raises(LeakageError, match=f"{cut_at + MICROSECOND}"):
            look_at(past, words, [cut_at, cut_at + MICROSECOND], case.params)


def test_a_cut_never_reaches_past_the_extract(duckdb: Engine, crm: Callable[[int], Case]) -> None:
    """A cut beyond the extract's end, and one without a moment, is a cut at its end."""
    case = crm(11)
    end = case.extract.data_until
    with duckdb.open(case.extract) as warehouse:
        for moment in (None, end, end + timedelta(days=1)):
            past = warehouse.until(moment)
            assert (past.data_until, past.cut_at) == (end, end)
