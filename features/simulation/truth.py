"""Writes `truth/`: what the simulation knows and a CRM never does; see `futures` and `pasts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.progress import Progress, silent
from features.simulation.futures import attainment_truth, lead_truth
from features.simulation.live import Life
from features.simulation.parquet import TIME, Columns, ids
from features.simulation.pasts import cause_truth
from features.simulation.state import SKILLS, potentials

THREADS = 2
DIGITS = 6
REP = {"rep_id": pa.string(), "period_start": TIME}
FILES: dict[str, dict[str, pa.DataType]] = {
    "skills": {"rep_id": pa.string(), "skill": pa.string(), "value": pa.float64()},
    "territories": {"territory": pa.string(), "potential": pa.float64()},
    "lead_probability": {
        "lead_id": pa.string(),
        "cutoff": TIME,
        "horizon_days": pa.int64(),
        "p_true": pa.float64(),
    },
    "touch_effect": {"lead_id": pa.string(), "cutoff": TIME, "effect": pa.float64()},
    "attainment": {
        **REP,
        "cutoff": TIME,
        "p_attain_true": pa.float64(),
        "attainment_p10_true": pa.float64(),
        "attainment_p50_true": pa.float64(),
        "attainment_p90_true": pa.float64(),
    },
    "causes": {**REP, "cause": pa.string(), "size": pa.float64(), "size_se": pa.float64()},
    "equal_grounds": {
        **REP,
        "metric": pa.string(),
        "expected_true": pa.float64(),
        "residual_true": pa.float64(),
    },
}
"""The files of `truth/` and their columns."""

Job = Callable[[], list[Columns]]
"""Computes the rows of one cutoff or period, one set of columns for each of its files."""


def write_truth(life: Life, out: Path, progress: Progress = silent) -> None:
    """Replay and write all files of `truth/`.

    Args:
        life: what was kept of the company's history.
        out: the folder of the tables; `truth/` is created in it.
        progress: reports every cutoff and period.
    """
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    settings = life.settings
    jobs: list[tuple[tuple[str, ...], Job]] = []
    if settings.replays:
        leads = ("lead_probability", "touch_effect")
        jobs += [(leads, partial(lead_truth, life, day)) for day in life.lead_cutoffs()]
        quota = life.quota_cutoffs()
        jobs += [(("attainment",), partial(attainment_truth, life, day)) for day in quota]
    if settings.cause_replays:
        past = ("causes", "equal_grounds")
        jobs += [(past, partial(cause_truth, life, period)) for period in life.periods]
    parts: dict[str, list[Columns]] = {name: [] for name in FILES}
    parts["skills"], parts["territories"] = [_skills(life)], [_territories(life)]
    results = _run([job for _, job in jobs], progress)
    for (names, _), tables in zip(jobs, results, strict=True):
        for name, columns in zip(names, tables, strict=True):
            parts[name].append(columns)
    for name, columns_of_parts in parts.items():
        _write(folder / f"{name}.parquet", columns_of_parts, FILES[name])


def _run(jobs: Sequence[Job], progress: Progress) -> list[list[Columns]]:
    """Run jobs side by side; each has its own seed, so the result does not depend on threads."""
    with (
        progress("replaying futures and pasts", len(jobs)) as advance,
        ThreadPoolExecutor(THREADS) as pool,
    ):

        def run(job: Job) -> list[Columns]:
            tables = job()
            advance(1)
            return tables

        return list(pool.map(run, jobs))


def _write(path: Path, parts: Sequence[Columns], fields: dict[str, pa.DataType]) -> None:
    schema = pa.schema(list(fields.items()))
    tables = []
    for part in parts:
        arrays = []
        for column in schema:
            values = part[column.name]
            if column.type == pa.float64():
                # Rounded, so that processors that add in a different order write the same file.
                values = np.round(np.asarray(values, dtype=np.float64), DIGITS)
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
        tables.append(pa.Table.from_arrays(arrays, schema=schema))
    pq.write_table(pa.concat_tables(tables) if tables else schema.empty_table(), path)


def _skills(life: Life) -> Columns:
    persons: dict[int, tuple[float, ...]] = {}
    for seats in life.exogenous.seats.values():
        for seat, person in enumerate(seats["person"].tolist()):
            if person not in persons:
                persons[person] = tuple(float(seats[name][seat]) for name in SKILLS)
    numbers = np.repeat(np.array(sorted(persons)), len(SKILLS))
    values = np.concatenate([persons[p] for p in sorted(persons)])
    return {"rep_id": ids("R", numbers), "skill": np.tile(SKILLS, len(persons)), "value": values}


def _territories(life: Life) -> Columns:
    potential = potentials(life.settings)
    names = np.array([f"territory {k + 1}" for k in range(len(potential))], dtype=object)
    return {"territory": names, "potential": potential}
