"""How fast a million rows of CSV come in, beside DuckDB's own reader with types given.

`python tests/bench/ingest_csv.py [ROWS]` writes leads and activities once. Then, in turns, it reads
the activities with DuckDB into parquet and ingests both tables, and prints the median of the ratios
and the share of the checks, all within one run. Other work on the machine stretches seconds, of
processor time less so; both are told.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple
from unittest import mock

import duckdb

from features.ingest import load, typed, work
from features.params import FeatureParams

ROWS = 1_000_000
TURNS = 5
TYPES = (
    "{'occurred_at': 'TIMESTAMP', 'type': 'VARCHAR', 'activity_id': 'VARCHAR', "
    "'lead_id': 'VARCHAR', 'rep_id': 'VARCHAR', 'direction': 'VARCHAR', 'duration_s': 'DOUBLE'}"
)
# The steps that look for what is worth saying, apart from reading rows and rejecting them.
CHECKS = ((load, "findings_of"), (typed, "readings_of"), (work, "freshness_of"))


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


class Spent(NamedTuple):
    """What something took, in seconds.

    Attributes:
        wall: on the clock.
        cpu: of all processors.
    """

    wall: float
    cpu: float


def spent_on(step: Callable[[], object]) -> Spent:
    """Return what a step takes."""
    wall, cpu = perf_counter(), process_time()
    step()
    return Spent(perf_counter() - wall, process_time() - cpu)


@contextmanager
def checks_timed() -> Iterator[list[Spent]]:
    """Add what each check takes to a list, while the block runs."""
    spent: list[Spent] = []

    def timed(check: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            results: list[object] = []
            spent.append(spent_on(lambda: results.append(check(*arguments))))
            return results[0]

        return run

    with ExitStack() as stack:
        for module, name in CHECKS:
            stack.enter_context(mock.patch.object(module, name, timed(getattr(module, name))))
        yield spent


def one_turn(place: Path, reader: duckdb.DuckDBPyConnection) -> tuple[Spent, Spent, Spent]:
    """Read in both ways; returns what DuckDB, the ingest and the checks in it took."""
    scan = f"read_csv('{place}/source/activities.csv', header = true, columns = {TYPES})"
    engine = spent_on(lambda: reader.execute(f"COPY (SELECT * FROM {scan}) TO '{place}/a.parquet'"))
    with checks_timed() as spent:
        whole = spent_on(
            lambda: load.ingest(str(place / "source"), place / "home", FeatureParams())
        )
    return engine, whole, Spent(sum(s.wall for s in spent), sum(s.cpu for s in spent))


def main(rows: int) -> None:
    """Write, read in turns, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "source").mkdir()
        write(place / "source", rows)
        reader = duckdb.connect(config={"threads": 2})
        turns = [one_turn(place, reader) for _ in range(TURNS)]
    for kind in Spent._fields:
        engine, whole, checks = ([getattr(turn[step], kind) for turn in turns] for step in range(3))
        ratios = [w / e for w, e in zip(whole, engine, strict=True)]
        shares = [c / w for c, w in zip(checks, whole, strict=True)]
        says = (
            f"{rows:,} rows of CSV, {kind} seconds, medians of {TURNS} turns: DuckDB's reader with "
            f"types {median(engine):.2f}, ingest {median(whole):.2f}, {median(ratios):.1f} times "
            f"as long ({min(ratios):.1f} to {max(ratios):.1f}); checks {median(shares):.0%} of it."
        )
        print(json.dumps({"says": says}))  # noqa: T201 - the caller reads it


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
