"""From an extract to a validated warehouse, or to one clear error and the warehouse before."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from features.clock import naive_utc, utc_now
from features.errors import LostRowsError
from features.ingest.columns import Plan, plan
from features.ingest.database import database
from features.ingest.files import Source, folder, is_database
from features.ingest.mapping import load_mapping
from features.ingest.match import Matched, match
from features.ingest.notes import content_notes, reading_notes
from features.ingest.parsing import SQL_TYPES
from features.ingest.profile import counts, fingerprint, latest_event
from features.ingest.quarantine import reasons, reject, write_quarantine
from features.ingest.readiness import readiness_of
from features.ingest.report import IngestReport, TableReport, iso
from features.params import FeatureParams, MinimumParams
from features.progress import Progress, silent
from features.storage.catalog import exclusive, publish
from features.storage.engine import engine, ident, parquet, reading, row, write
from features.tables import TABLES

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
class _Work:
    """What every step of one ingest needs.

    Attributes:
        backend: the engine.
        folder: where the new warehouse grows.
        declared: the declared `data_until`, naive UTC.
    """

    backend: Backend
    folder: Path
    declared: datetime | None

    def files(self, names: Iterable[str]) -> dict[str, Path]:
        """Name the files of accepted tables."""
        return {name: self.folder / f"{name}.parquet" for name in names}


def ingest(
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
    declared = None if data_until is None else naive_utc(data_until)
    with _opened(source) as opened, exclusive(home) as partial:
        with _engine(params, partial) as backend:
            work = _Work(backend, partial, declared)
            matched = match(backend, opened, mappings, params.ingest)
            reports = _load(work, matched, progress)
            report = _report(work, opened.name, reports, params.minimum)
        publish(home, partial, _pointer(report, mapping), report.to_json())
    return report


@contextmanager
def _opened(source: str) -> Iterator[Source]:
    is_url = is_database(source)
    opened = database(source) if is_url else folder(Path(source).expanduser().absolute())
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def _engine(params: FeatureParams, partial: Path) -> Iterator[Backend]:
    spill = partial / "spill"
    backend = engine(params.ingest.memory_gb, params.ingest.threads, spill)
    try:
        yield backend
    finally:
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


def _load(work: _Work, matched: Sequence[Matched], progress: Progress) -> dict[str, TableReport]:
    """Write every table of the schema into the folder, and what was turned away beside it."""
    reports: dict[str, TableReport] = {}
    plans: list[Plan] = []
    with progress("reading the extract", len(matched) + 1) as advance:
        for one in matched:
            with reading(one.raw.where, one.raw.right):
                planned, reports[one.table.name] = _load_table(work, one)
            plans.append(planned)
            advance(1)
        _write_absent(work, reports)
        files = work.files(reports)
        for planned in plans:
            name = planned.matched.table.name
            notes = {**reports[name].notes, **content_notes(work.backend, planned, files)}
            reports[name] = replace(reports[name], notes=notes)
        advance(1)
    return reports


def _load_table(work: _Work, matched: Matched) -> tuple[Plan, TableReport]:
    name, backend = matched.table.name, work.backend
    staging, file = work.folder / f"{name}.staged", work.folder / f"{name}.parquet"
    planned = plan(backend, matched, matched.raw.stage(backend, staging))
    rejected = reject(backend, planned, work.declared)
    write(backend, _accepted(planned, rejected), file)
    report = _table_report(backend, planned, rejected, file)
    if report.quarantined:
        turned_away = work.folder / "quarantine"
        turned_away.mkdir(exist_ok=True)
        write_quarantine(backend, planned, rejected, turned_away / f"{name}.parquet")
    staging.unlink(missing_ok=True)
    return planned, report


def _accepted(planned: Plan, rejected: str) -> str:
    """Select the accepted rows, typed, in an order that does not depend on the source's."""
    table = planned.matched.table
    values = []
    for one in planned.fields:
        value = one.value
        if one.column is not None and one.name == table.known_at:
            # What the extract says nothing of was known when it happened.
            value = f"coalesce({value}, {planned[str(table.event_time)].value})"
        values.append(f"{value} AS {ident(one.name)}")
    names = ", ".join(ident(one.name) for one in planned.fields)
    return (
        f"SELECT {names} FROM (SELECT {', '.join(values)} FROM {planned.rows(*planned.fields)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected})) "
        f"ORDER BY {', '.join(_ORDER[table.name])}, hash({names})"
    )


def _table_report(backend: Backend, planned: Plan, rejected: str, file: Path) -> TableReport:
    matched = planned.matched
    name = matched.table.name
    (read,) = row(backend, f"SELECT count(*) FROM {parquet(planned.file)}")
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


def _write_absent(work: _Work, present: Collection[str]) -> None:
    """Give every table the source lacks a file without rows, so that queries need not ask."""
    for name, table in TABLES.items():
        if name not in present:
            typed = (f"CAST(NULL AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
            select = f"SELECT {', '.join(typed)} WHERE false"
            write(work.backend, select, work.folder / f"{name}.parquet")


def _report(
    work: _Work, source: str, reports: Mapping[str, TableReport], minimum: MinimumParams
) -> IngestReport:
    files = work.files(reports)
    until = work.declared or latest_event(work.backend, files)
    now = utc_now()
    return IngestReport(
        tables=reports,
        absent=tuple(name for name in TABLES if name not in reports),
        source=source,
        data_until=until,
        data_until_declared=work.declared is not None,
        fingerprint=fingerprint(work.backend, files, until),
        verdict=readiness_of(counts(work.backend, files, until), minimum, now),
    )


def _pointer(report: IngestReport, mapping: Path | None) -> dict[str, Any]:
    return {
        "present": sorted(report.tables),
        "data_until": iso(report.data_until),
        "data_until_declared": report.data_until_declared,
        "fingerprint": report.fingerprint,
        "source": report.source,
        "mapping": None if mapping is None else str(mapping.absolute()),
    }
