"""Laws of faults of the real process: killed, in a strange environment, with a full disk."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from serving.access import tokens
from serving.store.database import Store
from serving.store.scores import ScoreLog

ROOT = Path(__file__).parents[3]
KILL_AT = ROOT / "tests" / "e2e" / "kill_at.py"
STRAY = {
    "PROMETHEUS_MULTIPROC_DIR": "nowhere/at/all",
    "prometheus_multiproc_dir": "nowhere/at/all",
    "BENTOML_CONFIG": "nowhere/bentoml.yaml",
    "BENTOML_CONFIG_OPTIONS": "api_server.nothing=1",
    "BENTOML_HOME": "nowhere/bentoml",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9/",
    "MLFLOW_REGISTRY_URI": "http://127.0.0.1:9/",
    "MLFLOW_RUN_ID": "nothing",
}
"""What a machine may set for other programs that use the same libraries."""
PATIENCE_SECONDS = 90
MOST_BYTES = 40_000
"""A limit of files that SQLite can begin to write under, and a scoring run breaks."""


@pytest.fixture
def place(tmp_path: Path, home: Path) -> Path:
    """A home of its own with data and a champion, never scored."""
    ignored = shutil.ignore_patterns("store.sqlite*", "source")
    return shutil.copytree(home, tmp_path / "home", ignore=ignored)


@contextmanager
def serving(
    place: Path, *program: str, before: Callable[[], None] | None = None, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Run the service as a process of its own, with a token."""
    _, secret = tokens.create(Store(place), "tests")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, *(program or ("-m", "serving"))]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, "--home", str(place), "serve", "--port", str(port)],
            stderr=log,
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            preexec_fn=before,  # noqa: PLW1509 - one thread, and a limit that only a child may have
        )
    headers = {"Authorization": f"Bearer {secret}"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
        ) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()


def wait(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    """Wait until the service is ready."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet; the deadline ends the wait
        time.sleep(0.2)
    pytest.fail("the service was not ready in time")


def test_a_service_killed_in_the_middle_of_a_run(place: Path) -> None:
    """Killed between the rows of a run and its end, it leaves none of it; the next one makes it.

    That next one has an environment made for other programs: it works all the same, writes nothing
    outside its home, and logs no traceback. Killed in turn while it answers, it loses nothing.
    """
    log = ScoreLog(Store(place))
    with serving(place, str(KILL_AT), "_write", "leave", "1") as (process, _):
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert log.runs("leads") == []

    with serving(place, **STRAY) as (process, client):
        wait(process, client)
        (run,) = log.runs("leads")
        answer = client.post("/next_calls", json={"rep_id": "r1"})
        assert answer.status_code == 200
        assert "pacesetter_requests_total" in client.get("/metrics").text
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "Traceback" not in (place / "log").read_text(encoding="utf-8")
    assert not (place / "nowhere").exists()

    with serving(place) as (process, client):
        wait(process, client)
        assert client.post("/next_calls", json={"rep_id": "r1"}).json() == answer.json()
    assert log.runs("leads") == [run]


def test_a_full_disk_stops_no_answer(place: Path) -> None:
    """Where files may grow no more, scores are answered from memory, and health says what to do."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))

    with serving(place, before=full) as (process, client):
        wait(process, client)
        assert client.post("/next_calls", json={"rep_id": "r1"}).json()["calls"]
        problem = client.post("/health").json()["problem"]
        assert "scores are answered from memory alone, since the store failed" in problem
        assert "Free space on its disk" in problem
    assert ScoreLog(Store(place)).runs("leads") == []
