"""The recipe of `train`: judge on the newest ripe past, then learn from all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from features.params import FeatureParams
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import Evaluation, evaluate
from training.leads.backtest import Backtest, backtest_leads
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import fit
from training.params import EvaluationParams, TrainingParams
from training.rolling import Range

TEST_DAYS = (14, 28)
"""The newest ripe cutoffs are tested on: at least, and at most, so many days of them."""
TEST_EVERY = 7


@dataclass(frozen=True)
class Trained:
    """A model, and how one made the same way did on the newest ripe past.

    Attributes:
        bundle: the model, learned from everything ripe.
        lesson: what it learned from.
        test: the forecasts of a model that ended before the test window; None without room.
        evaluation: how good those were.
        notes: what people should know, in words.
    """

    bundle: Bundle
    lesson: TrainingSet
    test: Backtest | None
    evaluation: Evaluation | None
    notes: tuple[str, ...]


def train(
    warehouse: Warehouse,
    horizon_days: int,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
) -> Trained:
    """Learn a model from an extract that is cut to the moment of training.

    Quality is measured on a model made in the same way one window earlier: the model that is kept
    has seen the newest labels, so it cannot be measured on them.
    """
    with progress("learning", 3) as advance:
        lesson = build_training_set(warehouse, horizon_days, features, params)
        advance(1)
        bundle = fit(lesson, warehouse, features, params)
        advance(1)
        # Where the kept model found too little to learn from, an earlier one would find less.
        test = _test(warehouse, lesson, features, params) if bundle.ensemble else None
        judged = evaluate(test.predictions, settings_of(params.evaluation)) if test else None
        advance(1)
    return Trained(bundle, lesson, test, judged, _notes(lesson, bundle, test))


def settings_of(params: EvaluationParams) -> EvaluationSettings:
    """Translate the section of params.yaml."""
    return EvaluationSettings(
        capacity=params.capacity, level=params.level, draws=params.draws, seed=params.seed
    )


def _test(
    warehouse: Warehouse, lesson: TrainingSet, features: FeatureParams, params: TrainingParams
) -> Backtest | None:
    """Forecast the newest ripe cutoffs with a model fitted at the first of them."""
    cutoffs = sorted(set(lesson.examples.keys["cutoff"]))
    if not cutoffs:
        return None
    newest = cutoffs[-1].to_pydatetime()
    span = (newest - cutoffs[0].to_pydatetime()).days
    least, most = TEST_DAYS
    days = min(max(span // 6, least), most)
    window = Range(newest - timedelta(days=days), newest, TEST_EVERY)
    once = params.model_copy(update={"leads": params.leads.model_copy(update={"most_refits": 1})})
    test = backtest_leads(warehouse, window, lesson.horizon_days, features, once)
    return test if test.last.ensemble is not None else None


def _notes(lesson: TrainingSet, bundle: Bundle, test: Backtest | None) -> tuple[str, ...]:
    notes = [*lesson.split.says, bundle.evidence.says]
    notes += [s.says for s in lesson.suspicions]
    if test is None:
        notes.append("history is too short to test on a window of its own; use `backtest` later")
    return tuple(notes)
