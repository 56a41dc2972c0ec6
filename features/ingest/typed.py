"""A table of a source, read once: what every later question about its values is asked of."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.amount_readings import may_be_groups
from features.ingest.columns import Field, Plan, make_plan
from features.ingest.csv_rows import FAULT
from features.ingest.deleted import deletion_moments
from features.ingest.match import Matched
from features.ingest.placeholders import placeholders_of
from features.ingest.reading import Readings
from features.ingest.readings import readings_of
from features.params import IngestParams
from features.storage.engine import columns_of, ident, row, run
from features.tables import ColumnKind

_DECIDED = (ColumnKind.TIME, ColumnKind.NUMBER)
"""Kinds of columns whose texts may mean two things."""


def read_typed(
    backend: Backend, matched: Matched, staging: Path, params: IngestParams
) -> tuple[Plan, Readings]:
    """Read a table of a source into a table of the engine, with what its texts mean.

    Args:
        backend: the engine.
        matched: our table and the source's columns for it.
        staging: where a file may stand meanwhile.
        params: what is declared, and which share is small.

    Returns:
        How it was read, and what was decided about its columns.
    """
    plan, readings = _read(backend, matched, staging, params)
    found = placeholders_of(backend, plan, deletion_moments(plan), params.small_share)
    if not found:
        return plan, readings
    readings = replace(readings, placeholders=found)
    emptied = make_plan(matched, ident(f"read without placeholders {plan.table}"), readings)
    _keep(backend, emptied, plan.staged)
    forget(backend, plan)
    return emptied, readings


def _read(
    backend: Backend, matched: Matched, staging: Path, params: IngestParams
) -> tuple[Plan, Readings]:
    name = matched.table.name
    plan = make_plan(matched, ident(f"read {name}"))
    matched.raw.read(backend, staging, partial(_keep, backend, plan))
    staging.unlink(missing_ok=True)
    if _all_is_plain(backend, plan):
        return plan, Readings(matched.texts)
    readings = readings_of(backend, matched, plan.staged, params)
    decided = make_plan(matched, plan.table, readings)
    if decided.fields != plan.fields:
        decided = make_plan(matched, ident(f"read as decided {name}"), readings)
        _keep(backend, decided, plan.staged)
        forget(backend, plan)
    return decided, readings


def forget(backend: Backend, plan: Plan) -> None:
    """Drop the table of a plan."""
    run(backend, f"DROP TABLE {plan.table}")


def _keep(backend: Backend, plan: Plan, scan: str) -> None:
    select = plan.keeping(scan, has_faults=FAULT in columns_of(backend, scan))
    run(backend, f"CREATE OR REPLACE TEMP TABLE {plan.table} AS {select}")


def _all_is_plain(backend: Backend, plan: Plan) -> bool:
    """Return whether nothing in a table may mean two things."""
    if not all(_is_clear(field) for field in plan.schema_fields() if field.kind in _DECIDED):
        return False
    (odd,) = row(backend, f"SELECT count(*) FILTER (NOT is_plain) FROM {plan.table}")
    return not odd and not any(
        may_be_groups(backend, plan.table, field.origin)
        for field in plan.schema_fields()
        if field.kind is ColumnKind.NUMBER and field.is_text and field.plain
    )


def _is_clear(field: Field) -> bool:
    """Return whether a column's type, or the plain texts it may hold, leave nothing to decide."""
    if field.plain or field.raw is None:
        return True
    if field.kind is ColumnKind.TIME:
        return field.raw.type.startswith(("TIMESTAMP", "DATE"))
    return field.raw.type != "VARCHAR"
