"""The chance of each open deal to be won before a deadline.

The deadline is a feature: the days left until it, and how they compare with the deal's expected
close and age. So one model serves every rep's period, whenever it ends.

A forecast is made in three layers, each in log-odds and each the start of the next:

| layer               | what it knows                               | learned from             |
|---------------------|---------------------------------------------|--------------------------|
| the deal regression | stage, amount, age, time left, in products  | all mature deadlines     |
| trees added to it   | every feature                               | all mature deadlines     |
| a calibrator on top | how far off the two were on the last period | a model blind to that    |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from training.params import CalibrationParams, TrainingParams
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
"""Imagined deals before any are known: one in four is won."""
USUAL_DAYS = 60.0
"""Days from opening to winning, before any deal is won."""
LEAST_WON = 30
"""Won deals, and as many others, without which trees would only learn noise."""
TESTS = 2
"""Periods that early stopping looks at."""
YEAR_DAYS = 365
AS_FAR = 0.2
"""Trust in a calibrator chosen on one period: most of what it shows is that period's luck."""
NEVER = 1e-6
"""The fallback's chances lie at least so far from 0 and 1."""
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class DealModel:
    """Forecasts whether open deals are won in time.

    Attributes:
        columns: the features the trees use, those of the deadline last.
        regression: what stage, amount, age and time left say; None where there was too little to
            learn from.
        ensemble: trees that are added to it; None likewise.
        calibrator: maps log-odds to calibrated ones.
        base_rate: share of closed deals that were won.
        cycle_days: median days from a deal's opening to its winning.
    """

    columns: tuple[str, ...]
    regression: DealRegression | None
    ensemble: Ensemble | None
    calibrator: Calibrator
    base_rate: float
    cycle_days: float

    def margins(self, deals: Examples, deadlines: DealDeadlines) -> Floats:
        """Return the log-odds that each deal is won before its deadline."""
        if not len(deadlines):
            return np.empty(0)
        if self.ensemble is None:
            return self._by_rule(deals, deadlines)
        return self.calibrator.margin(self.raw(with_deadline(deals, deadlines)))

    def raw(self, X: pd.DataFrame) -> Floats:
        """Return the log-odds of rows of features, before the calibrator."""
        if self.regression is None or self.ensemble is None:
            return np.full(len(X), float(logit(self.base_rate)))
        return self.regression.margins(X) + self.ensemble.margins(X)

    def _by_rule(self, deals: Examples, deadlines: DealDeadlines) -> Floats:
        """Fallback: company win rate, discounted by the time left.

        The time to a win is taken as exponential with mean `cycle_days`. At a win rate of 0.4 and
        30 days to a win:

        | days left | chance                     |
        |-----------|----------------------------|
        | 0         | 0.4 * (1 - 1)      = 0.00  |
        | 30        | 0.4 * (1 - 1 / e)  = 0.25  |
        | 300       | 0.4 * (1 - e^-10)  = 0.40  |
        """
        left = days_left(deals, deadlines)
        chance = self.base_rate * (1 - np.exp(-left / self.cycle_days))
        return np.asarray(logit(np.clip(chance, NEVER, 1 - NEVER)))


def days_left(deals: Examples, deadlines: DealDeadlines) -> Floats:
    """Return the days from each pair's cutoff to its deadline."""
    cutoffs = deals.keys[CUTOFF].to_numpy("datetime64[us]")[deadlines.deal]
    return (deadlines.deadline - cutoffs) / np.timedelta64(1, "D")


def with_deadline(deals: Examples, deadlines: DealDeadlines) -> pd.DataFrame:
    """Return a row for each pair: the deal's features, and behind them those of the deadline."""
    X = deals.X.iloc[deadlines.deal].reset_index(drop=True)
    left = days_left(deals, deadlines)
    columns = {
        DAYS_LEFT: left,
        SLACK: left - X["days_to_expected_close"].to_numpy(),
        AGE_THEN: left + X["age_days"].to_numpy(),
        EARLY: (deadlines.period_end - deadlines.deadline) / np.timedelta64(1, "D"),
    }
    return X.assign(**columns)


@dataclass(frozen=True)
class DealRows:
    """Deals before deadlines that have passed, as rows to learn from.

    Attributes:
        X: features, those of the deadline last.
        y: 1 if won in time.
        deadline: of each row.
        deal: the deal's id.
        is_asked: the deadline is the period's end, as in every forecast.
    """

    X: pd.DataFrame
    y: Floats
    deadline: npt.NDArray[np.datetime64]
    deal: npt.NDArray[np.object_]
    is_asked: Bools

    @classmethod
    def joined(cls, parts: Sequence[DealRows]) -> DealRows:
        """Return the rows of all parts, one part below the other."""
        return cls(
            pd.concat([part.X for part in parts], ignore_index=True),
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.deadline for part in parts]),
            np.concatenate([part.deal for part in parts]),
            np.concatenate([part.is_asked for part in parts]),
        )


def mature_rows(training_set: QuotaTrainingSet, deadlines: DealDeadlines) -> DealRows:
    """Return the pairs whose deadline has passed, with whether the deal was won before it.

    | deadline | the deal                      | until  | row         |
    |----------|-------------------------------|--------|-------------|
    | Mar 31   | won on Mar 20                 | Apr 15 | y = 1       |
    | Mar 31   | won on Apr 9, lost, or open   | Apr 15 | y = 0       |
    | Jun 30   | won on Apr 9                  | Apr 15 | none as yet |
    """
    mature = deadlines.take(deadlines.deadline <= np.datetime64(training_set.until, "us"))
    endings = training_set.endings.iloc[mature.deal]
    closed = endings["closed_at"].to_numpy("datetime64[us]")
    won = (endings["outcome"].to_numpy() == 1) & (closed < mature.deadline)
    deal = training_set.deals.keys["deal_id"].to_numpy(dtype=object)[mature.deal]
    asked = mature.deadline == mature.period_end
    X = with_deadline(training_set.deals, mature)
    return DealRows(X, won.astype(np.float64), mature.deadline, deal, asked)


def fit_deals(
    training_set: QuotaTrainingSet,
    deadlines: DealDeadlines,
    ends: Sequence[pd.Timestamp],
    known: pd.Timestamp,
    params: TrainingParams,
    earlier: DealModel | None = None,
) -> DealModel:
    """Fit to the deals of periods that ended by the last of `ends`.

    Early stopping looks at each of the last two periods, forecast from what had ended before it
    began. A deadline at a period's end matures when the period ends, so the gap between parts is
    the period itself. Periods of several lengths may run at once: see
    `QuotaTrainingSet.ended_before`. Deadlines on other days are learned from too
    (`other_deadlines`), but neither stop trees nor calibrate.

    Args:
        training_set: what is known.
        deadlines: all open deals beside the reps' rows they may count for.
        ends: ends of the periods to learn from, rising.
        known: deadlines on other days are learned from up to here, those of running periods too.
        params: how trees grow, how far the regression and the calibrator may bend.
        earlier: a model of the same kind that did not see the last period, to calibrate on it.

    Returns:
        The model; without trees where fewer than 30 deals were won, or fewer were not.
    """
    base_rate, cycle_days = _company(training_set, ends)
    if not ends:
        return DealModel((), None, None, IDENTITY, base_rate, cycle_days)
    booster = params.booster.model_copy(update={"feature_fraction": params.quota.feature_fraction})
    others = other_deadlines(training_set.reps, deadlines, known, booster.seed)
    rows = DealRows.joined([mature_rows(training_set, d) for d in (deadlines, others)])
    limit = np.where(rows.is_asked, ends[-1].to_datetime64(), known.to_datetime64())
    used = rows.deadline <= limit
    if min(_count(rows, used & rows.is_asked)) < LEAST_WON:
        return DealModel((), None, None, IDENTITY, base_rate, cycle_days)
    columns = _useful(training_set, rows, used)
    categorical = _categorical(training_set.deals.feature_set, columns)
    folds = [
        (_part(rows, past, columns, regression), _part(rows, test, columns, regression))
        for past, test, regression in _folds(training_set, rows, ends, params.quota.inverse_ridge)
    ]
    rounds = count_rounds(folds, categorical, booster) if folds else booster.max_rounds // 8
    regression = fit_deal_regression(rows.X[used], rows.y[used], params.quota.inverse_ridge)
    ensemble = fit_ensemble(_part(rows, used, columns, regression), categorical, rounds, booster)
    calibrator = IDENTITY
    if earlier is not None and earlier.ensemble is not None:
        calibrator = _calibrated(rows, earlier, training_set.last_end(ends), params.calibration)
    return DealModel(tuple(columns), regression, ensemble, calibrator, base_rate, cycle_days)


def _part(
    rows: DealRows, mask: Bools, columns: Sequence[str], regression: DealRegression
) -> TrainingRows:
    """Return some rows for the trees, which start from what the regression says."""
    X = rows.X[mask]
    start = regression.margins(X)
    return TrainingRows(X[list(columns)], rows.y[mask], np.ones(len(X)), start)


def _folds(
    training_set: QuotaTrainingSet,
    rows: DealRows,
    ends: Sequence[pd.Timestamp],
    inverse_ridge: float,
) -> Iterator[tuple[Bools, Bools, DealRegression]]:
    """Yield for each of the last periods: masks of its past and of itself, and a regression.

    A period is passed over where its past holds too few deals of either outcome, or it has none.
    """
    for before, last in _tests(training_set, ends):
        past = rows.deadline <= np.datetime64(before, "us")
        test = _of_period(rows, last)
        if min(_count(rows, past)) >= LEAST_WON and min(_count(rows, test)) > 0:
            yield past, test, fit_deal_regression(rows.X[past], rows.y[past], inverse_ridge)


def _of_period(rows: DealRows, end: pd.Timestamp) -> Bools:
    """Return a mask of the rows whose deadline is the end of a period that ended at `end`."""
    return rows.is_asked & (rows.deadline == np.datetime64(end, "us"))


def _tests(
    training_set: QuotaTrainingSet, ends: Sequence[pd.Timestamp]
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the last two ends, the older first, each behind the last end of its past."""
    pairs: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    while ends and len(pairs) < TESTS:
        last = training_set.last_end(ends)
        ends = training_set.ended_before(last)
        pairs += [(ends[-1], last)] if ends else []
    return pairs[::-1]


def _count(rows: DealRows, mask: Bools) -> tuple[int, int]:
    """Count the deals that were won before one of their deadlines, and those that never were."""
    ever = pd.Series(rows.y[mask]).groupby(rows.deal[mask]).max()
    return int((ever == 1).sum()), int((ever == 0).sum())


def _calibrated(
    rows: DealRows, earlier: DealModel, last: pd.Timestamp, params: CalibrationParams
) -> Calibrator:
    """Choose a calibrator on the last period, as forecast by a model that had not seen it."""
    test = _of_period(rows, last)
    if not test.any() or earlier.ensemble is None:
        return IDENTITY
    margins = earlier.raw(rows.X[test])
    deal = pd.Series(rows.deal[test])
    # One deal stands in the period at many cutoffs, and its rows share one outcome.
    weights = 1 / deal.groupby(deal).transform("count").to_numpy(np.float64)
    left = rows.X.loc[test, DAYS_LEFT].to_numpy()
    chosen, _ = choose_calibrator(
        margins, rows.y[test], weights, left <= np.median(left), params.ridge
    )
    days = round(float(left.max() - left.min())) + 1
    return chosen.trusted(AS_FAR * trust_in(days, params.swing_days))


def _company(training_set: QuotaTrainingSet, ends: Sequence[pd.Timestamp]) -> tuple[float, float]:
    """Return the share of deals won and the median days to a win, of what closed by the last end.

    | closed deals | won | share             |
    |--------------|-----|-------------------|
    | 0            | 0   | 1 / 4 = 0.25      |
    | 4            | 0   | 1 / 8 = 0.125     |
    | 96           | 49  | 50 / 100 = 0.50   |
    """
    frame = training_set.endings.assign(
        deal_id=training_set.deals.keys["deal_id"], created_at=training_set.deals.keys["created_at"]
    )
    until = ends[-1] if ends else pd.Timestamp(training_set.until)
    closed = frame[frame["closed_at"] < until].drop_duplicates("deal_id")
    won = closed[closed["outcome"] == 1]
    share = (len(won) + PRIOR_WON) / (len(closed) + PRIOR_CLOSED)
    days = (won["closed_at"] - won["created_at"]).dt.total_seconds() / DAY_SECONDS
    return float(share), float(max(days.median(), 1.0)) if len(won) else USUAL_DAYS


def _useful(training_set: QuotaTrainingSet, rows: DealRows, used: Bools) -> list[str]:
    """Return the columns that vary and do more than name the date; see `Feature.is_common`.

    Those of the regression stay in any case.
    """
    varied = rows.X[used].nunique(dropna=False) > 1  # noqa: PD101 - of a frame, not of a series
    cutoffs = training_set.deals.keys[CUTOFF]
    is_short = (cutoffs.max() - cutoffs.min()).days < 2 * YEAR_DAYS
    dates = {f.name for f in training_set.deals.feature_set if f.is_common}
    return [
        n for n in rows.X.columns if n in COLUMNS or (varied[n] and not (is_short and n in dates))
    ]


def _categorical(declared: FeatureSet, columns: Sequence[str]) -> list[str]:
    return [name for name in declared.categorical if name in columns]
