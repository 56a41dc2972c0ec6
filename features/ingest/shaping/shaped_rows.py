"""Rows of a source's table as the rows that a mapping wants, and what became of those left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow.parquet as pq

from features.errors import LostRowsError
from features.ingest.csv_rows import FAULT, NO_ROW
from features.ingest.language.columns import IdStyle
from features.ingest.language.sources import RateTable
from features.ingest.parsing import TextFormat
from features.ingest.shaping.joins import (
    OWN_MOMENT,
    is_dated,
    joined_rows,
)
from features.ingest.shaping.making import Made
from features.ingest.shaping.money import in_one_currency
from features.ingest.shaping.periods import PERIOD_END, PERIOD_START
from features.ingest.shaping.plans import RowsPlan
from features.ingest.shaping.states import only_latest
from features.ingest.shaping.times import TimeWords, moment_of
from features.ingest.shaping.values import holds, is_unknown, say_failed
from features.snapshot import DELETED_AT
from features.storage.engine import ident, parquet, row, rows, run, text

SOURCE_ROW = "source_row"


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
    formed = [SOURCE_ROW, FAULT]
    formed += [f"{amounts.get(m.place) or m.form()} AS {m.formed}" for m in plan.kept]
    formed += [used.raw for used in plan.others.values()]
    formed += [DELETED_AT] if plan.deletes else []
    if plan.period is not None:
        start, end = plan.period.formed()
        formed += [f"{start} AS {PERIOD_START}", f"{end} AS {PERIOD_END}"]
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS SELECT {', '.join(formed)} "
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
            *plan.columns.selected(None),
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
    """Return SQL of when a row happened; NULL where nothing tells, or nothing asks.

    Raises:
        MappingError: it is to be taken from a join that itself depends on it.
    """
    moments: list[str] = []
    asks = any(made.code for made in plan.made) or any(j.known_at for j in plan.joins)
    for name in plan.wanted.own_moment if asks else ():
        made = plan.by_name(name)
        if made is None or not made.origins:
            continue
        for origin in made.origins:
            joined = next((j for j in plan.joins if j.name == origin.join), None)
            if joined is not None and is_dated(joined, plan.wanted.joins):
                says = "a row's own moment cannot come from a join that is looked up by it"
                raise plan.columns.reader.problem(made.wanted.key, says)
        moments.append(f"CAST({_read_here(made, plan.wanted.texts)} AS TIMESTAMP)")
    if asks and plan.period is not None and PERIOD_START in plan.wanted.own_moment:
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
        f"WHEN NOT {holds(used.text, asked)} THEN {text(say_failed(name, asked))}"
        for used, (name, asked) in pairs
    )
    # The quarantine has a place for lines that are no rows; a history has none.
    no_row = "NULL" if plan.wanted.keeps_others else text(NO_ROW)
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
            f"WHERE left_out IS NULL AND {FAULT} IS NULL AND {unknown} "
            "GROUP BY 1 ORDER BY 3 DESC, 2 LIMIT 3",
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
