"""A staged table, read once: what every later question about its values is asked of."""

from __future__ import annotations

from dataclasses import replace

from ibis.backends.duckdb import Backend

from features.ingest.columns import Field, Plan, columns_to_type, make_plan
from features.ingest.match import Matched
from features.ingest.reading import Readings
from features.ingest.readings import readings_of
from features.params import IngestParams
from features.storage.engine import ident, row, run
from features.tables import ColumnKind

_DECIDED = (ColumnKind.TIME, ColumnKind.NUMBER)
"""Kinds of columns whose texts may mean two things."""


def read_typed(
    backend: Backend, matched: Matched, staged: str, params: IngestParams
) -> tuple[Plan, Readings]:
    """Read a staged table into a table of typed columns.

    Args:
        backend: the engine.
        matched: our table and the source's columns for it.
        staged: a FROM clause of the staged rows.
        params: what is declared, and which share is small.

    Returns:
        How it was read, and what was decided about its columns.
    """
    plan = _typed(backend, make_plan(matched, staged))
    if _all_is_plain(backend, plan):
        return plan, Readings(matched.texts)
    readings = readings_of(backend, matched, staged, params)
    decided = make_plan(matched, staged, readings)
    if decided.fields == plan.fields:
        return replace(decided, typed=plan.typed), readings
    return _typed(backend, decided), readings


def forget_typed(backend: Backend, plan: Plan) -> None:
    """Drop the table of a plan."""
    run(backend, f"DROP TABLE IF EXISTS {plan.typed}")


def _typed(backend: Backend, plan: Plan) -> Plan:
    name = ident(f"typed {plan.matched.table.name}")
    columns = ", ".join(["source_row", "is_plain", *columns_to_type(plan)])
    query = f"SELECT {columns} FROM {plan.rows(*plan.fields)}"
    run(backend, f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    return replace(plan, typed=name)


def _all_is_plain(backend: Backend, plan: Plan) -> bool:
    """Return whether nothing in a table may mean two things."""
    if not all(_is_clear(field) for field in plan.schema_fields() if field.kind in _DECIDED):
        return False
    (odd,) = row(backend, f"SELECT count(*) FILTER (NOT is_plain) FROM {plan.typed}")
    return not odd


def _is_clear(field: Field) -> bool:
    """Return whether a column's type, or the plain texts it may hold, leave nothing to decide."""
    if field.plain or field.raw is None:
        return True
    is_text = field.raw.type == "VARCHAR"
    is_moment = field.raw.type.startswith(("TIMESTAMP", "DATE"))
    return is_moment if field.kind is ColumnKind.TIME else not is_text
