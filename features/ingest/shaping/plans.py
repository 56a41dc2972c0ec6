"""How the rows of a table are shaped: checked against the source's columns, nothing read yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.ingest.files import RawColumn, RawTable
from features.ingest.match import free_name
from features.ingest.shaping.columns_in_use import ColumnsInUse, InUse
from features.ingest.shaping.joins import Joined, find_joins, lawful
from features.ingest.shaping.making import Made, makings
from features.ingest.shaping.periods import PERIOD_END, PERIOD_START, PeriodMade, find_period
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.rows import RowsWanted
from features.snapshot import DELETED_AT
from features.tables import ColumnKind


@dataclass(frozen=True)
class ShapedColumn:
    """One column of the result.

    Attributes:
        name: its name.
        staged: its name in SQL.
        type: the engine's type.
        declared: the type that a database declares, though it is staged as text.
    """

    name: str
    staged: str
    type: str = "VARCHAR"
    declared: str | None = None


@dataclass(frozen=True)
class RowsPlan:
    """How rows are shaped: checked against the source's columns, with no row read yet.

    Attributes:
        wanted: what is wanted.
        raw: the source's table.
        columns: the columns that are needed of it and of joined tables.
        joins: the joins.
        made: the wanted columns.
        others: columns that are kept under their own names, or others where those are taken.
        where: columns that must hold something for a row to count.
        period: the period of a quota.
    """

    wanted: RowsWanted
    raw: RawTable
    columns: ColumnsInUse
    joins: tuple[Joined, ...]
    made: tuple[Made, ...]
    others: Mapping[str, InUse]
    where: tuple[InUse, ...]
    period: PeriodMade | None

    def result(self) -> tuple[ShapedColumn, ...]:
        """Return the columns of the result."""
        made = [
            _result_of(m.wanted.name, m.formed, m.passes) if m.passes else _read_result(m)
            for m in self.kept
        ]
        others = [_result_of(name, used.raw, used.column) for name, used in self.others.items()]
        deleted = [ShapedColumn(DELETED_AT, DELETED_AT, "TIMESTAMP")] if self.deletes else []
        bounds = [] if self.period is None else [PERIOD_START, PERIOD_END]
        return (*made, *others, *deleted, *(ShapedColumn(name, name) for name in bounds))

    @property
    def kept(self) -> tuple[Made, ...]:
        """The wanted columns that become columns of the result."""
        return tuple(made for made in self.made if made.wanted.is_kept)

    @property
    def deletes(self) -> bool:
        """Whether its rows learn when their record was deleted."""
        return self.wanted.moments is not None and self.wanted.moments.missing_is_deleted

    def by_name(self, name: str) -> Made | None:
        """Return a wanted column, if it is made."""
        return next((made for made in self.made if made.wanted.name == name), None)


def _result_of(name: str, staged: str, column: RawColumn | None) -> ShapedColumn:
    if column is None:
        return ShapedColumn(name, staged)
    return ShapedColumn(name, staged, column.type, column.declared)


def _read_result(made: Made) -> ShapedColumn:
    """Return the column of a value that is read here; an attribute gets the type it was read as."""
    declared = None
    if made.wanted.kind is None and made.time is not None:
        declared = "TIMESTAMP"
    elif made.wanted.kind is None and made.shape.number is not None:
        declared = "DOUBLE"
    return ShapedColumn(made.wanted.name, made.formed, declared=declared)


def plan_rows(reader: Reader, wanted: RowsWanted) -> RowsPlan:
    """Find all tables and columns that the wanted rows need.

    Raises:
        MappingError: the source lacks one of them, or a join may bring what came later.
    """
    key = wanted.key
    raw = reader.table(wanted.table, f"{key}.table")
    tables: dict[str | None, RawTable] = {None: raw}
    for name, join in wanted.joins.items():
        tables[name] = reader.table(join.table, f"{key}.joins.{name}.table")
    columns = ColumnsInUse(reader, tables)
    for problem in _unlawful(wanted):
        where, _, says = problem.partition(": ")
        raise reader.problem(where, says)
    made = makings(wanted, columns)
    kept = [m for m in made if m.wanted.is_kept]
    consumed = {used for m in kept for used in (*m.origins, m.time_of_day, m.code) if used}
    dropped = {reader.column(raw, name, f"{key}.drop").staged for name in wanted.drop}
    joins = find_joins(key, wanted.joins, columns)
    guards = tuple(
        columns.use(name, asked.join, f"{key}.where") for name, asked in wanted.where.items()
    )
    taken_away = dropped | {used.column.staged for used in consumed if used.join is None}
    others = _others(wanted, columns, taken_away) if wanted.keeps_others else {}
    period = None
    if wanted.period is not None:
        period = find_period(wanted.period, columns, f"{key}.period", wanted.texts)
    return RowsPlan(wanted, raw, columns, joins, made, others, guards, period)


def _unlawful(wanted: RowsWanted) -> Iterator[str]:
    for column in wanted.columns:
        is_id = column.kind is ColumnKind.ID
        for reference in column.shape.references:
            yield from lawful(column.key, reference.join, wanted.joins, is_id=is_id)
        for asked in column.shape.where.values():
            yield from lawful(column.key, asked.join, wanted.joins, is_id=False)
    for asked in wanted.where.values():
        yield from lawful(f"{wanted.key}.where", asked.join, wanted.joins, is_id=False)
    for name, join in wanted.joins.items():
        if join.where:
            key = f"{wanted.key}.joins.{name}.where"
            yield from lawful(key, name, wanted.joins, is_id=False)
    dated = [name for name, join in wanted.joins.items() if join.known_at is not None]
    if dated and not wanted.own_moment:
        yield f"{wanted.key}.joins.{dated[0]}: known_at needs rows with a moment of their own"


def _others(wanted: RowsWanted, columns: ColumnsInUse, taken_away: set[str]) -> dict[str, InUse]:
    """Name the columns that are kept as attributes, so that none takes a name of ours."""
    raw = columns.tables[None]
    taken = {column.name.lower() for column in wanted.columns} | wanted.taken
    others = {}
    for place, column in enumerate(raw.columns):
        if column.staged not in taken_away:
            others[free_name(column, place, taken)] = columns.keep(column)
    return others
