"""Workbooks as sources: each sheet is a table. The only module that knows python-calamine.

Cells are staged as texts, as all that is no database is; what was typed in as a number or a date
is written so that it reads back as the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import python_calamine as calamine
from ibis.backends.duckdb import Backend

from features.errors import SourceError, TableError
from features.ingest.csv_rows import Remark
from features.ingest.files import RawColumn, RawTable, Source, folder

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_REMEDY = "save it as .xlsx again, without a password, or give its sheets as CSV"
_GROUP = 3
_TITLES = 20
"""Rows among which the header is looked for."""


def is_workbook(path: Path) -> bool:
    """Return whether a file is a workbook, by its name."""
    return path.suffix.lower() in SUFFIXES


def open_files(path: Path) -> Source:
    """Open a folder of parquet files, CSV files and workbooks, or a single workbook.

    A sheet's table has the sheet's name, and the file's where the workbook has no other sheet.

    Raises:
        SourceError: there is no such folder, or one of its workbooks cannot be read.
    """
    is_single = path.is_file() and is_workbook(path)
    files = Source(str(path), (), _no_table) if is_single else folder(path)
    sheets: dict[str, list[tuple[Path, str]]] = {}
    for book in [path] if is_single else workbooks(path):
        names = sheet_names(book)
        for name in names:
            sheets.setdefault(book.stem if len(names) == 1 else name, []).append((book, name))

    def table(backend: Backend, name: str) -> RawTable:
        places = [f"sheet '{sheet}' of {book.name}" for book, sheet in sheets.get(name, [])]
        places += [f"a file {name}"] if name in files.tables else []
        if len(places) > 1:
            says = f"{path}: table '{name}' exists {len(places)} times, as {' and '.join(places)}"
            raise TableError(f"{says}; name one under sources in a --mapping file")
        if name in sheets:
            return sheet_table(*sheets[name][0])
        return files.table(backend, name)

    return replace(files, tables=tuple(dict.fromkeys((*files.tables, *sheets))), table=table)


def workbooks(path: Path) -> list[Path]:
    """Return the workbooks of a folder, without the lock files of spreadsheet programs."""
    return sorted(
        file for file in path.iterdir() if is_workbook(file) and file.name[0] not in ".~_"
    )


def _no_table(_backend: Backend, name: str) -> RawTable:
    raise TableError(f"there is no table '{name}'")


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets that hold cells.

    Raises:
        SourceError: the file is no workbook, or may not be read.
    """
    book = _open(path)
    kind = calamine.SheetTypeEnum.WorkSheet
    return tuple(sheet.name for sheet in book.sheets_metadata if sheet.typ == kind)


def sheet_table(path: Path, sheet: str | None = None, header_row: int | None = None) -> RawTable:
    """Read the names of a sheet's columns; its rows are read later.

    Args:
        path: the workbook.
        sheet: its sheet; None: the first.
        header_row: the row of the header, counted from 1; None: the first row that is no title.

    Raises:
        SourceError: there is no such sheet, or it has no header in that row.
    """
    names = sheet_names(path)
    name = sheet or (names[0] if names else "")
    if name not in names:
        problem = f"it has no sheet '{name}': found {', '.join(names) or 'none'}"
        raise SourceError(str(path), problem, "name one of its sheets")
    where = f"sheet '{name}' of {path}"
    cells = _cells(path, name)
    place = _header_row(cells) if header_row is None else header_row
    header = _header(cells, place, where)
    remarks = []
    if header_row is None and place > 1:
        says = f"its header was found in row {place}; what stands above it was not read"
        remarks.append(Remark("header_row", says, place - 1, ""))
    columns = tuple(RawColumn(_text(cell) or "", f"c{i}") for i, cell in enumerate(header))

    def stage(_backend: Backend, target: Path) -> Path:
        _write(_rows(_cells(path, name)[place:], len(columns)), columns, target)
        return target

    return RawTable(
        where, _REMEDY, columns, stage, is_csv=True, has_typed_cells=True, remarks=remarks
    )


def _open(path: Path) -> calamine.CalamineWorkbook:
    try:
        return calamine.load_workbook(str(path))
    except (calamine.CalamineError, OSError) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
    raise SourceError(str(path), f"it is no workbook that can be read: {problem}", _REMEDY)


def _cells(path: Path, sheet: str) -> list[list[Any]]:
    """Return all rows of a sheet, from its first row on, so that row numbers are the sheet's."""
    cells: list[list[Any]] = _open(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return cells


def _header_row(cells: Sequence[Sequence[Any]]) -> int:
    """Return the row of the header, counted from 1: titles above it leave most columns empty.

    Leads   as of today
                                       nothing
    Nr      Created      Owner         the first row that fills most columns, with texts alone
    """
    filled = [[cell for cell in row if _text(cell) is not None] for row in cells[:_TITLES]]
    widest = max(map(len, filled), default=0)
    place = next((i for i, row in enumerate(filled) if 2 * len(row) > widest), 0)
    is_header = all(isinstance(cell, str) for cell in filled[place]) if filled else False
    return place + 1 if is_header else 1


def _header(cells: Sequence[Sequence[Any]], header_row: int, where: str) -> Sequence[Any]:
    """Return the header without the empty cells at its end."""
    header = list(cells[header_row - 1]) if len(cells) >= header_row else []
    while header and _text(header[-1]) is None:
        header.pop()
    if not header:
        raise SourceError(where, f"row {header_row} holds no header", "say header_row in a mapping")
    return header


def _rows(cells: Sequence[Sequence[Any]], width: int) -> Iterator[list[str | None]]:
    """Go through the rows below the header as texts, without the empty ones at the end."""
    last = max((i for i, row in enumerate(cells) if any(c != "" for c in row)), default=-1)
    for row in cells[: last + 1]:
        texts = [_text(cell) for cell in row[:width]]
        yield texts + [None] * (width - len(texts))


def _text(cell: Any) -> str | None:
    """Return a cell as a text; None where it is empty or holds an error.

    A number of three decimals gets a fourth, so that none looks like a group of thousands:

        7.0       7
        3.125     3.1250
        1.05e14   105000000000000
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        written = str(int(cell)) if cell.is_integer() else f"{Decimal(repr(cell)):f}"
        is_like_group = "." in written and len(written.partition(".")[2]) == _GROUP
        return f"{written}0" if is_like_group else written
    if isinstance(cell, timedelta):
        return str(cell.total_seconds())
    # A date or a time writes itself as ISO; an error is an empty text already.
    return str(cell).strip() or None


def _write(rows: Iterator[list[str | None]], columns: Sequence[RawColumn], target: Path) -> None:
    schema = pa.schema([(column.staged, pa.string()) for column in columns])
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(column, pa.string()) for column in values]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), target)
