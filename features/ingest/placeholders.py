"""Columns in which moments such as 1970-01-01 stand for "never", told by how many there are."""

from __future__ import annotations

from collections.abc import Mapping

from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.finding import share
from features.ingest.never import is_placeholder
from features.ingest.reading import Reading
from features.storage.engine import row
from features.tables import ColumnKind

_FEWEST = 5
"""Rows with such a moment before it is one: a single one may be a slip, and is judged as such."""


def placeholders_of(
    backend: Backend, plan: Plan, others: Mapping[str, str], small: float
) -> dict[str, Reading]:
    """Return the optional columns in which such moments stand for nothing, by name.

    Args:
        backend: the engine.
        plan: how the table was read.
        others: further columns, and SQL of the moments in them.
        small: the share of a column below which they are slips.
    """
    optional = [
        field
        for field in plan.schema_fields()
        if field.kind is ColumnKind.TIME and field.column and not field.column.required
    ]
    moments = {field.name: field.value for field in optional} | dict(others)
    if not moments:
        return {}
    fields = [*optional, *(field for field in plan.fields if field.name in others)]
    asked = [
        sql
        for value in moments.values()
        for sql in (
            f"count({value})",
            f"count(*) FILTER ({is_placeholder(value)})",
            f"min(CAST({value} AS DATE)) FILTER ({is_placeholder(value)})",
        )
    ]
    seen = row(backend, f"SELECT {', '.join(asked)} FROM {plan.rows(*fields)}")
    found = {}
    for place, name in enumerate(moments):
        filled, count, day = seen[3 * place : 3 * place + 3]
        if count >= _FEWEST and count > small * filled:
            says = (
                f"{share(count, filled)} moments are placeholders like {day}, which systems write "
                "for never, and count as empty"
            )
            found[name] = Reading(
                plan.matched.texts, "placeholder", says, count=count, of=filled, example=str(day)
            )
    return found
