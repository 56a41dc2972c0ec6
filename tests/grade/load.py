"""Requests against the running service on this machine, bounded in number."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

REQUESTS = 2_000
CLIENTS = 8
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Load:
    """What the service showed under load."""

    requests: int
    clients: int
    failed: int
    median_ms: float
    late_ms: float
    grown_mb: float


def press(home: Path, secret: str) -> Load:
    """Start the service, ask it many times from several clients, and stop it."""
    port = _free_port()
    command = [sys.executable, "-m", "serving", "--home", str(home), "serve", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address)
        taken: list[float] = []
        failed, memory = 0, []
        for _half in range(2):
            more, bad = _half_of_it(address, secret)
            taken += more
            failed += bad
            memory.append(_memory_mb(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=30)
    late = statistics.quantiles(taken, n=20)[-1]
    grown = memory[1] - memory[0]
    return Load(len(taken), CLIENTS, failed, statistics.median(taken), late, grown)


def _half_of_it(address: str, secret: str) -> tuple[list[float], int]:
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=address, headers=headers, timeout=30) as client:

        def ask(_number: int) -> tuple[float, bool]:
            started = time.perf_counter()
            answer = client.post("/next_calls", json={"rep_id": None, "limit": 10})
            return 1000 * (time.perf_counter() - started), answer.status_code == httpx.codes.OK

        with ThreadPoolExecutor(CLIENTS) as pool:
            done = list(pool.map(ask, range(REQUESTS // 2)))
    return [took for took, _ in done], sum(not good for _, good in done)


def _wait(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass  # not listening yet; the deadline ends the wait
        time.sleep(0.5)
    raise SystemExit(f"the service was not ready within {PATIENCE_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _memory_mb(pid: int) -> float:
    """Resident memory of the process and its children (Linux)."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except OSError:
            continue  # ended meanwhile
        mine = int(status.parent.name) == pid or int(told.get("PPid", "0")) == pid
        if mine and "VmRSS" in told:
            total += int(told["VmRSS"].split()[0]) / 1024
    return total
