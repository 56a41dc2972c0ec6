"""Grades of the sample company itself: is its truth calibrated, and how believable is it?"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from grades import Grade
from sklearn.metrics import roc_auc_score

from features.simulation.live import live
from features.simulation.realism import Extract, attainment, realism
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth

sys.path.append(str(Path(__file__).parents[1] / "features" / "simulation"))

from simulated import ece, mature, noise_floor

SEEDS = (1, 2, 3, 4, 5)
REALISM_SEEDS = (1, 2, 3)
MOST_ECE = 0.01
CEILING = (0.70, 0.82)


def sample_truth() -> list[Grade]:
    """Grade the replayed truth of five demo companies against what came."""
    leads, quotas, grades = [], [], []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            write_truth(live(company_settings("demo", seed=seed, cause_replays=0), out), out)
            leads.append(mature(out))
            quotas.append(_quotas(out).assign(seed=seed))
        found = leads[-1]
        auc = float(roc_auc_score(found["y"], found["p_true"]))
        said = f"AUC {auc:.3f}, {found['y'].mean():.1%} of {len(found):,} convert"
        name = f"sample company, seed {seed}: best possible forecast of leads"
        grades.append(Grade(name, said, "0.70 to 0.82", CEILING[0] <= auc <= CEILING[1]))
    return [*grades, *_leads_over(leads), *_quotas_over(quotas)]


def _leads_over(parts: list[pd.DataFrame]) -> list[Grade]:
    every = pd.concat(parts)
    p, y = every["p_true"].to_numpy(), every["y"].to_numpy()
    auc = float(roc_auc_score(y, p))
    found = ece(p, y)
    what = f"sample companies, seeds {SEEDS[0]} to {SEEDS[-1]}"
    return [
        Grade(
            f"{what}: ECE of true chances to convert",
            f"{found:.4f}, noise floor {noise_floor(p):.4f}, {len(p):,} leads and moments",
            f"<= {MOST_ECE}",
            found <= MOST_ECE,
        ),
        Grade(
            f"{what}: best possible AUC",
            f"{auc:.3f}",
            "0.70 to 0.82",
            CEILING[0] <= auc <= CEILING[1],
        ),
        Grade(f"{what}: converted, said and came", f"{p.mean():.2%} and {y.mean():.2%}", "", None),
    ]


def _quotas(out: Path) -> pd.DataFrame:
    told = pd.read_parquet(out / "truth" / "attainment.parquet")
    made = attainment(Extract.read(out))[["rep_id", "period_start", "attainment"]]
    return told.merge(made, on=["rep_id", "period_start"])


def _quotas_over(parts: list[pd.DataFrame]) -> list[Grade]:
    every = pd.concat(parts)
    p, y = every["p_attain_true"].to_numpy(), (every["attainment"] >= 1).to_numpy()
    least, most = every["attainment_p10_true"] - 1e-6, every["attainment_p90_true"] + 1e-6
    inside = every["attainment"].between(least, most).mean()
    weeks = (every["cutoff"] - every["period_start"]).dt.days // 7
    auc = {week: roc_auc_score(y[weeks == week], p[weeks == week]) for week in (0, 4, 8, 12)}
    what = f"sample companies, seeds {SEEDS[0]} to {SEEDS[-1]}"
    return [
        Grade(
            f"{what}: ECE of true chances to attain",
            # Rows of one rep-quarter share their outcome: a floor from free rows would flatter.
            f"{ece(p, y):.4f}, noise floor {_clustered_floor(every, p):.4f}, {len(p):,} rows",
            "beside the floor",
            None,
        ),
        Grade(f"{what}: attained, said and came", f"{p.mean():.1%} and {y.mean():.1%}", "", None),
        Grade(f"{what}: outcomes between true p10 and p90", f"{inside:.1%}", "80 % or more", None),
        Grade(
            f"{what}: best possible AUC of attaining, by week",
            ", ".join(f"{week}: {value:.3f}" for week, value in auc.items()),
            "rises",
            bool(np.all(np.diff(list(auc.values())) > 0)),
        ),
    ]


def _clustered_floor(every: pd.DataFrame, p: np.ndarray, tries: int = 40) -> float:
    """ECE where every rep-quarter has one piece of luck that decides all its rows."""
    code = every.groupby(["seed", "rep_id", "period_start"]).ngroup().to_numpy()
    draws = np.random.default_rng(0)
    luck = (draws.random(code.max() + 1)[code] for _ in range(tries))
    return float(np.mean([ece(p, u < p) for u in luck]))


def sample_realism() -> list[Grade]:
    """Measure how believable three demo companies are."""
    columns: list[list[str]] = []
    for seed in REALISM_SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            live(company_settings("demo", seed=seed, replays=0, cause_replays=0), out)
            figures = realism(out)
        columns.append([figure.text() for figure in figures])
    shown = zip(figures, *columns, strict=True)
    return [
        Grade(figure.name, ", ".join(texts), f"{figure.published} ({figure.grade})", None)
        for figure, *texts in shown
    ]
