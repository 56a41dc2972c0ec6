"""Leads and activities that come inline with a request, read into rows of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from features.errors import InputError
from features.storage.warehouse import Warehouse
from features.tables import TABLES
from features.texts import read_moment

Row = Mapping[str, Any]
BIGINT = 2**63


@dataclass(frozen=True)
class InlineRows:
    """Rows as ingestion would have stored them.

    Attributes:
        leads: rows of `leads`.
        activities: rows of `activities`, of these leads only.
        ignored: `table.key` of every key that has no column in the data.
    """

    leads: Sequence[Row]
    activities: Sequence[Row]
    ignored: tuple[str, ...]


def inline_rows(
    warehouse: Warehouse, leads: Sequence[Row], activities: Sequence[Row]
) -> InlineRows:
    """Fit rows of a request to the columns of the warehouse.

    An activity without `known_at` was known when it happened, as in an extract.

    Args:
        warehouse: whose columns.
        leads: by column name; columns left out are empty.
        activities: likewise, with `occurred_at` filled.

    Raises:
        InputError: a value cannot be what its column holds.
    """
    activities = [
        {**row, "known_at": row.get("known_at") or row["occurred_at"]} for row in activities
    ]
    own_leads, unknown = fit_rows(warehouse, "leads", leads)
    own_activities, also_unknown = fit_rows(warehouse, "activities", activities)
    return InlineRows(own_leads, own_activities, tuple(sorted(unknown | also_unknown)))


def fit_rows(
    warehouse: Warehouse, table: str, rows: Sequence[Row], where: str = ""
) -> tuple[list[dict[str, Any]], set[str]]:
    """Fit rows from outside to the columns of a table.

    Args:
        warehouse: whose columns.
        table: which.
        rows: by column name; columns left out are empty.
        where: what an error calls the rows; the table's name if empty.

    Returns:
        The rows, and `table.key` of every key that has no column in the data.

    Raises:
        InputError: a value cannot be what its column holds.
    """
    columns = set(warehouse[table].columns) | set(TABLES[table].by_name)
    ignored = {f"{table}.{key}" for row in rows for key in row if key not in columns}
    fitted = [
        _fit(row, warehouse[table], f"{where or table}[{place}]") for place, row in enumerate(rows)
    ]
    return fitted, ignored


def _fit(row: Row, table: ir.Table, where: str) -> dict[str, Any]:
    return {
        column: _value(row.get(column), dtype, f"{where}.{column}")
        for column, dtype in table.schema().items()
    }


def _value(value: Any, dtype: dt.DataType, where: str) -> Any:
    """Read a value as its column does; what cannot be read is refused, never guessed."""
    read = None if value is None else _read(value, dtype)
    if value is not None and read is None:
        shown = json.dumps(value, ensure_ascii=False, default=str)
        raise InputError(f"'{where}' is {shown}; in the data this column holds {_words(dtype)}")
    return read


def _read(value: Any, dtype: dt.DataType) -> Any:
    """Read a value as a column of some type; None if it cannot be read so."""
    read: Any = None
    if dtype.is_string() and isinstance(value, str):
        read = value
    elif dtype.is_string() and isinstance(value, int | float) and not isinstance(value, bool):
        read = _digits(value)
    elif dtype.is_floating() and isinstance(value, int | float):
        read = float(value)
    elif dtype.is_integer() and isinstance(value, int) and abs(value) < BIGINT:
        read = int(value)
    elif dtype.is_boolean() and isinstance(value, bool):
        read = value
    elif dtype.is_timestamp() and isinstance(value, datetime | str):
        with suppress(ValueError):
            read = read_moment(value)
    return read


def _digits(number: float) -> str:
    """Write a number without exponent, as ingestion writes one in a column of texts.

    >>> _digits(1e20), _digits(2.50)
    ('100000000000000000000', '2.5')
    """
    written = format(Decimal(repr(number)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _words(dtype: dt.DataType) -> str:
    if dtype.is_integer():
        return "whole numbers"
    if dtype.is_floating():
        return "numbers"
    if dtype.is_boolean():
        return "true or false"
    return "texts" if dtype.is_string() else "times like 2025-03-31T14:05:00Z"
