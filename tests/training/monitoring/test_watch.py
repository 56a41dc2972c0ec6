"""Laws of a monitoring run: planted faults are found at once, and the future changes nothing."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2] / "features" / "simulation"))

from plants import PLANTS, Tables, planted, read
from simulated import UNTOLD, lived

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.evaluation.later import LaterForecasts
from training.monitoring.calibration import calibration_alerts, kept_forecasts
from training.monitoring.page import monitor_page
from training.monitoring.watch import Run, monitor
from training.params import MonitorParams

PARAMS = MonitorParams()
FEATURES = FeatureParams()


def opened(source: Path, home: Path) -> Warehouse:
    """Return a company after a real ingest."""
    ingest(str(source), home, FEATURES)
    return Warehouse.duckdb(current(home), FEATURES.ingest)


@pytest.fixture(scope="module")
def company() -> tuple[Path, Tables]:
    """The folder and the tables of a company of three teams."""
    folder = lived("calm", 7, reps=15, months=11, **UNTOLD)[1]
    return folder, read(folder)


@pytest.fixture(scope="module")
def whole(company: tuple[Path, Tables], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The company as it is."""
    return opened(company[0], tmp_path_factory.mktemp("whole"))


def run(warehouse: Warehouse) -> Run:
    """Look at the records alone."""
    return monitor(warehouse, [], PARAMS)


def test_where_nothing_happens_nothing_is_found(whole: Warehouse) -> None:
    """In each of the last weeks."""
    for k in range(6):
        assert not run(whole.until(whole.data_until - timedelta(days=7 * k))).is_alarming


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_in_one_run(
    name: str, company: tuple[Path, Tables], whole: Warehouse, tmp_path: Path
) -> None:
    """As an alarm of its kind, on the page and in the plain values too."""
    plant, wanted = PLANTS[name]
    end = pd.Timestamp(whole.data_until)
    faulty = opened(planted(company[1], plant, end, tmp_path / "company"), tmp_path / "home")
    found = run(faulty.until(whole.data_until))
    assert found.is_alarming
    alarms = {a.what for a in found.alerts if a.severity == "alarm"}
    assert wanted & alarms
    page = monitor_page(found, "test", PARAMS).render()
    for alert in found.alerts:
        assert alert.to_json()["severity"] in ("alarm", "watch")
        assert alert.what in page
    assert "alarm" in page


def test_what_comes_later_changes_no_finding(
    company: tuple[Path, Tables], whole: Warehouse, tmp_path: Path
) -> None:
    """A fault after the moment is not seen at it; nor does the rest of the extract matter."""
    moment = whole.data_until - timedelta(days=28)
    plant, _ = PLANTS["a loader that doubles calls"]
    end = pd.Timestamp(whole.data_until)
    faulty = opened(planted(company[1], plant, end, tmp_path / "company"), tmp_path / "home")
    before, after = run(whole.until(moment)), run(faulty.until(moment))
    assert before.to_json() == after.to_json()
    assert before.weeks.activities.equals(after.weeks.activities)


# Calibration.


def forecasts(seed: int, factor: float, n: int = 3_000) -> LaterForecasts:
    """Return forecasts of leads at three cutoffs, of which `factor` times as many come true."""
    draws = np.random.default_rng(seed)
    p = draws.uniform(0.02, 0.3, n)
    lead = np.arange(n) // 3
    y = (draws.random(n) < np.clip(factor * p, 0, 1)).astype(float)
    cutoff = pd.Timestamp("2025-01-06") + pd.to_timedelta(7 * (np.arange(n) % 3), unit="D")
    keys = pd.DataFrame({"lead_id": lead.astype(str), "cutoff": cutoff})
    return LaterForecasts("a lead converts", keys, p, y, pd.DataFrame(index=keys.index))


def test_forecasts_that_come_true_raise_no_alarm() -> None:
    """Over forty seeds none does, at an interval of 99.8 % and a ratio that matters."""
    alarms = 0
    for seed in range(40):
        kept = kept_forecasts(forecasts(seed, 1.0), PARAMS)
        alarms += len(list(calibration_alerts("leads", "a lead converts", kept, PARAMS)))
    assert alarms == 0


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_forecasts_that_do_not_are_an_alarm(factor: float) -> None:
    """Either way; each cutoff is told with its interval, and few forecasts tell nothing."""
    kept = kept_forecasts(forecasts(1, factor), PARAMS)
    (alert,) = calibration_alerts("leads", "a lead converts", kept, PARAMS)
    assert alert.size == pytest.approx(factor, rel=0.15)
    assert len(kept) == 4
    few = kept_forecasts(forecasts(1, factor, n=60), PARAMS)
    assert not list(calibration_alerts("leads", "a lead converts", few, PARAMS))
    unknown = forecasts(1, factor)
    unknown.y[:] = np.nan
    assert kept_forecasts(unknown, PARAMS) == []
