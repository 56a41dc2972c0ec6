"""Small worlds by hand: moments by the number of their day, snapshots lined up, rows as tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from extract import Row

from features.arrays import Ints
from features.clock import to_us
from features.feature import DAY_US
from features.field_history import FieldHistory
from features.snapshot import AVAILABLE_AT, CUTOFF, ENTITY, EVENT_TIME, SNAPSHOT
from features.spine import Spine
from features.storage.warehouse import Warehouse

Opened = Callable[..., AbstractContextManager[Warehouse]]
"""How a test opens its rows: a name and a list of rows for each table."""
DAY_0 = datetime(2024, 1, 1)
"""A Monday."""
MICRO = 1 / DAY_US
"""A microsecond, in days."""


def day(number: float) -> datetime:
    """Return the moment so many days after the first day; a `MICRO` more is a microsecond more."""
    whole = int(number // 1)
    return DAY_0 + timedelta(days=whole, microseconds=round((number - whole) * DAY_US))


def days_us(days: Sequence[float]) -> Ints:
    """Return days as microseconds since 1970."""
    return to_us(np.array([day(number) for number in days], dtype="datetime64[us]"))


def spine_of(*cutoffs: Sequence[float], created: float = 0) -> Spine:
    """Line up snapshots: for each entity the days of its cutoffs, rising."""
    same = [place > 0 for days in cutoffs for place in range(len(days))]
    moments = days_us([number for days in cutoffs for number in days])
    return Spine(np.array(same, dtype=np.bool_), moments, moments - days_us([created])[0])


def events(rows: Sequence[tuple[int, float, float]], **columns: Any) -> pa.Table:
    """Return rows as the door does.

    Args:
        rows: the number of the entity's first snapshot, the day of the event, and the day from
            which it is available.
        columns: further columns.
    """
    entity, event_time, available_at = zip(*rows, strict=True) if rows else ((), (), ())
    clocks = {
        ENTITY: pa.array(entity, pa.int32()),
        EVENT_TIME: pa.array([day(number) for number in event_time], pa.timestamp("us")),
        AVAILABLE_AT: pa.array([day(number) for number in available_at], pa.timestamp("us")),
    }
    return pa.table(clocks | {name: pa.array(values) for name, values in columns.items()})


def table(types: Mapping[str, str], *rows: Sequence[Any]) -> ir.Table:
    """Put rows into a table; days become moments where the type says so."""
    schema = ibis.schema(
        {name: kind.replace("day", "timestamp(6)") for name, kind in types.items()}
    )
    is_day = [kind == "day" for kind in types.values()]
    plain = [
        [day(v) if at and v is not None else v for v, at in zip(row, is_day, strict=True)]
        for row in rows
    ]
    columns = zip(*plain, strict=True) if rows else [()] * len(types)
    arrays = [
        pa.array(values, kind)
        for values, kind in zip(columns, schema.to_pyarrow().types, strict=True)
    ]
    return ibis.memtable(pa.table(arrays, names=list(types)), schema=schema)


def snapshots(*rows: Sequence[Any], **types: str) -> ir.Table:
    """Number rows of `cutoff` and further columns as snapshots, in their order."""
    numbered = [(place, *row) for place, row in enumerate(rows)]
    return table({SNAPSHOT: "int64", CUTOFF: "day", **types}, *numbered)


def answer(warehouse: Warehouse, rows: ir.Table, *columns: str) -> list[Any]:
    """Fetch columns as tuples (or plain values, of one column), sorted; empty values come first."""
    fetched = warehouse.arrow(rows.select(*columns)).to_pylist()
    values = [tuple(row[name] for name in columns) for row in fetched]
    values.sort(key=lambda row: [(value is not None, value) for value in row])
    return [row[0] for row in values] if len(columns) == 1 else values


def deal(deal_id: str, created: float = 0, closed: float | None = None, **more: Any) -> Row:
    """Write a deal's row, of rep `a` and amount 100, won if it is closed."""
    closed_at = None if closed is None else day(closed)
    won = None if closed is None else True
    row = {"deal_id": deal_id, "rep_id": "a", "created_at": day(created), "amount": 100.0}
    return {**row, "closed_at": closed_at, "won": won, **more}


def history(name: str, **more: Any) -> FieldHistory:
    """Say that a field, "deal amount", has a history; a complete one unless it says otherwise."""
    entity_type, field = name.split()
    counts = {"complete": True, "entities": 1, "from_creation": 1, "before_log": 0}
    return FieldHistory(entity_type, field, **{**counts, "log_begins": DAY_0, **more})


def quota(rep_id: str, start: float, end: float, amount: float = 1000.0, **more: Any) -> Row:
    """Write a quota's row, known from the start of its period unless it says otherwise."""
    period = {"period_start": day(start), "period_end": day(end)}
    return {"rep_id": rep_id, **period, "amount": amount, **more}
