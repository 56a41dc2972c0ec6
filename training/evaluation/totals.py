"""How close forecasts of totals were (manager, territory, company), and what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from training.evaluation.bootstrap import WITHHELD, Counts, percentile_estimate, resample
from training.evaluation.group import Scores, scores_json
from training.evaluation.lead_forecasts import codes
from training.evaluation.lead_group import cluster_rate
from training.evaluation.quota_forecasts import SPLIT, QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import mean, median
from training.evaluation.resampled import Forecasts

TEAM_LEVELS = ("company", "territory", "manager")
MIDDLE, AROUND = 0.5, 0.15
"""Mid-period is the cutoff closest to the middle, no further away than this share of the period."""
MONEY = 0.01
"""Totals this close to an end of a range lie in it."""


@dataclass(frozen=True)
class LevelTotals:
    """How close the totals of one level were.

    Attributes:
        level: `company`, `territory` or `manager`.
        n_totals: group-periods with a known total.
        n_periods: different periods among them.
        withheld: why there are no intervals, or None. The figures themselves are shown, with
            their number: two quarters are two facts, not a rate.
        middle: median absolute percentage error of p50 at mid-period, coverage of the range.
        overall: the same over all cutoffs.
        weeks: week of the period -> the same.
    """

    level: str
    n_totals: int
    n_periods: int
    withheld: str | None
    middle: Scores
    overall: Scores
    weeks: Mapping[str, Scores]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "level": self.level,
            "n_totals": self.n_totals,
            "n_periods": self.n_periods,
            "intervals_withheld": self.withheld,
            "mid_period": scores_json(self.middle),
            "overall": scores_json(self.overall),
            "weeks": {week: scores_json(scores) for week, scores in self.weeks.items()},
        }


def evaluate_totals(rollups: pd.DataFrame, settings: QuotaSettings) -> tuple[LevelTotals, ...]:
    """Evaluate each level whose totals are known: company, territory, manager, then others."""
    known = rollups[rollups["actual"].notna()]
    order = [*TEAM_LEVELS, *sorted(set(known["level"]) - set(TEAM_LEVELS))]
    return tuple(
        _evaluate_level(level, known[known["level"] == level], settings)
        for level in order
        if (known["level"] == level).any()
    )


def _evaluate_level(level: str, rows: pd.DataFrame, settings: QuotaSettings) -> LevelTotals:
    rows = rows.sort_values(["cutoff", "group", "period_start"]).reset_index(drop=True)
    totals = codes(rows["group"].astype(str) + "/" + rows["period_start"].astype(str))
    n = int(totals.max()) + 1
    enough = n >= settings.min_rep_periods
    counts = resample(n, settings.draws if enough else 0, settings.seed)
    weeks = ((rows["cutoff"] - rows["period_start"]).dt.days // 7).to_numpy(np.int64)

    def scores(at: Ints) -> Scores:
        return _scores(rows.iloc[at], totals[at], counts, settings.level)

    return LevelTotals(
        level=level,
        n_totals=n,
        n_periods=int(rows["period_start"].nunique()),
        withheld=None
        if enough
        else f"{n} totals are too few for an interval, {settings.min_rep_periods} are needed",
        middle=scores(_middle(rows, totals)),
        overall=scores(np.arange(len(rows))),
        weeks={str(int(w)): scores(np.flatnonzero(weeks == w)) for w in np.unique(weeks)},
    )


def _middle(rows: pd.DataFrame, totals: Ints) -> Ints:
    """Return the row of each total that is closest to the middle of its period, if one is close."""
    gone = (rows["cutoff"] - rows["period_start"]) / (rows["period_end"] - rows["period_start"])
    distance = (gone - MIDDLE).abs()
    closest = distance.groupby(totals).transform("min")
    return np.flatnonzero((distance == closest) & (distance <= AROUND))


def _scores(rows: pd.DataFrame, totals: Ints, counts: Counts, level: float) -> Scores:
    if rows.empty:
        return dict.fromkeys(("absolute_percentage_error", "coverage"), WITHHELD)
    actual = rows["actual"].to_numpy(np.float64)
    low, middle, high = (rows[c].to_numpy(np.float64) for c in ("p10", "p50", "p90"))
    inside = ((actual >= low - MONEY) & (actual <= high + MONEY)).astype(np.float64)
    # A total of 0 has no percentage error; it still counts for the range.
    positive = np.flatnonzero(actual > 0)
    errors = np.abs(middle[positive] - actual[positive]) / actual[positive]
    covered = mean(inside, totals, counts)
    lists = np.zeros(len(totals), dtype=np.int64)
    return {
        "absolute_percentage_error": percentile_estimate(
            median(errors, totals[positive], counts), level
        ),
        "coverage": cluster_rate(Forecasts(inside, {}, totals, lists), counts, level)
        if len(counts) > 1
        else percentile_estimate(covered, level),
    }


@dataclass(frozen=True)
class SplitWeek:
    """What the whole company's expected amount was made of in one week, as shares of all quotas.

    Attributes:
        week: of the period, from 0.
        n_rows: rep-periods and cutoffs added up.
        parts: closed, expected from open deals, expected from business still to be created.
        actual: what was attained in the end.
    """

    week: int
    n_rows: int
    parts: tuple[float, float, float]
    actual: float


def split_weeks(known: QuotaPredictions) -> tuple[SplitWeek, ...]:
    """Add up the split of all reps, week by week, over periods that have ended."""
    frame, split = known.frame, []
    quota: Floats = frame["quota"].to_numpy(np.float64)
    for week in np.unique(known.weeks):
        at = (known.weeks == week) & (quota > 0)
        total = float(quota[at].sum())
        if total <= 0:
            continue
        parts = [float(frame[c].to_numpy(np.float64)[at].sum()) / total for c in SPLIT]
        actual = float((known.attainment[at] * quota[at]).sum()) / total
        split.append(SplitWeek(int(week), int(at.sum()), (parts[0], parts[1], parts[2]), actual))
    return tuple(split)


@dataclass(frozen=True)
class TotalWeek:
    """The forecast of a total at one cutoff; amounts as shares of all quotas together."""

    share_gone: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class TotalPeriod:
    """How the forecast of the company's total narrowed within one period.

    Attributes:
        label: when the period began.
        actual: the total in the end, as a share of all quotas together; None while it runs.
        weeks: in the order of time.
    """

    label: str
    actual: float | None
    weeks: tuple[TotalWeek, ...]


def total_periods(rollups: pd.DataFrame) -> tuple[TotalPeriod, ...]:
    """Return the company's totals period by period, the earliest first."""
    rows = rollups[(rollups["level"] == "company") & (rollups["quota"] > 0)]
    periods = []
    for _, part in rows.groupby(["group", "period_end", "period_start"], sort=True):
        weeks = part.sort_values("cutoff")
        start = weeks["period_start"].iloc[0]
        gone = (weeks["cutoff"] - weeks["period_start"]) / (
            weeks["period_end"] - weeks["period_start"]
        )
        shares = [(weeks[c] / weeks["quota"]).to_numpy(np.float64) for c in ("p10", "p50", "p90")]
        points = zip(gone.to_numpy(np.float64), *shares, strict=True)
        last = float((weeks["actual"] / weeks["quota"]).iloc[-1])
        periods.append(
            TotalPeriod(
                f"{start:%Y-%m-%d}",
                last if np.isfinite(last) else None,
                tuple(TotalWeek(*map(float, point)) for point in points),
            )
        )
    return tuple(periods)
