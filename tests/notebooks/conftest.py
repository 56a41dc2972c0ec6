"""The runner of the notebooks, and a small home that all of them look at."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SMALL = (
    *("--preset", "small", "--seed", "1", "--set", "lead_cutoffs=4", "--set", "replays=10"),
    *("--set", "cause_replays=2", "--set", "quota_every=28"),
)
QUICK = """\
features:
  windows_days: [7, 30]
  max_types: 2
  minimum: {won: 40, periods: 10}
training:
  leads: {most_refits: 1}
  quota: {most_refits: 1, futures: 100, every_days: 28}
  split: {every_days: 28}
  booster: {max_rounds: 30, early_stopping_rounds: 5, bags: 1}
  evaluation: {draws: 40}
  gate: {draws: 40}
  tune: {trials: 2, folds: 1, every_days: 14}
"""


def _runner() -> ModuleType:
    path = ROOT / "notebooks" / "run.py"
    spec = importlib.util.spec_from_file_location("run_notebooks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by its name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def run() -> ModuleType:
    """`notebooks/run.py`, which is a script in no package."""
    return _runner()


@pytest.fixture(scope="session")
def home(run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company with models; notebooks only read it."""
    place = tmp_path_factory.mktemp("notebooks") / "home"
    run.prepare(place, SMALL, QUICK)
    return place
