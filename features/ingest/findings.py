"""Everything an ingest has to say about an extract, made in one place.

It is written into ingest-report.json, and whoever speaks of the data reads it there: the end of
`ingest`, `check`, warnings of `train` and `score`, report pages, `/health`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.columns import Field, Plan
from features.ingest.csv_rows import NO_ROW
from features.ingest.currencies import currency_mix, signs_differ, units_differ
from features.ingest.deleted import DECLARED_END, MARKED, UNREAD
from features.ingest.ends import BEYOND, ITS_DAY
from features.ingest.finding import (
    EMPTIED,
    REJECTED,
    DataFinding,
    Severity,
    gravest_first,
    severity_of,
    share,
)
from features.ingest.forgotten import KIND_OF_FAULT as FORGOTTEN
from features.ingest.headers_again import headers_again
from features.ingest.notes import unreadable_note
from features.ingest.oddities import (
    change_words,
    far_dates,
    manager_circles,
    planned,
    repeated_activities,
)
from features.ingest.parsing import EXPECTED, PLAIN_WORDS, is_error
from features.ingest.periods import period_findings
from features.ingest.quarantine import AFTER_END, IMPLAUSIBLE, ROUNDED, accepted_rows
from features.ingest.reading import Readings
from features.ingest.reference_findings import reference_findings
from features.ingest.references import references_of
from features.ingest.report import TableReport
from features.storage.engine import row, rows, text
from features.tables import ColumnKind

_SHOWN = 3
_FORMULA = "a formula of the spreadsheet has failed; export its values again"


@dataclass(frozen=True)
class Looked:
    """One table of an extract, once its rows are accepted or rejected.

    Attributes:
        plan: how it was read.
        readings: what was decided about its columns.
        rejected: the name of the table of faults (see `quarantine.reject`).
        report: what became of its rows.
    """

    plan: Plan
    readings: Readings
    rejected: str
    report: TableReport

    @property
    def name(self) -> str:
        """Our name of the table."""
        return self.plan.matched.table.name


def findings_of(
    backend: Backend,
    tables: Sequence[Looked],
    files: Mapping[str, Path],
    until: datetime | None,
    small: float,
) -> tuple[DataFinding, ...]:
    """Return what is worth knowing about an extract, the gravest first.

    Args:
        backend: the engine.
        tables: the tables that the source held.
        files: their accepted rows.
        until: the end of the data.
        small: the share of a column's values that may be lost without a warning.
    """
    findings: list[DataFinding] = []
    for table in tables:
        findings += _of_file(table)
        findings += headers_again(backend, table.plan, table.report.read)
        findings += _of_readings(table)
        findings += _emptied(backend, table, small)
        findings += _words(backend, table)
        findings += _amended(table, small)
        findings += _rejected(backend, table, small)
        columns = {field.name for field in table.plan.schema_fields()}
        references = references_of(table.name, columns, files)
        findings += reference_findings(backend, references, table.report.notes, small)
    findings += period_findings(backend, files)
    findings += far_dates(backend, files, until)
    findings += planned(backend, files, until)
    findings += manager_circles(backend, files)
    findings += change_words(backend, files)
    findings += repeated_activities(backend, files)
    findings += currency_mix(backend, files)
    findings += units_differ(backend, files, until)
    findings += signs_differ({table.name: table.readings for table in tables})
    return gravest_first(findings)


def _of_file(table: Looked) -> Iterator[DataFinding]:
    for remark in table.plan.matched.raw.remarks:
        says = f"{remark.says} ({remark.example})" if remark.example else remark.says
        yield DataFinding(
            table.name,
            None,
            remark.kind,
            "warning" if remark.is_doubtful else "info",
            says,
            remark.lines,
            table.report.read,
            remark.example,
        )


def _of_readings(table: Looked) -> Iterator[DataFinding]:
    readings = table.readings
    for name, reading in (*readings.columns.items(), *readings.placeholders.items()):
        if reading.says:
            severity: Severity = "warning" if reading.is_doubtful else "info"
            yield DataFinding(
                table.name, name, reading.kind, severity, reading.says, reading.count, reading.of,
                reading.example,
            )  # fmt: skip


def _emptied(backend: Backend, table: Looked, small: float) -> Iterator[DataFinding]:
    """Say which optional columns lost more than a small share of their values."""
    for field in table.plan.schema_fields():
        if field.column is None or field.column.required or field.always_parses:
            continue
        if not table.report.notes.get(unreadable_note(field)):
            continue
        failed = is_error(f"CAST({field.written} AS VARCHAR)")
        errors = _lost(backend, table, field, failed)
        others = _lost(backend, table, field, f"NOT {failed}")
        if errors.count + others.count <= small * others.filled:
            continue
        if others.count and field.name == "won" and _are_open(backend, table, field, failed):
            says = f"{others.share} values like {others.examples} say neither won nor lost: open"
            yield DataFinding(
                table.name, field.name, "words", "info", says, others.count, others.filled,
                others.examples,
            )  # fmt: skip
            others = replace(others, count=0)
        for lost, remedy in ((errors, _FORMULA), (others, _right(field))):
            if lost.count:
                says = (
                    f"{lost.share} filled values cannot be read and count as empty, like "
                    f"{lost.examples}: {remedy}"
                )
                yield DataFinding(
                    table.name, field.name, EMPTIED, severity_of(table.name, field.name), says,
                    lost.count, lost.filled, lost.examples,
                )  # fmt: skip


@dataclass(frozen=True)
class _Lost:
    filled: int
    count: int
    examples: str

    @property
    def share(self) -> str:
        return share(self.count, self.filled)


def _lost(backend: Backend, table: Looked, field: Field, condition: str) -> _Lost:
    """Count a column's filled values and some of those that were not read, and list a few."""
    scan = f"{table.plan.rows(field)} WHERE {accepted_rows(backend, table.rejected)}"
    is_lost = f"({field.unreadable} AND {condition})"
    filled, lost = row(
        backend,
        f"SELECT count(*) FILTER (NOT {field.empty}), count(*) FILTER ({is_lost}) FROM {scan}",
    )
    words = rows(
        backend,
        f"SELECT left(CAST({field.written} AS VARCHAR), 40) AS word FROM {scan} AND "
        f"{is_lost} GROUP BY word ORDER BY count(*) DESC, word LIMIT {_SHOWN}",
    )
    return _Lost(filled, lost, ", ".join(f"'{word}'" for (word,) in words))


def _are_open(backend: Backend, table: Looked, won: Field, failed: str) -> bool:
    """Return whether deals with a word that is not known are open: others are won and lost."""
    closed = table.plan["closed_at"]
    seen = row(
        backend,
        f"SELECT coalesce(bool_or({won.value}), false), coalesce(bool_or(NOT {won.value}), false), "
        f"count(*) FILTER (NOT {closed.empty} AND {won.unreadable} AND NOT {failed}) "
        f"FROM {table.plan.rows(won, closed)}",
    )
    return bool(seen == (True, True, 0))


def _right(field: Field) -> str:
    """Say what would be right in a column."""
    kind = field.column.kind if field.column is not None else ColumnKind.TEXT
    if kind is ColumnKind.NUMBER:
        return (
            f"write {EXPECTED[kind]}, or set features.ingest.decimal to the decimal sign of the "
            "export"
        )
    if kind is ColumnKind.TIME:
        return f"write {EXPECTED[kind]}, or set features.ingest.day_first"
    if kind is ColumnKind.BOOLEAN:
        return "write true, false, won or lost, and leave it empty while the deal is open"
    return _FORMULA


def _words(backend: Backend, table: Looked) -> Iterator[DataFinding]:
    """Say which words were read as yes and no, where they are none of the plain ones."""
    for field in table.plan.schema_fields():
        if field.kind is not ColumnKind.BOOLEAN or field.raw is None or field.raw.type != "VARCHAR":
            continue
        words = rows(
            backend,
            f"SELECT {field.written}, {field.value}, count(*) FROM {table.plan.rows(field)} "
            f"WHERE {field.value} IS NOT NULL AND lower({field.written}) NOT IN {PLAIN_WORDS} "
            "GROUP BY ALL ORDER BY 3 DESC, 1",
        )
        if words:
            count = sum(n for *_, n in words)
            listed = ", ".join(f"'{w}' as {str(v).lower()}" for w, v, _ in words[: 2 * _SHOWN])
            says = f"{share(count, table.report.read)} values are words, read so: {listed}"
            yield DataFinding(
                table.name, field.name, "words", "info", says, count, table.report.read, words[0][0]
            )


def _amended(table: Looked, small: float) -> Iterator[DataFinding]:
    """Say which ends hold something else than what is written, and why."""
    for name, amendments in table.plan.amendments.items():
        for note in dict.fromkeys(amendment.note for amendment in amendments):
            count = table.report.notes.get(f"{name}: {note}", 0)
            # Who declares an end of the data expects this.
            if not note or not count or note == DECLARED_END:
                continue
            is_loud = (
                note == BEYOND or note.startswith(UNREAD) or count > small * table.report.accepted
            )
            severity: Severity = "warning" if is_loud and note != ITS_DAY else "info"
            says = f"{share(count, table.report.accepted)} values: {note}"
            yield DataFinding(
                table.name, name, "amended", severity, says, count, table.report.accepted
            )


def _rejected(backend: Backend, table: Looked, small: float) -> Iterator[DataFinding]:
    """Say why rows were left out, where that is more than a small share or a CRM's own doing."""
    name, of = table.name, table.report.read
    for kind, count in table.report.quarantine_reasons.items():
        is_loud = count > small * of or kind in (MARKED, NO_ROW)
        is_loud = is_loud or kind.endswith((ROUNDED, IMPLAUSIBLE))
        if kind.endswith(AFTER_END) or not is_loud:
            continue
        # No example names a forgotten person.
        hidden = f"SELECT source_row FROM {table.rejected} WHERE kind = {text(FORGOTTEN)}"
        (example,) = row(
            backend,
            f"SELECT coalesce(min(reason), {text(kind)}) FROM {table.rejected} "
            f"WHERE kind = {text(kind)} AND source_row NOT IN ({hidden})",
        )
        word = kind.split(" ")[0]
        column = word if word in table.plan.matched.table.by_name else None
        if kind == MARKED:
            says = (
                f"{share(count, of)} rows are {MARKED} by a flag alone and were left out, so the "
                "past lacks them too: deliver the moment of deletion as `deleted_at`"
            )
            yield DataFinding(name, None, "deleted", "warning", says, count, of, "")
            continue
        grave = count > small * of and column is not None
        severity = severity_of(name, column) if grave and column is not None else "warning"
        says = f"{share(count, of)} rows were quarantined: {example}"
        yield DataFinding(name, column, REJECTED, severity, says, count, of, str(example))
