"""A header that stands again within its table, as where several exports were put into one file.

In the same order it is a line that is no row, and costs nothing. In another order, all rows below
it were read under the wrong names.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan, kept_columns
from features.ingest.finding import MISREAD, DataFinding
from features.storage.engine import rows, text

_LEAST = 2
"""Columns that must be named in a row before it can be a header."""


def headers_again(backend: Backend, plan: Plan, read: int) -> Iterator[DataFinding]:
    """Say where a table holds its header again, in another order than at its top.

    Args:
        backend: the engine.
        plan: how the table was read.
        read: its rows.
    """
    raw = plan.matched.raw
    if not raw.is_csv or len(raw.columns) < _LEAST:
        return
    kept = kept_columns(plan.matched)
    names = [column.name for column in raw.columns]
    listed = ", ".join(text(name) for name in names if name)
    cells = [kept[column.staged] for column in raw.columns]
    # A header's names are no moments and no numbers, so that its row is never plain.
    is_header = " AND ".join(f"{cell} IN ({listed})" for cell in cells[:_LEAST])
    found = rows(
        backend,
        f"SELECT rowid, {', '.join(cells)} FROM {plan.table} WHERE NOT is_plain AND {is_header} "
        "ORDER BY rowid",
    )
    for place, *again in found:
        if again != names and set(again) == set(names):
            moved = [name for name, other in zip(names, again, strict=True) if name != other]
            says = (
                f"row {place:,} is the header again, with {' and '.join(moved[:_LEAST])} in other "
                f"places: the {read - place - 1:,} rows below it were read under the wrong names: "
                "give each export as a file of its own"
            )
            yield DataFinding(
                plan.matched.table.name, None, MISREAD, "error", says, read - place - 1, read,
                ", ".join(again),
            )  # fmt: skip
