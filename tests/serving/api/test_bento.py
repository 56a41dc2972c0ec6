"""Laws of a Bento: it runs from its own folder, guarded, and answers as its home would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from features.errors import InputError
from serving.access import tokens
from serving.api.bento import build_bento, pins
from serving.settings import Settings
from serving.store.database import Store

# BentoML's builder reads its own files in an old way.
pytestmark = pytest.mark.filterwarnings(r"ignore:path is deprecated\. Use files:DeprecationWarning")


def test_a_bento_runs_from_its_own_folder(tmp_path: Path, home: Path) -> None:
    """BentoML's own command serves it: open where it should be, closed elsewhere, with answers.

    The program is the Bento's copy, and nothing is written into the home it was made of.
    """
    built = build_bento(home, Settings(), tmp_path / "bento", with_data=True)
    _, secret = tokens.create(Store(built.home), "tests")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "elsewhere").mkdir()
    own = {"BENTOML_HOME": str(tmp_path / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bentoml", "serve", str(built.place), "--port", str(port)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=tmp_path / "elsewhere",
        env=os.environ | own,
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert _is_ready(client)
            assert client.get("/livez").status_code == 200
            assert client.post("/next_calls", json={"rep_id": "r1"}).status_code == 401
            headers = {"Authorization": f"Bearer {secret}"}
            answer = client.post("/next_calls", json={"rep_id": "r1"}, headers=headers)
            assert answer.status_code == 200, answer.text
            assert answer.json()["calls"]
    finally:
        # Its workers have sessions of their own: only BentoML itself can end them all.
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert (built.place / "src" / "serving" / "api" / "service.py").is_file()
    assert (built.home / "data" / "models" / "leads").is_dir(), "its own home was worked in"


def _is_ready(client: httpx.Client) -> bool:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return True
        except httpx.TransportError:
            pass  # not listening yet; the deadline ends the wait
        time.sleep(0.3)
    return False


def test_a_bento_without_data_holds_settings_alone(tmp_path: Path, home: Path) -> None:
    """Without --with-data no row, model or token leaves the home."""
    settings = Settings.model_validate({"serving": {"list_length": 7}})
    built = build_bento(home, settings, tmp_path / "bento", with_data=False)
    assert [path.name for path in built.home.iterdir()] == ["params.yaml"]
    assert Settings.load(built.home) == settings
    requirements = (built.place / "src" / "requirements.txt").read_text(encoding="utf-8")
    assert f"bentoml=={version('bentoml')}" in requirements.splitlines()
    assert not [line for line in pins() if line.startswith(("pyspark", "pytest"))]


def test_a_folder_in_use_is_refused(tmp_path: Path, home: Path) -> None:
    """A Bento never mixes with what is there."""
    (tmp_path / "other").write_text("something", encoding="utf-8")
    with pytest.raises(InputError, match="is there already; name a new or an empty folder"):
        build_bento(home, Settings(), tmp_path, with_data=False)
