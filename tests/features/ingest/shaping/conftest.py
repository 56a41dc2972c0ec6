"""An engine that many examples of one test share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ibis.backends.duckdb import Backend

from features.storage.engine import engine


@pytest.fixture(scope="session")
def session_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """An engine for tests that leave nothing behind in it."""
    opened = engine(0.5, 1, tmp_path_factory.mktemp("spill"))
    yield opened
    opened.disconnect()
