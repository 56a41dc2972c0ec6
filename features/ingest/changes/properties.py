"""Property histories: one row for each value that a property took."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from features.ingest.changes.wanted import (
    KNOWN_AT,
    entity_id,
    field_kind,
    known_at,
    names_of,
    own_texts,
    with_ids,
)
from features.ingest.csv_rows import FAULT
from features.ingest.files import RawTable
from features.ingest.language.columns import ColumnShape, Condition, IdStyle
from features.ingest.language.histories import PropertyHistory
from features.ingest.parsing import TextFormat
from features.ingest.shaping.plans import RowsPlan, ShapedColumn, plan_rows
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.rows import RowsWanted, Wanted
from features.ingest.shaping.shaped_rows import Rules, Tally, shape_rows
from features.ingest.shaping.source import Shaping
from features.storage.engine import ident, parquet, row, run
from features.tables import ColumnKind

_OTHERS = "they hold no change of {fields} that the mapping takes"
_REPEATED = "the same change again"


def property_shaping(
    reader: Reader, key: str, history: PropertyHistory, texts: TextFormat, ids: IdStyle
) -> Shaping:
    """Plan the changes that a property history tells.

    Args:
        reader: finds the source's table.
        key: where the mapping speaks of the history.
        history: what it says.
        texts: how times are read where it does not say.
        ids: how ids are made to look the same.

    Raises:
        MappingError: the source lacks the table or one of the columns.
    """
    raw = reader.table(history.table, f"{key}.table")
    own = own_texts(history.day_first, history.timezone, texts)
    plans = [_plan(reader, key, history, field, own, ids) for field in history.fields]
    names = names_of(history)
    columns = tuple(ShapedColumn(name, name) for name in names)
    return Shaping(raw, columns, partial(_shape, raw, names, ", ".join(history.fields), plans))


def _plan(
    reader: Reader,
    key: str,
    history: PropertyHistory,
    field: str,
    texts: TextFormat,
    ids: IdStyle,
) -> RowsPlan:
    """Plan the changes of one field: the rows of its property."""
    shape, place = history.fields[field], f"{key}.fields.{field}"
    kind = field_kind(history.entity, field)

    def value(name: str, column: str) -> Wanted:
        read = with_ids(shape.model_copy(update={"column": column}), kind, ids)
        return Wanted(name, kind, read, place)

    columns = [
        Wanted("entity_type", ColumnKind.TEXT, ColumnShape(constant=history.entity), key),
        entity_id(history.id, ids, key),
        Wanted("changed_at", ColumnKind.TIME, history.changed_at, f"{key}.changed_at"),
        Wanted("field", ColumnKind.TEXT, ColumnShape(constant=field), key),
        value("value", history.new_value),
    ]
    columns += known_at(history, key)
    if history.old_value is not None:
        columns.append(value("old_value", history.old_value))
    is_property = Condition(any_of=(shape.column or field,))
    return plan_rows(
        reader,
        RowsWanted(
            key,
            history.table,
            tuple(columns),
            own_moment=("changed_at",),
            texts=texts,
            rereads=True,
            where={history.property: is_property, **history.where},
        ),
    )


def _shape(
    raw: RawTable,
    names: Sequence[str],
    fields: str,
    plans: list[RowsPlan],
    rules: Rules,
    name: str,
) -> Tally:
    """Make the changes of all fields; a row that is there twice is one change, known first."""
    backend = plans[0].columns.reader.backend
    parts = []
    for place, plan in enumerate(plans):
        part = f"{name} field {place}"
        shape_rows(plan, rules, part)
        staged = {column.name: ident(column.staged) for column in plan.result()}
        values = (f"CAST({staged.get(n, 'NULL')} AS VARCHAR) AS {n}" for n in names)
        parts.append((part, f"SELECT source_row, {FAULT}, {', '.join(values)} FROM {ident(part)}"))
    by = ", ".join(n for n in names if n != KNOWN_AT)
    order = ", ".join([*(n for n in names if n == KNOWN_AT), "source_row"])
    union = " UNION ALL ".join(query for _, query in parts)
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS SELECT * FROM ({union}) "
        f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {order}) = 1 "
        "ORDER BY source_row",
    )
    (of_fields,) = row(backend, f"SELECT count(*) FROM ({union})")
    (kept,) = row(backend, f"SELECT count(*) FROM {ident(name)}")
    (read,) = row(backend, f"SELECT count(*) FROM {parquet(plans[0].columns.reader.file(raw))}")
    for part, _ in parts:
        run(backend, f"DROP TABLE {ident(part)}")
    left_out = {_OTHERS.format(fields=fields): read - of_fields, _REPEATED: of_fields - kept}
    return Tally(raw.where, read, kept, {why: count for why, count in left_out.items() if count})
