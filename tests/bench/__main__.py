"""The speed of the feature build beside its peers, on one made-up company; writes RESULTS.md.

Nothing here passes or fails: figures of a shared machine are told, not asserted. Ratios to the
group-by are of processor time, each taken against the group-bys right before and after it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import venv
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
MADE = Path("build") / "bench"
RESULTS = HERE / "RESULTS.md"
SETS = {
    "shared": "the features the peers can express too",
    "touches": "all declared features of activities",
    "days and reps": "days with an activity, reps who worked on it",
    "whole": "every declared feature of a lead, owner and company included",
}
HEADER = (
    "What", "Features", "Snapshots", "Seconds", "CPU x group-by", "Snapshots/s", "Values/s",
    "Peak GB",
)  # fmt: skip


def run(python: str, script: str, *words: object) -> list[dict[str, Any]]:
    """Run one script in a process of its own; give what it printed, a line each."""
    command = [python, str(HERE / script), *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def environment(name: str) -> str:
    """Give the interpreter of a peer's own environment, made when it is missing."""
    if given := os.environ.get(f"BENCH_{name.upper()}_PYTHON"):
        return given
    place = MADE / f"venv-{name}"
    python, stamp = place / "bin" / "python", place / "installed"
    if not stamp.exists():
        venv.create(place, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / f"{name}.txt")]
        subprocess.run(install, check=True)
        stamp.touch()
    return str(python)


def ours(folder: Path, args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure every set of features, each in a process of its own."""
    found = {}
    for name in SETS:
        sizes = (args.activities, args.snapshots)
        runs = run(sys.executable, "ours.py", folder, *sizes, name, args.repeats)
        ratios = [one["cpu"] / median(base["cpu"] for base in one["group_by"]) for one in runs]
        found[name] = {
            "snapshots": runs[0]["snapshots"],
            "features": runs[0]["features"],
            "seconds": median(one["seconds"] for one in runs),
            "ratio": median(ratios),
            "memory_gb": max(one["memory_gb"] for one in runs),
            "opening": median(one["opening"]["seconds"] for one in runs),
            "opening_ratio": median(
                one["opening"]["cpu"] / median(base["cpu"] for base in one["group_by"])
                for one in runs
            ),
            "group_by": median(base["seconds"] for one in runs for base in one["group_by"]),
        }
    return found


def line(what: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Word one measurement."""
    rate = found["snapshots"] / found["seconds"]
    ratio = f"{found['ratio']:.1f}" if "ratio" in found else ""
    return (
        what,
        str(found["features"]),
        f"{found['snapshots']:,}",
        f"{found['seconds']:.1f}",
        ratio,
        f"{rate:,.0f}",
        f"{rate * found['features']:,.0f}",
        f"{found['memory_gb']:.1f}",
    )


def report(
    args: argparse.Namespace,
    own: dict[str, dict[str, Any]],
    peers: dict[str, dict[str, Any]],
    load: float,
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Put the measurements into rows and sentences."""
    rows = [line(f"pacesetter: {SETS[name]}", found) for name, found in own.items()]
    rows += [line(name, found) for name, found in peers.items()]
    first = own["shared"]
    told = [
        (
            f"{args.activities:,} activities, {first['snapshots']:,} snapshots; the plain "
            f"group-by by lead and type took {first['group_by']:.1f} s (median)."
        ),
        (
            "Not in the figures above: finding the open leads and their owners, "
            f"{first['opening']:.1f} s ({first['opening_ratio']:.1f} x group-by); "
            "the peers are given the snapshots."
        ),
    ]
    for name, found in peers.items():
        rate = first["snapshots"] / first["seconds"] * found["seconds"] / found["snapshots"]
        values = rate * first["features"] / found["features"]
        told.append(f"Against {name}: {rate:,.1f} x in snapshots/s, {values:,.1f} x in values/s.")
    told.append(
        "The shared set: counts and hours in all, by type and by direction, in 5 windows, and "
        "days since the last. getML is asked for counts and sums, no "
        "days since; featuretools makes all of them, on whole leads as many as its time allows "
        "(the best rate counts). Neither honours `known_at`, by type and direction included. "
        "featuretools works on one processor, as it does by default, the others on two."
    )
    busy = max(load, os.getloadavg()[1])
    told.append(f"Load average of the machine, at most (5 minutes, before or after): {busy:.1f}.")
    return rows, told


def shapley(measured: dict[str, Any]) -> str:
    """Word the measurement of Shapley values."""
    return (
        f"Shapley values of {measured['rows']:,} leads: {measured['seconds']:.1f} s, "
        f"{measured['us_a_row']:.0f} µs of processor time a lead; shap's TreeExplainer takes "
        f"{measured['peer_us_a_row']:.0f} µs, {measured['ratio']:.1f} x as much; they are "
        f"{measured['apart']:.0e} apart at most."
    )


def write(rows: Sequence[tuple[str, ...]], told: Sequence[str]) -> None:
    """Write the dated table."""
    names = ("duckdb", "ibis-framework", "numpy", "pyarrow")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    pins = [
        pin
        for name in ("getml", "featuretools")
        for pin in (HERE / f"{name}.txt").read_text(encoding="utf-8").split()
        if pin.startswith(name)
    ]
    lines = [
        "# Speed of the feature build",
        "",
        (
            f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench`: {os.cpu_count()} processors "
            f"({platform.machine()}, shared), Python {platform.python_version()}, {versions}; "
            f"{', '.join(pins)}."
        ),
        "",
        "| " + " | ".join(HEADER) + " |",
        "|---" * len(HEADER) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        *(f"- {sentence}" for sentence in told),
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--activities", type=int, default=10_000_000)
    parser.add_argument("--snapshots", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skip", nargs="*", default=[], choices=["getml", "featuretools"])
    parser.add_argument("--featuretools-seconds", type=float, default=60.0)
    args = parser.parse_args()
    folder = MADE / f"{args.activities}-{args.snapshots}"
    load = os.getloadavg()[1]
    own, peers = ours(folder, args), {}
    if "getml" not in args.skip:
        home = (MADE / "getml").absolute()
        (peers["getML FastProp"],) = run(environment("getml"), "peer_getml.py", folder, home)
    if "featuretools" not in args.skip:
        (peers["featuretools"],) = run(
            environment("featuretools"), "peer_featuretools.py", folder, args.featuretools_seconds
        )
    rows, told = report(args, own, peers, load)
    told += map(shapley, run(sys.executable, "shapley.py"))
    for script in ("ingest_csv.py", "call_values.py"):
        told += (line["says"] for line in run(sys.executable, script))
    table = Table(*HEADER, title="Feature build")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    for sentence in told:
        console.print(sentence)
    write(rows, told)


if __name__ == "__main__":
    main()
