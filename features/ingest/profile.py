"""Numbers about an accepted extract: where it ends, what it amounts to, what it is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.readiness import Counts
from features.storage.engine import ident, moment, parquet, row, rows
from features.tables import TABLES

_OLD_ENOUGH = timedelta(days=30)


def latest_event(backend: Backend, files: Mapping[str, Path]) -> datetime | None:
    """Find the last moment the extract tells of: the latest of its events."""
    latest = []
    for name, file in files.items():
        if TABLES[name].events:
            each = ", ".join(f"max({column})" for column in TABLES[name].events)
            latest += [
                value for value in row(backend, f"SELECT {each} FROM {parquet(file)}") if value
            ]
    return max(latest, default=None)


def fingerprint(backend: Backend, files: Mapping[str, Path], until: datetime | None) -> str:
    """Digest the accepted content, whatever the order of its rows and columns."""
    digest = hashlib.sha256(str(until).encode())
    for name in sorted(files):
        scan = parquet(files[name])
        described = rows(backend, f"DESCRIBE SELECT * FROM {scan}")
        columns = sorted((str(entry[0]), str(entry[1])) for entry in described)
        listed = ", ".join(ident(column) for column, _ in columns)
        # A sum of hashes does not depend on the order and, unlike xor, counts repetitions.
        sums = row(
            backend, f"SELECT count(*), sum(hash({listed})), sum(hash({listed}, 1)) FROM {scan}"
        )
        digest.update(repr((name, columns, sums)).encode())
    return digest.hexdigest()


def counts(backend: Backend, files: Mapping[str, Path], until: datetime | None) -> Counts:
    """Count what the verdict is made of."""
    found = {name: parquet(file) for name, file in files.items()}
    numbers: dict[str, int] = {}
    for name, selected in _counted(until).items():
        if name in found:
            values = row(backend, f"SELECT {', '.join(selected.values())} FROM {found[name]}")
            numbers |= dict(zip(selected, map(int, values), strict=True))
    return Counts(present=frozenset(files), data_until=until, **numbers)


def _counted(until: datetime | None) -> dict[str, dict[str, str]]:
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
