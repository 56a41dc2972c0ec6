"""From an extract to a validated warehouse; after an error, the warehouse before it stays."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from features.clock import naive_utc
from features.field_history import FieldHistory
from features.ingest.changes.source import mapped_source
from features.ingest.columns import Plan
from features.ingest.ends import amend
from features.ingest.extent import Extent, extent_of, latest_event
from features.ingest.findings import Looked, findings_of
from features.ingest.forgotten import (
    Present,
    blank,
    forgotten_people,
    present_in,
    reject_forgotten,
    with_pseudonyms,
)
from features.ingest.histories import CHANGES_ORDER, lay_down, read_changes
from features.ingest.match import Matched, match
from features.ingest.notes import content_notes
from features.ingest.opening import opened
from features.ingest.parsing import SQL_TYPES
from features.ingest.presets.choose import choose, preset_name
from features.ingest.quarantine import accepted_rows, reject, rejected_table, write_quarantine
from features.ingest.report import IngestReport, TableReport, history_json, iso
from features.ingest.shaping.reader import Reader
from features.ingest.typed import forget, read_typed
from features.ingest.work import Loaded, Work, report_of, table_report
from features.params import FeatureParams, IngestParams
from features.progress import Progress, silent
from features.snapshot import DELETED_AT
from features.storage.catalog import WarehouseMeta, described, exclusive, publish
from features.storage.engine import engine, ident, reading, write
from features.tables import TABLES, Table

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
        mapping: a YAML file with the source's own names for our tables and columns, or the name
            of a preset; without one, a preset is taken whose headers fit.
        data_until: the moment up to which the source is complete; None means its last event.
        progress: reports the tables that are done.

    Raises:
        InputError: the source or the mapping cannot be used, or another ingest is at work.
        LostRowsError: the counts of rows do not add up.
    """
    declared = None if data_until is None else naive_utc(data_until)
    forgotten = forgotten_people(home)
    with opened(source) as extract, exclusive(home) as partial:
        with _engine(params, partial) as backend:
            work = Work(backend, partial, declared, forgotten)
            chosen = choose(backend, extract, mapping)
            mappings = chosen.mappings
            reader = Reader(backend, extract, partial / "shaping", mappings.where)
            with mapped_source(reader, mappings, params.ingest, declared) as (mapped, left):
                matches = match(backend, mapped, left, params.ingest)
                loaded = _load(work, matches, params.ingest, progress)
            report = report_of(work, extract.name, loaded, params)
            report = replace(report, preset=chosen.preset, read_as=chosen.says)
        yield Staged(home, partial, _pointer(report, mapping), report)


@contextmanager
def _engine(params: FeatureParams, partial: Path) -> Iterator[Backend]:
    spill = partial / "spill"
    backend = engine(params.ingest.memory_gb, params.ingest.threads, spill)
    try:
        yield backend
    finally:
        backend.disconnect()
        shutil.rmtree(spill, ignore_errors=True)


def _load(
    work: Work, matches: Sequence[Matched], params: IngestParams, progress: Progress
) -> Loaded:
    """Write every table of the schema into the folder, and the rejected rows beside it."""
    with progress("reading the extract", 2 * len(matches) + 1) as advance:
        staged, readings = [], {}
        for matched in matches:
            with reading(matched.raw.where, matched.raw.remedy):
                name = matched.table.name
                staging = work.folder / f"{name}.staged"
                plan, readings[name] = read_typed(work.backend, matched, staging, params)
                staged.append(plan)
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
        until = work.declared or latest_event(work.backend, files)
        looked = [
            Looked(plan, readings[name], rejected_table(name), reports[name])
            for plan in plans
            for name in [plan.matched.table.name]
        ]
        findings = findings_of(work.backend, looked, files, until, params.small_share)
        for plan in plans:
            forget(work.backend, plan)
        histories: tuple[FieldHistory, ...] = ()
        if "changes" in reports:
            histories = lay_down(work.backend, work.files(TABLES), params.complete_share)
        advance(1)
    return Loaded(reports, extent, until, histories, findings)


def _load_table(work: Work, plan: Plan, extent: Extent, present: Present) -> TableReport:
    name, backend = plan.matched.table.name, work.backend
    file = work.folder / f"{name}.parquet"
    rejected = reject(backend, plan, extent)
    reject_forgotten(backend, plan, rejected, present)
    write(backend, _accepted(plan, accepted_rows(backend, rejected)), file)
    report = table_report(backend, plan, rejected, file)
    if report.quarantined:
        quarantine = work.folder / "quarantine"
        quarantine.mkdir(exist_ok=True)
        write_quarantine(backend, plan, rejected, quarantine / f"{name}.parquet")
        blank(backend, quarantine / f"{name}.parquet", present)
    if name == "changes":
        read_changes(backend, file, plan, rejected)
    return report


def _accepted(plan: Plan, is_accepted: str) -> str:
    """Return SQL of the accepted rows, in an order that does not depend on the source's."""
    table = plan.matched.table
    values, names = [], []
    for field in plan.fields:
        if field in plan.beside and field.name.lower() == DELETED_AT:
            continue
        value = field.value if field.column is None else plan.amended(field.name)
        if field in plan.beside:
            # Who is deleted by the end is told by the rows; no model may learn it.
            value = f"CASE WHEN false THEN {value} END"
        if field.column is not None and field.name == table.known_at:
            # Without a `known_at`, a row was known when it happened.
            value = f"coalesce({value}, {plan[str(table.event_time)].value})"
        values.append(f"{value} AS {ident(field.name)}")
        names.append(ident(field.name))
    if plan.deleted_at:
        values.append(f"{plan.deleted_at} AS {DELETED_AT}")
        names.append(DELETED_AT)
    order = [*_ORDER[table.name], *_tie(table, names)]
    return (
        f"SELECT {', '.join(names)} FROM (SELECT {', '.join(values)} "
        f"FROM {plan.rows(*plan.fields)} WHERE {is_accepted}) ORDER BY {', '.join(order)}"
    )


def _tie(table: Table, names: Sequence[str]) -> Iterator[str]:
    """Return SQL of what orders rows that are equal in the usual order, and may differ elsewhere.

    Ids occur once. A hash of the row costs a tenth of the time of writing it.
    """
    others = [name for name in names if name not in map(ident, _ORDER[table.name])]
    key = table.key[0] if len(table.key) == 1 else None
    if key is None:
        yield f"hash({', '.join(others)})"
    elif not table.by_name[key].required:
        yield key
        yield f"CASE WHEN {key} IS NULL THEN hash({', '.join(others)}) END"


def _write_absent(work: Work, present: Collection[str]) -> None:
    """Write a file without rows for every table the source lacks, so that queries need not ask."""
    for name, table in TABLES.items():
        if name not in present:
            typed = (f"CAST(NULL AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
            select = f"SELECT {', '.join(typed)} WHERE false"
            write(work.backend, select, work.folder / f"{name}.parquet")


def _pointer(report: IngestReport, mapping: Path | None) -> dict[str, Any]:
    """Return what HOME/data/current.json says about the new warehouse."""
    return {
        "present": sorted(report.tables),
        "data_until": iso(report.data_until),
        "data_until_declared": report.data_until_declared,
        "fingerprint": report.fingerprint,
        "source": report.source,
        "mapping": None if mapping is None else preset_name(mapping) or str(mapping.absolute()),
        "histories": [history_json(history) for history in report.histories],
    }
