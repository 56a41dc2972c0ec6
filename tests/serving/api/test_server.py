"""Laws of the process: it starts, answers, and ends as it is told, leaving nothing behind."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from features.errors import InputError
from serving.access import tokens
from serving.api.service import serve
from serving.settings import Settings
from serving.store.database import Store

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from pathlib import Path
from serving.api.service import serve
from serving.store.database import Store
from serving.settings import Settings
home = Path(sys.argv[1])
sys.exit(serve(home, Settings.load(home), "127.0.0.1", 0))
"""


@contextmanager
def running(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a real server on a free port; gives the process and its address."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(home / "nobody")}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(home)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=home,
    )
    try:
        assert process.stderr is not None
        greeting = process.stderr.readline()
        assert greeting.startswith("Pacesetter answers on http://127.0.0.1:"), greeting
        yield process, greeting.split()[3]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_server_answers_and_ends_on_a_signal(home: Path) -> None:
    """The real server is open and closed where it should be, and ends cleanly on SIGTERM."""
    _, secret = tokens.create(Store(home), "a program")
    with running(home) as (process, address):
        with httpx.Client(base_url=address, timeout=60) as client:
            assert client.get("/livez").status_code == 200
            assert client.post("/next_calls", json={"rep_id": "r1"}).status_code == 401
            client.headers["Authorization"] = f"Bearer {secret}"
            while client.get("/readyz").status_code != 200:
                time.sleep(0.2)
            answer = client.post("/next_calls", json={"rep_id": "r1", "limit": 3})
            assert len(answer.json()["calls"]) == 3
            pickled = {"Content-Type": "application/vnd.bentoml+pickle"}
            refused = client.post("/next_calls", content=pickle.dumps(1), headers=pickled)
            assert refused.status_code == 415
            assert "pacesetter_requests_total" in client.get("/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        logged = process.stderr.read()
        assert "Traceback" not in logged
        assert secret not in logged
        assert "POST /next_calls 200" in logged
        assert process.stdout is not None
        assert not process.stdout.read(), "words go to stderr"
    assert not (home / "nobody").exists(), "nothing is written outside the home"


def test_a_server_that_still_warms_up_ends_at_once(home: Path) -> None:
    """Ctrl-C does not wait for scores that are being made."""
    with running(home) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_port_in_use_is_one_clear_error(tmp_path: Path) -> None:
    """Nothing starts on a port that another program has; the error names the port and a way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} on 127.0.0.1 is in use") as caught:
            serve(tmp_path, Settings(), "127.0.0.1", port)
    assert caught.value.exit_code == 2


def test_a_host_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    """A host that cannot be listened on is named."""
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1"):
        serve(tmp_path, Settings(), "192.0.2.1", 0)


def test_importing_the_service_loads_no_model_library() -> None:
    """The process answers health before MLflow is loaded, by far the slowest of all."""
    code = "import sys, serving.api.service\nprint({'mlflow','shap'} & {*sys.modules})"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
