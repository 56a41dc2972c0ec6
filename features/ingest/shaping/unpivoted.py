"""Tables with one column for each month, told as one row for each rep and month.

What stands in three lines here becomes three rows, and the empty cell none:

    Rep    Region   Jan 2025   Feb 2025
    anna   North    1000       1200
    ben    South               900

    Rep    Region   month     amount
    anna   North    2025-01   1000
    anna   North    2025-02   1200
    ben    South    2025-02   900

The other columns of a line stand in each of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.csv_rows import FAULT, Remark
from features.ingest.files import Greatest, RawColumn, RawTable, Source
from features.ingest.language.sources import Unpivot
from features.ingest.months import columns_by_period, period_name
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.values import cleaned_text
from features.storage.engine import columns_of, ident, parquet, row, text, write

_SHOWN = 12


def with_unpivoted(reader: Reader, unpivots: Mapping[str, Unpivot]) -> Source:
    """Return a source that also has the tables that a mapping makes of cells.

    Args:
        reader: reads the source.
        unpivots: what the mapping says, by the name of the new table.

    Raises:
        MappingError: the source has a table of such a name.
    """
    for name in unpivots:
        if reader.holds(name):
            says = f"{reader.source.name} has a table of that name; choose another one"
            raise reader.problem(f"unpivot.{name}", says)
    if not unpivots:
        return reader.source

    def table(backend: Backend, name: str) -> RawTable:
        if name not in unpivots:
            return reader.source.table(backend, name)
        return _tall(reader, f"unpivot.{name}", unpivots[name])

    return replace(reader.source, tables=(*reader.source.tables, *unpivots), table=table)


def _tall(reader: Reader, key: str, unpivot: Unpivot) -> RawTable:
    wide = reader.table(unpivot.table, f"{key}.table")
    cells = _cells(reader, wide, key, unpivot)
    others = [column for column in wide.columns if column not in cells]
    for name in (unpivot.names, unpivot.values):
        if name in [column.name for column in others]:
            says = f"{wide.where} has a column '{name}'; say names or values otherwise"
            raise reader.problem(key, says)
    types = {(cell.type, cell.declared) for cell in cells}
    one_type = types.pop() if len(types) == 1 else ("VARCHAR", None)
    new = [RawColumn(unpivot.names, "cell_name"), RawColumn(unpivot.values, "cell", *one_type)]
    remarks: list[Remark] = []

    def stage(backend: Backend, path: Path) -> Path:
        scan = parquet(wide.stage(backend, path.with_suffix(".wide")))
        write(backend, _query(backend, scan, others, cells, one_type[0]), path)
        remarks[:] = [*wide.remarks, _told(backend, scan, path, cells)]
        path.with_suffix(".wide").unlink(missing_ok=True)
        return path

    return replace(
        wide,
        where=f"{wide.where} by {unpivot.names}",
        columns=(*others, *new),
        stage=stage,
        greatest=_greatest(wide),
        remarks=remarks,
        direct=None,
    )


def _cells(reader: Reader, wide: RawTable, key: str, unpivot: Unpivot) -> list[RawColumn]:
    """Return the columns whose cells become rows."""
    if unpivot.columns is not None:
        return [reader.column(wide, name, f"{key}.columns") for name in unpivot.columns]
    named = {period.name for period in columns_by_period([c.name for c in wide.columns])}
    if not named:
        names = ", ".join(column.name for column in wide.columns)
        says = f"{wide.where} has no columns named after months; say columns: found {names}"
        raise reader.problem(key, says)
    return [column for column in wide.columns if column.name in named]


def _query(
    backend: Backend,
    scan: str,
    others: Sequence[RawColumn],
    cells: Sequence[RawColumn],
    one_type: str,
) -> str:
    """Return SQL of a row for each filled cell, and one for each line that is no row."""
    names = ", ".join(text(_said(cell.name)) for cell in cells)
    values = ", ".join(
        ident(cell.staged) if cell.type == one_type else cleaned_text(ident(cell.staged), cell.type)
        for cell in cells
    )
    kept = ", ".join(ident(column.staged) for column in others)
    fault = FAULT if FAULT in columns_of(backend, scan) else f"CAST(NULL AS VARCHAR) AS {FAULT}"
    places = f"unnest(range({len(cells)})) AS place"
    told = (
        f"SELECT {kept}, {fault}, file_row_number AS line, {places}, "
        f"unnest([{names}]) AS cell_name, unnest([{values}]) AS cell FROM {scan}"
    )
    is_filled = "nullif(trim(CAST(cell AS VARCHAR)), '') IS NOT NULL"
    return (
        f"SELECT * EXCLUDE (line, place) FROM ({told}) "
        f"WHERE CASE WHEN {FAULT} IS NULL THEN {is_filled} ELSE place = 0 END ORDER BY line, place"
    )


def _said(name: str) -> str:
    """Return what a row says of the column that its value stood in."""
    period = period_name(name)
    return period.says if period is not None and period.has_year else name


def _told(backend: Backend, scan: str, tall: Path, cells: Sequence[RawColumn]) -> Remark:
    """Say which cells became rows: a month that is forgotten is seen here."""
    (read,) = row(backend, f"SELECT count(*) FROM {scan}")
    told, faults = row(
        backend, f"SELECT count(*) - count({FAULT}), count({FAULT}) FROM {parquet(tall)}"
    )
    empty = (read - faults) * len(cells) - told
    names = ", ".join(cell.name for cell in cells[:_SHOWN])
    further = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
    says = f"{told:,} cells of its columns {names}{further} became a row each; {empty:,} are empty"
    return Remark("unpivot", says, told, "")


def _greatest(wide: RawTable) -> Greatest | None:
    asked = wide.greatest
    if asked is None:
        return None
    names = [column.name for column in wide.columns]
    return lambda _names: asked(names)
