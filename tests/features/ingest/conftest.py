"""An engine and staged tables, for tests of single steps of an ingest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.files import inspect_file
from features.ingest.language.tables import TableMapping
from features.ingest.match import match_table
from features.ingest.typed import read_typed
from features.params import IngestParams
from features.storage.engine import engine
from features.tables import TABLES

# Tests are no package: what they share is found here by its plain name.
sys.path.append(str(Path(__file__).parent))

MakePlan = Callable[..., Plan]


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """An engine of its own for every test: steps leave tables behind in it."""
    opened = engine(0.5, 1, tmp_path / "spill")
    yield opened
    opened.disconnect()


@pytest.fixture(scope="session")
def session_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """An engine that the many examples of one test share."""
    opened = engine(0.5, 1, tmp_path_factory.mktemp("spill"))
    yield opened
    opened.disconnect()


@pytest.fixture
def plan_of(backend: Backend, tmp_path: Path) -> MakePlan:
    """What makes the plan of one table from the text of a CSV file."""

    def make(table: str, content: str, mapping: TableMapping | None = None) -> Plan:
        file = tmp_path / f"{table}.csv"
        file.write_text(content, encoding="utf-8")
        raw = inspect_file(backend, file)
        matched = match_table(TABLES[table], raw, IngestParams(), mapping or TableMapping())
        return read_typed(backend, matched, tmp_path / f"{table}.staged", IngestParams())[0]

    return make
