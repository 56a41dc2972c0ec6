"""What a mapping wants for one table of ours, part by part."""

from __future__ import annotations

from features.errors import TableError
from features.ingest.files import RawTable
from features.ingest.language.columns import ColumnShape, IdStyle
from features.ingest.language.tables import Part, TableMapping
from features.ingest.match import columns_named, wide_hint
from features.ingest.parsing import TextFormat
from features.ingest.shaping.periods import PERIOD_END, PERIOD_START
from features.ingest.shaping.plans import RowsPlan, plan_rows
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.rows import Moments, RowsWanted, Wanted
from features.snapshot import DELETED_AT
from features.tables import ColumnKind, Table

_TAKEN_AT = "moment of the state"


def table_parts(
    reader: Reader, table: Table, mapping: TableMapping, texts: TextFormat, ids: IdStyle
) -> list[RowsPlan]:
    """Plan the rows of one table of ours.

    Args:
        reader: finds the source's tables.
        table: ours.
        mapping: what the mapping file says of it.
        texts: how texts are read where it does not say.
        ids: how ids are made to look the same.

    Raises:
        MappingError: the source lacks a table or column that is named.
        TableError: a part lacks a required column.
    """
    whole = _texts(mapping, texts)
    plans = []
    for place, part in enumerate(mapping.parts):
        key = f"{table.name}.union[{place}]" if mapping.union else table.name
        own = _texts(part, whole)
        name = part.table or table.name
        raw = reader.table(name, f"{key}.table")
        columns = _columns(key, table, part, raw, ids)
        _refuse_missing(table, part, raw, columns)
        plans.append(
            plan_rows(
                reader,
                RowsWanted(
                    key,
                    name,
                    columns,
                    own_moment=_own_moment(table),
                    texts=own,
                    rereads=own != whole,
                    joins=part.joins,
                    where=part.where,
                    period=part.period,
                    moments=_moments(table, part),
                    keeps_others=True,
                    drop=part.drop,
                    taken=frozenset(table.by_name) | {DELETED_AT, "source_row"},
                ),
            )
        )
    return plans


def _texts(part: Part, otherwise: TextFormat) -> TextFormat:
    day_first = otherwise.day_first if part.day_first is None else part.day_first
    return TextFormat(day_first, part.timezone or otherwise.zone)


def _own_moment(table: Table) -> tuple[str, ...]:
    """Return the columns with a row's own moment; a quota's is when it was known."""
    names = (table.known_at if table.known_from_start else None, table.event_time)
    return tuple(name for name in names if name is not None)


def _moments(table: Table, part: Part) -> Moments | None:
    if part.latest_by is None:
        return None
    return Moments(table.key, _TAKEN_AT, part.missing_is_deleted)


def _columns(key: str, table: Table, part: Part, raw: RawTable, ids: IdStyle) -> tuple[Wanted, ...]:
    """Return what is wanted of each row: columns of ours, then named attributes."""
    dropped = {column.name for name in part.drop for column in columns_named(name, raw.columns)}
    by_period = {PERIOD_START, PERIOD_END} if part.period is not None else set()
    wanted = []
    for name, column in table.by_name.items():
        if name in part.columns:
            shape = part.columns[name]
        else:
            hits = [c for c in columns_named(name, raw.columns) if c.name not in dropped]
            shape = ColumnShape(column=hits[0].name) if len(hits) == 1 else None
        if shape is not None and name not in by_period:
            wanted.append(
                Wanted(
                    name, column.kind, _with_ids(shape, column.kind, ids), f"{key}.columns.{name}"
                )
            )
    for name, shape in part.attributes.items():
        wanted.append(Wanted(name, None, shape, f"{key}.attributes.{name}"))
    if part.latest_by is not None:
        place = f"{key}.latest_by"
        wanted.append(Wanted(_TAKEN_AT, ColumnKind.TIME, part.latest_by, place, is_kept=False))
    return tuple(wanted)


def _with_ids(shape: ColumnShape, kind: ColumnKind, ids: IdStyle) -> ColumnShape:
    """Return a shape whose ids look like all others, unless it says otherwise itself."""
    if kind is not ColumnKind.ID or shape.id is not None or ids is IdStyle.AS_IS:
        return shape
    return shape.model_copy(update={"id": ids})


def _refuse_missing(table: Table, part: Part, raw: RawTable, columns: tuple[Wanted, ...]) -> None:
    """Refuse a part that leaves a required column of ours empty."""
    filled = {wanted.name for wanted in columns}
    filled |= {PERIOD_START, PERIOD_END} if part.period is not None else set()
    for name in table.required:
        if name not in filled:
            names = [column.name for column in raw.columns]
            hint = wide_hint(table, raw, names)
            raise TableError.missing_column(table.name, name, raw.where, names, hint=hint)
