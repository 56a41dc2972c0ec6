"""Sample companies for tests: played once, examined by many."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd

from features.simulation.live import Life, live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth

UNTOLD = {"replays": 0, "cause_replays": 0}
"""No truth but skills and territories."""
TABLES = ("accounts", "activities", "changes", "deals", "leads", "quotas", "reps")


@cache
def lived(preset: str, seed: int, **changes: Any) -> tuple[Life, Path]:
    """Return a company and the folder of its tables, truth included."""
    out = Path(mkdtemp(prefix="company"))
    life = live(company_settings(preset, seed=seed, **changes), out)
    write_truth(life, out)
    return life, out


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read all tables of a company."""
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def truth(folder: Path, name: str) -> pd.DataFrame:
    """Read a table of its truth."""
    return pd.read_parquet(folder / "truth" / f"{name}.parquet")


def mature(folder: Path) -> pd.DataFrame:
    """Return `p_true` of every lead and mature cutoff, with `y`, whether it converted."""
    chances, extract = truth(folder, "lead_probability"), tables(folder)
    end = extract["activities"]["occurred_at"].max().ceil("D")
    horizon = pd.to_timedelta(chances["horizon_days"], unit="D")
    chances = chances[chances["cutoff"] + horizon <= end]
    times = extract["leads"].set_index("lead_id")["converted_at"].reindex(chances["lead_id"])
    start = chances["cutoff"].to_numpy()
    converted = (times.to_numpy() >= start) & (times.to_numpy() < start + np.timedelta64(30, "D"))
    return chances.assign(y=converted)


def ece(p: np.ndarray, y: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error in bins of equal mass."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(abs(p[i].mean() - y[i].mean()) * len(i) for i in parts) / len(p))


def noise_floor(p: np.ndarray, tries: int = 40) -> float:
    """ECE that outcomes of exactly these chances would have, on average."""
    draws = np.random.default_rng(0)
    return float(np.mean([ece(p, draws.random(len(p)) < p) for _ in range(tries)]))
