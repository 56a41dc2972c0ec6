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
    return _with_neighbours(matched.texts, decided)


def _with_neighbours(usual: TextFormat, decided: Mapping[str, Reading]) -> Readings:
    """Let columns whose dates fit both orders follow the other columns of their table."""
    orders = {
        reading.texts.day_first
        for reading in decided.values()
        if reading.kind == ORDER and not is_open(reading)
    }
    agreed = usual
    if usual.is_undeclared and len(orders) == 1:
        agreed = replace(usual, day_first=orders.pop(), is_undeclared=False)
    return Readings(agreed, dict(_settled(decided, agreed)))


def _settled(decided: Mapping[str, Reading], agreed: TextFormat) -> Iterator[tuple[str, Reading]]:
    for name, reading in decided.items():
        if not is_open(reading):
            yield name, reading
            continue
        order = "day" if agreed.day_first else "month"
        why = (
            ": set features.ingest.day_first (or `day_first` in the mapping) to say which is right"
            if agreed.is_undeclared
            else ", like the table's other dates"
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
