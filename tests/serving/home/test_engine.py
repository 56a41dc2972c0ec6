"""The engine that the settings name is the one that answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import NotReady
from serving.home.home import Home
from serving.params import EngineParams, ServingParams
from serving.settings import Settings


def test_duckdb_answers_unless_told(home: Path) -> None:
    """A home without settings asks nothing but this machine."""
    assert not Home(home, Settings()).warehouse().is_spread


def test_a_home_on_spark_says_what_is_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where Spark cannot be had nothing falls back to another engine in silence."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    settings = Settings(serving=ServingParams(engine=EngineParams(name="spark")))
    with pytest.raises(NotReady, match=r"serving\.engine is spark, but .*name: duckdb"):
        Home(home, settings).warehouse()
