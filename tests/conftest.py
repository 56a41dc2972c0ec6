"""What every test may use: random small companies, and the engines they are put on."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

# Tests are no package: what the laws share, and how grades count, is found by its plain name.
sys.path += [str(Path(__file__).parent / name) for name in ("laws", "grade")]

from engines import Engine, duckdb_engine, small_spark, spark_engine
from histories import Case, random_case
from postgres_server import PASSWORD, programs, running

from features.storage.spark import what_spark_lacks

THIRD_PARTIES = (
    # ibis 12 calls DuckDB 2.0 by an old name.
    "ignore:fetch_arrow_table:DeprecationWarning",
    # pyarrow 25 asks pandas 3.1 for an option that is always on by now.
    "ignore:The .future.infer_string. option",
)
"""What libraries warn of among themselves; every other warning is an error."""
SPARK_PARTIES = (
    # pyspark 4.0 leaves the sockets it fetches rows through to the collector.
    "ignore::ResourceWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and let the collector rest."""
    config.addinivalue_line("markers", "spark: needs Java and pyspark; takes a minute")
    # Queries are compiled from hundreds of thousands of small objects, which the collector would
    # walk again and again: a fifth of the time of tests that build features.
    gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let libraries warn among themselves, also where `-W error` is given."""
    for item in items:
        is_spark = item.get_closest_marker("spark") is not None
        for ignored in (*THIRD_PARTIES, *(SPARK_PARTIES if is_spark else ())):
            item.add_marker(pytest.mark.filterwarnings(ignored))


@pytest.fixture(scope="session")
def crm() -> Callable[[int], Case]:
    """Make the random small company of a seed."""
    return lambda seed: random_case(Random(seed))  # noqa: S311 - no secret


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    """Draw what the seed of a company says."""
    return Random(request.param)  # noqa: S311 - no secret


@pytest.fixture(scope="session")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """DuckDB, opened anew for each extract."""
    return duckdb_engine(tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One small Spark session on this machine; in CI it must be there."""
    missing = what_spark_lacks()
    if missing and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"Spark cannot be tried: {missing}")
    if missing:
        pytest.skip(f"Spark cannot be tried: {missing}")
    folder = tmp_path_factory.mktemp("spark")
    session = small_spark(folder)
    yield spark_engine(session, folder)
    # This may run after a test of anything.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        session.stop()
        gc.collect()


@pytest.fixture(scope="session", params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Any:
    """Run a test once on each engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL server that asks for a password: user:password@host; CI must have it."""
    folder_of_programs = programs()
    if folder_of_programs is None:
        reason = "PostgreSQL is not installed: initdb not found"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's folder, into which only the user who runs the tests may look.
    with tempfile.TemporaryDirectory(prefix="pacesetter-pg-") as folder:
        yield from running(folder_of_programs, Path(folder))


@pytest.fixture
def postgres_url(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the server's database without its password, which is in the environment."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    user, _, place = postgres_server.partition("@")
    return f"postgresql://{user.partition(':')[0]}@{place}/postgres"
