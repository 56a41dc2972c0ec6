"""What people committed to bring in a quota period: read from a file, and seen as time allows.

No CRM table holds it, so it comes beside the extract. It is read and judged row by row like one:
every row is accepted, or kept aside with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from features.arrays import Floats
from features.errors import InputError
from features.ingest.columns import Plan, plan
from features.ingest.files import look
from features.ingest.match import match_table
from features.ingest.notes import reading_notes
from features.ingest.quarantine import mark_faulty, reasons, reject, write_quarantine
from features.ingest.report import TableReport
from features.params import IngestParams
from features.snapshot import CUTOFF, visible
from features.storage.engine import engine, parquet, reading, row, rows, write
from features.storage.warehouse import Warehouse
from features.tables import COMMITS

PERIOD = ["rep_id", "period_start"]
_PLACE = "place"


@dataclass(frozen=True, eq=False)
class Commits:
    """Commits that can be used, and what became of the file's rows.

    Attributes:
        frame: the columns of `COMMITS`, `known_at` filled.
        report: how many rows were read, accepted and turned away, and why.
    """

    frame: pd.DataFrame
    report: TableReport

    def newest(self, warehouse: Warehouse, keys: pd.DataFrame) -> Floats:
        """Give what each rep had last committed to by a cutoff, as an amount; NaN without any.

        Of the commits a cutoff may see, the one made last counts; of two made at one moment, the
        one that was known later, which corrects the other.

        Args:
            warehouse: its engine answers.
            keys: `rep_id, period_start, cutoff`, in any order.
        """
        found = np.full(len(keys), np.nan)
        if keys.empty:
            return found
        asked = keys[[*PERIOD, CUTOFF]].assign(**{_PLACE: np.arange(len(keys))})
        here, told = (_in_memory(frame) for frame in (asked, self.frame))
        joined = here.inner_join(told, PERIOD)
        seen = joined.filter(visible(joined, COMMITS, joined[CUTOFF]))
        order = [seen.made_at.desc(), seen.known_at.desc()]
        newest = ibis.row_number().over(group_by=[seen[_PLACE]], order_by=order)
        kept = seen.mutate(newest=newest)
        fetched = warehouse.arrow(kept.filter(kept.newest == 0).select(_PLACE, "amount"))
        found[fetched[_PLACE].to_numpy()] = fetched["amount"].to_numpy()
        return found


def _in_memory(frame: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def read_commits(
    file: Path, warehouse: Warehouse, params: IngestParams, turned_away: Path
) -> Commits:
    """Read a file of commits, CSV or parquet: `rep_id, period_start, made_at, amount`.

    Times are read as those of an extract: UTC, converted where they name a zone, a date is its
    midnight; `known_at` may tell that a commit was written down later. A row is turned away if a
    value is missing or cannot be read, if its rep has no quota period that begins then, if it was
    made when the period was over, or if it repeats another's keys and clocks (the first is kept).
    Amounts are taken as they are, negative ones too.

    Args:
        file: of commits.
        warehouse: names the quotas.
        params: how texts are read.
        turned_away: the parquet file for rows that cannot be used, written only if there are any.

    Raises:
        InputError: the file or a column is missing, or no row can be used.
    """
    turned_away.unlink(missing_ok=True)
    with TemporaryDirectory(prefix=".commits-", dir=turned_away.parent) as name:
        folder = Path(name)
        backend = engine(params.memory_gb, params.threads, folder / "spill")
        try:
            raw = look(backend, file)
            matched = match_table(COMMITS, raw, params)
            with reading(raw.where, raw.right):
                staged = raw.stage(backend, folder / "staged.parquet")
                planned = plan(backend, matched, staged)
                rejected = reject(backend, planned, None)
                mark_faulty(
                    backend, rejected, _faults(_given(backend, planned, rejected), warehouse)
                )
                accepted = folder / "accepted.parquet"
                write(backend, _accepted(planned, rejected), accepted)
                frame = pd.read_parquet(accepted)
                report = _report(backend, planned, rejected, frame)
                if report.quarantined:
                    write_quarantine(backend, planned, rejected, turned_away)
        finally:
            backend.disconnect()
    if not report.read:
        raise InputError(f"{file} holds no row: a commit has {', '.join(COMMITS.required)}")
    if frame.empty:
        raise InputError(_nothing_usable(file, report, turned_away))
    return Commits(frame, report)


class _Commit(NamedTuple):
    source_row: int
    rep_id: str
    start: datetime
    made_at: datetime
    known_at: datetime


def _given(backend: Backend, planned: Plan, rejected: str) -> Iterator[_Commit]:
    """Go through the rows that can be read, in the file's order."""
    columns = [planned[name] for name in ("rep_id", "period_start", "made_at", "known_at")]
    rep, start, made, known = (field.value for field in columns)
    found = rows(
        backend,
        f"SELECT source_row, {rep}, {start}, {made}, coalesce({known}, {made}) "
        f"FROM {planned.rows(*columns)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected}) ORDER BY 1",
    )
    return (_Commit(*commit) for commit in found)


def _faults(commits: Iterable[_Commit], warehouse: Warehouse) -> Iterator[tuple[int, str, str]]:
    """Judge commits beside the quotas, and beside each other: the first of two alike is kept."""
    kept: dict[tuple[str, datetime, datetime, datetime], int] = {}
    quotas = _periods(warehouse)
    for commit in commits:
        at, rep, start, made_at, known_at = commit
        periods = quotas.get(rep, {})
        if not periods:
            yield at, "rep_id has no quota", f"rep_id '{rep}' has no quota in this extract"
        elif start not in periods:
            nearest = min(periods, key=lambda other: abs(other - start))
            words = (
                f"no quota period of rep_id '{rep}' begins at {start}: the nearest begins at "
                f"{nearest} (UTC)"
            )
            yield at, "period_start begins no quota period of the rep", words
        elif made_at >= periods[start]:
            words = f"made_at {made_at} does not lie before the period's end {periods[start]}"
            yield at, "made_at does not lie before the period's end", words
        elif commit[1:] in kept:
            words = (
                f"rep_id '{rep}' with period_start {start}, made_at {made_at} and known_at "
                f"{known_at} is repeated: row {kept[commit[1:]]} has it first"
            )
            yield at, "commit is repeated", words
        else:
            kept[commit[1:]] = at


def _periods(warehouse: Warehouse) -> Mapping[str, Mapping[datetime, datetime]]:
    """Name each rep's quota periods: beginning -> end."""
    quotas = warehouse["quotas"].select("rep_id", "period_start", "period_end").distinct()
    found: dict[str, dict[datetime, datetime]] = {}
    for quota in warehouse.arrow(quotas).to_pylist():
        found.setdefault(quota["rep_id"], {})[quota["period_start"]] = quota["period_end"]
    return found


def _accepted(planned: Plan, rejected: str) -> str:
    values = {one.name: one.value for one in planned.fields if one.column is not None}
    # What the file says nothing of was known when it was said.
    values["known_at"] = f"coalesce({values['known_at']}, {values['made_at']})"
    listed = ", ".join(f"{value} AS {name}" for name, value in values.items())
    fields = (planned[name] for name in values)
    return (
        f"SELECT {listed} FROM {planned.rows(*fields)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected}) ORDER BY source_row"
    )


def _report(backend: Backend, planned: Plan, rejected: str, frame: pd.DataFrame) -> TableReport:
    matched = planned.matched
    (read,) = row(backend, f"SELECT count(*) FROM {parquet(planned.file)}")
    notes = reading_notes(backend, planned, rejected)
    negative = int((frame["amount"] < 0).sum())
    return TableReport(
        read=read,
        accepted=len(frame),
        quarantined=read - len(frame),
        notes={**notes, **({"amount: below 0": negative} if negative else {})},
        quarantine_reasons=reasons(backend, rejected),
        matched=matched.notes,
        attributes=tuple(matched.attributes),
    )


def _nothing_usable(file: Path, report: TableReport, turned_away: Path) -> str:
    why = ", ".join(f"{kind} ({count:,})" for kind, count in report.quarantine_reasons.items())
    return (
        f"{file}: none of {report.read:,} rows can be used: {why}; {turned_away} holds each with "
        "its reason"
    )
