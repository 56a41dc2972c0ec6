"""Learn what a call is worth from past attempts, or say why that cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from features.arrays import Bools
from features.definitions.lead import lead_features
from features.feature import FeatureSet, PeerRank, Relation, Unit
from features.history.vocabulary import STAGE, Vocabulary
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.calls.answers import answers_of
from training.calls.attempts import attempt_days, built_attempts, with_outcomes
from training.calls.checks import checks, in_words, placebos, points_of, to_json
from training.calls.model import CallModel
from training.calls.risk import fit_risk_effects
from training.estimators.arms import fit_plain
from training.estimators.effects import (
    Experiments,
    Nuisances,
    average_effect,
    cross_fit,
    fit_effect,
    pseudo_outcomes,
)
from training.estimators.predictor import Lesson
from training.evaluation.bootstrap import Estimate

EITHER_WAY = 0.05, 0.95
"""An attempt whose chance lies between these might have gone either way."""


@dataclass(frozen=True)
class Learned:
    """What past attempts taught.

    Attributes:
        model: None where they teach nothing that can be trusted.
        says: what it rests on, or why there is none, in words.
        about: the figures behind that.
    """

    model: CallModel | None
    says: str
    about: Mapping[str, Any] = field(default_factory=dict)


def call_features(
    vocabulary: Vocabulary, params: FeatureParams, left_out: frozenset[str]
) -> FeatureSet:
    """Declare what tells one lead's calls from another's.

    All of a lead's own features, but no ranks among peers, who are not among the rows, and nothing
    that leads of one owner, or of one day, share: lists are made for one owner and one day. Working
    hours say once more what days say.

    Args:
        vocabulary: the words of the data.
        params: calendar and windows.
        left_out: features that are suspected of leakage, or not wanted.
    """
    declared = lead_features(vocabulary, params)
    shared = {
        feature.name
        for feature in declared
        if isinstance(feature.how, PeerRank)
        or feature.source is Relation.CONTEXT
        or feature.is_common
        or feature.unit is Unit.WORKING_HOURS
    }
    return declared.without(frozenset(left_out | shared | declared.depends_on(left_out)))


def fit_calls(
    warehouse: Warehouse,
    declared: FeatureSet,
    vocabulary: Vocabulary,
    horizon_days: int,
    features: FeatureParams,
    params: CallParams,
) -> Learned:
    """Learn from past attempts; see `training.estimators.effects` for how.

    Args:
        warehouse: cut to the moment of training.
        declared: from `call_features`.
        vocabulary: the words they were declared with.
        horizon_days: within which a lead is to convert.
        features: the section of that name.
        params: the section `training.calls`.
    """
    if not params.learn:
        return Learned(None, "calls were not learned from: training.calls.learn is false")
    effects = params.effects
    answers = answers_of(warehouse, params, features.min_count)
    if not answers.types:
        return Learned(
            None,
            "the data do not say how calls ended: no type of activity has outcomes of which some "
            "mean that somebody was reached and some that nobody was",
        )
    days = attempt_days(warehouse, answers, params.most_attempts)
    if lacking := _too_few(len(days), params):
        return Learned(None, lacking)
    examples, tried = built_attempts(warehouse, days, declared, vocabulary, features)
    mature_examples, rows = with_outcomes(warehouse, examples, tried, horizon_days)
    if lacking := _too_few(len(rows.y), params) or _one_sided(rows, params):
        return Learned(None, lacking)
    nuisances = cross_fit(rows, effects)
    scores = pseudo_outcomes(rows, nuisances, effects.overlap)
    average = average_effect(scores, rows.group, params.level)
    about = _about(rows, nuisances, average)
    if lacking := _unproven(about["either_way"], average, params):
        return Learned(None, lacking, about)
    tests = placebos(warehouse, mature_examples, rows, vocabulary, features, params)
    says = {feature.name: feature.says for feature in declared.features}
    checked = checks(rows, nuisances, effects, says)
    about |= {**checked, "placebos": [to_json(each) for each in tests]}
    e = nuisances.inside(effects.overlap)
    stage = STAGE if STAGE in declared.names else None
    model = CallModel(
        columns=tuple(declared.names),
        fingerprint=declared.fingerprint,
        answers=answers,
        # Who gets through is learned from all attempts, the newest without an outcome included.
        reach=fit_plain(Lesson.of(tried.design, tried.treated, is_chance=True), effects),
        gain=fit_effect(rows, nuisances, effects),
        risk=fit_risk_effects(rows.X, stage, nuisances.control_mean, scores, e * (1 - e)),
        about=about,
    )
    return Learned(model, f"{_says(rows, average)}; {in_words(about)}", about)


def _too_few(attempts: int, params: CallParams) -> str:
    if attempts >= params.least_attempts:
        return ""
    least = f"{params.least_attempts:,} it takes"
    return f"{attempts:,} attempts with a known outcome are too few, {least}"


def _one_sided(rows: Experiments, params: CallParams) -> str:
    """Say which answer too few conversions follow; empty if enough do."""
    reached: Bools = rows.treated > 0
    for name, arm in (("reached", reached), ("not reached", ~reached)):
        converted = int(rows.y[arm].sum())
        if converted < params.least_converted:
            return (
                f"only {converted} leads converted after somebody was {name}, "
                f"{params.least_converted} it takes"
            )
    return ""


def _unproven(either_way: float, average: Estimate, params: CallParams) -> str:
    if either_way < params.least_overlap:
        return (
            f"only {either_way:.0%} of the attempts might have gone either way: who gets through "
            "is settled by what was known before, so its effect cannot be told"
        ).replace("%", " %")
    if average.low is None or average.low <= 0:
        return (
            "being reached did not go along with more conversions, beyond luck: "
            f"{points_of(average.to_json())}"
        )
    return ""


def _about(rows: Experiments, nuisances: Nuisances, average: Estimate) -> dict[str, Any]:
    low, high = EITHER_WAY
    inside = (nuisances.propensity > low) & (nuisances.propensity < high)
    reached = rows.treated > 0
    return {
        "attempts": len(rows.y),
        "leads": len(np.unique(rows.group)),
        "reached": float(rows.treated.mean()),
        "converted_reached": float(rows.y[reached].mean()),
        "converted_missed": float(rows.y[~reached].mean()),
        "average": average.to_json(),
        "either_way": float(inside.mean()),
    }


def _says(rows: Experiments, average: Estimate) -> str:
    change = points_of(average.to_json())
    return (
        f"calls: of {len(rows.y):,} past attempts {rows.treated.mean():.0%} got through; that has "
        f"gone along with {change} on the chance to convert, like leads compared"
    ).replace("%", " %")
