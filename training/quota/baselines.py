"""Simple forecasts of attainment, each made a distribution by the errors it made in the past.

A manager's rule gives one number. To be judged fairly beside a distribution it gets the best one a
spreadsheet could make of it: a straight line from the rule to what came of it around the same week
of earlier periods, and the spread of what came about that line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.evaluation.metrics import logistic
from training.evaluation.quota_forecasts import CHANCE, QUANTILES, RANGE

LINEAR, SEASONAL, COVERAGE = "linear pacing", "seasonal pacing", "coverage rule"
LAST, COMMITS = "last period", "human commits"

COLUMNS = (
    "attained_ratio",
    "share_gone",
    "seasonal_attainment",
    "attained",
    "open_amount",
    "company_win_rate",
    "quota",
    "last_attainment",
)
COMMITTED = "committed"
"""The column of an amount that a person has committed to, where there is one."""

MOST = 4.0
"""Rules are read up to four quotas: pacing on the first days says 30, and means 'much'."""
FIRST_DAYS = 0.02
NEAR = 1
"""Weeks on either side that a line is fitted from."""
FEW = 5.0
"""Rep-periods that weigh as much as the belief that the rule says nothing."""
PRIOR = 1.0
"""Rep-periods that the errors without a past weigh as much as."""
UNTOLD = np.linspace(-0.9, 0.9, 19)
"""Errors where there is no past at all: from nearly nothing to nearly two quotas."""


def point_forecasts(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Give what each rule says of final attainment, as a ratio to the quota.

    Args:
        rows: `COLUMNS`, and `committed` if people commit.

    Returns:
        Rule -> one number for each row, NaN where it has nothing to say.
    """
    quota = rows["quota"].where(rows["quota"] > 0)
    open_value = (rows["open_amount"] * rows["company_win_rate"]).fillna(0.0)
    found = {
        LINEAR: rows["attained_ratio"] / rows["share_gone"].clip(lower=FIRST_DAYS),
        SEASONAL: rows["seasonal_attainment"],
        COVERAGE: (rows["attained"] + open_value) / quota,
        LAST: rows["last_attainment"],
    }
    if COMMITTED in rows.columns:
        found[COMMITS] = rows[COMMITTED] / quota
    return {name: said.astype(np.float64) for name, said in found.items()}


def baseline_forecasts(
    past: pd.DataFrame, new: pd.DataFrame, target: float = 1.0, *, positive: bool = True
) -> dict[str, pd.DataFrame]:
    """Make all simple forecasts of new rows from matured ones.

    Args:
        past: `COLUMNS`, `week` and `attainment`, of periods that had ended; `spell` may number
            the rep-periods, so that many cutoffs of one do not count as many.
        new: `COLUMNS` and `week`.
        target: a miss is attainment below this.
        positive: all amounts are, so that nothing attained can be lost again.

    Returns:
        Rule -> `p_attain` and the range, in the order and with the index of `new`.
    """
    before = point_forecasts(past)
    return {
        name: distribution(
            past.assign(point=before.get(name, np.nan)), new.assign(point=said), target, positive
        )
        for name, said in point_forecasts(new).items()
    }


def distribution(
    past: pd.DataFrame,
    new: pd.DataFrame,
    target: float = 1.0,
    positive: bool = True,  # noqa: FBT001, FBT002 - passed on by one function with a keyword
) -> pd.DataFrame:
    """Turn point forecasts into distributions by the past's errors.

    Args:
        past: `point`, `attainment`, `week`; `spell` if known. Rows without attainment are skipped.
        new: `point`, `week`, `attained_ratio`.
        target: a miss is attainment below this.
        positive: no quantile lies below what is attained already.

    Returns:
        `p_attain` and the range for each new row. Always numbers: without any past, wide ones.
    """
    known = past[past["attainment"].notna()]
    made = np.full((len(new), 4), np.nan)
    weeks = new["week"].to_numpy()
    for week in np.unique(weeks):
        at = np.flatnonzero(weeks == week)
        said = new["point"].to_numpy(np.float64, na_value=np.nan)[at]
        middle, errors = _line(_near(known, int(week)), said)
        made[at] = np.column_stack(
            [_chance(middle, errors, target), middle[:, None] + np.quantile(errors, QUANTILES)]
        )
    if positive:
        floor = new["attained_ratio"].fillna(0.0).to_numpy(np.float64)
        made[:, 1:] = np.maximum(made[:, 1:], np.maximum(floor, 0.0)[:, None])
        made[floor >= target, 0] = 1.0
    return pd.DataFrame(made, columns=[CHANCE, *RANGE], index=new.index)


def _near(past: pd.DataFrame, week: int) -> pd.DataFrame:
    """Take the rows around a week; the nearest ones there are where a week was never seen."""
    if past.empty:
        return past
    away = (past["week"] - week).abs()
    return past[away <= max(NEAR, int(away.min()))]


def _line(past: pd.DataFrame, said: Floats) -> tuple[Floats, Floats]:
    """Fit attainment on a rule, and give the line at new points and the errors about it.

    The slope is held towards 0 where rep-periods are few: a line through three points is no rule.
    A rule that says nothing gets the mean.
    """
    if past.empty:
        return np.full(len(said), 1.0), UNTOLD
    y = past["attainment"].to_numpy(np.float64)
    x = np.clip(past["point"].to_numpy(np.float64, na_value=np.nan), 0.0, MOST)
    told = np.isfinite(x)
    slope, centre = 0.0, 0.0
    if told.any():
        centre = float(x[told].mean())
        spread = x[told] - centre
        square = float(spread @ spread)
        trust = _spells(past[told]) / (_spells(past[told]) + FEW)
        slope = trust * float(spread @ y[told]) / square if square > 0 else 0.0
    level = float(y[told].mean()) if told.any() else float(y.mean())
    fitted = level + slope * np.where(told, x - centre, 0.0)
    new = np.clip(said, 0.0, MOST)
    middle = level + slope * np.where(np.isfinite(new), new - centre, 0.0)
    return middle, _widened(y - fitted, _spells(past))


def _spells(past: pd.DataFrame) -> float:
    if "spell" in past.columns:
        return float(past["spell"].nunique())
    return len(past) / (2 * NEAR + 1)


def _widened(errors: Floats, spells: float) -> Floats:
    """Add the errors of a company without a past: one error that was seen is no spread."""
    copies = max(1, round(PRIOR / max(spells, 1.0) * len(errors) / len(UNTOLD)))
    return np.concatenate([errors, np.tile(UNTOLD, copies)])


def _chance(middle: Floats, errors: Floats, target: float) -> Floats:
    """Give the share of errors that would carry over the target.

    Smoothed by a narrow logistic curve, so that of two reps far from quota the nearer one still
    has the higher chance: counted errors would tie them, and a tie ranks nobody.
    """
    ends: Floats = np.quantile(errors, (0.25, 0.75))
    reach = max(0.5 * float(ends[1] - ends[0]) * len(errors) ** -0.2, 0.02)
    over = (middle[:, None] + errors[None, :] - target) / reach
    return np.asarray(logistic(over).mean(axis=1))
