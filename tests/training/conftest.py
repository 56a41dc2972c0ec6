"""One small company, learned from once, for the tests of the training floor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from extract import Extract, Row
from sellers import (
    FEATURES,
    FEW,
    HORIZON,
    START,
    TRAINING,
    UNTIL,
    company,
    open_warehouse,
    without,
)

from features.storage.warehouse import Warehouse
from training.leads.backtest import Backtest, backtest_leads
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import fit_leads
from training.params import LeadParams, TrainingParams
from training.rolling import Range


@pytest.fixture(scope="session")
def extract() -> Extract:
    """The rows as they were handed over."""
    return company()


@pytest.fixture(scope="session")
def history(extract: Extract, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same rows after a real ingest."""
    return open_warehouse(extract, tmp_path_factory.mktemp("sellers"))


@pytest.fixture(scope="session")
def training_set(history: Warehouse) -> TrainingSet:
    """What there is to learn at the end of the extract."""
    return build_training_set(history.until(None), HORIZON, FEATURES, TRAINING)


@pytest.fixture(scope="session")
def quick(training_set: TrainingSet) -> TrainingParams:
    """The parameters, but few features, where it does not matter which there are."""
    return without(set(training_set.examples.feature_set.names) - FEW)


@pytest.fixture(scope="session")
def bundle(history: Warehouse, training_set: TrainingSet) -> Bundle:
    """The model of the end of the extract."""
    return fit_leads(training_set, history.until(None), FEATURES, TRAINING)


@pytest.fixture(scope="session")
def tested(history: Warehouse) -> Backtest:
    """Seven weeks forecast by two models; the last three weeks are not mature."""
    twice = TRAINING.model_copy(update={"leads": LeadParams(horizon_days=HORIZON, most_refits=2)})
    asked = Range(UNTIL - timedelta(days=47), UNTIL - timedelta(days=3))
    return backtest_leads(history, asked, HORIZON, FEATURES, twice)


@pytest.fixture(scope="session")
def waved() -> Extract:
    """A company in which every lead that became 12 days old converted, in one season only."""

    def change(table: str, rows: list[Row]) -> list[Row]:
        return [_in_a_wave(row) for row in rows] if table == "leads" else rows

    return company(leads=1600).each(change)


def _in_a_wave(row: Row) -> Row:
    end = row["created_at"] + timedelta(days=12)
    last = row.get("converted_at") or row.get("lost_at")
    is_season = START + timedelta(days=60) <= end < START + timedelta(days=150)
    if not is_season or (last is not None and last <= end):
        return row
    return {**row, "lost_at": None, "converted_at": end}


@pytest.fixture(scope="session")
def waved_history(waved: Extract, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same after a real ingest."""
    return open_warehouse(waved, tmp_path_factory.mktemp("waved")).until(None)
