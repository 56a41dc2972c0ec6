"""How the texts of a table are read where a value alone may mean two things.

Dates with the day or the month first, amounts with either decimal sign, and moments as plain
numbers are decided by the whole column, once: its reading is a property of the extract, like
whether a field has a history, and is said in the report. What fits one reading alone is evidence;
where evidence contradicts itself in more than a small share, values that may mean two things are
not read at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ibis.backends.duckdb import Backend

from features.ingest.amount_readings import amount_reading
from features.ingest.deleted import moments_of
from features.ingest.match import Matched
from features.ingest.parsing import TextFormat
from features.ingest.reading import Look, Reading, Readings
from features.ingest.time_orders import order_by_ends
from features.ingest.time_readings import ORDER, is_open, time_reading
from features.params import IngestParams
from features.tables import ColumnKind


def readings_of(backend: Backend, matched: Matched, staged: str, params: IngestParams) -> Readings:
    """Decide how the columns of a staged table are read.

    Args:
        backend: the engine.
        matched: our table and the source's columns for it.
        staged: a FROM clause of the staged rows.
        params: what is declared, and which share is small.
    """
    look = Look(backend, staged, params)
    decided: dict[str, Reading] = {}
    for column in matched.table.columns:
        raw = matched.columns.get(column.name)
        reading = None
        if raw is not None and column.kind is ColumnKind.TIME:
            of_periods = column.name in ("period_start", "period_end")
            reading = time_reading(look, raw, matched.texts, of_periods=of_periods)
        elif raw is not None and column.kind is ColumnKind.NUMBER and raw.type == "VARCHAR":
            reading = amount_reading(look, raw, matched.texts)
        if reading is not None:
            decided[column.name] = reading
    for name, raw in moments_of(matched).items():
        reading = time_reading(look, raw, matched.texts)
        if reading is not None:
            decided[name] = reading
    return _with_neighbours(look, matched, decided)


def _with_neighbours(look: Look, matched: Matched, decided: Mapping[str, Reading]) -> Readings:
    """Let columns whose dates fit both orders follow the other columns of their table.

    Where all columns do, the order counts in which rows end after they begin, if one does.
    """
    usual = matched.texts
    orders = {
        reading.texts.day_first
        for reading in decided.values()
        if reading.kind == ORDER and not is_open(reading)
    }
    agreed = usual
    if usual.is_undeclared and len(orders) == 1:
        agreed = replace(usual, day_first=orders.pop(), is_undeclared=False)
    why = ", like the table's other dates"
    open_names = [name for name, reading in decided.items() if is_open(reading)]
    if agreed.is_undeclared and not orders:
        told = order_by_ends(look, matched, usual, open_names)
        if told is not None:
            agreed = replace(usual, day_first=told[0], is_undeclared=False)
            why = f": {told[1]}; to fix that, set features.ingest.day_first: {str(told[0]).lower()}"
    return Readings(agreed, dict(_settled(decided, agreed, why)))


def _settled(
    decided: Mapping[str, Reading], agreed: TextFormat, why: str
) -> Iterator[tuple[str, Reading]]:
    for name, reading in decided.items():
        if not is_open(reading):
            yield name, reading
            continue
        order = "day" if agreed.day_first else "month"
        if agreed.is_undeclared:
            why = (
                ": set features.ingest.day_first (or `day_first` in the mapping) to say which is "
                "right"
            )
        says = (
            f"all {reading.of:,} dates like '{reading.example}' may have the day or the month "
            f"first and were read {order} first{why}"
        )
        says += f"; {reading.says}" if reading.says else ""
        yield (
            name,
            replace(reading, texts=agreed, says=says, is_doubtful=agreed.is_undeclared),
        )
