"""Laws of an ingest that dies, or that is not alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
from features.errors import InputError
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current, exclusive
from features.tables import TABLES

ROOT = Path(features.__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
from features.ingest.load import ingest
from features.params import FeatureParams
print("ready", flush=True)
for _ in range(50):
    ingest(sys.argv[1], Path(sys.argv[2]), FeatureParams())
"""


def extract(folder: Path, mark: str, count: int) -> str:
    """Write an extract all of whose activities carry the same mark."""
    folder.mkdir()
    columns = {
        "occurred_at": ["2025-01-01"] * count,
        "type": [mark] * count,
        "activity_id": [f"{mark}{i}" for i in range(count)],
    }
    pq.write_table(pa.table(columns), folder / "activities.parquet")
    return str(folder)


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a program in a process of its own and wait until it says that it is ready."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process as the system does when memory is short: at once, without a word."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.1])
def test_a_killed_ingest_leaves_a_whole_warehouse(tmp_path: Path, seconds: float) -> None:
    """Killed at any moment, the warehouse is wholly the old one or wholly the new one."""
    old = extract(tmp_path / "old", "old", 300)
    new = extract(tmp_path / "new", "new", 20_000)
    ingest(old, tmp_path, FeatureParams())
    process = start(PROGRAM, new, str(tmp_path))
    time.sleep(seconds)
    kill(process)
    meta = current(tmp_path)
    types = pq.read_table(meta.path / "activities.parquet", columns=["type"])["type"]
    marks = set(types.to_pylist())
    assert (marks, len(types)) in [({"old"}, 300), ({"new"}, 20_000)]
    assert meta.source == (old if marks == {"old"} else new)
    for name in TABLES:
        pq.read_schema(meta.path / f"{name}.parquet")
    report = ingest(old, tmp_path, FeatureParams())
    assert report.tables["activities"].accepted == 300
    names = [path.name for path in (tmp_path / "data" / "warehouses").iterdir()]
    assert not any(name.endswith(".partial") for name in names)
    assert len(names) <= 2
    assert pq.read_table(current(tmp_path).path / "activities.parquet").num_rows == 300


HOLDER = """
import sys, time
from pathlib import Path
from features.storage.catalog import exclusive
with exclusive(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_two_ingests_do_not_run_at_once(tmp_path: Path) -> None:
    """A second ingest says which process is at work; once that is dead, it goes ahead."""
    source = extract(tmp_path / "in", "x", 3)
    process = start(HOLDER, str(tmp_path))
    try:
        with pytest.raises(InputError, match=rf"another ingest is at work .*process {process.pid}"):
            ingest(source, tmp_path, FeatureParams())
    finally:
        kill(process)
    assert ingest(source, tmp_path, FeatureParams()).tables["activities"].accepted == 3


def fail_halfway(home: Path) -> None:
    """Begin a warehouse and break off."""
    with exclusive(home) as folder:
        (folder / "leads.parquet").write_text("half")
        raise RuntimeError("halfway")


def test_a_failed_ingest_leaves_no_trace(tmp_path: Path) -> None:
    """An ingest that ends with an error removes what it had begun."""
    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway(tmp_path)
    assert not list((tmp_path / "data" / "warehouses").iterdir())


def test_a_damaged_pointer_is_said(tmp_path: Path) -> None:
    """A pointer that is no JSON names its file and what to do."""
    ingest(extract(tmp_path / "in", "x", 3), tmp_path, FeatureParams())
    (tmp_path / "data" / "current.json").write_text("{")
    with pytest.raises(InputError, match=r"current\.json: .*remove it and ingest again"):
        current(tmp_path)
