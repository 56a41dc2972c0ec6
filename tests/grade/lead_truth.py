"""Grades of lead forecasts beside the truth: sample companies at ten moments, four weeks apart.

`demo` 1 to 3 were looked at while the model was made. The `seasons` companies, with public holidays
and slow weeks that no setting names, were named here before they were made. Companies and what was
forecast of them are kept under build/grade, so that a run that was broken off goes on where it
ended.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from grades import Grade
from numpy.typing import NDArray
from scipy.special import xlogy

from features.build import build
from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.evaluation.metrics import calibration_error, equal_mass_bins
from training.leads.backtest import backtest_leads
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.params import TrainingParams
from training.rolling import Range

Floats = NDArray[np.float64]
COMPANIES = {"demo": {1: 0.86, 2: 0.87, 3: 0.86}, "seasons": {51: 0.85, 52: 0.85, 53: 0.85}}
"""Presets, seeds, and the share of the gap that is wanted at least."""
MOST_ECE = {"demo": 0.006}
MOST_OFF = {"seasons": 0.15}
"""How far a moment's mean forecast may lie from the mean of the true chances."""
KEPT = Path(__file__).parents[2] / "build" / "grade"
ASKED = Range(datetime(2025, 9, 29), datetime(2026, 6, 8), 28)
HORIZON_DAYS = 30
RETRAININGS = 10
MOST_SPREAD = 0.005


def lead_truth() -> list[Grade]:
    """Grade the forecasts of every company, and what the luck of seeds makes of them."""
    grades = []
    for preset, wanted in COMPANIES.items():
        for seed, least in wanted.items():
            rows = beside_truth(preset, seed)
            grades += _company(f"{preset} {seed}", rows, least)
            if preset in MOST_ECE:
                y, p = rows["y"].to_numpy(), rows["p"].to_numpy()
                ece = calibration_error(y, p, equal_mass_bins(p))
                most = MOST_ECE[preset]
                figure = f"{ece:.4f}"
                grades.append(Grade(f"{preset} {seed}: ECE", figure, f"<= {most}", ece <= most))
            if preset in MOST_OFF:
                grades.append(_moments(f"{preset} {seed}", rows, MOST_OFF[preset]))
    return [*grades, _luck()]


def opened(preset: str, seed: int) -> Warehouse:
    """Make a company with its truth and read it in, unless that was done before; open it."""
    folder = KEPT / f"leads-{preset}-{seed}"
    company, home, is_made = folder / "company", folder / "home", folder / "made"
    if not is_made.exists():
        company.mkdir(parents=True, exist_ok=True)
        settings = company_settings(preset, seed=seed, cause_replays=0, quota_quarters=0)
        write_truth(live(settings, company), company)
        ingest(str(company), home, FeatureParams())
        is_made.touch()
    return Warehouse.duckdb(current(home), FeatureParams().ingest)


def with_truth(preset: str, seed: int, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Put the true chance beside each forecast."""
    file = KEPT / f"leads-{preset}-{seed}" / "company" / "truth" / "lead_probability.parquet"
    truth = pd.read_parquet(file)[["lead_id", "cutoff", "p_true"]]
    return forecasts.merge(truth, on=["lead_id", "cutoff"], validate="one_to_one")


def beside_truth(preset: str, seed: int) -> pd.DataFrame:
    """Forecast by a rolling origin, unless that was done before: `p`, `y` and `p_true`."""
    warehouse = opened(preset, seed)
    kept = KEPT / f"leads-{preset}-{seed}" / "forecasts.parquet"
    if not kept.exists():
        made = backtest_leads(warehouse, ASKED, HORIZON_DAYS, FeatureParams(), TrainingParams())
        made.predictions.frame.to_parquet(kept)
    return with_truth(preset, seed, pd.read_parquet(kept))


def gap_closed(rows: pd.DataFrame) -> float:
    """Return the share of the way from the mean chance to the truth, in expected log loss."""
    p, true = rows["p"].to_numpy(), rows["p_true"].to_numpy()
    start, end = _loss(np.full(len(true), true.mean()), true), _loss(true, true)
    return float((start - _loss(p, true)) / (start - end))


def _loss(p: Floats, true: Floats) -> float:
    return float(-(xlogy(true, p) + xlogy(1 - true, 1 - p)).mean())


def _company(name: str, rows: pd.DataFrame, least: float) -> list[Grade]:
    share = gap_closed(rows)
    what = f"{name}: share of the gap in log loss closed, {len(rows):,} forecasts"
    return [Grade(what, f"{share:.3f}", f">= {least}", round(share, 3) >= least)]


def _moments(name: str, rows: pd.DataFrame, most: float) -> Grade:
    """Grade the worst moment: how far its mean forecast lies from the truth's."""
    means = rows.groupby("cutoff")[["p", "p_true"]].mean()
    off = means["p"] / means["p_true"] - 1
    said = ", ".join(f"{moment:%b %d} {share:+.0%}" for moment, share in off.items())
    what = f"{name}: mean forecast against the true mean, by moment"
    return Grade(what, said, f"within {most:.0%}", bool(off.abs().max() <= most))


def _luck() -> Grade:
    """Train on one past with ten seeds, and grade the spread of the forecasts' worth."""
    warehouse, features, params = opened("demo", 1), FeatureParams(), TrainingParams()
    past = warehouse.until(ASKED.cutoffs[0])
    training_set = build_training_set(past, HORIZON_DAYS, features, params)
    declared = training_set.examples.feature_set
    examples = build(warehouse, declared, training_set.vocabulary, ASKED.cutoffs, features)
    shares = []
    for number in range(RETRAININGS):
        booster = params.booster.model_copy(update={"seed": params.booster.seed + 1_000 * number})
        bundle = fit_leads(
            training_set, past, features, params.model_copy(update={"booster": booster})
        )
        keys = examples.keys[["lead_id", "cutoff"]]
        shares.append(
            gap_closed(with_truth("demo", 1, keys.assign(p=bundle.probability(examples.X))))
        )
    spread = float(np.std(shares, ddof=1))
    figure = f"{spread:.4f} (shares {min(shares):.3f} to {max(shares):.3f})"
    what = (
        f"demo 1: sd of the gap closed over {RETRAININGS} trainings that differ in the seed alone"
    )
    return Grade(what, figure, f"<= {MOST_SPREAD}", spread <= MOST_SPREAD)
