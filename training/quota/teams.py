"""Forecasts of teams: the same futures, added up to managers, territories and the company."""

from __future__ import annotations

import pandas as pd

from features.snapshot import CUTOFF
from training.quota.futures import Futures, summed

TEAM_COLUMNS = {"manager": "manager_id", "territory": "territory"}
"""Kinds of teams, and the column that names each rep's."""
COMPANY = "company"
KEYS = ["group", "period_start", "period_end", CUTOFF]


def roll_up(futures: Futures) -> pd.DataFrame:
    """Add reps up to managers, territories and the company; see `futures.summed`.

    Args:
        futures: of the reps.

    Returns:
        The rows of every level, one below the other. A level that no rep has is left out.
    """
    levels = [
        summed(futures, futures.keys[column], level)
        for level, column in TEAM_COLUMNS.items()
        if futures.keys[column].notna().any()
    ]
    everybody = pd.Series(COMPANY, index=futures.keys.index)
    return pd.concat([*levels, summed(futures, everybody, COMPANY)], ignore_index=True)


def with_actual(rollups: pd.DataFrame, futures: Futures, parts: pd.DataFrame) -> pd.DataFrame:
    """Add what teams attained in the end.

    Args:
        rollups: from `roll_up`.
        futures: of the reps that were rolled up.
        parts: what each rep attained in the end, split: `closed, from_open, created_later`.

    Returns:
        The rows with `actual`, an amount; NaN while the period runs.
    """
    total = parts["closed"] + parts["from_open"] + parts["created_later"]
    levels = []
    for level, rows in rollups.groupby("level", sort=False):
        group = futures.keys[TEAM_COLUMNS[str(level)]] if level in TEAM_COLUMNS else COMPANY
        reps = futures.keys.assign(actual=total.to_numpy(), group=group)
        actual = reps.groupby(KEYS)["actual"].sum(min_count=1).reset_index()
        levels.append(rows.merge(actual, on=KEYS, how="left"))
    return pd.concat(levels, ignore_index=True)
