"""What tests of the feature floor share."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from extract import Extract, Row

# Tests are no package: what they share is found here by its plain name.
sys.path.append(str(Path(__file__).parent))

from by_hand import Opened, day, history


@pytest.fixture(scope="session")
def opened(duckdb: Engine) -> Opened:
    """Open a few rows as a warehouse whose extract ends on day 1000, unless it says otherwise."""

    @contextmanager
    def open_tables(
        *, until: float = 1000, attributes: Any = None, histories: Any = (), **tables: list[Row]
    ) -> Any:
        extract = Extract(tables, day(until), attributes or {})
        with duckdb.open_laid_down(extract) as warehouse, warehouse.workspace() as work:
            yield replace(work, histories=tuple(history(name) for name in histories))

    return open_tables
