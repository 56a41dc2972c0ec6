"""Numbers, words or moments: by the filled values, whatever type the file gives the column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from by_hand import Opened

from features.history.kinds import kinds_of
from features.tables import ColumnKind

NUMBER, TIME, TEXT = ColumnKind.NUMBER, ColumnKind.TIME, ColumnKind.TEXT
COLUMNS: list[tuple[str, list[Any], pa.DataType, ColumnKind | None]] = [
    ("numbers of CSV", ["7", "2.5", "-1e3", None], pa.string(), NUMBER),
    ("numbers", [7.0, 2.5, None, float("nan")], pa.float64(), NUMBER),
    ("whole numbers", [7, None, 9, 1], pa.int32(), NUMBER),
    ("decimals", [Decimal("7.5"), None, None, None], pa.decimal128(9, 2), NUMBER),
    ("flags of CSV", ["True", "false", None, "TRUE"], pa.string(), NUMBER),
    ("flags", [True, False, None, True], pa.bool_(), NUMBER),
    ("a flag beside a number", ["true", "7", None, None], pa.string(), TEXT),
    ("a word beside numbers", ["7", "many", "7", "7"], pa.string(), TEXT),
    ("dates of CSV", ["2024-05-01", None, "2024-05-02", "2024/5/3"], pa.string(), TIME),
    ("local dates", ["1.6.2024", "01/06/2024 9:30", None, None], pa.string(), TIME),
    ("zones", ["2024-05-01T09:30:00+01:00", "2024-05-01 09:30Z", None, None], pa.string(), TIME),
    ("moments", [datetime(2024, 5, 1), None, None, None], pa.timestamp("us"), TIME),
    ("days", [date(2024, 5, 1), None, None, None], pa.date32(), TIME),
    ("a word beside dates", ["2024-05-01", "soon", None, None], pa.string(), TEXT),
    ("no text", [None] * 4, pa.string(), None),
    ("no number", [None, None, None, float("nan")], pa.float64(), None),
    ("no whole number", [None] * 4, pa.int64(), None),
    ("no flag", [None] * 4, pa.bool_(), None),
    ("no moment", [None] * 4, pa.timestamp("us"), None),
]


@pytest.mark.parametrize(
    ("values", "dtype", "kind"), [pytest.param(*row, id=name) for name, *row in COLUMNS]
)
def test_filled_values_decide(
    opened: Opened, values: Sequence[Any], dtype: pa.DataType, kind: ColumnKind | None
) -> None:
    """A column without any is nothing; one value that does not fit makes a column of words."""
    rows = ibis.memtable(pa.table({"column": pa.array(values, dtype)}))
    with opened() as warehouse:
        assert kinds_of(warehouse, rows, ["column"]) == {"column": kind}


def test_many_columns_are_decided_each_for_itself(opened: Opened) -> None:
    """In the order asked for; of no column and of no row there is nothing to say."""
    columns = {name: pa.array(values, dtype) for name, values, dtype, _ in COLUMNS}
    rows = ibis.memtable(pa.table(columns))
    with opened() as warehouse:
        kinds = kinds_of(warehouse, rows, list(columns))
        assert list(kinds.items()) == [(name, kind) for name, _, _, kind in COLUMNS]
        assert set(kinds_of(warehouse, rows.limit(0), list(columns)).values()) == {None}
        assert kinds_of(warehouse, rows, []) == {}
