"""Lines of a source that are no rows of its table: broken ones, totals and notes."""

from __future__ import annotations

from ibis.backends.duckdb import Backend

from features.ingest.columns import SOURCE_ROW, Plan
from features.ingest.csv_rows import FAULT, NO_ROW
from features.storage.engine import ident, row, rows, run, text

_SCRAP_CELLS, _LEAST_COLUMNS, _MOST_SCRAPS = 2, 4, 20
"""Of at least so many columns at most so few are filled, in at most so many rows: totals, notes."""


def find_broken_lines(backend: Backend, plan: Plan) -> bool:
    """Put the lines of a CSV file that are no rows into a table; returns whether there are any."""
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE no_rows AS SELECT {SOURCE_ROW} AS source_row, "
        f"{FAULT} AS why FROM {plan.staged} WHERE {FAULT} IS NOT NULL",
    )
    (count,) = row(backend, "SELECT count(*) FROM no_rows")
    return bool(count)


def set_scraps_apart(backend: Backend, plan: Plan, rejected: str) -> None:
    """Say of a few rows with next to nothing in them that they are none, whatever they lack.

    Sum;;;12345             a required column is empty, 2 of 4 are filled      no row
    R7;;2025-04-01;12345    a required column is empty, 3 of 4 are filled      what it lacks
    """
    matched = plan.matched
    columns = {c.staged for c in (*matched.columns.values(), *matched.attributes.values())}
    if len(columns) < _LEAST_COLUMNS:
        return
    filled = " + ".join(
        f"CAST(coalesce(trim(CAST({ident(c)} AS VARCHAR)), '') <> '' AS INT)"
        for c in sorted(columns)
    )
    lacking = f"SELECT source_row FROM {rejected} WHERE kind LIKE '% is empty'"
    if not rows(backend, f"{lacking} LIMIT 1"):
        return
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE scraps AS SELECT * FROM (SELECT {SOURCE_ROW} AS source_row, "
        f"{filled} AS n FROM {plan.staged} WHERE {SOURCE_ROW} IN ({lacking})) "
        f"WHERE n <= {_SCRAP_CELLS}",
    )
    (scraps,) = row(backend, "SELECT count(*) FROM scraps")
    apart = f"SELECT source_row FROM {rejected}"
    rest = f"SELECT count(*) FROM {plan.staged} WHERE {SOURCE_ROW} NOT IN ({apart})"
    # A table of nothing else is a bad table, and a total stands below something.
    if not 0 < scraps <= min(_MOST_SCRAPS, *row(backend, rest)):
        return
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE scraps AS SELECT source_row, "
        f"string_agg(reason, '; ' ORDER BY rule) || '; only ' || any_value(n) || ' of "
        f"{len(columns)} columns are filled, as in a total or a note: {NO_ROW}' AS why "
        f"FROM {rejected} JOIN scraps USING (source_row) GROUP BY source_row",
    )
    run(backend, f"DELETE FROM {rejected} WHERE source_row IN (SELECT source_row FROM scraps)")
    run(
        backend,
        f"INSERT INTO {rejected} SELECT source_row, 0, {text(NO_ROW)}, why FROM scraps",
    )
