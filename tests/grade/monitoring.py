"""Whether `monitor` finds planted faults within one run, and leaves calm companies alone.

The seeds were named before anyone looked at their companies; 201 to 208 were looked at before the
error of a champion's own level was allowed for (5 alarms in 104 runs, all of calibration), 301 to
308 before the luck that leads of one owner share was (2 alarms in 104, likewise). With owners drawn
whole 401 to 408 had no alarm in 104 runs, but the broken market of seed 221 was missed and that of
222 found: only leads were judged then. The check of open deals was made on 205, 206, 301 and 302 of
the calm companies, on 221 and 222, on `demo` 11 and 12, and on a company of 8 reps whose champion
knew 84 won deals and whose next quarter was 1.66 times its forecast: few won deals have only warned
since. Each company is learned from once, after 12 months, and looked at every two weeks of the half
year after that.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from grades import Grade
from plants import PLANTS, read_extract, write_extract

from features.ingest.load import ingest
from features.params import FeatureParams
from features.progress import silent
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.loop.kinds import KINDS
from training.loop.results import Recipe
from training.monitoring.watch import Champion, Watched, watch
from training.params import BoosterParams, TrainingParams

CALM = (411, 412, 413, 414, 415, 416, 417, 418)
FAULTY = (211, 212)
SHOCKED = (231, 232)
MOST_FALSE = 1
REPS, MONTHS, LEARNED = 20, 18, datetime(2025, 7, 1)
DATES = tuple(LEARNED + timedelta(days=days) for days in range(14, 14 * 14, 14))
SHOCK_LOOKED = datetime(2026, 5, 1)
"""Four months after the market breaks: 13 weeks of outcomes are complete by then."""
PARAMS = TrainingParams(booster=BoosterParams(bags=1))


def monitoring() -> list[Grade]:
    """Grade false alarms on calm companies, and what is found of planted faults."""
    with ProcessPoolExecutor(2) as pool:
        calm = list(pool.map(calm_company, CALM))
        faulty = list(pool.map(faulty_company, FAULTY))
        shocked = list(pool.map(shocked_company, SHOCKED))
    runs = sum(len(company) for company in calm)
    alarms = Counter(what for company in calm for what in company if what)
    said = ", ".join(f"{n} x {what}" for what, n in alarms.items()) or "none"
    false = sum(alarms.values())
    grades = [
        Grade(
            f"calm: runs of {runs} with an alarm", f"{false} ({said})", "<= 1", false <= MOST_FALSE
        )
    ]
    for name in PLANTS:
        found = sum(name in company for company in faulty)
        grades.append(
            Grade(
                f"{name}: found in one run",
                f"{found} of {len(FAULTY)}",
                "all",
                found == len(FAULTY),
            )
        )
    found = sum(shocked)
    return [
        *grades,
        Grade("broken market: found", f"{found} of {len(SHOCKED)}", "all", all(shocked)),
    ]


def calm_company(seed: int) -> list[str]:
    """Return what set off an alarm on each date; empty where nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        home = company(Path(folder), "calm", seed, MONTHS)
        warehouse = opened(home)
        champions = learned(warehouse, LEARNED)
        return [alarm_of(watch(warehouse, champions, PARAMS, date)) for date in DATES]


def faulty_company(seed: int) -> list[str]:
    """Return the names of the faults that were found as what they are."""
    with tempfile.TemporaryDirectory() as folder:
        home = company(Path(folder), "calm", seed, MONTHS)
        champions = learned(opened(home), LEARNED)
        extract, date = read_extract(home / "extract"), DATES[-1]
        found = []
        for name, (plant, days, names) in PLANTS.items():
            changed = plant(extract, pd.Timestamp(date - timedelta(days=days)))
            place = write_extract(changed, home / name)
            ingest(str(place), home, FeatureParams())
            watched = watch(opened(home), champions, PARAMS, date)
            if names & {deviation.what for deviation in watched.alarms}:
                found.append(name)
        return found


def shocked_company(seed: int) -> bool:
    """Tell whether a broken market is found once its outcomes are known."""
    with tempfile.TemporaryDirectory() as folder:
        home = company(Path(folder), "shock", seed, 24, reps=40)
        warehouse = opened(home)
        champions = learned(warehouse, datetime(2025, 12, 1))
        return bool(watch(warehouse, champions, PARAMS, SHOCK_LOOKED).alarms)


def company(home: Path, preset: str, seed: int, months: int, reps: int = REPS) -> Path:
    """Make and ingest a company."""
    settings = company_settings(
        preset, seed=seed, months=months, reps=reps, replays=0, cause_replays=0
    )
    (home / "extract").mkdir()
    live(settings, home / "extract")
    ingest(str(home / "extract"), home, FeatureParams())
    return home


def opened(home: Path) -> Warehouse:
    """Open what was ingested last."""
    return Warehouse.duckdb(current(home))


def learned(warehouse: Warehouse, until: datetime) -> list[Champion]:
    """Train both kinds of model on what was known at a moment."""
    recipe, past = Recipe(FeatureParams(), PARAMS), warehouse.until(until)
    return [
        Champion(
            kind.subject, "1", kind.steps.train(past, recipe, silent).bundle,
            kind.steps.later, kind.steps.checks,
        )
        for kind in KINDS.values()
    ]  # fmt: skip


def alarm_of(watched: Watched) -> str:
    """Return what set off the alarm of a run; empty where nothing did."""
    return "; ".join(f"{d.what} {d.where} {d.size:.2f}" for d in watched.alarms)
