"""What the columns of an extract hold: numbers, words or moments, decided by their filled values.

The type a file gives a column does not decide: the same values give the same kind, whether they
come from CSV, where all are texts, from parquet or from `changes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from features.history.values import FLAGS, as_number
from features.storage.warehouse import Warehouse
from features.tables import ColumnKind

LIKE_A_MOMENT = (
    r"^([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)?"
    r" ?(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)?"
    r"|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}( .*)?)$"
)
"""Every form in which extracts write moments, in any zone."""


def kinds_of(
    warehouse: Warehouse, rows: ir.Table, columns: Sequence[str]
) -> dict[str, ColumnKind | None]:
    """Decide what each column holds.

    Args:
        warehouse: answers.
        rows: the rows that may be seen.
        columns: columns of the rows.

    Returns:
        For each column NUMBER, TIME or TEXT; None where no value is filled.
    """
    # By the filled values of a column:
    #
    #   none                      None, whatever its type in the file
    #   7, 2.5, 1e3               NUMBER: all read as numbers
    #   true, False               NUMBER: all are flags, read as 1 and 0
    #   true, 7                   TEXT: a flag beside a number
    #   2024-05-01, 1.6.2024      TIME: all read as moments
    #   2024-05-01, soon          TEXT
    if not columns:
        return {}
    counts = {
        f"{what}_{place}": count
        for place, column in enumerate(columns)
        for what, count in _counts(rows[column]).items()
    }
    fetched = warehouse.arrow(rows.aggregate(**counts)).to_pylist()[0]
    return {
        column: _kind({what: int(fetched[f"{what}_{place}"] or 0) for what in _COUNTED})
        for place, column in enumerate(columns)
    }


_COUNTED = ("filled", "number", "flag", "moment")


def _counts(column: ir.Column) -> Mapping[str, ir.Value]:
    """Count the filled values of a column, and those that read as a number, a flag, a moment."""
    none, dtype = ibis.literal(0, "int64"), column.type()
    if dtype.is_numeric() or dtype.is_boolean():
        # What is not finite is empty.
        filled = as_number(column).count()
        return {"filled": filled, "number": filled, "flag": none, "moment": none}
    filled = column.count()
    if dtype.is_timestamp() or dtype.is_date():
        return {"filled": filled, "number": none, "flag": none, "moment": filled}
    text = column.cast("string")
    return {
        "filled": filled,
        "number": as_number(text).count(),
        "flag": text.lower().isin(FLAGS).sum(),
        "moment": text.re_search(LIKE_A_MOMENT).sum(),
    }


def _kind(counts: Mapping[str, int]) -> ColumnKind | None:
    filled = counts["filled"]
    if not filled:
        return None
    if filled in (counts["number"], counts["flag"]):
        return ColumnKind.NUMBER
    return ColumnKind.TIME if filled == counts["moment"] else ColumnKind.TEXT
