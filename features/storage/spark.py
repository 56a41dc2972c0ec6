"""Opens Spark, the engine for what does not fit one machine. The one place that needs pyspark.

Spark reads the same parquet files as DuckDB. What it computes in Python runs in workers that import
pacesetter by its name, so it must be installed where executors run; what is sent to them is text
and tables, and no object of pacesetter's is pickled.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

from features.errors import NotReady

HERE = ("local", "local[", "local-cluster[")
"""How the names of masters begin whose executors run on this machine."""
SETTINGS: Mapping[str, str] = {
    "spark.driver.maxResultSize": "0",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32768",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
}
"""How Spark is started, unless the settings say otherwise."""
PYTHON = "PYSPARK_PYTHON"
_OPENING = Lock()
"""Held while Spark starts: models of several kinds are trained side by side."""


def spark_session(master: str, memory_gb: float, settings: Mapping[str, Any]) -> Any:
    """Open Spark, or return the session that this process has opened already.

    Args:
        master: where executors run: local[*], spark://HOST:PORT, yarn, k8s://...
        memory_gb: memory the driver may use.
        settings: Spark's own, which win over ours.

    Raises:
        NotReady: pyspark or Java is not there, or Spark does not start.
    """
    if missing := what_spark_lacks():
        raise NotReady(f"serving.engine is spark, but {missing}; serving.engine.name: duckdb")
    from pyspark.errors import PySparkException  # noqa: PLC0415 - the extra `spark`
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the extra `spark`

    builder = SparkSession.builder.master(master).appName("pacesetter")
    memory = {"spark.driver.memory": f"{int(memory_gb * 1024)}m"}
    here = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    is_here = master.startswith(HERE)
    for name, value in {**SETTINGS, **memory, **(here if is_here else {}), **settings}.items():
        builder = builder.config(name, value)
    try:
        with _OPENING, _same_python() if is_here else nullcontext():
            session = builder.getOrCreate()
    except PySparkException as error:
        problem = str(error).splitlines()[0]
        raise NotReady(
            f"Spark does not start on {master!r}: {problem} Spark's own words stand above; "
            "serving.engine.master is like local[*], spark://HOST:PORT, yarn or k8s://..."
        ) from None
    # Executors whose driver is gone without a word are started again and again.
    atexit.register(session.stop)
    return session


def what_spark_lacks() -> str:
    """Say what is missing on this machine, and how to get it; nothing if Spark can be started."""
    from importlib.util import find_spec  # noqa: PLC0415 - asked where Spark is wanted

    if find_spec("pyspark") is None:
        return "pyspark is not installed (pip install 'pacesetter[spark]')"
    java = Path(os.environ.get("JAVA_HOME", "-")) / "bin" / "java"
    if shutil.which("java") is None and not java.exists():
        return "there is no Java on this machine (Spark 4 needs version 17 or 21)"
    return ""


@contextmanager
def _same_python() -> Iterator[None]:
    """Let workers on this machine run the Python that runs now, unless another one is named."""
    before = os.environ.get(PYTHON)
    os.environ.setdefault(PYTHON, sys.executable)
    try:
        yield
    finally:
        if before is None:
            del os.environ[PYTHON]
