"""Which rows are not accepted, and why, in words.

A row is rejected only for a fault that nothing downstream could work with; everything else is
accepted and counted as a note (`features.ingest.notes`). A row with several faults gets all their
reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from ibis.backends.duckdb import Backend

from features.ingest.columns import SOURCE_ROW, Field, Plan
from features.ingest.csv_rows import NO_ROW
from features.ingest.deleted import MARKED, deletion_of
from features.ingest.ends import AFTER_CREATION
from features.ingest.extent import Extent
from features.ingest.no_rows import find_broken_lines, set_scraps_apart
from features.ingest.overlaps import Quota, quota_faults
from features.ingest.parsing import EXPECTED, is_error, is_rounded
from features.ingest.repeats import hashes_of_several
from features.storage.engine import ident, moment, row, rows, run, text, write

AFTER_END = "at or after the declared --data-until"
"""Ends the kind of every fault that a row has only because the data was declared to end."""
IMPLAUSIBLE = "lies implausibly far beyond the other dates"
"""Ends the kind of the fault of a row that begins implausibly late."""
FAILED = "is an error of the spreadsheet: export its values again"
ROUNDED = "was rounded by a spreadsheet and is repeated; export it again with ids as text"
# A fault beside other rows stands last among the reasons of its row.
_BESIDE_OTHERS = 99


class _Rule(NamedTuple):
    """A rule that a row can break by itself.

    Attributes:
        kind: the fault's name in the report.
        condition: SQL, true where a row breaks the rule.
        reason: SQL of the sentence for such a row.
    """

    kind: str
    condition: str
    reason: str


def reject(backend: Backend, plan: Plan, extent: Extent) -> str:
    """Find the rows that are not accepted.

    Args:
        backend: the engine.
        plan: how the table is read.
        extent: what bounds the extract.

    Returns:
        The name of a table (source_row, rule, kind, reason) with one row for each fault.
    """
    name = plan.matched.table.name
    rejected = rejected_table(name)
    run(backend, f"CREATE TABLE {rejected} (source_row BIGINT, rule INT, kind TEXT, reason TEXT)")
    _reject_faulty(backend, plan, list(_rules(plan, extent)), rejected)
    set_scraps_apart(backend, plan, rejected)
    if name == "quotas":
        _reject_quotas(backend, plan, rejected)
    elif plan.matched.table.key and plan[plan.matched.table.key[0]].raw is not None:
        _reject_repeated(backend, plan, rejected)
    return rejected


def accepted_rows(backend: Backend, rejected: str) -> str:
    """Return a condition on the rows of a table that are accepted.

    Args:
        backend: the engine.
        rejected: the name that `reject` returned.
    """
    (faults,) = row(backend, f"SELECT count(*) FROM {rejected}")
    return f"source_row NOT IN (SELECT source_row FROM {rejected})" if faults else "true"


def rejected_table(name: str) -> str:
    """Return what the engine calls the faults of one of our tables."""
    return f"rejected_{name}"


def _reject_faulty(backend: Backend, plan: Plan, rules: list[_Rule], rejected: str) -> None:
    """Reject rows for what they break by themselves, in one pass over the table."""
    broken = find_broken_lines(backend, plan)
    names = [f"fault_{i}" for i in range(len(rules))]
    faults = (
        f"CASE WHEN {rule.condition} THEN {rule.reason} END AS {name}"
        for rule, name in zip(rules, names, strict=True)
    )
    typed = plan.rows(*(plan[column.name] for column in plan.matched.table.columns), *plan.beside)
    # Of most rows nothing is true, and no reason need be made.
    is_any = " OR ".join(f"({rule.condition})" for rule in rules)
    is_row = " AND source_row NOT IN (SELECT source_row FROM no_rows)" if broken else ""
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE faulty AS SELECT * FROM (SELECT source_row, "
        f"{', '.join(faults)} FROM {typed} WHERE ({is_any}){is_row}) "
        f"WHERE coalesce({', '.join(names)}) IS NOT NULL",
    )
    if broken:
        run(
            backend,
            f"INSERT INTO {rejected} SELECT source_row, 0, {text(NO_ROW)}, why FROM no_rows",
        )
        run(backend, "INSERT INTO faulty (source_row) SELECT source_row FROM no_rows")
    if not rows(backend, "SELECT source_row FROM faulty LIMIT 1"):
        return
    for i, rule in enumerate(rules):
        run(
            backend,
            f"INSERT INTO {rejected} SELECT source_row, {i}, {text(rule.kind)}, fault_{i} "
            f"FROM faulty WHERE fault_{i} IS NOT NULL",
        )


def write_quarantine(backend: Backend, plan: Plan, rejected: str, path: Path) -> None:
    """Write the rejected rows with all that the source holds of them, each with its reason."""
    matched = plan.matched
    columns = [*matched.raw.origin, *matched.columns.values(), *matched.attributes.values()]
    originals, taken = [], {"source_row", "reason"}
    for column in {c.staged: c for c in columns}.values():
        name = column.name or column.staged
        while name.lower() in taken:
            name += "_original"
        taken.add(name.lower())
        originals.append(f"CAST(s.{ident(column.staged)} AS VARCHAR) AS {ident(name)}")
    write(
        backend,
        f"SELECT r.source_row, r.reason, {', '.join(originals)} FROM {plan.staged} s "
        f"JOIN (SELECT source_row, string_agg(reason, '; ' ORDER BY rule) AS reason "
        f"FROM {rejected} GROUP BY source_row) r ON s.{SOURCE_ROW} = r.source_row "
        "ORDER BY r.source_row",
        path,
    )


def reasons(backend: Backend, rejected: str) -> dict[str, int]:
    """Count the faults of each kind; a row with two faults counts in both."""
    kinds = rows(backend, f"SELECT kind, count(*) FROM {rejected} GROUP BY kind ORDER BY kind")
    return {str(kind): int(count) for kind, count in kinds}


def _rules(plan: Plan, extent: Extent) -> Iterator[_Rule]:
    """Go through the rules that a row of this table can break by itself."""
    table = plan.matched.table
    for name in table.required:
        yield from _required(plan[name])
    deletion = deletion_of(plan)
    if deletion is not None:
        yield _Rule(MARKED, deletion.is_marked, text(f"the row is {MARKED}"))
    for name in AFTER_CREATION.get(table.name, ()):
        yield _order(plan, name, "<", "created_at", "lies before")
    if table.name == "quotas":
        yield _order(plan, "period_end", "<=", "period_start", "does not lie after")
    if extent.declared is not None:
        yield from _after_end(plan, extent.declared)
    if extent.beyond is not None and table.event_time is not None and table.name != "quotas":
        yield _implausible(plan, table.event_time, extent.beyond, extent.bulk_end)


def _required(field: Field) -> Iterator[_Rule]:
    name = field.name
    if field.column is not None and not field.always_parses:
        written = f"CAST({field.written} AS VARCHAR)"
        expected = f"cannot be read as {EXPECTED[field.column.kind]}"
        fault = f"CASE WHEN {is_error(written)} THEN {text(FAILED)} ELSE {text(expected)} END"
        reason = f"'{name} ''' || left({written}, 60) || ''' ' || {fault}"
        yield _Rule(f"{name} cannot be read", field.unreadable, reason)
    yield _Rule(f"{name} is empty", field.empty, f"'{name} is empty'")


def _order(plan: Plan, name: str, sign: str, other: str, words: str) -> _Rule:
    """Return the rule against `name` standing in a relation (`sign`) to an earlier column."""
    later, earlier = plan.amended(name), plan[other].value
    reason = (
        f"'{name} ' || CAST({later} AS VARCHAR) || ' {words} {other} ' || "
        f"CAST({earlier} AS VARCHAR)"
    )
    return _Rule(f"{name} {words} {other}", f"{later} {sign} {earlier}", reason)


def _after_end(plan: Plan, end: datetime) -> Iterator[_Rule]:
    """Go through the rules against rows that an extract made at the declared end would not hold.

    table        not there yet
    most         what happens, or is known, at or after the end
    quotas       what is known after the end: a target is known from its first moment on
    reps         who is hired at or after the end
    """
    table = plan.matched.table
    if table.name == "quotas":
        known, _ = _first_shown(plan)
        reason = f"'known at ' || CAST({known} AS VARCHAR) || ', after the --data-until {end}'"
        yield _Rule(f"known {AFTER_END}", f"{known} > {moment(end)}", reason)
        return
    for field in _clocks(plan):
        value, words = field.value, f"lies {AFTER_END} {end}"
        reason = f"'{field.name} ' || CAST({value} AS VARCHAR) || ' {words}'"
        yield _Rule(f"{field.name} {AFTER_END}", f"{value} >= {moment(end)}", reason)


def _implausible(plan: Plan, name: str, beyond: datetime, bulk_end: datetime | None) -> _Rule:
    value = plan[name].value
    is_beyond = f"{value} >= {moment(beyond)}"
    if plan.matched.table.name == "activities":
        # Planned ones, known before they happen, may lie anywhere: they set no end.
        is_beyond += f" AND NOT coalesce({plan['known_at'].value} < {value}, false)"
    words = IMPLAUSIBLE
    reason = (
        f"'{name} ' || CAST({value} AS VARCHAR) || ' {words}, whose bulk ends at "
        f"{bulk_end}: if it is right, give the end of the data as --data-until'"
    )
    return _Rule(f"{name} {words}", is_beyond, reason)


def _first_shown(plan: Plan) -> tuple[str, str]:
    """Return SQL of when a row was known, and of when it happened; NULL is before everything.

    A rep is known from the hiring on; one without a date always was, and so is an account.
    """
    table = plan.matched.table
    if table.name == "reps":
        return plan["hired_at"].value, plan["hired_at"].value
    if table.event_time is None:
        return "NULL", "NULL"
    event = plan[table.event_time].value
    known = event if table.known_at is None else f"coalesce({plan[table.known_at].value}, {event})"
    return known, event


def _clocks(plan: Plan) -> list[Field]:
    """Return the columns that tell when a row happened and when it was known."""
    table = plan.matched.table
    names = ("hired_at",) if table.name == "reps" else (table.event_time, table.known_at)
    return [plan[name] for name in names if name is not None]


def _reject_repeated(backend: Backend, plan: Plan, rejected: str) -> None:
    """Reject every row without faults whose key another one has that was known before it.

        row 0   key a, known on day 5   rejected: row 3 was known first
        row 1   key b, faulty           rejected for its own fault only
        row 2   key b                   accepted: the only b without faults
        row 3   key a, known on day 2   accepted, wherever it stands in the file
        row 4   key a, known on day 2   rejected: row 3 stands before it, all else being equal
        row 5   no key                  never a repetition

    What a cutoff cannot see thus never displaces what it can. Hashes are compared first, so that
    only rows that may be repetitions are looked at closely.
    """
    key = plan.matched.table.key[0]
    known, event = _first_shown(plan)
    value = plan[key].value
    twice = hashes_of_several(backend, plan.rows(plan[key]), value)
    if not len(twice):
        return
    backend.con.register("twice", pa.table({"hashed": twice}))
    run(
        backend,
        f"""
        INSERT INTO {rejected}
        WITH keyed AS (
            SELECT source_row, {value} AS key, {known} AS known, {event} AS event
            FROM {plan.rows(plan[key], *_clocks(plan))}
        ),
        compared AS (
            SELECT source_row, key, first_value(source_row) OVER (
                PARTITION BY key ORDER BY known NULLS FIRST, event NULLS FIRST, source_row
            ) AS kept
            FROM keyed WHERE hash(key) IN (SELECT hashed FROM twice) AND key IS NOT NULL
            AND source_row NOT IN (SELECT source_row FROM faulty)
        )
        SELECT source_row, {_BESIDE_OTHERS}, CASE WHEN {is_rounded("key")} THEN '{key} {ROUNDED}'
            ELSE '{key} is repeated' END,
            '{key} ''' || left(key, 60) || CASE WHEN {is_rounded("key")} THEN ''' {ROUNDED}'
            ELSE ''' is repeated' END || ': row ' || kept || ' was known first'
        FROM compared WHERE source_row <> kept
        """,
    )
    backend.con.unregister("twice")


def _reject_quotas(backend: Backend, plan: Plan, rejected: str) -> None:
    """Reject repeated quotas, and periods that overlap without being revisions."""
    columns = [plan[name] for name in ("rep_id", "period_start", "period_end", "known_at")]
    rep, start, end, known = (field.value for field in columns)
    quotas = rows(
        backend,
        f"SELECT source_row, {rep}, {start}, {end}, coalesce({known}, {start}) "
        f"FROM {plan.rows(*columns)} "
        "WHERE source_row NOT IN (SELECT source_row FROM faulty) ORDER BY 5, 3, 1",
    )
    mark_faulty(backend, rejected, quota_faults(Quota(*quota) for quota in quotas))


def mark_faulty(backend: Backend, rejected: str, faults: Iterable[tuple[int, str, str]]) -> None:
    """Add faults that rows have only beside other rows.

    Args:
        backend: the engine.
        rejected: the name that `reject` returned.
        faults: source row, kind of the fault, and the reason in words.
    """
    records = [{"source_row": at, "kind": kind, "reason": reason} for at, kind, reason in faults]
    if records:
        backend.con.register("marked", pa.Table.from_pylist(records))
        columns = f"source_row, {_BESIDE_OTHERS}, kind, reason"
        run(backend, f"INSERT INTO {rejected} SELECT {columns} FROM marked")
        backend.con.unregister("marked")
