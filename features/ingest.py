"""From an extract to a validated warehouse, or to one clear error and the warehouse before."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from features.database import database
from features.engine import engine, ident, parquet, reading, row, write
from features.errors import LostRowsError
from features.evidence import counts, fingerprint, latest_event
from features.mapping import load_mapping
from features.match import Matched, match
from features.notes import content_notes, reading_notes
from features.params import FeatureParams
from features.parsing import SQL_TYPES
from features.plan import SOURCE_ROW, Plan, plan
from features.progress import Progress, silent
from features.rules import quarantine, reasons, reject
from features.sources import Source, folder, is_database
from features.store import exclusive, publish
from features.tables import TABLES
from features.verdict import Finding, judge

# Rows are stored next to those they are read with.
_ORDER = {
    "leads": ("lead_id",),
    "activities": ("lead_id", "occurred_at"),
    "reps": ("rep_id",),
    "deals": ("deal_id",),
    "changes": ("entity_type", "entity_id", "changed_at", "field"),
    "quotas": ("rep_id", "period_start", "known_at"),
    "accounts": ("account_id",),
}


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows.

    Attributes:
        read: rows in the source.
        accepted: rows in the warehouse.
        quarantined: rows turned away; each has its reason in the quarantine file.
        notes: what was accepted but deserves to be known, with counts.
        quarantine_reasons: faults by kind; a row may have several.
        matched: what was taken for something although its name differs.
        absent_columns: columns of the schema the source does not have.
        attributes: further columns that were kept.
    """

    read: int
    accepted: int
    quarantined: int
    notes: Mapping[str, int] = field(default_factory=dict)
    quarantine_reasons: Mapping[str, int] = field(default_factory=dict)
    matched: tuple[str, ...] = ()
    absent_columns: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What an ingest read, what it made of it, and what that supports.

    Attributes:
        tables: by name, those the source held.
        absent: tables of the schema it did not hold.
        source: the folder or URL, without a password.
        data_until: events are known up to here; None without a single event.
        data_until_declared: it was given, not found.
        fingerprint: of the accepted content.
        verdict: what the data supports.
    """

    tables: Mapping[str, TableReport]
    absent: tuple[str, ...]
    source: str
    data_until: datetime | None
    data_until_declared: bool
    fingerprint: str
    verdict: tuple[Finding, ...]

    def to_json(self) -> str:
        """Write the report as HOME/data/ingest-report.json holds it."""
        content = asdict(self)
        content["data_until"] = _iso(self.data_until)
        verdicts = zip(content["verdict"], self.verdict, strict=True)
        content["verdict"] = [said | {"supported": f.supported} for said, f in verdicts]
        return json.dumps(content, indent=1, ensure_ascii=False)


def ingest(  # noqa: PLR0913 - the command's own options
    source: str,
    home: Path,
    params: FeatureParams,
    mapping: Path | None = None,
    data_until: datetime | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Replace the warehouse by what a source holds.

    Args:
        source: a folder with <table>.parquet or <table>.csv files, or a database URL.
        home: the folder under which everything is written.
        params: how texts are read, and what counts as enough.
        mapping: a YAML file that says which foreign table and column is which of ours.
        data_until: the moment up to which the source is complete; None means its last event.
        progress: told about the work.
    """
    mappings = load_mapping(mapping)
    declared = None if data_until is None else _naive_utc(data_until)
    opened = _open(source)
    with exclusive(home) as partial:
        backend = engine(params.ingest.memory_gb, params.ingest.threads, partial / "spill")
        try:
            matched = match(backend, opened, mappings, params.ingest)
            reports = _load(backend, matched, partial, declared, progress)
            report = _report(backend, opened, partial, reports, declared, params)
        finally:
            backend.disconnect()
        publish(home, partial, _pointer(report, mapping), report.to_json())
    return report


def _open(source: str) -> Source:
    return database(source) if is_database(source) else folder(Path(source).expanduser().absolute())


def _load(
    backend: Backend,
    matched: Sequence[Matched],
    partial: Path,
    declared: datetime | None,
    progress: Progress,
) -> dict[str, TableReport]:
    """Write every table of the schema into the folder, and what was turned away beside it."""
    reports: dict[str, TableReport] = {}
    plans: list[Plan] = []
    with progress("reading the extract", len(matched) + 1) as advance:
        for one in matched:
            with reading(one.raw.where, one.raw.right):
                planned, reports[one.table.name] = _load_table(backend, one, partial, declared)
            plans.append(planned)
            advance(1)
        _write_absent(backend, partial, reports)
        files = _files(partial, reports)
        for planned in plans:
            name = planned.matched.table.name
            notes = {**reports[name].notes, **content_notes(backend, planned, files)}
            reports[name] = replace(reports[name], notes=notes)
        advance(1)
    return reports


def _load_table(
    backend: Backend, matched: Matched, partial: Path, declared: datetime | None
) -> tuple[Plan, TableReport]:
    name = matched.table.name
    staging = partial / f"{name}.staged"
    planned = plan(backend, matched, matched.raw.stage(backend, staging))
    rejected = reject(backend, planned, declared)
    file = partial / f"{name}.parquet"
    write(backend, _accepted(planned, rejected), file)
    report = _table_report(backend, planned, rejected, file)
    if report.quarantined:
        (partial / "quarantine").mkdir(exist_ok=True)
        quarantine(backend, planned, rejected, partial / "quarantine" / f"{name}.parquet")
    staging.unlink(missing_ok=True)
    return planned, report


def _accepted(planned: Plan, rejected: str) -> str:
    """Select the accepted rows, typed, in an order that does not depend on the source's."""
    table = planned.matched.table
    values = []
    for one in planned.fields:
        value = one.parsed.value
        if one.column is not None and one.name == table.known_at:
            # What the extract says nothing of was known when it happened.
            value = f"coalesce({value}, {planned.value(str(table.event_time))})"
        values.append(f"{value} AS {ident(one.name)}")
    names = ", ".join(ident(one.name) for one in planned.fields)
    return (
        f"SELECT {names} FROM (SELECT {', '.join(values)} FROM {planned.scan} "
        f"WHERE {SOURCE_ROW} NOT IN (SELECT source_row FROM {rejected})) "
        f"ORDER BY {', '.join(_ORDER[table.name])}, hash({names}), hash({names}, 1)"
    )


def _table_report(backend: Backend, planned: Plan, rejected: str, file: Path) -> TableReport:
    matched = planned.matched
    name = matched.table.name
    (read,) = row(backend, f"SELECT count(*) FROM {planned.scan}")
    (accepted,) = row(backend, f"SELECT count(*) FROM {parquet(file)}")
    (turned,) = row(backend, f"SELECT count(DISTINCT source_row) FROM {rejected}")
    if read != accepted + turned:
        raise LostRowsError(f"{name}: {read} rows read, {accepted} accepted, {turned} quarantined")
    absent = tuple(c.name for c in matched.table.columns if c.name not in matched.columns)
    return TableReport(
        read=read,
        accepted=accepted,
        quarantined=turned,
        notes=reading_notes(backend, planned, rejected),
        quarantine_reasons=reasons(backend, rejected),
        matched=matched.notes,
        absent_columns=absent,
        attributes=tuple(matched.attributes),
    )


def _write_absent(backend: Backend, partial: Path, present: Collection[str]) -> None:
    """Give every table the source lacks a file without rows, so that queries need not ask."""
    for name, table in TABLES.items():
        if name not in present:
            typed = (f"CAST(NULL AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
            write(backend, f"SELECT {', '.join(typed)} WHERE false", partial / f"{name}.parquet")


def _files(partial: Path, names: Iterable[str]) -> dict[str, Path]:
    return {name: partial / f"{name}.parquet" for name in names}


def _report(
    backend: Backend,
    source: Source,
    partial: Path,
    reports: Mapping[str, TableReport],
    declared: datetime | None,
    params: FeatureParams,
) -> IngestReport:
    files = _files(partial, reports)
    until = declared or latest_event(backend, files)
    now = datetime.now(UTC).replace(tzinfo=None)
    return IngestReport(
        tables=reports,
        absent=tuple(name for name in TABLES if name not in reports),
        source=source.name,
        data_until=until,
        data_until_declared=declared is not None,
        fingerprint=fingerprint(backend, files, until),
        verdict=judge(counts(backend, files, until), params.minimum, now),
    )


def _pointer(report: IngestReport, mapping: Path | None) -> dict[str, Any]:
    return {
        "present": sorted(report.tables),
        "data_until": _iso(report.data_until),
        "data_until_declared": report.data_until_declared,
        "fingerprint": report.fingerprint,
        "source": report.source,
        "mapping": None if mapping is None else str(mapping.absolute()),
    }


def _naive_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
