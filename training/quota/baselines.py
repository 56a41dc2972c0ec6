"""Simple forecasts of attainment, each made a distribution by its errors in the past.

A manager's rule gives one number. To be graded fairly beside a distribution it gets the best one a
spreadsheet could make of it: a straight line from what the rule said to what was attained, around
the same week of earlier periods, and the spread of the errors about that line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.evaluation.metrics import logistic
from training.evaluation.quota_forecasts import CHANCE, QUANTILES, RANGE

LINEAR, SEASONAL, COVERAGE = "linear pacing", "seasonal pacing", "coverage rule"
DUE_DEALS, LAST, COMMITS = "due deals", "last period", "human commits"

COLUMNS = (
    "attained_ratio",
    "share_gone",
    "seasonal_attainment",
    "attained",
    "quota",
    "last_attainment",
)
"""Features of reps that rules read."""
OPEN, DUE = "likely_open", "likely_due"
"""The columns of what open deals are likely to bring: all, and those due in the period; see
`coverage.likely_amounts`."""
COMMITTED = "committed"
"""The column of the amount that a person has committed to, where people commit."""

MOST = 4.0
"""Rules are read up to four quotas: pacing on the first days says 30, and means "much"."""
FIRST_DAYS = 0.02
"""Linear pacing divides by at least this share of the period."""
NEAR = 1
"""Weeks on either side whose rows a line is fitted to."""
FEW = 5.0
"""Rep-periods at which a line's slope is believed by half: with fewer it lies closer to flat."""
PRIOR = 1.0
"""Rep-periods that the errors of a company without a past weigh as much as."""
WITHOUT_PAST = np.linspace(-0.9, 0.9, 19)
"""Errors where there is no past at all: from nearly nothing to nearly two quotas."""
SMOOTHING, LEAST_SMOOTHING = 0.5, 0.02
"""Width of the curve that smooths a chance: of the errors' middle half, and at least."""


def point_forecasts(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what each rule says of final attainment, as a ratio to the quota.

    A third into the period, with 20 of a quota of 100 attained, and open deals that are likely to
    bring 33, those due 25:

    | rule            | says                                              |
    |-----------------|---------------------------------------------------|
    | linear pacing   | 0.2 / (1/3) = 0.6                                 |
    | coverage rule   | (20 + 33) / 100 = 0.53                            |
    | due deals       | (20 + 25) / 100 = 0.45                            |
    | human commits   | what was committed to, 90, over 100: 0.9          |

    Args:
        rows: `COLUMNS`, `likely_open`, `likely_due`, and `committed` if people commit.

    Returns:
        Rule -> one number for each row, NaN where the rule has nothing to say.
    """
    quota = rows["quota"].where(rows["quota"] > 0)
    ratios = {
        LINEAR: rows["attained_ratio"] / rows["share_gone"].clip(lower=FIRST_DAYS),
        SEASONAL: rows["seasonal_attainment"],
        COVERAGE: (rows["attained"] + rows[OPEN]) / quota,
        DUE_DEALS: (rows["attained"] + rows[DUE]) / quota,
        LAST: rows["last_attainment"],
    }
    if COMMITTED in rows.columns:
        ratios[COMMITS] = rows[COMMITTED] / quota
    return {name: ratio.astype(np.float64) for name, ratio in ratios.items()}


def baseline_forecasts(
    past: pd.DataFrame, new: pd.DataFrame, target: float = 1.0, *, positive: bool = True
) -> dict[str, pd.DataFrame]:
    """Make all simple forecasts of new rows from matured ones.

    Args:
        past: what `point_forecasts` reads, `week` and `attainment`, of periods that had ended;
            `rep_period` may number the rep-periods, so that many cutoffs of one do not count as
            many.
        new: what `point_forecasts` reads, and `week`.
        target: a miss is attainment below this.
        positive: all amounts are positive, so that nothing attained can be lost again.

    Returns:
        Rule -> `p_attain` and the range, in the order and with the index of `new`.
    """
    before = point_forecasts(past)
    return {
        name: distribution(
            past.assign(point=before.get(name, np.nan)), new.assign(point=ratio), target, positive
        )
        for name, ratio in point_forecasts(new).items()
    }


def distribution(
    past: pd.DataFrame,
    new: pd.DataFrame,
    target: float = 1.0,
    positive: bool = True,  # noqa: FBT001, FBT002 - passed on by one function with a keyword
) -> pd.DataFrame:
    """Turn point forecasts into distributions by the past's errors.

    Args:
        past: `point`, `attainment`, `week`, and `rep_period` if known. Rows without attainment are
            left out.
        new: `point`, `week`, `attained_ratio`.
        target: a miss is attainment below this.
        positive: no quantile lies below what is attained already.

    Returns:
        `p_attain` and the range for each new row. Always numbers: without any past, wide ones.
    """
    known = past[past["attainment"].notna()]
    values = np.full((len(new), 4), np.nan)
    weeks = new["week"].to_numpy()
    for week in np.unique(weeks):
        at = np.flatnonzero(weeks == week)
        point = new["point"].to_numpy(np.float64, na_value=np.nan)[at]
        middle, errors = _line(_near(known, int(week)), point)
        values[at] = np.column_stack(
            [_chance(middle, errors, target), middle[:, None] + np.quantile(errors, QUANTILES)]
        )
    if positive:
        floor = new["attained_ratio"].fillna(0.0).to_numpy(np.float64)
        values[:, 1:] = np.maximum(values[:, 1:], np.maximum(floor, 0.0)[:, None])
        values[floor >= target, 0] = 1.0
    return pd.DataFrame(values, columns=[CHANCE, *RANGE], index=new.index)


def _near(past: pd.DataFrame, week: int) -> pd.DataFrame:
    """Return the rows of a week and its neighbours, or of the nearest week that was ever seen."""
    if past.empty:
        return past
    away = (past["week"] - week).abs()
    return past[away <= max(NEAR, int(away.min()))]


def _line(past: pd.DataFrame, point: Floats) -> tuple[Floats, Floats]:
    """Fit a line from what a rule said to what was attained, and read it at new points.

    The slope of least squares is multiplied by n / (n + 5), with n rep-periods behind it: a line
    needs two points, and through three it is no rule yet. Where the rule said nothing, in the past
    or now, the line answers with the mean.

    | rep-periods | slope of least squares | slope used |
    |-------------|------------------------|------------|
    | 3           | 0.8                    | 0.3        |
    | 45          | 0.8                    | 0.72       |
    | 0           | -                      | 0          |

    Args:
        past: `point`, `attainment`, and `rep_period` if known.
        point: what the rule says of new rows, NaN where it says nothing.

    Returns:
        The line at the new points, and the errors about it.
    """
    if past.empty:
        return np.full(len(point), 1.0), WITHOUT_PAST
    y = past["attainment"].to_numpy(np.float64)
    x = np.clip(past["point"].to_numpy(np.float64, na_value=np.nan), 0.0, MOST)
    known = np.isfinite(x)
    slope, centre = 0.0, 0.0
    if known.any():
        centre = float(x[known].mean())
        spread = x[known] - centre
        square = float(spread @ spread)
        trust = _rep_periods(past[known]) / (_rep_periods(past[known]) + FEW)
        slope = trust * float(spread @ y[known]) / square if square > 0 else 0.0
    level = float(y[known].mean()) if known.any() else float(y.mean())
    fitted = level + slope * np.where(known, x - centre, 0.0)
    new = np.clip(point, 0.0, MOST)
    middle = level + slope * np.where(np.isfinite(new), new - centre, 0.0)
    return middle, _widened(y - fitted, _rep_periods(past))


def _rep_periods(past: pd.DataFrame) -> float:
    """Count the rep-periods behind rows; unnumbered, each is taken to have a row a week."""
    if "rep_period" in past.columns:
        return float(past["rep_period"].nunique())
    return len(past) / (2 * NEAR + 1)


def _widened(errors: Floats, rep_periods: float) -> Floats:
    """Add the errors of a company without a past: one error alone shows no spread.

    They weigh as much as one rep-period, but each of the 19 is there at least once:

    | errors | rep-periods | errors of one rep-period | added               |
    |--------|-------------|--------------------------|---------------------|
    | 3      | 1           | 3                        | 19: at least once   |
    | 300    | 100         | 3                        | 19: at least once   |
    | 76     | 1           | 76                       | 76: four times each |
    """
    copies = max(1, round(PRIOR / max(rep_periods, 1.0) * len(errors) / len(WITHOUT_PAST)))
    return np.concatenate([errors, np.tile(WITHOUT_PAST, copies)])


def _chance(middle: Floats, errors: Floats, target: float) -> Floats:
    """Return the share of errors that would carry over the target, smoothed.

    A narrow logistic curve smooths it, so that of two reps far from quota the nearer one still has
    the higher chance. Counted errors would tie the two, and a tie ranks nobody. The curve's width
    follows the rule of thumb for kernels (Silverman 1986, Density Estimation, 3.4.2).
    """
    low, high = np.quantile(errors, (0.25, 0.75))
    width = max(SMOOTHING * float(high - low) * len(errors) ** -0.2, LEAST_SMOOTHING)
    over = (middle[:, None] + errors[None, :] - target) / width
    return np.asarray(logistic(over).mean(axis=1))
