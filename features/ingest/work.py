"""What one ingest works with, and what is said of it in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.clock import utc_now
from features.errors import LostRowsError
from features.field_history import FieldHistory
from features.ingest.columns import Plan
from features.ingest.extent import Extent
from features.ingest.finding import DataFinding
from features.ingest.forgotten import Forgotten
from features.ingest.freshness import freshness_of, freshness_verdict
from features.ingest.notes import reading_notes
from features.ingest.profile import counts, fingerprint
from features.ingest.proposals import propose
from features.ingest.protected import find_protected, not_used
from features.ingest.quarantine import reasons
from features.ingest.readiness import readiness_of
from features.ingest.report import IngestReport, TableReport
from features.params import FeatureParams
from features.storage.engine import parquet, row
from features.tables import TABLES


@dataclass(frozen=True)
class Work:
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


@dataclass(frozen=True)
class Loaded:
    """What became of a source's tables.

    Attributes:
        tables: what became of each table's rows.
        extent: what bounded them.
        until: the end of the data, naive UTC; None where none is declared and nothing happened.
        histories: the fields that have a history.
        findings: what is worth knowing about them.
    """

    tables: Mapping[str, TableReport]
    extent: Extent
    until: datetime | None
    histories: tuple[FieldHistory, ...]
    findings: tuple[DataFinding, ...]


def table_report(backend: Backend, plan: Plan, rejected: str, file: Path) -> TableReport:
    """Return what became of a table's rows.

    Args:
        backend: the engine.
        plan: how the table was read.
        rejected: the table of rejected rows.
        file: the accepted ones.

    Raises:
        LostRowsError: the counts do not add up.
    """
    matched = plan.matched
    name = matched.table.name
    (read,) = row(backend, f"SELECT count(*) FROM {plan.table}")
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
        matched=(*matched.notes, *matched.raw.tallies),
        absent_columns=absent,
        attributes=tuple(matched.attributes),
    )


def report_of(work: Work, source: str, loaded: Loaded, params: FeatureParams) -> IngestReport:
    """Return what an ingest has read, and what the data supports.

    Args:
        work: what was worked with.
        source: what the source calls itself.
        loaded: what became of its tables.
        params: what counts as enough, and what may be used.
    """
    files = work.files(loaded.tables)
    until = loaded.until
    counted = counts(work.backend, files, until, loaded.extent)
    now = utc_now()
    readiness = readiness_of(counted, params.minimum, now)
    fresh = freshness_of(work.backend, files)
    tables = {n: work.backend.read_parquet(path) for n, path in work.files(TABLES).items()}
    fetch = work.backend.to_pyarrow
    protected = find_protected(tables, fetch)
    proposals = propose(tables, fetch, loaded.histories, until)
    return IngestReport(
        tables=loaded.tables,
        absent=tuple(name for name in TABLES if name not in loaded.tables),
        source=source,
        data_until=until,
        data_until_declared=work.declared is not None,
        fingerprint=fingerprint(work.backend, files, until),
        verdict=(
            *readiness,
            *freshness_verdict(fresh, until, now, readiness, loaded.findings),
        ),
        histories=loaded.histories,
        proposals=proposals.without(not_used(protected, params)),
        protected=protected,
        findings=loaded.findings,
    )
