"""Who may not be kept any longer: leads that ended, and reps who left, so many days ago.

Days are counted by the calendar and not by the end of the data, since the law counts so too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.storage.catalog import current

ENDS: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "lead": ("leads", "lead_id", ("converted_at", "lost_at")),
    "rep": ("reps", "rep_id", ("left_at",)),
}
"""Where each kind of person is, the column of their id, and those that say when it ended."""


def keep_until(days: int, now: datetime) -> datetime:
    """Return the moment before which whatever ended is to be forgotten.

    Raises:
        InputError: no days are set, so that everybody is kept.
    """
    if not days:
        raise InputError(
            "serving.access.retention_days is 0, so that everybody is kept; set it in params.yaml "
            "to the days after which they should be forgotten"
        )
    return now - timedelta(days=days)


def expired(home: Path, kind: str, before: datetime) -> list[str]:
    """Return the ids of the people of a kind whose story ended before a moment.

    Args:
        home: holds the warehouse.
        kind: lead or rep.
        before: the moment.

    Raises:
        NotReady: nothing was ingested yet.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

    table, key, ends = ENDS[kind]
    file = current(home).path / f"{table}.parquet"
    rows = pq.read_table(file, columns=[key, *ends]).to_pylist()
    return sorted(_ended(rows, key, ends, before))


def _ended(
    rows: Sequence[Mapping[str, Any]], key: str, ends: Sequence[str], before: datetime
) -> Iterator[str]:
    for row in rows:
        moments = [row[name] for name in ends if row[name] is not None]
        if moments and max(moments) < before:
            yield row[key]
