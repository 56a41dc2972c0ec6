"""Commits: the amounts people said they would bring in a quota period, and when they said it.

No CRM table holds them, so they come in a file beside the extract. It is read like a table of the
extract: every row is accepted, or set aside with its reason.
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
from features.ingest.columns import Plan
from features.ingest.extent import Extent
from features.ingest.files import inspect_file
from features.ingest.match import match_table
from features.ingest.notes import reading_notes
from features.ingest.quarantine import mark_faulty, reasons, reject, write_quarantine
from features.ingest.report import TableReport
from features.ingest.typed import read_typed
from features.params import IngestParams
from features.snapshot import CUTOFF, visible
from features.storage.engine import engine, reading, row, rows, write
from features.storage.warehouse import Warehouse
from features.tables import COMMITS

PERIOD = ["rep_id", "period_start"]
_PLACE = "place"


@dataclass(frozen=True, eq=False)
class Commits:
    """The usable commits of a file, and what became of its rows.

    Attributes:
        frame: the columns of `COMMITS`, `known_at` filled.
        report: how many rows were read, accepted and set aside, and why.
    """

    frame: pd.DataFrame
    report: TableReport

    def newest(self, warehouse: Warehouse, keys: pd.DataFrame) -> Floats:
        """Return the amount each rep had last committed to by a cutoff.

        Of the commits visible at a cutoff, the one made last counts. Of two made at the same
        moment, the one known later counts, since it corrects the other:

            made_at   known_at   amount
            Jan 5     Jan 5      100       superseded
            Jan 9     Jan 9      120       corrected
            Jan 9     Jan 12     110       counts at cutoffs after Jan 12; before them, 120 does

        Args:
            warehouse: its engine computes.
            keys: `rep_id, period_start, cutoff`, in any order.

        Returns:
            One amount for each row of `keys`, in their order; NaN where there is no commit.
        """
        amounts = np.full(len(keys), np.nan)
        if keys.empty:
            return amounts
        placed = keys[[*PERIOD, CUTOFF]].assign(**{_PLACE: np.arange(len(keys))})
        joined = _in_memory(placed).inner_join(_in_memory(self.frame), PERIOD)
        seen = joined.filter(visible(joined, COMMITS, joined[CUTOFF]))
        order = [seen.made_at.desc(), seen.known_at.desc()]
        newest = ibis.row_number().over(group_by=[seen[_PLACE]], order_by=order)
        ranked = seen.mutate(newest=newest)
        fetched = warehouse.arrow(ranked.filter(ranked.newest == 0).select(_PLACE, "amount"))
        amounts[fetched[_PLACE].to_numpy()] = fetched["amount"].to_numpy()
        return amounts


def _in_memory(frame: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def read_commits(
    file: Path, warehouse: Warehouse, params: IngestParams, quarantine: Path
) -> Commits:
    """Read a file of commits, CSV or parquet: `rep_id, period_start, made_at, amount`.

    Times are read as those of an extract: UTC, converted where they name a zone, a date is its
    midnight; an optional `known_at` says that a commit was written down later. A row is set aside
    if a value is missing or cannot be read, if its rep has no quota period that begins then, if it
    was made after the period, or if it repeats another's keys and times (the first is kept).
    Amounts are taken as they are, negative ones too.

    Args:
        file: of commits.
        warehouse: holds the quotas.
        params: how texts are read.
        quarantine: the parquet file for rows that cannot be used, written only if there are any.

    Raises:
        InputError: the file or a column is missing, or no row can be used.
    """
    quarantine.unlink(missing_ok=True)
    with TemporaryDirectory(prefix=".commits-", dir=quarantine.parent) as name:
        folder = Path(name)
        backend = engine(params.memory_gb, params.threads, folder / "spill")
        try:
            raw = inspect_file(backend, file)
            matched = match_table(COMMITS, raw, params)
            with reading(raw.where, raw.remedy):
                plan, _ = read_typed(backend, matched, folder / "staged.parquet", params)
                rejected = reject(backend, plan, Extent())
                readable = _readable(backend, plan, rejected)
                mark_faulty(backend, rejected, _faults(readable, warehouse))
                accepted = folder / "accepted.parquet"
                write(backend, _accepted(plan, rejected), accepted)
                frame = pd.read_parquet(accepted)
                report = _report(backend, plan, rejected, frame)
                if report.quarantined:
                    write_quarantine(backend, plan, rejected, quarantine)
        finally:
            backend.disconnect()
    if not report.read:
        raise InputError(f"{file} has no rows; a commit has {', '.join(COMMITS.required)}")
    if frame.empty:
        raise InputError(_nothing_usable(file, report, quarantine))
    return Commits(frame, report)


class _Commit(NamedTuple):
    source_row: int
    rep_id: str
    start: datetime
    made_at: datetime
    known_at: datetime


def _readable(backend: Backend, plan: Plan, rejected: str) -> Iterator[_Commit]:
    """Go through the rows without faults of their own, in the file's order."""
    columns = [plan[name] for name in ("rep_id", "period_start", "made_at", "known_at")]
    rep, start, made, known = (field.value for field in columns)
    commits = rows(
        backend,
        f"SELECT source_row, {rep}, {start}, {made}, coalesce({known}, {made}) "
        f"FROM {plan.rows(*columns)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected}) ORDER BY 1",
    )
    return (_Commit(*commit) for commit in commits)


def _faults(commits: Iterable[_Commit], warehouse: Warehouse) -> Iterator[tuple[int, str, str]]:
    """Go through commits that do not fit the quotas, or that repeat an earlier commit."""
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
    """Return each rep's quota periods: start -> end."""
    quotas = warehouse["quotas"].select("rep_id", "period_start", "period_end").distinct()
    periods: dict[str, dict[datetime, datetime]] = {}
    for quota in warehouse.arrow(quotas).to_pylist():
        periods.setdefault(quota["rep_id"], {})[quota["period_start"]] = quota["period_end"]
    return periods


def _accepted(plan: Plan, rejected: str) -> str:
    """Return SQL of the accepted rows, in the file's order."""
    values = {field.name: field.value for field in plan.fields if field.column is not None}
    # Without a `known_at`, a commit was known when it was made.
    values["known_at"] = f"coalesce({values['known_at']}, {values['made_at']})"
    selected = ", ".join(f"{value} AS {name}" for name, value in values.items())
    fields = (plan[name] for name in values)
    return (
        f"SELECT {selected} FROM {plan.rows(*fields)} "
        f"WHERE source_row NOT IN (SELECT source_row FROM {rejected}) ORDER BY source_row"
    )


def _report(backend: Backend, plan: Plan, rejected: str, frame: pd.DataFrame) -> TableReport:
    matched = plan.matched
    (read,) = row(backend, f"SELECT count(*) FROM {plan.table}")
    notes = reading_notes(backend, plan, rejected)
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


def _nothing_usable(file: Path, report: TableReport, quarantine: Path) -> str:
    why = ", ".join(f"{kind} ({count:,})" for kind, count in report.quarantine_reasons.items())
    return (
        f"{file}: none of {report.read:,} rows can be used: {why}; {quarantine} holds each with "
        "its reason"
    )
