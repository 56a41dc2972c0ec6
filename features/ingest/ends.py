"""What a column holds instead of what is written there, decided in the light of its row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ibis.backends.duckdb import Backend

from features.ingest.columns import Amendment, Plan
from features.ingest.deleted import DECLARED_END, keep_deletions
from features.ingest.extent import Extent
from features.ingest.parsing import time_of_text, whole_id
from features.storage.engine import moment, row, text
from features.tables import ENTITY_TABLES, TABLES, ColumnKind

AFTER_CREATION = {"leads": ("converted_at", "lost_at"), "deals": ("closed_at",)}
"""Ends that cannot lie before the row's creation."""
BEYOND = "implausibly far beyond the other dates, emptied"
ITS_DAY = "a date only, the day of creation: its moment"
_NO_TIME, _NO_BOOLEAN = "CAST(NULL AS TIMESTAMP)", "CAST(NULL AS BOOLEAN)"


def amend(backend: Backend, plan: Plan, extent: Extent) -> Plan:
    """Decide which values of a staged table are replaced.

    Args:
        backend: the engine.
        plan: how the table is read.
        extent: what bounds the extract.
    """
    table = plan.matched.table
    amendments = {name: tuple(_of_end(backend, plan, name, extent)) for name in table.end_of_story}
    if table.name == "deals" and extent.end is not None:
        # How a deal ended is not known before its end is.
        too_late = f"{plan['closed_at'].value} >= {moment(extent.end)}"
        amendments["won"] = (Amendment(too_late, _NO_BOOLEAN),)
    if table.name == "changes":
        amendments |= {name: tuple(_rewritten(plan, name)) for name in ("value", "old_value")}
    named = {name: some for name, some in amendments.items() if some}
    return keep_deletions(backend, replace(plan, amendments=named), extent.declared)


def _of_end(backend: Backend, plan: Plan, name: str, extent: Extent) -> Iterator[Amendment]:
    """Go through what may be held instead of the end of a story.

    closed on 5 March, `won` empty                       empty: it is no end
    closed on 5 March, the data ends on 1 March          empty: it was not known by then
    closed on 5 March 2062, all else by 2025             empty: a typing error
    closed on 5 March, created on 5 March at 14:00,      14:00 of that day, where the whole column
                                                         holds days only
    """
    value = plan[name].value
    if name == "closed_at":
        yield Amendment(
            f"{value} IS NOT NULL AND {plan['won'].value} IS NULL",
            _NO_TIME,
            "without won it is no end, emptied",
        )
    if extent.declared is not None:
        yield Amendment(f"{value} >= {moment(extent.declared)}", _NO_TIME, DECLARED_END)
    if extent.beyond is not None:
        yield Amendment(f"{value} >= {moment(extent.beyond)}", _NO_TIME, BEYOND)
    is_end = name in AFTER_CREATION.get(plan.matched.table.name, ())
    if is_end and _is_of_days(backend, plan, name, extent.declared):
        created = plan["created_at"].value
        is_that_day = f"{value} < {created} AND {value} = date_trunc('day', {created})"
        yield Amendment(is_that_day, created, ITS_DAY)


def _is_of_days(backend: Backend, plan: Plan, name: str, end: datetime | None) -> bool:
    """Return whether every filled value of a column before the declared end is a midnight."""
    if plan[name].raw is None:
        return False
    value = plan[name].value
    is_seen = "true" if end is None else f"{value} < {moment(end)}"
    (is_so,) = row(
        backend,
        f"SELECT bool_and({value} = date_trunc('day', {value})) FROM {plan.rows(plan[name])} "
        f"WHERE {is_seen}",
    )
    return bool(is_so)


def _rewritten(plan: Plan, name: str) -> Iterator[Amendment]:
    """Go through values inside `changes` that are read as their field's own column would be.

    Moments are written in UTC: a zone beside them counts, and is gone afterwards. Ids in a CSV file
    lose a `.0`, or those of one rep would differ between tables.
    """
    value = plan[name].value
    written = time_of_text(value, plan.matched.texts)
    is_moment = f"{_of_kind(plan, ColumnKind.TIME)} AND {written} IS NOT NULL"
    yield Amendment(is_moment, f"CAST({written} AS VARCHAR)")
    if plan.matched.raw.is_csv:
        yield Amendment(_of_kind(plan, ColumnKind.ID), whole_id(value))


def _of_kind(plan: Plan, kind: ColumnKind) -> str:
    """Return a condition on changes of fields whose own column is of a kind."""
    fields = [
        f"({text(entity)}, {text(column.name)})"
        for entity, table in ENTITY_TABLES.items()
        for column in TABLES[table].columns
        if column.kind is kind
    ]
    return f"({plan['entity_type'].value}, {plan['field'].value}) IN ({', '.join(fields)})"
