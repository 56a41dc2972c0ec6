"""From an extract to a validated warehouse; after an error, the warehouse before it stays."""

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
from features.field_history import FieldHistory
from features.ingest.columns import Plan, make_plan
from features.ingest.database import database
from features.ingest.ends import amend
from features.ingest.extent import Extent, extent_of, latest_event
from features.ingest.files import Source, folder, is_database
from features.ingest.forgotten import (
    Forgotten,
    Present,
    blank,
    forgotten_people,
    present_in,
    reject_forgotten,
    with_pseudonyms,
)
from features.ingest.histories import CHANGES_ORDER, lay_down, read_changes
from features.ingest.mapping import load_mapping
from features.ingest.match import Matched, match
from features.ingest.notes import content_notes, reading_notes
from features.ingest.parsing import SQL_TYPES
from features.ingest.profile import counts, fingerprint
from features.ingest.proposals import propose
from features.ingest.quarantine import reasons, reject, write_quarantine
from features.ingest.readiness import readiness_of
from features.ingest.report import IngestReport, TableReport, history_json, iso
from features.params import FeatureParams, IngestParams, MinimumParams
from features.progress import Progress, silent
from features.storage.catalog import WarehouseMeta, described, exclusive, publish
from features.storage.engine import engine, ident, parquet, reading, row, write
from features.tables import TABLES

# Rows that are read together are stored next to each other.
_ORDER = {
    "leads": ("lead_id",),
    "activities": ("lead_id", "occurred_at"),
    "reps": ("rep_id",),
    "deals": ("deal_id",),
    "changes": CHANGES_ORDER,
    "quotas": ("rep_id", "period_start", "known_at"),
    "accounts": ("account_id",),
}


@dataclass(frozen=True)
class _Work:
    """What every step of one ingest needs.

    Attributes:
        backend: the engine.
        folder: where the new warehouse is written.
        declared: the declared `data_until`, naive UTC; None where none was declared.
        forgotten: people whose rows are left out.
    """

    backend: Backend
    folder: Path
    declared: datetime | None
    forgotten: Forgotten

    def files(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the files of accepted tables, by table."""
        return {name: self.folder / f"{name}.parquet" for name in names}


def ingest(
    source: str,
    home: Path,
    params: FeatureParams,
    mapping: Path | None = None,
    data_until: datetime | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Replace the warehouse with what a source holds; see `staged`.

    Returns:
        What was read, accepted and quarantined.
    """
    with staged(source, home, params, mapping, data_until, progress) as new:
        new.publish()
    return new.report


@dataclass(frozen=True)
class Staged:
    """A whole new warehouse that nobody reads yet.

    Attributes:
        home: the folder under which everything is written.
        folder: where the tables are until they are published.
        pointer: what will be said of them.
        report: what was read, accepted and quarantined.
    """

    home: Path
    folder: Path
    pointer: Mapping[str, Any]
    report: IngestReport

    @property
    def meta(self) -> WarehouseMeta:
        """The new warehouse, to be opened and looked at where it is now."""
        return described(self.folder, self.pointer)

    def publish(self) -> Path:
        """Put it in the place of the warehouse before, in one step; returns where it is now."""
        return publish(self.home, self.folder, self.pointer, self.report.to_json())


@contextmanager
def staged(
    source: str,
    home: Path,
    params: FeatureParams,
    mapping: Path | None = None,
    data_until: datetime | None = None,
    progress: Progress = silent,
) -> Iterator[Staged]:
    """Read a source into a new warehouse, and keep it aside.

    When the block ends without having published it, it is removed and the one before stays.

    Args:
        source: a folder with <table>.parquet or <table>.csv files, or a database URL.
        home: the folder under which everything is written.
        params: how texts are read, and what counts as enough.
        mapping: a YAML file with the source's own names for our tables and columns.
        data_until: the moment up to which the source is complete; None means its last event.
        progress: reports the tables that are done.

    Raises:
        InputError: the source or the mapping cannot be used, or another ingest is at work.
        LostRowsError: the counts of rows do not add up.
    """
    mappings = load_mapping(mapping)
    declared = None if data_until is None else naive_utc(data_until)
    forgotten = forgotten_people(home)
    with _open(source) as extract, exclusive(home) as partial:
        with _engine(params, partial) as backend:
            work = _Work(backend, partial, declared, forgotten)
            matches = match(backend, extract, mappings, params.ingest)
            loaded = _load(work, matches, params.ingest, progress)
            report = _report(work, extract.name, loaded, params.minimum)
        yield Staged(home, partial, _pointer(report, mapping), report)


@contextmanager
def _open(source: str) -> Iterator[Source]:
    is_url = is_database(source)
    extract = database(source) if is_url else folder(Path(source).expanduser().absolute())
    try:
        yield extract
    finally:
        extract.close()


@contextmanager
def _engine(params: FeatureParams, partial: Path) -> Iterator[Backend]:
    spill = partial / "spill"
    backend = engine(params.ingest.memory_gb, params.ingest.threads, spill)
    try:
        yield backend
    finally:
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


@dataclass(frozen=True)
class _Loaded:
    """What became of a source's tables.

    Attributes:
        tables: what became of each table's rows.
        extent: what bounded them.
        histories: the fields that have a history.
    """

    tables: Mapping[str, TableReport]
    extent: Extent
    histories: tuple[FieldHistory, ...]


def _load(
    work: _Work, matches: Sequence[Matched], params: IngestParams, progress: Progress
) -> _Loaded:
    """Write every table of the schema into the folder, and the rejected rows beside it."""
    with progress("reading the extract", 2 * len(matches) + 1) as advance:
        staged = []
        for matched in matches:
            with reading(matched.raw.where, matched.raw.remedy):
                staged.append(_stage(work, matched))
            advance(1)
        # Where the data ends is asked of all tables before any row of one is judged.
        extent = extent_of(work.backend, staged, work.declared)
        reports: dict[str, TableReport] = {}
        present = present_in(work.backend, staged, work.forgotten)
        plans = [with_pseudonyms(amend(work.backend, plan, extent), present) for plan in staged]
        for plan in plans:
            with reading(plan.matched.raw.where, plan.matched.raw.remedy):
                reports[plan.matched.table.name] = _load_table(work, plan, extent, present)
            advance(1)
        _write_absent(work, reports)
        files = work.files(reports)
        for plan in plans:
            name = plan.matched.table.name
            notes = {**reports[name].notes, **content_notes(work.backend, plan, files)}
            reports[name] = replace(reports[name], notes=notes)
        histories: tuple[FieldHistory, ...] = ()
        if "changes" in reports:
            histories = lay_down(work.backend, work.files(TABLES), params.complete_share)
        advance(1)
    return _Loaded(reports, extent, histories)


def _stage(work: _Work, matched: Matched) -> Plan:
    staging = work.folder / f"{matched.table.name}.staged"
    return make_plan(matched, matched.raw.stage(work.backend, staging))


def _load_table(work: _Work, plan: Plan, extent: Extent, present: Present) -> TableReport:
    name, backend = plan.matched.table.name, work.backend
    file = work.folder / f"{name}.parquet"
    rejected = reject(backend, plan, extent)
    reject_forgotten(backend, plan, rejected, present)
    write(backend, _accepted(plan, rejected), file)
    report = _table_report(backend, plan, rejected, file)
    if report.quarantined:
        quarantine = work.folder / "quarantine"
        quarantine.mkdir(exist_ok=True)
        write_quarantine(backend, plan, rejected, quarantine / f"{name}.parquet")
        blank(backend, quarantine / f"{name}.parquet", present)
    if name == "changes":
        read_changes(backend, file, plan, rejected)
    (work.folder / f"{name}.staged").unlink(missing_ok=True)
    return report


def _accepted(plan: Plan, rejected: str) -> str:
    """Return SQL of the accepted rows, in an order that does not depend on the source's."""
    table = plan.matched.table
    values = []
    for field in plan.fields:
        value = field.value if field.column is None else plan.amended(field.name)
        if field.column is not None and field.name == table.known_at:
            # Without a `known_at`, a row was known when it happened.
            value = f"coalesce({value}, {plan[str(table.event_time)].value})"
        values.append(f"{value} AS {ident(field.name)}")
    names = ", ".join(ident(field.name) for field in plan.fields)
    return (
        f"SELECT {names} FROM (SELECT {', '.join(values)} FROM {plan.rows(*plan.fields)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected})) "
        f"ORDER BY {', '.join(_ORDER[table.name])}, hash({names})"
    )


def _table_report(backend: Backend, plan: Plan, rejected: str, file: Path) -> TableReport:
    matched = plan.matched
    name = matched.table.name
    (read,) = row(backend, f"SELECT count(*) FROM {parquet(plan.file)}")
    (accepted,) = row(backend, f"SELECT count(*) FROM {parquet(file)}")
    (aside,) = row(backend, f"SELECT count(DISTINCT source_row) FROM {rejected}")
    if read != accepted + aside:
        raise LostRowsError(f"{name}: {read} rows read, {accepted} accepted, {aside} quarantined")
    absent = tuple(c.name for c in matched.table.columns if c.name not in matched.columns)
    return TableReport(
        read=read,
        accepted=accepted,
        quarantined=aside,
        notes=reading_notes(backend, plan, rejected),
        quarantine_reasons=reasons(backend, rejected),
        matched=matched.notes,
        absent_columns=absent,
        attributes=tuple(matched.attributes),
    )


def _write_absent(work: _Work, present: Collection[str]) -> None:
    """Write a file without rows for every table the source lacks, so that queries need not ask."""
    for name, table in TABLES.items():
        if name not in present:
            typed = (f"CAST(NULL AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
            select = f"SELECT {', '.join(typed)} WHERE false"
            write(work.backend, select, work.folder / f"{name}.parquet")


def _report(work: _Work, source: str, loaded: _Loaded, minimum: MinimumParams) -> IngestReport:
    files = work.files(loaded.tables)
    until = work.declared or latest_event(work.backend, files)
    counted = counts(work.backend, files, until, loaded.extent)
    tables = {n: work.backend.read_parquet(path) for n, path in work.files(TABLES).items()}
    return IngestReport(
        tables=loaded.tables,
        absent=tuple(name for name in TABLES if name not in loaded.tables),
        source=source,
        data_until=until,
        data_until_declared=work.declared is not None,
        fingerprint=fingerprint(work.backend, files, until),
        verdict=readiness_of(counted, minimum, utc_now()),
        histories=loaded.histories,
        proposals=propose(tables, work.backend.to_pyarrow, loaded.histories, until),
    )


def _pointer(report: IngestReport, mapping: Path | None) -> dict[str, Any]:
    """Return what HOME/data/current.json says about the new warehouse."""
    return {
        "present": sorted(report.tables),
        "data_until": iso(report.data_until),
        "data_until_declared": report.data_until_declared,
        "fingerprint": report.fingerprint,
        "source": report.source,
        "mapping": None if mapping is None else str(mapping.absolute()),
        "histories": [history_json(history) for history in report.histories],
    }
