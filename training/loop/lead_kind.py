"""Lead conversion, in the form every kind of model has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.errors import InputError, NotReady
from features.ingest.commits import Commits
from features.labels.conversion import last_mature_cutoff
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.calls.checks_page import render as calls_page
from training.checks.audit import audit
from training.evaluation.audited import audit_json
from training.evaluation.honesty import AGE, BASE_RATE
from training.evaluation.later import (
    CalibrationCheck,
    JudgingWindow,
    LaterCutoffs,
    LaterForecasts,
)
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.leads import Evaluation, evaluate
from training.evaluation.truth import LEADS as TRUE_CHANCES
from training.evaluation.truth import Truth, read_truth
from training.evaluation.truth import grade as grade_truth
from training.leads.backtest import Backtest, backtest_leads
from training.leads.beeswarm import beeswarm
from training.leads.built_fold import build_lead_fold
from training.leads.bundle import CALLS, Bundle
from training.leads.fairness import audit_leads
from training.leads.fit import luck_of_seeds
from training.leads.fit_segments import SEGMENTS, require_segments
from training.leads.later import forecast_later_leads, lead_checks, lead_cutoffs, lead_window
from training.leads.score import Listing, score_leads
from training.leads.steadiness import UNSTEADY, most_telling
from training.leads.train import settings_of, train_leads
from training.loop.results import Backtested, Fallback, Graded, Recipe, Trained
from training.loop.steps import Steps
from training.params import TrainingParams
from training.report.leads import render
from training.report.page import Driver, ReportContext
from training.report.plots import FoldSpan
from training.report.shift_plots import Unsteady
from training.rolling import BuiltFold, Fold, Range

if TYPE_CHECKING:
    from training.tracking.loading import AnyBundle

MOST_DRIVERS = 15
WEAK = 0.3
"""Correlations of a value with its points below this name no direction."""


def train(warehouse: Warehouse, recipe: Recipe, progress: Progress = silent) -> Trained:
    """Train a lead model; see `training.leads.train`."""
    horizon = recipe.training.leads.horizon_days
    require_segments(warehouse, recipe.features, recipe.training.leads)
    trained = train_leads(warehouse, horizon, recipe.features, recipe.training, progress)
    mature = last_mature_cutoff(horizon, warehouse.data_until)
    test = None
    if trained.test is not None:
        cutoffs = trained.test.folds[0].cutoffs
        test = _backtested(Range(cutoffs[0], cutoffs[-1]), trained.test, recipe)
        test = replace(test, unsteady=_unsteady(trained.bundle))
    picture = beeswarm(trained.bundle, trained.training_set.examples)
    fallback, fairness = None, None
    groups = recipe.training.fairness
    if trained.test is not None:
        fairness = audit_json(audit_leads(warehouse, trained.test, groups), groups)
    if trained.fallback is not None and trained.test is not None:
        instead = audit_json(audit_leads(warehouse, trained.test, groups, AGE), groups)
        fallback = Fallback(trained.fallback, trained.notes[-1], AGE, instead)
    return Trained(
        bundle=trained.bundle,
        notes=(f"labels are mature up to {mature:%Y-%m-%d}", *trained.notes),
        test=test,
        grade=None if trained.evaluation is None else Graded(trained.evaluation),
        pictures={} if picture is None else {"reasons.png": picture},
        pages={"calls.html": calls_page(trained.bundle.about[CALLS])},
        fallback=fallback,
        labels={**trained.bundle.labels, "calls": _of_calls(trained.bundle)},
        fairness=fairness,
    )


def _of_calls(bundle: Bundle) -> str:
    """Say what the order of calls rests on, in a word or two for the registry."""
    if bundle.calls is None:
        return "by rule"
    return f"learned from {bundle.calls.about['attempts']:,} attempts"


def backtest(
    warehouse: Warehouse,
    asked: Range,
    recipe: Recipe,
    progress: Progress = silent,
    commits: Commits | None = None,
) -> Backtested:
    """Backtest lead conversion; see `training.leads.backtest`."""
    if commits is not None:
        raise InputError("commits are forecasts of quota; a backtest of leads has no use for them")
    params = recipe.training
    horizon = params.leads.horizon_days
    require_segments(warehouse.until(asked.cutoffs[-1]), recipe.features, params.leads)
    result = backtest_leads(warehouse, asked, horizon, recipe.features, params, progress)
    findings = audit(warehouse, recipe.features, params)
    rows = ({key: text or "" for key, text in f.to_json().items()} for f in findings)
    return replace(_backtested(asked, result, recipe), findings=tuple(rows))


def truth(place: Path, asked: Range, params: TrainingParams) -> Truth:
    """Read a sample company's true chances at the model's horizon, for all cutoffs asked for."""
    known = read_truth(place, TRUE_CHANCES).at_horizon(params.leads.horizon_days)
    known.require(asked.cutoffs)
    return known


def grade(
    backtested: Backtested, params: TrainingParams, known: Truth | None, progress: Progress = silent
) -> Graded:
    """Grade forecasts on what happened and, where it is known, on the true chances."""
    predictions = backtested.predictions
    if not isinstance(predictions, Predictions):
        raise InputError("forecasts of quota cannot be graded as forecasts of leads")
    settings = settings_of(params.evaluation)
    evaluation = evaluate(predictions, settings, progress)
    beside = None
    if known is not None:
        beside = grade_truth(known, predictions.frame, predictions.named, settings, BASE_RATE)
    splitting = evaluation.splitting
    return Graded(evaluation, beside, says=() if splitting is None else splitting.says)


def report(graded: Graded, context: ReportContext) -> str:
    """Render the page."""
    if not isinstance(graded.evaluation, Evaluation):
        raise InputError("figures about quota make no report about leads")
    return render(graded.evaluation, replace(context, truth=graded.truth))


def score(
    warehouse: Warehouse, bundle: AnyBundle, version: str, as_of: datetime, params: TrainingParams
) -> pd.DataFrame:
    """Score and rank every open lead; see `training.leads.score`."""
    return score_leads(warehouse, _own(bundle), Listing.of(version, params), as_of)


def later(
    warehouse: Warehouse, bundle: AnyBundle, since: datetime, every_days: int
) -> LaterCutoffs:
    """Return the cutoffs at which models can be compared; see `training.leads.later`."""
    return lead_cutoffs(warehouse, _own(bundle), since, every_days)


def forecast(
    warehouse: Warehouse, bundle: AnyBundle, cutoffs: Sequence[datetime]
) -> LaterForecasts:
    """Forecast later rows, beside what happened; see `training.leads.later`."""
    return forecast_later_leads(warehouse, _own(bundle), cutoffs)


def checks(
    warehouse: Warehouse, bundle: AnyBundle, cutoffs: Sequence[datetime]
) -> tuple[CalibrationCheck, ...]:
    """Return what monitoring compares with outcomes; see `training.leads.later`."""
    return lead_checks(warehouse, _own(bundle), cutoffs)


def window(warehouse: Warehouse, params: TrainingParams, seen: datetime) -> JudgingWindow:
    """Return where a new model's twin can be compared; see `training.leads.later`."""
    horizon, days = params.leads.horizon_days, params.retrain.window_days
    return lead_window(warehouse.data_until, horizon, days, seen)


def fold(warehouse: Warehouse, start: datetime, recipe: Recipe) -> BuiltFold:
    """Build a fold once, to be fitted many times; see `training.leads.built_fold`."""
    return build_lead_fold(warehouse, start, recipe.features, recipe.training)


def _own(bundle: AnyBundle) -> Bundle:
    if not isinstance(bundle, Bundle):
        raise NotReady(f"model {bundle.version} is not a lead model")
    return bundle


def _backtested(asked: Range, result: Backtest, recipe: Recipe) -> Backtested:
    params, last = recipe.training, result.last
    settings = {
        "cutoffs": f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}, every {asked.every_days} days",
        "horizon_days": params.leads.horizon_days,
        "refit_days": params.leads.refit_days,
        **params.booster.model_dump(),
        **{f"segment {segment.name}": segment.where for segment in params.leads.segments},
    }
    left_out = {s["says"] for fold in result.folds for s in fold.about.get("left_out", ())}
    drivers = (Driver(i.label, i.points, _direction(i.direction)) for i in result.importance)
    return Backtested(
        asked=asked,
        predictions=result.predictions,
        frame=result.predictions.frame,
        folds=tuple(_span(fold) for fold in result.folds),
        settings=settings,
        notes=(
            *result.folds[0].about["split"],
            last.evidence.says,
            *luck_of_seeds(last),
            *last.about.get(SEGMENTS, ()),
            *sorted(left_out),
        ),
        drivers=tuple(drivers)[:MOST_DRIVERS],
        unsteady=_unsteady(last),
    )


def _unsteady(bundle: Bundle) -> tuple[Unsteady, ...]:
    """Return the effects that did not hold in a model's past, as reports show them."""
    return tuple(
        Unsteady(
            shift["label"],
            shift["group"],
            shift["says"],
            tuple((first, last) for first, last in shift["spans"]),
            tuple(shift["shares"]),
            tuple(shift["others"]),
        )
        for shift in most_telling(bundle.about[UNSTEADY])
    )


def _direction(correlation: float) -> str:
    if correlation != correlation:  # noqa: PLR0124 - NaN: a category has no direction
        return "differs by value"
    if abs(correlation) < WEAK:
        return "up and down"
    return "more raises the score" if correlation > 0 else "more lowers the score"


def _span(fold: Fold) -> FoldSpan:
    parts = fold.about.get("parts", {})

    def ends(name: str) -> tuple[datetime, datetime] | None:
        moments = [datetime.fromisoformat(moment) for moment in parts.get(name) or []]
        return (moments[0], moments[1]) if moments else None

    learned = ends("train") or (fold.cutoffs[0], fold.cutoffs[0])
    return FoldSpan(f"fold {fold.number + 1}", learned, ends("calibrate"), fold.cutoffs)


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
