"""Quota attainment, in the form every kind of model has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.errors import InputError, NotReady
from features.ingest.commits import Commits
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.audited import audit_json
from training.evaluation.later import (
    CalibrationCheck,
    JudgingWindow,
    LaterCutoffs,
    LaterForecasts,
)
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.truth import QUOTAS, Truth, read_truth
from training.files import QUOTA_PREDICTIONS
from training.loop.results import Backtested, Fallback, Graded, Recipe, Trained
from training.loop.steps import Steps
from training.params import TrainingParams
from training.quota.backtest import QuotaBacktest, backtest_quota
from training.quota.baselines import COMMITTED
from training.quota.built_fold import build_quota_fold
from training.quota.bundle import QuotaBundle
from training.quota.commits import commits_json
from training.quota.fairness import audit_reps
from training.quota.fallback import NAME
from training.quota.later import ended_cutoffs, forecast_later_reps, quota_checks, quota_window
from training.quota.score import score_reps
from training.quota.train import train_quota
from training.report.page import ReportContext
from training.report.plots import FoldSpan
from training.report.quota import render_quota
from training.rolling import BuiltFold, Fold, Range

if TYPE_CHECKING:
    from training.tracking.loading import AnyBundle


def train(warehouse: Warehouse, recipe: Recipe, progress: Progress = silent) -> Trained:
    """Train a quota model; see `training.quota.train`."""
    trained = train_quota(warehouse, recipe.features, recipe.training, progress)
    test = None
    if trained.test is not None:
        cutoffs = trained.test.folds[0].cutoffs
        test = _backtested(Range(cutoffs[0], cutoffs[-1]), trained.test, recipe, None)
    graded = None if test is None else grade(test, recipe.training, None)
    fallback, fairness = None, None
    if trained.test is not None:
        groups = recipe.training.fairness
        fairness = audit_json(audit_reps(warehouse, trained.test, groups), groups)
    if trained.fallback is not None:
        fallback = Fallback(trained.fallback, trained.fallback.evidence.says, NAME)
    return Trained(
        trained.bundle, trained.notes, test, graded, fallback=fallback, fairness=fairness
    )


def backtest(
    warehouse: Warehouse,
    asked: Range,
    recipe: Recipe,
    progress: Progress = silent,
    commits: Commits | None = None,
) -> Backtested:
    """Backtest quota attainment; see `training.quota.backtest`."""
    result = backtest_quota(warehouse, asked, recipe.features, recipe.training, progress, commits)
    return _backtested(asked, result, recipe, commits)


def truth(place: Path, asked: Range, params: TrainingParams) -> Truth:
    """Read a sample company's true chances; the horizon is the period itself."""
    del asked, params
    return read_truth(place, QUOTAS)


def grade(
    backtested: Backtested, params: TrainingParams, known: Truth | None, progress: Progress = silent
) -> Graded:
    """Grade forecasts on what happened and, where it is known, on the true chances."""
    if not isinstance(backtested.predictions, QuotaPredictions):
        raise InputError("forecasts of leads cannot be graded as forecasts of quota")
    own = params.evaluation
    settings = QuotaSettings(
        capacity=params.quota.capacity, level=own.level, draws=own.draws, seed=own.seed
    )
    evaluation = evaluate_quota(backtested.predictions, settings, known, progress)
    return Graded(evaluation, extras=backtested.extras)


def report(graded: Graded, context: ReportContext) -> str:
    """Render the page."""
    if not isinstance(graded.evaluation, QuotaEvaluation):
        raise InputError("figures about leads make no report about quota")
    return render_quota(graded.evaluation, context)


def score(
    warehouse: Warehouse, bundle: AnyBundle, version: str, as_of: datetime, params: TrainingParams
) -> pd.DataFrame:
    """Forecast every rep with a running quota; see `training.quota.score`."""
    del params
    return score_reps(warehouse, _own(bundle), version, as_of)[0]


def later(
    warehouse: Warehouse, bundle: AnyBundle, since: datetime, every_days: int
) -> LaterCutoffs:
    """Return the cutoffs at which models can be compared; see `training.quota.later`."""
    _own(bundle)
    return ended_cutoffs(warehouse, since, every_days)


def forecast(
    warehouse: Warehouse, bundle: AnyBundle, cutoffs: Sequence[datetime]
) -> LaterForecasts:
    """Forecast later rows, beside what happened; see `training.quota.later`."""
    return forecast_later_reps(warehouse, _own(bundle), cutoffs)


def checks(
    warehouse: Warehouse, bundle: AnyBundle, cutoffs: Sequence[datetime]
) -> tuple[CalibrationCheck, ...]:
    """Return what monitoring compares with outcomes; see `training.quota.later`."""
    return quota_checks(warehouse, _own(bundle), cutoffs)


def window(warehouse: Warehouse, params: TrainingParams, seen: datetime) -> JudgingWindow:
    """Return where a new model's twin can be compared; see `training.quota.later`."""
    return quota_window(warehouse, params.retrain.window_days, seen)


def fold(warehouse: Warehouse, start: datetime, recipe: Recipe) -> BuiltFold:
    """Build a fold once, to be fitted many times; see `training.quota.built_fold`."""
    return build_quota_fold(warehouse, start, recipe.features, recipe.training)


def _own(bundle: AnyBundle) -> QuotaBundle:
    if not isinstance(bundle, QuotaBundle):
        raise NotReady(f"model {bundle.version} is not a quota model")
    return bundle


def _backtested(
    asked: Range, result: QuotaBacktest, recipe: Recipe, commits: Commits | None
) -> Backtested:
    frame = result.predictions.frame
    columns = [*QUOTA_PREDICTIONS.names, *([COMMITTED] if commits else [])]
    cutoffs = f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}, every {asked.every_days} days"
    return Backtested(
        asked=asked,
        predictions=result.predictions,
        frame=frame[columns],
        folds=tuple(_span(fold) for fold in result.folds),
        settings={"cutoffs": cutoffs, **recipe.training.quota.model_dump()},
        notes=(result.last.evidence.says, *result.notes),
        extras={"commits": commits_json(commits, frame)} if commits else {},
    )


def _span(fold: Fold) -> FoldSpan:
    """Say what a fold learned from: periods that had ended before its first cutoff."""
    ended = [datetime.fromisoformat(end) for end in fold.about["periods"]]
    since = fold.about["since"]
    begun = datetime.fromisoformat(since) if since else fold.cutoffs[0]
    learned = (begun, ended[-1]) if ended else (fold.cutoffs[0], fold.cutoffs[0])
    blind = (ended[-2], ended[-1]) if len(ended) > 1 else None
    return FoldSpan(f"fold {fold.number + 1}", learned, blind, fold.cutoffs)


STEPS = Steps(
    train=train,
    backtest=backtest,
    truth=truth,
    grade=grade,
    report=report,
    score=score,
    later=later,
    forecast=forecast,
    checks=checks,
    window=window,
    fold=fold,
)
