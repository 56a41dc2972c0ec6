"""A table of a source, read once: what every later question about its values is asked of."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.amount_readings import may_be_groups
from features.ingest.columns import Field, Plan
from features.ingest.csv_rows import FAULT
from features.ingest.deleted import deletion_moments, moments_of
from features.ingest.match import Matched
from features.ingest.placeholders import placeholders_of
from features.ingest.planning import make_plan
from features.ingest.reading import Readings, count_of
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
    name = matched.table.name
    kept = make_plan(matched, ident(f"kept {name}"))
    matched.raw.read(backend, staging, partial(_keep, backend, kept))
    staging.unlink(missing_ok=True)
    if _all_is_plain(backend, kept):
        plan, readings = replace(kept, is_plain=True), Readings(matched.texts)
    else:
        readings = readings_of(backend, matched, kept.staged, params)
        plan = _meant(backend, kept, f"read {name}", readings)
    made = {kept.table: kept, plan.table: plan}
    found = placeholders_of(backend, plan, deletion_moments(plan), params.small_share)
    if found:
        readings = replace(readings, placeholders=found)
        plan = _meant(backend, kept, f"read without placeholders {name}", readings)
    for table, other in made.items():
        if table != plan.table:
            forget(backend, other)
    return plan, readings


def _meant(backend: Backend, kept: Plan, name: str, readings: Readings) -> Plan:
    """Make the table of what rows mean that are kept already, as was decided."""
    plan = make_plan(kept.matched, ident(name), readings)
    run(backend, f"CREATE OR REPLACE TEMP TABLE {plan.table} AS {plan.meaning(kept)}")
    return plan


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
    if moments_of(plan.matched):
        return False
    numbers = [
        field
        for field in plan.schema_fields()
        if field.kind is ColumnKind.NUMBER and field.is_text and field.plain
    ]
    asked = ["NOT is_plain", *(f"contains({field.origin}, '.')" for field in numbers)]
    odd, *pointed = row(backend, f"SELECT {', '.join(map(count_of, asked))} FROM {plan.table}")
    return not odd and not any(
        points and may_be_groups(backend, plan.table, field.origin)
        for points, field in zip(pointed, numbers, strict=True)
    )


def _is_clear(field: Field) -> bool:
    """Return whether a column's type, or the plain texts it may hold, leave nothing to decide."""
    if field.plain or field.raw is None:
        return True
    if field.kind is ColumnKind.TIME:
        return field.raw.type.startswith(("TIMESTAMP", "DATE"))
    return field.raw.type != "VARCHAR"
