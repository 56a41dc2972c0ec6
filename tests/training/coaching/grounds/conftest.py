"""One company on equal grounds, compared once, for the tests of the comparison."""

from __future__ import annotations

import pandas as pd
import pytest
from extract import Extract
from ground_company import UNTIL, Bent, grounds_company, laid_open

from features.storage.warehouse import Warehouse
from training.coaching.grounds import equal_grounds
from training.params import TrainingParams

BEST, COLD = "r3", "r6"


@pytest.fixture(scope="session")
def even() -> Extract:
    """Eight reps on the same ground but r6, who gets cold leads only; r3 is twice as good."""
    return grounds_company(1, Bent(skill={BEST: 2.0}, cold=frozenset({COLD})))


@pytest.fixture(scope="session")
def even_history(even: Extract, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same as a warehouse."""
    return laid_open(even, tmp_path_factory.mktemp("even"))


@pytest.fixture(scope="session")
def compared(even_history: Warehouse) -> pd.DataFrame:
    """Its reps, compared over the last whole quarter."""
    return equal_grounds(even_history, TrainingParams(), UNTIL)
