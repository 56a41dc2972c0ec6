"""Rows of a source's table as the rows that a mapping wants, and what became of those left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow.parquet as pq

from features.errors import LostRowsError
from features.ingest.csv_rows import FAULT
from features.ingest.files import RawColumn, RawTable
from features.ingest.language.columns import IdStyle
from features.ingest.language.sources import RateTable
from features.ingest.parsing import TextFormat
from features.ingest.shaping.columns_in_use import ColumnsInUse, InUse
from features.ingest.shaping.joins import (
    OWN_MOMENT,
    Joined,
    find_joins,
    is_dated,
    joined_rows,
    lawful,
)
from features.ingest.shaping.making import Made, makings
from features.ingest.shaping.money import in_one_currency
from features.ingest.shaping.periods import PERIOD_END, PERIOD_START, PeriodMade, find_period
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.rows import RowsWanted
from features.ingest.shaping.states import DELETED_AT, only_latest
from features.ingest.shaping.times import TimeWords, moment_of
from features.ingest.shaping.values import holds, is_unknown, say_condition
from features.storage.engine import ident, parquet, row, rows, run, text

SOURCE_ROW = "source_row"
_NO_ROW = "a line that is no row of the table"


@dataclass(frozen=True)
class Rules:
    """What counts for all rows of a mapping.

    Attributes:
        ids: how ids and keys are made to look the same.
        rates: tables of rates, by name.
        until: the declared end of the data; later states of a record are left out.
    """

    ids: IdStyle = IdStyle.AS_IS
    rates: Mapping[str, RateTable] = field(default_factory=dict)
    until: datetime | None = None


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
class Tally:
    """What became of the rows of one table of the source.

    Attributes:
        where: the file or table.
        read: its rows.
        shaped: rows that became rows of ours.
        left_out: the others, by the reason in words.
    """

    where: str
    read: int
    shaped: int
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        """Say it in one line."""
        reasons = "; ".join(f"{count:,} left out: {why}" for why, count in self.left_out.items())
        read = f"{self.shaped:,} of {self.read:,} rows of {self.where}"
        return f"{read}; {reasons}" if reasons else read


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
        made = [_result_of(m.wanted.name, m.formed, m.passes) for m in self.kept]
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
        is_id = column.kind is not None and column.kind.value == "id"
        for reference in column.shape.references:
            yield from lawful(column.key, reference.join, wanted.joins, is_id=is_id)
        for asked in column.shape.where.values():
            yield from lawful(column.key, asked.join, wanted.joins, is_id=False)
    for asked in wanted.where.values():
        yield from lawful(f"{wanted.key}.where", asked.join, wanted.joins, is_id=False)
    dated = [name for name, join in wanted.joins.items() if join.known_at is not None]
    if dated and not wanted.own_moment:
        yield f"{wanted.key}.joins.{dated[0]}: known_at needs rows with a moment of their own"


def _others(wanted: RowsWanted, columns: ColumnsInUse, taken_away: set[str]) -> dict[str, InUse]:
    """Name the columns that are kept as attributes, so that none takes a name of ours."""
    raw = columns.tables[None]
    taken = {column.name.lower() for column in wanted.columns} | wanted.taken
    others = {}
    for place, column in enumerate(raw.columns):
        if column.staged in taken_away:
            continue
        plain = column.name or f"column_{place + 1}"
        name, copies = plain, 1
        while name.lower() in taken:
            copies += 1
            name = f"{plain}_{copies}"
        taken.add(name.lower())
        others[name] = columns.keep(column)
    return others


def shape_rows(plan: RowsPlan, rules: Rules, name: str) -> Tally:
    """Make a table of the wanted rows: `source_row`, and the columns of `plan.result()`.

    Args:
        plan: how they are shaped.
        rules: what counts for all rows.
        name: the name of the table.

    Returns:
        What became of the source's rows.

    Raises:
        MappingError: a value has no translation, or a join would make several rows of one.
        SourceError: a table cannot be read.
    """
    backend, met = plan.columns.reader.backend, ident(f"{name} met")
    run(backend, f"CREATE OR REPLACE TEMP TABLE {met} AS {_met_rows(plan, rules)}")
    _refuse_unknown(plan, met)
    source = only_latest(plan.wanted, plan.made, met, rules.until)
    priced, amounts = in_one_currency(plan, rules.rates, source)
    formed = [f"{amounts.get(m.place) or m.form()} AS {m.formed}" for m in plan.kept]
    formed += [used.raw for used in plan.others.values()]
    formed += [DELETED_AT] if plan.deletes else []
    if plan.period is not None:
        start, end = plan.period.formed()
        formed += [f"{start} AS {PERIOD_START}", f"{end} AS {PERIOD_END}"]
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS SELECT {SOURCE_ROW}, {FAULT}, {', '.join(formed)} "
        f"FROM {priced} WHERE left_out IS NULL ORDER BY {SOURCE_ROW}",
    )
    tally = _tally(plan, source, name)
    run(backend, f"DROP TABLE {met}")
    return tally


def _met_rows(plan: RowsPlan, rules: Rules) -> str:
    """Return SQL of all rows beside the rows they meet, with the first two steps of each column."""
    joins, texts = plan.wanted.joins, plan.wanted.texts
    staged = parquet(plan.columns.reader.file(plan.raw))
    own = ", ".join(
        [
            f"file_row_number AS {SOURCE_ROW}",
            _fault(plan),
            *(u.selected() for u in plan.columns.of(None)),
        ]
    )
    queries = [f"SELECT {own} FROM {staged}"]

    def add(query: str) -> None:
        queries.append(query)

    undated = [joined for joined in plan.joins if not is_dated(joined, joins)]
    dated = [joined for joined in plan.joins if is_dated(joined, joins)]
    for joined in undated:
        add(joined_rows(f"step_{len(queries) - 1}", joined, plan.columns, texts, rules.ids))
    add(f"SELECT *, {_own_moment(plan)} AS {OWN_MOMENT} FROM step_{len(queries) - 1}")
    for joined in dated:
        add(joined_rows(f"step_{len(queries) - 1}", joined, plan.columns, texts, rules.ids))
    picked = [f"{made.pick()} AS {made.picked}" for made in plan.made]
    add(f"SELECT *, {', '.join([*picked, _left_out(plan)])} FROM step_{len(queries) - 1}")
    meant = [f"{made.mean()} AS {made.meant}" for made in plan.made]
    add(f"SELECT *, {', '.join(meant)} FROM step_{len(queries) - 1}")
    steps = ", ".join(f"step_{i} AS ({query})" for i, query in enumerate(queries))
    return f"WITH {steps} SELECT * FROM step_{len(queries) - 1}"


def _fault(plan: RowsPlan) -> str:
    """Return SQL of what is wrong with a line of a file that is no row; NULL for rows."""
    staged = pq.read_schema(plan.columns.reader.file(plan.raw)).names
    return FAULT if FAULT in staged else f"CAST(NULL AS VARCHAR) AS {FAULT}"


def _own_moment(plan: RowsPlan) -> str:
    """Return SQL of when a row happened; NULL where nothing tells.

    Raises:
        MappingError: it is to be taken from a join that itself depends on it.
    """
    moments = []
    for name in plan.wanted.own_moment:
        made = plan.by_name(name)
        if made is None or not made.origins:
            continue
        for origin in made.origins:
            joined = next((j for j in plan.joins if j.name == origin.join), None)
            if joined is not None and is_dated(joined, plan.wanted.joins):
                says = "a row's own moment cannot come from a join that is looked up by it"
                raise plan.columns.reader.problem(made.wanted.key, says)
        moments.append(f"CAST({_read_here(made, plan.wanted.texts)} AS TIMESTAMP)")
    if plan.period is not None and PERIOD_START in plan.wanted.own_moment:
        moments.append(plan.period.bounds()[0])
    return f"coalesce({', '.join(moments)})" if moments else "CAST(NULL AS TIMESTAMP)"


def _read_here(made: Made, texts: TextFormat) -> str:
    """Return SQL of the moment in a wanted column, though it may be read as one only later."""
    words = made.time or TimeWords(day_first=texts.day_first, zone=texts.zone)
    return moment_of(f"({made.pick()})", made.own_type, words)


def _left_out(plan: RowsPlan) -> str:
    """Return SQL of why a row is left out; NULL where it is wanted."""
    pairs = zip(plan.where, plan.wanted.where.items(), strict=True)
    cases = " ".join(
        f"WHEN NOT {holds(used.text, asked)} THEN {text(f'not where {say_condition(name, asked)}')}"
        for used, (name, asked) in pairs
    )
    # The quarantine has a place for lines that are no rows; a history has none.
    no_row = "NULL" if plan.wanted.keeps_others else text(_NO_ROW)
    return f"CASE WHEN {FAULT} IS NOT NULL THEN {no_row} {cases} END AS left_out"


def _refuse_unknown(plan: RowsPlan, met: str) -> None:
    """Refuse values without a translation where the mapping states no other way."""
    for made in plan.made:
        unknown = is_unknown(made.picked, made.shape)
        if unknown is None:
            continue
        found = rows(
            plan.columns.reader.backend,
            f"SELECT {made.picked}, min({SOURCE_ROW}), count(*), count(*) OVER () FROM {met} "
            f"WHERE left_out IS NULL AND {FAULT} IS NULL AND {unknown} GROUP BY 1 ORDER BY 3 DESC, 2 LIMIT 3",
        )
        if found:
            raise _unknown_values(plan, made, found)


def _unknown_values(
    plan: RowsPlan, made: Made, found: Sequence[tuple[str, int, int, int]]
) -> Exception:
    values = ", ".join(f"'{value}' ({count} rows)" for value, _, count, _ in found)
    further = f" and {found[0][3] - len(found)} more values" if found[0][3] > len(found) else ""
    names = " or ".join(origin.column.name for origin in made.origins)
    return plan.columns.reader.problem(
        f"{made.wanted.key}.values",
        f"{plan.raw.where}, row {found[0][1]}, column '{names}': no translation of "
        f"{values}{further}; add them, or say otherwise: empty or keep, or a default",
    )


def _tally(plan: RowsPlan, source: str, name: str) -> Tally:
    backend = plan.columns.reader.backend
    reasons = rows(
        backend,
        f"SELECT left_out, count(*) FROM {source} WHERE left_out IS NOT NULL "
        "GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    (read,) = row(backend, f"SELECT count(*) FROM {parquet(plan.columns.reader.file(plan.raw))}")
    (shaped,) = row(backend, f"SELECT count(*) FROM {ident(name)}")
    tally = Tally(plan.raw.where, int(read), int(shaped), {why: int(n) for why, n in reasons})
    if tally.read != tally.shaped + sum(tally.left_out.values()):
        raise LostRowsError(f"{plan.wanted.key}: {tally}; the rows do not add up")
    return tally
