"""How near the totals of managers, territories and the company were, and what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from training.evaluation.bootstrap import WITHHELD, Counts, estimate, resample
from training.evaluation.group import Scores, plain
from training.evaluation.lead_forecasts import codes
from training.evaluation.lead_group import cluster_rate
from training.evaluation.quota_forecasts import SPLIT, QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import mean, median
from training.evaluation.resampled import Forecasts

TEAM_LEVELS = ("company", "territory", "manager")
MIDDLE, AROUND = 0.5, 0.15
"""Mid-period is the cutoff nearest to the middle, no further away than this share of the period."""
MONEY = 0.01
"""Totals this near to an end of a range lie in it."""


@dataclass(frozen=True)
class RollupGrade:
    """How near the totals of one level were.

    Attributes:
        level: `company`, `territory` or `manager`.
        n_totals: group-periods with a known total.
        n_periods: different periods among them.
        withheld: why there are no intervals, or None. The figures themselves are told, with
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
        """Give everything as plain values."""
        return {
            "level": self.level,
            "n_totals": self.n_totals,
            "n_periods": self.n_periods,
            "intervals_withheld": self.withheld,
            "mid_period": plain(self.middle),
            "overall": plain(self.overall),
            "weeks": {week: plain(scores) for week, scores in self.weeks.items()},
        }


def grade_rollups(rollups: pd.DataFrame, settings: QuotaSettings) -> tuple[RollupGrade, ...]:
    """Judge each level whose totals are known."""
    known = rollups[rollups["actual"].notna()]
    order = [*TEAM_LEVELS, *sorted(set(known["level"]) - set(TEAM_LEVELS))]
    return tuple(
        _judge(level, known[known["level"] == level], settings)
        for level in order
        if (known["level"] == level).any()
    )


def _judge(level: str, rows: pd.DataFrame, settings: QuotaSettings) -> RollupGrade:
    rows = rows.sort_values(["cutoff", "group", "period_start"]).reset_index(drop=True)
    totals = codes(rows["group"].astype(str) + "/" + rows["period_start"].astype(str))
    n = int(totals.max()) + 1
    enough = n >= settings.min_spells
    counts = resample(n, settings.draws if enough else 0, settings.seed)
    weeks = ((rows["cutoff"] - rows["period_start"]).dt.days // 7).to_numpy(np.int64)

    def of(at: Ints) -> Scores:
        return _scores(rows.iloc[at], totals[at], counts, settings.level)

    return RollupGrade(
        level=level,
        n_totals=n,
        n_periods=int(rows["period_start"].nunique()),
        withheld=None
        if enough
        else f"{n} totals are too few for an interval, {settings.min_spells} are needed",
        middle=of(_middle(rows, totals)),
        overall=of(np.arange(len(rows))),
        weeks={str(int(w)): of(np.flatnonzero(weeks == w)) for w in np.unique(weeks)},
    )


def _middle(rows: pd.DataFrame, totals: Ints) -> Ints:
    gone = (rows["cutoff"] - rows["period_start"]) / (rows["period_end"] - rows["period_start"])
    away = (gone - MIDDLE).abs()
    nearest = away.groupby(totals).transform("min")
    return np.flatnonzero((away == nearest) & (away <= AROUND))


def _scores(rows: pd.DataFrame, totals: Ints, counts: Counts, level: float) -> Scores:
    if rows.empty:
        return dict.fromkeys(("absolute_percentage_error", "coverage"), WITHHELD)
    actual = rows["actual"].to_numpy(np.float64)
    low, said, high = (rows[c].to_numpy(np.float64) for c in ("p10", "p50", "p90"))
    inside = ((actual >= low - MONEY) & (actual <= high + MONEY)).astype(np.float64)
    # A percentage of nothing is no number; such totals still count for the range.
    told = np.flatnonzero(actual > 0)
    off = np.abs(said[told] - actual[told]) / actual[told]
    covered = mean(inside, totals, counts)
    lists = np.zeros(len(totals), dtype=np.int64)
    return {
        "absolute_percentage_error": estimate(median(off, totals[told], counts), level),
        "coverage": cluster_rate(Forecasts(inside, {}, totals, lists), counts, level)
        if len(counts) > 1
        else estimate(covered, level),
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
    frame, found = known.frame, []
    quota: Floats = frame["quota"].to_numpy(np.float64)
    for week in np.unique(known.weeks):
        at = (known.weeks == week) & (quota > 0)
        total = float(quota[at].sum())
        if total <= 0:
            continue
        parts = [float(frame[c].to_numpy(np.float64)[at].sum()) / total for c in SPLIT]
        actual = float((known.attainment[at] * quota[at]).sum()) / total
        found.append(SplitWeek(int(week), int(at.sum()), (parts[0], parts[1], parts[2]), actual))
    return tuple(found)


@dataclass(frozen=True)
class TotalWeek:
    """What was said of a total at one cutoff; amounts as shares of the quotas together."""

    share_gone: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class TotalPeriod:
    """How the forecast of the company's total narrowed within one period.

    Attributes:
        label: when the period began.
        actual: what came, as a share of the quotas together; None while it runs.
        weeks: in the order of time.
    """

    label: str
    actual: float | None
    weeks: tuple[TotalWeek, ...]


def total_periods(rollups: pd.DataFrame) -> tuple[TotalPeriod, ...]:
    """Take the company's totals period by period, the earliest first."""
    rows = rollups[(rollups["level"] == "company") & (rollups["quota"] > 0)]
    found = []
    for _, part in rows.groupby(["group", "period_end", "period_start"], sort=True):
        weeks = part.sort_values("cutoff")
        start = weeks["period_start"].iloc[0]
        gone = (weeks["cutoff"] - weeks["period_start"]) / (
            weeks["period_end"] - weeks["period_start"]
        )
        shares = [(weeks[c] / weeks["quota"]).to_numpy(np.float64) for c in ("p10", "p50", "p90")]
        points = zip(gone.to_numpy(np.float64), *shares, strict=True)
        last = float((weeks["actual"] / weeks["quota"]).iloc[-1])
        found.append(
            TotalPeriod(
                f"{start:%Y-%m-%d}",
                last if np.isfinite(last) else None,
                tuple(TotalWeek(*map(float, point)) for point in points),
            )
        )
    return tuple(found)
