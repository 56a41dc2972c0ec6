"""The chance of each open deal to be won before a deadline.

The deadline is a feature: the days left until it, and how they compare with the deal's expected
close and age. So one model serves every rep's period, whenever it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from features.arrays import Bools, Floats
from features.build import Examples
from features.feature import FeatureSet
from features.snapshot import CUTOFF
from training.estimators.boosting import Ensemble, TrainingRows, count_rounds, fit_ensemble
from training.estimators.calibration import IDENTITY, Calibrator, choose_calibrator, trust_in
from training.params import BoosterParams
from training.quota.dataset import DealDeadlines, QuotaTrainingSet, other_deadlines
from training.quota.deal_regression import (
    AGE_THEN,
    COLUMNS,
    DAYS_LEFT,
    EARLY,
    SLACK,
    DealRegression,
    fit_deal_regression,
)

PRIOR_WON, PRIOR_CLOSED = 1.0, 4.0
"""A deal of an unknown company is won one time in four."""
LEAST_WON = 30
"""Won deals (and as many others) without which trees would only learn noise."""
TESTS = 2
"""Periods that early stopping looks at."""
YEAR_DAYS = 365
AS_FAR = 0.2
"""How far a map found on one period is followed: most of what it shows is that period's mood."""
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class DealModel:
    """Forecasts whether open deals are won in time.

    Attributes:
        columns: features in use by the trees, those of the deadline last.
        pace: what stage, amount, age and time left say; None where there was too little to learn.
        ensemble: trees that are added to it; None likewise.
        calibrator: maps margins to probabilities.
        base_rate: share of closed deals that are won.
        cycle_days: median days from a deal's opening to its winning.
    """

    columns: tuple[str, ...]
    pace: DealRegression | None
    ensemble: Ensemble | None
    calibrator: Calibrator
    base_rate: float
    cycle_days: float

    def margins(self, deals: Examples, claims: DealDeadlines) -> Floats:
        """Forecast log-odds that each claimed deal is won before its deadline."""
        if not len(claims):
            return np.empty(0)
        if self.ensemble is None:
            return self._by_rule(deals, claims)
        return self.calibrator.margin(self.raw(with_deadline(deals, claims)))

    def raw(self, X: pd.DataFrame) -> Floats:
        """Forecast log-odds of rows of features, before the calibrator."""
        if self.pace is None or self.ensemble is None:
            return np.full(len(X), float(logit(self.base_rate)))
        return self.pace.margins(X) + self.ensemble.margins(X)

    def _by_rule(self, deals: Examples, claims: DealDeadlines) -> Floats:
        """Without a model: the company's share, as far as there is time to get there."""
        left = days_left(deals, claims)
        chance = self.base_rate * (1 - np.exp(-left / self.cycle_days))
        return np.asarray(logit(np.clip(chance, 1e-6, 1 - 1e-6)))


def days_left(deals: Examples, claims: DealDeadlines) -> Floats:
    """Give the days from each claim's cutoff to its deadline."""
    cutoffs = deals.keys[CUTOFF].to_numpy("datetime64[us]")[claims.deal]
    return (claims.deadline - cutoffs) / np.timedelta64(1, "D")


def with_deadline(deals: Examples, claims: DealDeadlines) -> pd.DataFrame:
    """Put the features of the deadline beside those of the deals."""
    X = deals.X.iloc[claims.deal].reset_index(drop=True)
    left = days_left(deals, claims)
    told = {
        DAYS_LEFT: left,
        SLACK: left - X["days_to_expected_close"].to_numpy(),
        AGE_THEN: left + X["age_days"].to_numpy(),
        EARLY: (claims.period_end - claims.deadline) / np.timedelta64(1, "D"),
    }
    return X.assign(**told)


@dataclass(frozen=True)
class DealRows:
    """Claims whose outcome is known, as rows to learn from.

    Attributes:
        X: features, those of the deadline last.
        y: 1 if won in time.
        deadline: of each row.
        deal: whose row it is.
        is_asked: the deadline is the period's end, as in every forecast.
    """

    X: pd.DataFrame
    y: Floats
    deadline: npt.NDArray[np.datetime64]
    deal: npt.NDArray[np.object_]
    is_asked: Bools

    @classmethod
    def joined(cls, parts: Sequence[DealRows]) -> DealRows:
        """Put rows below each other."""
        return cls(
            pd.concat([part.X for part in parts], ignore_index=True),
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.deadline for part in parts]),
            np.concatenate([part.deal for part in parts]),
            np.concatenate([part.is_asked for part in parts]),
        )


def ripe_rows(lesson: QuotaTrainingSet, claims: DealDeadlines) -> DealRows:
    """Take the claims whose deadline has passed, with whether they were met."""
    ripe = claims.take(claims.deadline <= np.datetime64(lesson.until, "us"))
    endings = lesson.endings.iloc[ripe.deal]
    closed = endings["closed_at"].to_numpy("datetime64[us]")
    won = (endings["outcome"].to_numpy() == 1) & (closed < ripe.deadline)
    deal = lesson.deals.keys["deal_id"].to_numpy(dtype=object)[ripe.deal]
    asked = ripe.deadline == ripe.period_end
    X = with_deadline(lesson.deals, ripe)
    return DealRows(X, won.astype(np.float64), ripe.deadline, deal, asked)


def fit_deals(
    lesson: QuotaTrainingSet,
    claims: DealDeadlines,
    ends: Sequence[pd.Timestamp],
    known: pd.Timestamp,
    params: BoosterParams,
    earlier: DealModel | None = None,
) -> DealModel:
    """Fit on the claims of periods that ended by the last of `ends`.

    Early stopping looks at each of the last two periods, forecast from what had ended before it
    began. A period's claims are ripe when it ends, so the gap between parts is the period itself.
    Periods of many lengths may run at once: see `QuotaLesson.ended_before`. Beside the periods'
    ends other deadlines are told (`other_deadlines`).

    Args:
        lesson: what is known.
        claims: all open deals beside the reps they may count for.
        ends: ends of periods to learn from, rising.
        known: other deadlines up to this moment are learned from, those of running periods too.
        params: how trees grow.
        earlier: a model of the same kind that did not see the last period, to calibrate on it.
    """
    base, cycle = _company(lesson, ends)
    if not ends:
        return DealModel((), None, None, IDENTITY, base, cycle)
    others = other_deadlines(lesson.reps, claims, known, params.seed)
    rows = DealRows.joined([ripe_rows(lesson, claims), ripe_rows(lesson, others)])
    ripe = np.where(rows.is_asked, ends[-1].to_datetime64(), known.to_datetime64())
    used = rows.deadline <= ripe
    if min(_won(rows, used & rows.is_asked)) < LEAST_WON:
        return DealModel((), None, None, IDENTITY, base, cycle)
    columns = _useful(lesson, rows, used)
    categorical = _categorical(lesson.deals.feature_set, columns)

    def part(which: Bools, pace: DealRegression) -> TrainingRows:
        X = rows.X[which]
        return TrainingRows(X[columns], rows.y[which], np.ones(len(X)), pace.margins(X))

    folds = []
    for before, last in _tests(lesson, ends):
        past = rows.deadline <= np.datetime64(before, "us")
        then = rows.is_asked & (rows.deadline == np.datetime64(last, "us"))
        if min(_won(rows, past)) >= LEAST_WON and min(_won(rows, then)) > 0:
            pace = fit_deal_regression(rows.X[past], rows.y[past])
            folds.append((part(past, pace), part(then, pace)))
    rounds = count_rounds(folds, categorical, params) if folds else params.max_rounds // 8
    pace = fit_deal_regression(rows.X[used], rows.y[used])
    ensemble = fit_ensemble(part(used, pace), categorical, rounds, params)
    calibrator = IDENTITY
    if earlier is not None and earlier.ensemble is not None:
        calibrator = _calibrated(rows, earlier, lesson.last_end(ends))
    return DealModel(tuple(columns), pace, ensemble, calibrator, base, cycle)


def _tests(
    lesson: QuotaTrainingSet, ends: Sequence[pd.Timestamp]
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Give the last two ends, each with the last end before its periods began; the older first."""
    found: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    while ends and len(found) < TESTS:
        last = lesson.last_end(ends)
        ends = lesson.ended_before(last)
        found += [(ends[-1], last)] if ends else []
    return found[::-1]


def _won(rows: DealRows, which: Bools) -> tuple[int, int]:
    """Count deals won in time, and deals that were not."""
    ever = pd.Series(rows.y[which]).groupby(rows.deal[which]).max()
    return int((ever == 1).sum()), int((ever == 0).sum())


def _calibrated(rows: DealRows, earlier: DealModel, last: pd.Timestamp) -> Calibrator:
    """Choose a calibrator on the last period, forecast by a model that had not seen it."""
    then = rows.is_asked & (rows.deadline == np.datetime64(last, "us"))
    if not then.any() or earlier.ensemble is None:
        return IDENTITY
    margins = earlier.raw(rows.X[then])
    deal = pd.Series(rows.deal[then])
    weights = 1 / deal.groupby(deal).transform("count").to_numpy(np.float64)
    left = rows.X.loc[then, DAYS_LEFT].to_numpy()
    chosen, _ = choose_calibrator(margins, rows.y[then], weights, left <= np.median(left))
    days = round(float(left.max() - left.min())) + 1
    return chosen.trusted(AS_FAR * trust_in(days))


def _company(lesson: QuotaTrainingSet, ends: Sequence[pd.Timestamp]) -> tuple[float, float]:
    """Give the share of deals won and the days that takes, from what had closed by then."""
    frame = lesson.endings.assign(
        deal_id=lesson.deals.keys["deal_id"], created_at=lesson.deals.keys["created_at"]
    )
    until = ends[-1] if ends else pd.Timestamp(lesson.until)
    over = frame[frame["closed_at"] < until].drop_duplicates("deal_id")
    won = over[over["outcome"] == 1]
    share = (len(won) + PRIOR_WON) / (len(over) + PRIOR_CLOSED)
    days = (won["closed_at"] - won["created_at"]).dt.total_seconds() / DAY_SECONDS
    return float(share), float(max(days.median(), 1.0)) if len(won) else 60.0


def _useful(lesson: QuotaTrainingSet, rows: DealRows, used: Bools) -> list[str]:
    """Columns of the regression, and others that vary and do not merely tell the past's dates."""
    varied = rows.X[used].nunique(dropna=False) > 1  # noqa: PD101 - of a frame, not of a series
    cutoffs = lesson.deals.keys[CUTOFF]
    is_short = (cutoffs.max() - cutoffs.min()).days < 2 * YEAR_DAYS
    dates = {f.name for f in lesson.deals.feature_set if f.is_common}
    return [
        n for n in rows.X.columns if n in COLUMNS or (varied[n] and not (is_short and n in dates))
    ]


def _categorical(declared: FeatureSet, columns: Sequence[str]) -> list[str]:
    return [name for name in declared.categorical if name in columns]
