"""The recipe of `train leads`: grade on the newest mature past, then learn from all of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from features.evidence import EvidenceState
from features.params import FeatureParams
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.calls.fit import Learned, call_features, fit_calls
from training.evaluation.honesty import Honesty
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import Evaluation, evaluate
from training.evaluation.splitting import Splitting
from training.evidence import Evidence
from training.leads.backtest import Backtest, backtest_leads
from training.leads.bundle import CALLS, Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fallback import fall_back
from training.leads.fit import fit_leads, lead_evidence, luck_of_seeds
from training.leads.fit_segments import SEGMENTS
from training.leads.reason_luck import reason_luck
from training.leads.steadiness import UNSTEADY, words
from training.params import EvaluationParams, TrainingParams
from training.rolling import Range

TEST_DAYS = (14, 28)
"""The days of mature cutoffs that a model is tested on: a sixth, at least and at most so many."""
TEST_EVERY = 7


@dataclass(frozen=True)
class Trained:
    """A lead model, and how one made the same way did on the newest mature past.

    Attributes:
        bundle: the model, learned from everything mature.
        training_set: what it learned from.
        test: forecasts by a model that ended before the test window; None without room for one.
        evaluation: how good those were.
        fallback: what forecasts instead where the test shows little beyond age; else None.
        notes: what people should know, in words.
    """

    bundle: Bundle
    training_set: TrainingSet
    test: Backtest | None
    evaluation: Evaluation | None
    fallback: Bundle | None
    notes: tuple[str, ...]


def train_leads(
    warehouse: Warehouse,
    horizon_days: int,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
) -> Trained:
    """Train a lead model, and test one that was made the same way one window earlier.

    The model that is kept has seen the newest labels, so it cannot be tested on them.

    Args:
        warehouse: already cut to the moment of training.
        horizon_days: how far the label looks ahead.
        features: the section of that name.
        params: the section `training`.
        progress: told of every step.
    """
    with progress("learning", 3) as advance:
        training_set = build_training_set(warehouse, horizon_days, features, params)
        advance(1)
        # Where the kept model finds too little to learn from, an earlier one would find less.
        is_enough = lead_evidence(training_set, features).state != EvidenceState.NONE
        # Trees grow outside Python: meanwhile the earlier model's features are built. Only this
        # thread asks the warehouse, for a model with enough to learn from needs its rows alone.
        with ThreadPoolExecutor(1) as pool:
            fitted = pool.submit(fit_leads, training_set, warehouse, features, params)
            test = _test(warehouse, training_set, features, params) if is_enough else None
            bundle = fitted.result()
        calls = learn_calls(warehouse, training_set, features, params)
        bundle = with_calls(bundle, calls)
        advance(1)
        test = test if bundle.blend else None
        graded = evaluate(test.predictions, settings_of(params.evaluation)) if test else None
        advance(1)
    honesty = None if graded is None else graded.honesty
    fallback = None if honesty is None else _instead(bundle, training_set, honesty)
    fallback = fallback and with_calls(fallback, calls)
    splitting = None if graded is None else graded.splitting
    luck = _luck(training_set, bundle, params.scoring.reasons)
    notes = _notes(training_set, bundle, luck, honesty, splitting)
    return Trained(bundle, training_set, test, graded, fallback, notes)


def settings_of(params: EvaluationParams) -> EvaluationSettings:
    """Translate the section `evaluation` of params.yaml."""
    return EvaluationSettings(
        capacity=params.capacity, level=params.level, draws=params.draws, seed=params.seed
    )


def _test(
    warehouse: Warehouse,
    training_set: TrainingSet,
    features: FeatureParams,
    params: TrainingParams,
) -> Backtest | None:
    """Forecast the newest mature cutoffs with a model fitted at the first of them.

    The window is a sixth of the mature days, but two weeks at least and four at most:

    | mature days | window, days |
    |-------------|--------------|
    | 60          | 14           |
    | 120         | 20           |
    | 365         | 28           |
    """
    cutoffs = sorted(set(training_set.examples.keys["cutoff"]))
    if not cutoffs:
        return None
    newest = cutoffs[-1].to_pydatetime()
    span = (newest - cutoffs[0].to_pydatetime()).days
    least, most = TEST_DAYS
    days = min(max(span // 6, least), most)
    window = Range(newest - timedelta(days=days), newest, TEST_EVERY)
    once = params.model_copy(update={"leads": params.leads.model_copy(update={"most_refits": 1})})
    test = backtest_leads(warehouse, window, training_set.horizon_days, features, once)
    return test if test.last.blend is not None else None


def learn_calls(
    warehouse: Warehouse,
    training_set: TrainingSet,
    features: FeatureParams,
    params: TrainingParams,
) -> Learned:
    """Learn what a call is worth, without the features that the audit suspects."""
    vocabulary = training_set.vocabulary
    left_out = training_set.suspected.union(params.leads.leave_out)
    declared = call_features(vocabulary, features, left_out)
    horizon = training_set.horizon_days
    return fit_calls(warehouse, declared, vocabulary, horizon, features, params.calls)


def with_calls(bundle: Bundle, calls: Learned) -> Bundle:
    """Return a model that also knows what a call is worth, if that could be learned."""
    about = {**bundle.about, CALLS: {"says": calls.says, **calls.about}}
    return replace(bundle, calls=calls.model, about=about)


def _instead(bundle: Bundle, training_set: TrainingSet, honesty: Honesty) -> Bundle | None:
    """Return what forecasts instead of a model that is not shown to know more than age."""
    if not honesty.failed:
        return None
    fallback = fall_back(bundle, training_set, Evidence(EvidenceState.NONE, honesty.says))
    curve = fallback.age_curve
    by = "by age alone" if curve is not None and not curve.is_flat else "one rate for all ages"
    says = f"{honesty.says}; the fallback forecasts {by}, and calls no lead hot"
    return replace(fallback, evidence=Evidence(EvidenceState.NONE, says))


def _of_segments(bundle: Bundle, splitting: Splitting) -> list[str]:
    """Say how segments did in the test, and which models of theirs it could not test.

    The earlier model of the test had fewer leads, and may have left to the pooled model a segment
    that has a model of its own by now.
    """
    tested = {part.label for part in splitting.parts}
    untested = (
        f"the model of segment {segment.name} is untested: in the test, whose model had fewer "
        "leads to learn from, the pooled model forecast it"
        for segment in bundle.segments
        if segment.blend is not None and segment.name not in tested
    )
    return [*(f"in the test: {words}" for words in splitting.says), *untested]


def _luck(training_set: TrainingSet, bundle: Bundle, each_side: int) -> list[str]:
    """Say how far forecasts and their reasons hang on the seeds of the trees."""
    newest = training_set.examples.take(training_set.rows(training_set.split.calibrate))
    return [*luck_of_seeds(bundle), *reason_luck(bundle, newest, each_side)]


def _notes(
    training_set: TrainingSet,
    bundle: Bundle,
    luck: Sequence[str],
    honesty: Honesty | None,
    splitting: Splitting | None,
) -> tuple[str, ...]:
    notes = [*training_set.split.says, bundle.evidence.says]
    notes += [suspicion.says for suspicion in training_set.suspicions]
    notes += words(bundle.about[UNSTEADY])
    notes += luck
    notes.append(bundle.about[CALLS]["says"])
    notes += bundle.about.get(SEGMENTS, ())
    notes += () if splitting is None else _of_segments(bundle, splitting)
    if honesty is None:
        notes.append("history is too short to test on a window of its own; use `backtest` later")
    else:
        notes.append(honesty.says)
    return tuple(notes)
