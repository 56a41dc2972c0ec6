"""A made-up backtest of quotas whose true chances are known, for the tests of judging it."""

from __future__ import annotations

from dataclasses import replace
from math import erf

import numpy as np
import pandas as pd

from training.evaluation.quota_forecasts import CHANCE, RANGE, QuotaPredictions
from training.evaluation.truth import QUOTAS, Truth, truth_of

START = pd.Timestamp("2024-01-01")
WEEKS = 13
RAISED = 0.001
"""Ranges begin and end a little beside p10 and p90, so that neither is taken for the other."""
Z90 = 1.2815515655446004


def quota_backtest(
    seed: int = 0, reps: int = 20, periods: int = 4, blur: float = 0.0
) -> QuotaPredictions:
    """Let amounts come in week by week, and forecast them knowing the pace.

    Args:
        seed: of the company.
        reps: in every period.
        periods: of 13 weeks.
        blur: how badly the model knows the pace; 0 is the truth itself.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for period in range(periods):
        start = START + pd.Timedelta(weeks=WEEKS * period)
        pace = rng.gamma(20, 1 / 20, reps)
        weekly = pace[:, None] / WEEKS + rng.normal(0, 0.15, (reps, WEEKS)) / np.sqrt(WEEKS)
        final = weekly.sum(axis=1)
        error = rng.normal(0, blur, reps)
        for week in range(WEEKS):
            left = WEEKS - week
            so_far = weekly[:, :week].sum(axis=1)
            spread = 0.15 * np.sqrt(left / WEEKS)
            for who, about in (("true", 0.0 * error), ("said", error)):
                middle = so_far + (pace + about) * left / WEEKS
                rows += [
                    (who, f"R{r:02}", start, week, m, spread, f, s)
                    for r, (m, f, s) in enumerate(zip(middle, final, so_far, strict=True))
                ]
    names = ["who", "rep_id", "period_start", "week", "middle", "spread", "attainment", "so_far"]
    table = pd.DataFrame(rows, columns=names)
    said = _forecast(table[table["who"] == "said"].reset_index(drop=True))
    quota = 1000.0
    frame = said.assign(
        period_end=said["period_start"] + pd.Timedelta(weeks=WEEKS),
        cutoff=said["period_start"] + pd.to_timedelta(7 * said["week"], unit="D"),
        fold=0,
        quota=quota,
        closed=said["so_far"] * quota,
        expected_open=(said["middle"] - said["so_far"]) * quota / 2,
        expected_new=(said["middle"] - said["so_far"]) * quota / 2,
        range_low=said["attainment_p10"] + RAISED,
        range_high=said["attainment_p90"] + RAISED,
        p_in_range=0.8,
        evidence="enough",
    )
    pacing = table[table["who"] == "said"].reset_index(drop=True)
    pacing = pacing.assign(
        middle=(pacing["so_far"] / (pacing["week"] / WEEKS).clip(lower=0.05)).clip(0, 3), spread=0.4
    )
    number = frame["rep_id"].str[1:].astype(int)
    return QuotaPredictions(
        frame=frame.drop(columns=["who", "week", "middle", "spread", "so_far"]),
        baselines={"linear pacing": _forecast(pacing)[[CHANCE, *RANGE]]},
        rollups=_totals(frame),
        segments={"role": pd.Series(np.where(number % 2, "hunter", "farmer"))},
    )


def truth_beside(predictions: QuotaPredictions) -> Truth:
    """Give the truth of a backtest whose model is the truth."""
    keys = predictions.frame[["rep_id", "period_start", "cutoff", CHANCE, *RANGE]]
    return truth_of(keys.rename(columns={c: f"{c}_true" for c in (CHANCE, *RANGE)}), QUOTAS)


def mixed(predictions: QuotaPredictions, seed: int = 1) -> QuotaPredictions:
    """Give the same rows in another order."""
    order = np.random.default_rng(seed).permutation(len(predictions.frame))
    rollups = predictions.rollups.sample(frac=1, random_state=seed)
    return replace(predictions.take(order), rollups=rollups)


def _forecast(table: pd.DataFrame) -> pd.DataFrame:
    high = (table["middle"] - 1) / table["spread"]
    chance = [0.5 * (1 + erf(z / 2**0.5)) for z in high]
    return table.assign(
        p_attain=chance,
        attainment_p10=table["middle"] - Z90 * table["spread"],
        attainment_p50=table["middle"],
        attainment_p90=table["middle"] + Z90 * table["spread"],
    )


def _totals(frame: pd.DataFrame) -> pd.DataFrame:
    whole = frame.groupby(["period_start", "period_end", "cutoff"])
    table = whole.agg(
        quota=("quota", "sum"),
        mean=("attainment_p50", "sum"),
        actual=("attainment", "sum"),
        reps=("quota", "size"),
    ).reset_index()
    spread = 0.15 * np.sqrt(table["reps"]) * 1000
    middle = table["mean"] * 1000
    return table.assign(
        level="company",
        group="company",
        p10=middle - Z90 * spread,
        p50=middle,
        p90=middle + Z90 * spread,
        mean=middle,
        actual=table["actual"] * 1000,
    ).drop(columns="reps")
