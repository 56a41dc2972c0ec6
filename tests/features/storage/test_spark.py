"""What is said where Spark is wanted and cannot be had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import NotReady
from features.storage.spark import spark_session, what_spark_lacks


def test_a_machine_without_pyspark_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra and the setting that does without."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(NotReady, match=r"pacesetter\[spark\].*name: duckdb"):
        spark_session("local[1]", 1.0, {})


def test_a_machine_without_java_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spark would only say that a gateway exited."""
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(NotReady, match="no Java on this machine"):
        spark_session("local[1]", 1.0, {})


@pytest.mark.spark
def test_a_master_that_is_none_is_one_clear_error() -> None:
    """The error names the master that was given, and those that would be right."""
    if missing := what_spark_lacks():
        pytest.skip(missing)
    # In a process of its own: one that has a session gets that one.
    code = "from features.storage.spark import spark_session; spark_session('nonsense', 1.0, {})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("features.errors.NotReady: Spark does not start on 'nonsense'")
    assert "spark://HOST:PORT" in said
