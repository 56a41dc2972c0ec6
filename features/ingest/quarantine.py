"""Which rows are not accepted, and why, in words.

Only what contract and common sense cannot load is turned away; everything else is accepted
and counted as a note (`features.notes`). A row with several faults is told all of them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from ibis.backends.duckdb import Backend

from features.ingest.columns import SOURCE_ROW, Field, Plan
from features.ingest.parsing import RIGHT
from features.storage.engine import ident, moment, parquet, rows, run, text, write

_ENDS = {"leads": ("converted_at", "lost_at"), "deals": ("closed_at",)}
# The place of a repetition among the reasons of one row: after all that it says by itself.
_REPEATED = 99


class _Fault(NamedTuple):
    """One rule: its name in the report, when it is broken, and the reason in words, as SQL."""

    kind: str
    when: str
    words: str


def reject(backend: Backend, plan: Plan, data_until: datetime | None) -> str:
    """Find the rows that are not accepted.

    Returns:
        The name of a table (source_row, rule, kind, reason) with a row for each fault.
    """
    name = plan.matched.table.name
    rejected = f"rejected_{name}"
    run(backend, f"CREATE TABLE {rejected} (source_row BIGINT, rule INT, kind TEXT, reason TEXT)")
    _reject_faulty(backend, plan, list(_faults(plan, data_until)), rejected)
    if name == "quotas":
        _reject_quotas(backend, plan, rejected)
    elif plan.matched.table.key and plan[plan.matched.table.key[0]].raw is not None:
        _reject_repeated(backend, plan, rejected)
    return rejected


def _reject_faulty(backend: Backend, plan: Plan, faults: list[_Fault], rejected: str) -> None:
    """Judge every row by itself, in one pass over the table."""
    names = [f"fault_{i}" for i in range(len(faults))]
    said = (
        f"CASE WHEN {fault.when} THEN {fault.words} END AS {name}"
        for fault, name in zip(faults, names, strict=True)
    )
    typed = plan.rows(*(plan[column.name] for column in plan.matched.table.columns))
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE faulty AS SELECT * FROM "
        f"(SELECT source_row, {', '.join(said)} FROM {typed}) "
        f"WHERE coalesce({', '.join(names)}) IS NOT NULL",
    )
    for i, fault in enumerate(faults):
        run(
            backend,
            f"INSERT INTO {rejected} SELECT source_row, {i}, {text(fault.kind)}, fault_{i} "
            f"FROM faulty WHERE fault_{i} IS NOT NULL",
        )


def write_quarantine(backend: Backend, plan: Plan, rejected: str, path: Path) -> None:
    """Write the rows that are not accepted, as they were read, each with its reason."""
    columns = [*plan.matched.columns.values(), *plan.matched.attributes.values()]
    originals, taken = [], {"source_row", "reason"}
    for column in {c.staged: c for c in columns}.values():
        name = column.name or column.staged
        while name.lower() in taken:
            name += "_original"
        taken.add(name.lower())
        originals.append(f"CAST({ident(column.staged)} AS VARCHAR) AS {ident(name)}")
    write(
        backend,
        f"SELECT r.source_row, r.reason, {', '.join(originals)} FROM {parquet(plan.file)} s "
        f"JOIN (SELECT source_row, string_agg(reason, '; ' ORDER BY rule) AS reason "
        f"FROM {rejected} GROUP BY source_row) r ON s.{SOURCE_ROW} = r.source_row "
        "ORDER BY r.source_row",
        path,
    )


def reasons(backend: Backend, rejected: str) -> dict[str, int]:
    """Count the faults of each kind; a row with two faults counts in both."""
    found = rows(backend, f"SELECT kind, count(*) FROM {rejected} GROUP BY kind ORDER BY kind")
    return {str(kind): int(count) for kind, count in found}


def _faults(plan: Plan, data_until: datetime | None) -> Iterator[_Fault]:
    """Give the rules that a row keeps or breaks by itself."""
    table = plan.matched.table
    for name in table.required:
        yield from _required(plan[name])
    for name in _ENDS.get(table.name, ()):
        yield _order(plan, name, "<", "created_at", "lies before")
    if table.name == "quotas":
        yield _order(plan, "period_end", "<=", "period_start", "does not lie after")
    if data_until is not None:
        for name in table.events:
            yield _too_late(plan, name, data_until)


def _required(field: Field) -> Iterator[_Fault]:
    name = field.name
    if field.column is not None and not field.is_sure:
        given = f"left(CAST({field.given} AS VARCHAR), 60)"
        right = RIGHT[field.column.kind]
        words = f"'{name} ''' || {given} || ''' cannot be read as {right}'"
        yield _Fault(f"{name} cannot be read", field.unreadable, words)
    yield _Fault(f"{name} is empty", f"{field.given} IS NULL", f"'{name} is empty'")


def _order(plan: Plan, name: str, sign: str, other: str, words: str) -> _Fault:
    later, earlier = plan[name].value, plan[other].value
    said = (
        f"'{name} ' || CAST({later} AS VARCHAR) || ' {words} {other} ' || "
        f"CAST({earlier} AS VARCHAR)"
    )
    return _Fault(f"{name} {words} {other}", f"{later} {sign} {earlier}", said)


def _too_late(plan: Plan, name: str, data_until: datetime) -> _Fault:
    value, words = plan[name].value, "lies after the declared --data-until"
    said = f"'{name} ' || CAST({value} AS VARCHAR) || ' {words} {data_until}'"
    return _Fault(f"{name} {words}", f"{value} > {moment(data_until)}", said)


def _reject_repeated(backend: Backend, plan: Plan, rejected: str) -> None:
    """Turn away rows whose key was seen before in an accepted row; an empty key is no key.

    Hashes are counted first, so that only rows suspected of repetition are ever sorted:
    counting the texts themselves would not fit for tens of millions of keys.
    """
    key = plan.matched.table.key[0]
    run(
        backend,
        f"""
        INSERT INTO {rejected}
        WITH keyed AS (SELECT source_row, {plan[key].value} AS key FROM {plan.rows(plan[key])}),
        twice AS (
            SELECT hash(key) AS hashed FROM keyed WHERE key IS NOT NULL
            GROUP BY hashed HAVING count(*) > 1
        ),
        suspects AS (
            SELECT source_row, key, source_row NOT IN (SELECT source_row FROM faulty) AS fine
            FROM keyed WHERE hash(key) IN (SELECT hashed FROM twice) AND key IS NOT NULL
        ),
        judged AS (
            SELECT source_row, key,
                min(source_row) FILTER (fine) OVER (PARTITION BY key) AS kept
            FROM suspects
        )
        SELECT source_row, {_REPEATED}, '{key} is repeated',
            '{key} ''' || left(key, 60) || ''' is repeated: row ' || kept || ' has it first'
        FROM judged WHERE source_row > kept
        """,
    )


class _Quota(NamedTuple):
    source_row: int
    rep_id: str
    start: datetime
    end: datetime
    known_at: datetime


def _reject_quotas(backend: Backend, plan: Plan, rejected: str) -> None:
    """Turn away repeated quotas and periods that overlap without being revisions."""
    columns = [plan[name] for name in ("rep_id", "period_start", "period_end", "known_at")]
    rep, start, end, known = (field.value for field in columns)
    found = rows(
        backend,
        f"SELECT source_row, {rep}, {start}, {end}, coalesce({known}, {start}) "
        f"FROM {plan.rows(*columns)} "
        "WHERE source_row NOT IN (SELECT source_row FROM faulty) ORDER BY 1",
    )
    mark_faulty(backend, rejected, _quota_faults(_Quota(*quota) for quota in found))


def mark_faulty(backend: Backend, rejected: str, faults: Iterable[tuple[int, str, str]]) -> None:
    """Add faults that rows have in the light of others: their row, kind and reason in words."""
    turned = [{"source_row": at, "kind": kind, "reason": words} for at, kind, words in faults]
    if turned:
        backend.con.register("turned_away", pa.Table.from_pylist(turned))
        run(
            backend,
            f"INSERT INTO {rejected} SELECT source_row, {_REPEATED}, kind, reason FROM turned_away",
        )
        backend.con.unregister("turned_away")


def _quota_faults(quotas: Iterator[_Quota]) -> Iterator[tuple[int, str, str]]:
    """Judge quotas in their order: the first of two that exclude each other is kept."""
    kept: dict[tuple[str, datetime, datetime], int] = {}
    periods: dict[str, list[tuple[datetime, datetime]]] = {}
    for quota in quotas:
        mine = periods.setdefault(quota.rep_id, [])
        period = (quota.start, quota.end)
        revision = (quota.rep_id, quota.start, quota.known_at)
        if revision in kept:
            yield (
                quota.source_row,
                "quota is repeated",
                (
                    f"rep_id '{quota.rep_id}' with period_start {quota.start} and known_at "
                    f"{quota.known_at} is repeated: row {kept[revision]} has it first"
                ),
            )
        elif (other := _overlapped(mine, period)) is not None:
            yield (
                quota.source_row,
                "period overlaps another",
                (
                    f"period_start {quota.start} to period_end {quota.end} of rep_id "
                    f"'{quota.rep_id}' overlaps the period {other[0]} to {other[1]}"
                ),
            )
        else:
            kept[revision] = quota.source_row
            if period not in mine:
                insort(mine, period)


def _overlapped(
    periods: list[tuple[datetime, datetime]], period: tuple[datetime, datetime]
) -> tuple[datetime, datetime] | None:
    """Find a kept period that shares a moment with this one and is not the very same."""
    at = bisect_left(periods, period)
    for other in periods[max(at - 1, 0) : at + 1]:
        if other != period and other[0] < period[1] and period[0] < other[1]:
            return other
    return None
