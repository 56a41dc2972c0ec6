"""Forecasts of teams: the same futures, added up to managers, territories and the company."""

from __future__ import annotations

import pandas as pd

from features.snapshot import CUTOFF
from training.quota.futures import Futures, summed

TEAM_COLUMNS = {"manager": "manager_id", "territory": "territory"}


def roll_up(draws: Futures) -> pd.DataFrame:
    """Add reps up to managers, territories and the company."""
    made = [
        summed(draws, draws.keys[column], level)
        for level, column in TEAM_COLUMNS.items()
        if draws.keys[column].notna().any()
    ]
    whole = pd.Series("company", index=draws.keys.index)
    return pd.concat([*made, summed(draws, whole, "company")], ignore_index=True)


def _with_actual(rollups: pd.DataFrame, draws: Futures, parts: pd.DataFrame) -> pd.DataFrame:
    """Add what teams attained in the end; empty while the period runs."""
    total = parts["closed"] + parts["from_open"] + parts["created_later"]
    made = []
    for level, rows in rollups.groupby("level", sort=False):
        group = draws.keys[TEAM_COLUMNS[str(level)]] if level in TEAM_COLUMNS else "company"
        by = draws.keys.assign(actual=total.to_numpy(), group=group)
        keys = ["group", "period_start", "period_end", CUTOFF]
        actual = by.groupby(keys)["actual"].sum(min_count=1).reset_index()
        made.append(rows.merge(actual, on=keys, how="left"))
    return pd.concat(made, ignore_index=True)
