"""A million leads and 50 million activities, from nothing to one day's scores: time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grades import Grade

MOST_GB = 8.0


def large() -> list[Grade]:
    """Make `large`, ingest it, learn on a sample of snapshots, and score a day."""
    with tempfile.TemporaryDirectory() as folder:
        company, home = str(Path(folder) / "company"), str(Path(folder) / "home")
        steps = (
            ("simulate", "--out", company, "--preset", "large"),
            ("ingest", company),
            ("train", "leads"),
            ("train", "quota"),
            ("score", "--out", str(Path(folder) / "scores")),
        )
        return [_measured(*step, "--home", home) for step in steps]


def _measured(*arguments: str) -> Grade:
    """Run one command in a process of its own, whose peak the next one's does not hide."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "serving", *arguments])
    # wait4 tells what this one process used; `subprocess` does not.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    minutes = (time.monotonic() - started) / 60
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    gigabytes = used.ru_maxrss / 1024**2
    said = f"{minutes:.1f} min ({(used.ru_utime + used.ru_stime) / 60:.1f} of processor), "
    said += f"peak {gigabytes:.1f} GB"
    name = " ".join(word for word in arguments[:2] if word.isalpha())
    return Grade(f"large: {name}", said, f"<= {MOST_GB:.0f} GB", gigabytes <= MOST_GB)
