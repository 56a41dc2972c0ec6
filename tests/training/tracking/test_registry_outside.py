"""Laws of the registry seen from other processes: MLflow's own tools, the network, the folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

TRAIN = """
import json, os, sys
from pathlib import Path

calls = []
sys.addaudithook(
    lambda event, args: calls.append(f"{event} {args[1:]}")
    if event in ("socket.connect", "socket.getaddrinfo") else None
)
sys.path.append(sys.argv[1])
import small_models
from training.tracking.registry import Tracking
before = dict(os.environ)
light = "mlflow" not in sys.modules
tracking = Tracking(Path(sys.argv[2]))
tracking.log(small_models.record(small_models.fitted()))
from mlflow.telemetry import get_telemetry_client

X = small_models.frame(small_models.fitted().columns, 50)
X.to_parquet(sys.argv[3])
print(json.dumps({
    "p": tracking.champion("leads").bundle.probability(X).tolist(),
    "uri": tracking.mlruns.uri,
    "calls": calls,
    "light": light,
    "telemetry": str(get_telemetry_client()),
    "environment": dict(os.environ) == before,
}))
"""

LOAD = """
import json, sys
import mlflow, pandas as pd

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/pacesetter-leads@champion")
X = pd.read_parquet(sys.argv[2])
print(json.dumps({
    "p": model.predict(X).tolist(),
    "inputs": [[c.name, c.type.name] for c in model.metadata.signature.inputs.inputs],
    "columns": list(X.columns),
}))
"""


def run(code: str, folder: Path, *arguments: str, **extra: str) -> tuple[dict[str, object], str]:
    """Run code in a process of its own, away from any sign of being a test or in CI."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **extra},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer, done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty one to work in."""
    folder = tmp_path_factory.mktemp("out side")
    (folder / "cwd").mkdir()
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> tuple[dict[str, object], str]:
    """Log a model in a process of its own; returns its answer, and its words on stderr."""
    helpers = Path(__file__).parent
    return run(TRAIN, place / "cwd", str(helpers), str(place / "home"), str(place / "X.parquet"))


def test_keeps_to_itself(trained: tuple[dict[str, object], str], place: Path) -> None:
    """Logging calls nobody, says nothing, leaves the environment and the working folder alone."""
    answer, said = trained
    assert answer["calls"] == []
    assert answer["telemetry"] == "None"
    assert answer["environment"] is True
    assert said == ""
    assert list((place / "cwd").iterdir()) == []


def test_importing_is_light(trained: tuple[dict[str, object], str]) -> None:
    """Importing the tracking does not import MLflow, which takes seconds."""
    assert trained[0]["light"] is True


def test_pyfunc(trained: tuple[dict[str, object], str], place: Path) -> None:
    """MLflow itself loads the champion elsewhere, warns of nothing, and forecasts the same bits."""
    uri = str(trained[0]["uri"])
    answer, said = run(
        LOAD, place / "cwd", uri, str(place / "X.parquet"), MLFLOW_DISABLE_TELEMETRY="true"
    )
    assert answer["p"] == trained[0]["p"]
    assert answer["inputs"] == [[name, "double"] for name in answer["columns"]]  # type: ignore[attr-defined]
    assert "WARN" not in said, said
