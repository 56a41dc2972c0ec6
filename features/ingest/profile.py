"""Numbers about an accepted extract: what it holds, and its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.extent import Extent
from features.ingest.readiness import Counts
from features.storage.engine import ident, moment, parquet, row, rows

_OLD_ENOUGH = timedelta(days=30)


def fingerprint(backend: Backend, files: Mapping[str, Path], until: datetime | None) -> str:
    """Return a digest of the accepted content, whatever the order of its rows and columns."""
    digest = hashlib.sha256(str(until).encode())
    for name in sorted(files):
        scan = parquet(files[name])
        described = rows(backend, f"DESCRIBE SELECT * FROM {scan}")
        columns = sorted((str(entry[0]), str(entry[1])) for entry in described)
        listed = ", ".join(ident(column) for column, _ in columns)
        # A sum of hashes does not depend on the order and, unlike xor, counts repetitions. One sum
        # of 64 bits may come out the same by chance, a second of other numbers hardly does.
        hashed = f"(SELECT hash({listed}) AS h FROM {scan})"
        sums = row(backend, f"SELECT count(*), sum(h), sum(hash(h)) FROM {hashed}")
        digest.update(repr((name, columns, sums)).encode())
    return digest.hexdigest()


def counts(
    backend: Backend,
    files: Mapping[str, Path],
    until: datetime | None,
    extent: Extent = Extent(),  # noqa: B008 - frozen, nothing is bounded
) -> Counts:
    """Count what the verdict on an extract rests on.

    Args:
        backend: the engine.
        files: the accepted tables that are present.
        until: where the data ends, naive UTC.
        extent: what bounded the rows that were accepted.
    """
    numbers: dict[str, int] = {}
    for name, selected in _selected(until).items():
        if name in files:
            query = f"SELECT {', '.join(selected.values())} FROM {parquet(files[name])}"
            numbers |= dict(zip(selected, map(int, row(backend, query)), strict=True))
    return Counts(
        present=frozenset(files),
        data_until=until,
        beyond=extent.beyond,
        bulk_end=extent.bulk_end,
        **numbers,
    )


def _selected(until: datetime | None) -> dict[str, dict[str, str]]:
    """Return the SQL of each count, by table and then by its name in `Counts`."""
    end = until or datetime.min  # noqa: DTZ901 - stored times are naive UTC
    old = end - _OLD_ENOUGH if until else end
    unconverted = f"converted_at IS NULL AND created_at <= {moment(old)}"
    return {
        "leads": {
            "leads": "count(*)",
            "converted": "count(converted_at)",
            "unconverted": f"count(*) FILTER ({unconverted})",
        },
        "activities": {"activities": "count(*)"},
        "deals": {"deals": "count(*)", "won": "count(*) FILTER (won AND closed_at IS NOT NULL)"},
        "quotas": {
            "periods": "count(DISTINCT (rep_id, period_start)) "
            f"FILTER (period_end <= {moment(end)})"
        },
    }
