"""Grades of wins above expectation beside the truth: companies of very unequal territories.

The seeds were named before anyone looked at their companies; `territory` 21 to 25 were looked at
while the comparison was made. Each quarter is compared at its end, with what is known then.
Companies are kept under build/grade, so that a run that was broken off goes on where it ended.

Skill is one number here: the log of the factors for qualifying and for closing, added up, which is
what a rep makes of a lead. What it would be with the log of volume is reported beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from coaching_causes import company
from grades import Grade
from numpy.typing import NDArray

from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.coaching.grounds import equal_grounds
from training.params import TrainingParams

Floats = NDArray[np.float64]
SEEDS = (601, 602, 603)
KEY = ["rep_id", "period_start", "metric"]
LEAST_QUARTER, LEAST_REP = 0.85, 0.92
COVERED = (0.75, 0.85)
DRAWS = 400


def coaching_grounds(seeds: Sequence[int] = SEEDS) -> list[Grade]:
    """Grade every company, and the intervals of all of them together."""
    companies = {seed: beside_truth(*opened(seed)) for seed in seeds}
    grades = [grade for seed, rows in companies.items() for grade in company_grades(seed, rows)]
    rows = pd.concat(companies.values(), ignore_index=True)
    for metric in ("wins", "conversions", "revenue"):
        own = rows[rows["metric"] == metric]
        share = float(own["is_covered"].mean())
        is_met = COVERED[0] <= share <= COVERED[1] if metric == "wins" else None
        what = f"territory: 80 % intervals of {metric}, {len(own):,} rep-quarters"
        figure = f"{100 * share:.1f} % hold the truth"
        grades.append(Grade(what, figure, "75 to 85 %" if metric == "wins" else "", is_met))
    return grades


def opened(seed: int) -> tuple[Warehouse, Path]:
    """Make a company with its truth, unless that was done before, and open it."""
    folder = company("territory", seed)
    return Warehouse.duckdb(current(folder / "home")), folder / "company" / "truth"


def beside_truth(warehouse: Warehouse, truth: Path) -> pd.DataFrame:
    """Compare the reps of every quarter at its end, and put the truth and their skill beside it."""
    quotas = warehouse.arrow(warehouse["quotas"].select("period_end").distinct()).to_pandas()
    moments = [min(end, warehouse.data_until) for end in sorted(quotas["period_end"])]
    frames = [equal_grounds(warehouse, TrainingParams(), moment) for moment in moments]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows.merge(pd.read_parquet(truth / "equal_grounds.parquet"), on=KEY)
    skills = pd.read_parquet(truth / "skills.parquet")
    factors = skills.pivot_table(index="rep_id", columns="skill", values="value")
    own = {name: np.log(factors[name].loc[rows["rep_id"]].to_numpy()) for name in factors}
    skill = own["qualifying"] + own["closing"]
    inside = (rows["low"] <= rows["residual_true"]) & (rows["residual_true"] <= rows["high"])
    return rows.assign(skill=skill, with_volume=skill + own["volume"], is_covered=inside)


def company_grades(seed: int, rows: pd.DataFrame) -> list[Grade]:
    """Grade the residuals of wins of one company, by rep and quarter and by rep."""
    wins = rows[rows["metric"] == "wins"]
    grades = []
    for skill in ("skill", "with_volume"):
        for pooled, least in ((False, LEAST_QUARTER), (True, LEAST_REP)):
            ratio = _ratio(wins, skill, pooled=pooled)
            low, high = np.quantile(_draws(wins, skill, pooled=pooled), [0.05, 0.95])
            is_graded = skill == "skill"
            unit = "by rep" if pooled else "by rep and quarter"
            name = "skill" if is_graded else "skill with volume"
            count = wins["rep_id"].nunique() if pooled else len(wins)
            what = f"territory {seed}: correlation with {name} over the truth's, {unit}, {count}"
            figure = f"{ratio:.3f} ({low:.3f} to {high:.3f})"
            grades.append(
                Grade(
                    what,
                    figure,
                    f">= {least}" if is_graded else "",
                    ratio >= least if is_graded else None,
                )
            )
    off = wins["expected"] - wins["expected_true"]
    size = float(np.sqrt((off**2).mean()) / wins["expected_true"].mean())
    bias = float(off.sum() / wins["expected_true"].sum())
    figure = f"{100 * size:.0f} %, {100 * bias:+.0f} % on average"
    covered = f"{100 * wins['is_covered'].mean():.1f} %"
    return [
        *grades,
        Grade(f"territory {seed}: expected wins, off by (rms)", figure, "", None),
        Grade(f"territory {seed}: 80 % intervals of wins that hold the truth", covered, "", None),
    ]


def _ratio(wins: pd.DataFrame, skill: str, *, pooled: bool) -> float:
    """Return how well residuals go with skill, beside how well the true ones do."""
    columns = ["residual", "residual_true", skill]
    rows = wins.groupby("rep_id")[columns].mean() if pooled else wins[columns]
    found = np.corrcoef(rows.to_numpy(np.float64).T)
    return float(found[0, 2] / found[1, 2])


def _draws(wins: pd.DataFrame, skill: str, *, pooled: bool) -> Floats:
    """Return the ratio on resamples that draw reps, each with all its quarters."""
    rng = np.random.default_rng(7)
    by_rep = [rows for _, rows in wins.groupby("rep_id")]
    draws = []
    for _ in range(DRAWS):
        picked = rng.integers(0, len(by_rep), len(by_rep))
        rows = pd.concat(by_rep[k].assign(rep_id=place) for place, k in enumerate(picked))
        draws.append(_ratio(rows, skill, pooled=pooled))
    return np.array(draws)
