"""Grades of monitoring: false alarms where nothing happens, and faults that are planted.

`calm` 101 to 108 were named here before they were made. A champion is trained 20 weeks before a
company's end, and monitored in each of the last twelve weeks, with calibration known for the first
of its forecasts. Everything is kept under build/grade.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from grades import Grade

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.fit import learn_leads
from training.monitoring.watch import Run, monitor
from training.params import TrainingParams
from training.quota.fit import learn_quota
from training.tracking.loading import load_bundle
from training.tracking.records import LoadedModel

sys.path.append(str(Path(__file__).parents[1] / "training" / "monitoring"))

from plants import PLANTS, planted, read

KEPT = Path(__file__).parents[2] / "build" / "grade"
CALM = (101, 102, 103, 104, 105, 106, 107, 108)
SIZE = {"reps": 24, "months": 24}
WEEKS = 12
TRAINED = timedelta(days=7 * 20)
SHOCK_SEEDS = (111, 112)
FAULT_SEED = 113
PARAMS, FEATURES = TrainingParams(), FeatureParams()


def monitoring() -> list[Grade]:
    """Grade all of it."""
    return [*_false_alarms(), *_faults(), *_shocks()]


def _company(preset: str, seed: int) -> Path:
    """Make a company, once."""
    folder = KEPT / f"monitor-{preset}-{seed}"
    if not (folder / "truth").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        settings = company_settings(preset, seed=seed, replays=0, cause_replays=0, **SIZE)
        write_truth(live(settings, folder), folder)
    return folder


def _opened(home: Path, source: Path) -> Warehouse:
    """Ingest once, and open."""
    if not (home / "data").is_dir():
        ingest(str(source), home, FEATURES)
    return Warehouse.duckdb(current(home), FEATURES.ingest)


def _champions(home: Path, warehouse: Warehouse, until: datetime) -> list[LoadedModel]:
    """Train a model of each kind on what was there at a moment, once."""
    models = []
    for kind in ("leads", "quota"):
        folder = home / f"{kind}-model"
        if not folder.is_dir():
            if kind == "leads":
                horizon = PARAMS.leads.horizon_days
                learn_leads(warehouse.until(until), horizon, FEATURES, PARAMS).save(folder)
            else:
                learn_quota(warehouse.until(until), FEATURES, PARAMS).save(folder)
        models.append(LoadedModel(kind, "1", "", load_bundle(folder)))
    return models


def _run(warehouse: Warehouse, models: list[LoadedModel], as_of: datetime) -> Run:
    return monitor(warehouse.until(as_of), models, PARAMS.monitor)


def _false_alarms() -> list[Grade]:
    alarms, runs = [], 0
    for seed in CALM:
        home = KEPT / f"monitor-calm-{seed}-home"
        warehouse = _opened(home, _company("calm", seed))
        models = _champions(home, warehouse, warehouse.data_until - TRAINED)
        for k in range(WEEKS):
            as_of = warehouse.data_until - timedelta(days=7 * k)
            told = home / f"run-{as_of:%Y-%m-%d}.json"
            if not told.is_file():
                told.write_text(json.dumps(_run(warehouse, models, as_of).to_json(), default=str))
            findings = json.loads(told.read_text())["findings"]
            found = [f"{f['what']} {f['where']}" for f in findings if f["severity"] == "alarm"]
            runs += 1
            if found:
                alarms.append(f"calm {seed}, {as_of:%Y-%m-%d}: {', '.join(found)}")
    said = f"{len(alarms)} of {runs} runs" + (f" ({'; '.join(alarms)})" if alarms else "")
    what = f"false alarms on calm {CALM[0]} to {CALM[-1]}, {WEEKS} weekly runs each"
    return [Grade(what, said, "at most 1 in 93 or more", len(alarms) <= 1)]


def _faults() -> list[Grade]:
    source, grades = _company("calm", FAULT_SEED), []
    clean = _opened(KEPT / f"monitor-calm-{FAULT_SEED}-home", source)
    models = _champions(KEPT / f"monitor-calm-{FAULT_SEED}-home", clean, clean.data_until - TRAINED)
    tables, end = read(source), pd.Timestamp(clean.data_until)
    for name, (plant, wanted) in PLANTS.items():
        home = KEPT / f"monitor-fault-{plant.__name__}"
        faulty = _opened(home, planted(tables, plant, end, home / "company"))
        found = [
            a.what for a in _run(faulty, models, clean.data_until).alerts if a.severity == "alarm"
        ]
        grades.append(
            Grade(f"{name}: found at once", ", ".join(sorted(set(found))) or "nothing", "found",
                  bool(wanted & set(found)))
        )  # fmt: skip
    return grades


def _shocks() -> list[Grade]:
    """A market that breaks after month 18; the champion is older, and the run 13 weeks later."""
    grades = []
    for seed in SHOCK_SEEDS:
        home = KEPT / f"monitor-shock-{seed}-home"
        warehouse = _opened(home, _company("shock", seed))
        start = company_settings("shock").start
        broken = datetime(start.year + (start.month + 17) // 12, (start.month + 17) % 12 + 1, 1)
        models = _champions(home, warehouse, broken)
        run = _run(warehouse, models, broken + timedelta(days=91))
        found = [a.says for a in run.alerts if a.severity == "alarm"]
        what = f"shock {seed}: found in the run 13 weeks after the break"
        grades.append(Grade(what, "; ".join(found)[:300] or "nothing", "found", bool(found)))
    return grades
