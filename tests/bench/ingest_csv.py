"""How fast a million rows of CSV come in, beside DuckDB's own reader with types given.

`python tests/bench/ingest_csv.py [ROWS]` writes leads and activities, ingests them, reads the same
file with DuckDB into parquet, and prints both and the share of the checks, all within one run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from unittest import mock

import duckdb

from features.ingest import load
from features.params import FeatureParams

ROWS = 1_000_000
TYPES = (
    "{'occurred_at': 'TIMESTAMP', 'type': 'VARCHAR', 'activity_id': 'VARCHAR', "
    "'lead_id': 'VARCHAR', 'rep_id': 'VARCHAR', 'direction': 'VARCHAR', 'duration_s': 'DOUBLE'}"
)
# The steps that look for what is worth saying, apart from reading rows and rejecting them.
CHECKS = ("findings_of", "readings_of", "freshness_of")


def write(folder: Path, rows: int) -> None:
    """Write both tables: one lead for every fifty activities."""
    leads = max(rows // 50, 1)
    when = "strftime(TIMESTAMP '2024-01-01' + to_seconds({}), '%Y-%m-%d %H:%M:%S')"
    duckdb.sql(
        f"COPY (SELECT 'L' || i AS lead_id, {when.format('i * 60')} AS created_at, 'R' || i % 40 "
        f"AS rep_id, 'web' AS source, i * 1.5 AS value FROM range({leads}) t(i)) "
        f"TO '{folder}/leads.csv' (HEADER)"
    )
    duckdb.sql(
        f"COPY (SELECT {when.format('i * 40')} AS occurred_at, CASE i % 3 WHEN 0 THEN 'call' "
        f"WHEN 1 THEN 'email' ELSE 'meeting' END AS type, 'A' || i AS activity_id, "
        f"'L' || i % {leads} AS lead_id, 'R' || i % 40 AS rep_id, 'out' AS direction, "
        f"i % 600 AS duration_s "
        f"FROM range({rows}) t(i)) TO '{folder}/activities.csv' (HEADER)"
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def timed(spent: list[float], step: Callable[..., object]) -> Callable[..., object]:
    """Return a step that adds what it takes to a list."""

    def run(*arguments: object) -> object:
        start = perf_counter()
        try:
            return step(*arguments)
        finally:
            spent.append(perf_counter() - start)

    return run


def main(rows: int) -> None:
    """Write, read in both ways, and print what it took."""
    with tempfile.TemporaryDirectory() as place:
        source, home = Path(place) / "source", Path(place) / "home"
        source.mkdir()
        write(source, rows)
        reader = duckdb.connect(config={"threads": 2})
        scan = f"read_csv('{source}/activities.csv', header = true, columns = {TYPES})"
        engine = seconds(
            lambda: reader.execute(f"COPY (SELECT * FROM {scan}) TO '{place}/a.parquet'")
        )
        spent: list[float] = []
        with mock.patch.multiple(
            load, **{name: timed(spent, getattr(load, name)) for name in CHECKS}
        ):
            whole = seconds(lambda: load.ingest(str(source), home, FeatureParams()))
    checks = sum(spent)
    sys.stdout.write(
        f"{rows:,} rows: DuckDB's reader with types {engine:.2f} s, ingest {whole:.2f} s, "
        f"{whole / engine:.1f} times as long; checks {checks:.2f} s, {checks / whole:.0%} of it\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
