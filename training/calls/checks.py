"""Can the gain of past calls be believed: overlap, balance, placebos, and what could undo it.

Two effects must be zero. Attempts whose answers are dealt out anew have none. And an answer of
today cannot change what the lead did in the week before: if it seems to, something unseen moves
both, and the gain holds some of that too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from features.arrays import Floats
from features.build import Examples, build_pairs
from features.definitions.lead_activity import INBOUND
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from features.texts import slugs
from training.call_params import CallParams
from training.effect_params import EffectParams
from training.estimators.effects import (
    Experiments,
    Nuisances,
    arm_scores,
    average_effect,
    cross_fit,
    pseudo_outcomes,
)
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.treatment import (
    BALANCED,
    Placebo,
    balance,
    overlap,
    ratio_estimate,
    sensitivity,
)

SHUFFLED = "answers dealt out anew"
WEEK_BEFORE = "today's answer on what the lead did in the week before"
WEEK = 7
"""Days; what leads did in a window of so many is a feature."""
MOST_SHOWN = 12
"""Features whose balance a page shows: those furthest apart before weighting."""
MOST_ROWS = 15_000
"""Newest attempts that placebos are made of."""
LEAST_ROWS = 1000
LEVEL = 0.99
"""Coverage of a placebo's interval: one of two fails by luck in 2 % of trainings."""
QUICK = {"folds": 2, "rounds": 20}


def checks(
    rows: Experiments, nuisances: Nuisances, effects: EffectParams, says: Mapping[str, str]
) -> dict[str, Any]:
    """Return overlap, balance and sensitivity of the gain, as plain values.

    Args:
        rows: past attempts with their outcomes.
        nuisances: what was predicted of them, out of fold.
        effects: bounds of overlap.
        says: what each feature is, in words.
    """
    e = nuisances.inside(effects.overlap)
    balances = [each for each in balance(rows.X, rows.treated, e) if each.before == each.before]
    worst = max(balances, key=lambda each: abs(each.before))
    after = max(balances, key=lambda each: abs(each.after))
    widest = sorted(balances, key=lambda each: -abs(each.before))[:MOST_SHOWN]
    ratio = ratio_estimate(*arm_scores(rows, nuisances, effects.overlap), rows.group, 0.9)
    strength = sensitivity(ratio)
    return {
        "overlap": overlap(nuisances.propensity, rows.treated, effects.overlap).to_json(),
        "balance": {
            "unbalanced_before": sum(abs(each.before) > BALANCED for each in balances),
            "unbalanced_after": sum(abs(each.after) > BALANCED for each in balances),
            "worst_before": vars(worst),
            "worst_after": vars(after),
            "widest": [{**vars(each), "says": says.get(each.name, each.name)} for each in widest],
        },
        "ratio": ratio.to_json(),
        "e_value": strength.of_estimate,
        "e_value_of_limit": strength.of_limit,
    }


def placebos(
    warehouse: Warehouse,
    examples: Examples,
    rows: Experiments,
    vocabulary: Vocabulary,
    features: FeatureParams,
    params: CallParams,
) -> Iterator[Placebo]:
    """Estimate the two effects that must be zero, on the newest attempts.

    Args:
        warehouse: cut to the moment of training.
        examples: the attempts, row by row as in `rows`.
        rows: their answers and outcomes.
        vocabulary: the words their features were declared with.
        features: calendar and windows.
        params: settings of the estimates.
    """
    newest = np.arange(len(rows.y))[-MOST_ROWS:]
    newest = np.sort(np.argsort(examples.keys[CUTOFF].to_numpy(), kind="stable")[newest])
    some = rows.take(newest)
    quick = params.effects.model_copy(update=QUICK)
    # Among attempts of one day: how often a lead is tried in the end is not known on that day, so
    # answers may not be dealt out among leads that are tried as often.
    days = examples.keys[CUTOFF].to_numpy()[newest]
    dealt = _dealt_within(days, some.treated, quick.seed)
    yield Placebo(SHUFFLED, _average(replace(some, treated=dealt), quick))
    acts = _acts_of_the_week(examples, vocabulary)
    if acts is None:
        return
    before, kept = _week_before(warehouse, examples, newest, vocabulary, features)
    earlier = Experiments(
        before.X, rows.treated[kept], acts[kept], rows.group[kept], rows.categorical
    )
    yield Placebo(WEEK_BEFORE, _average(earlier, quick))


def _dealt_within(days: Any, treated: Floats, seed: int) -> Floats:
    """Return the answers of each day dealt out anew among its attempts."""
    luck = np.random.default_rng(seed).random(len(treated))
    dealt = np.empty(len(treated))
    # Places sorted by day and then by luck get the answers sorted by day alone.
    dealt[np.lexsort([luck, days])] = treated[np.argsort(days, kind="stable")]
    return dealt


def _week_before(
    warehouse: Warehouse,
    examples: Examples,
    newest: Any,
    vocabulary: Vocabulary,
    features: FeatureParams,
) -> tuple[Examples, Any]:
    """Build the same leads a week earlier; those that were not open yet are left out.

    Returns:
        What was known then, and the places of the attempts it belongs to.
    """
    keys = examples.keys.iloc[newest].reset_index(drop=True)
    asked = keys[["lead_id", CUTOFF]].assign(place=newest)
    asked[CUTOFF] -= timedelta(days=WEEK)
    declared: FeatureSet = examples.feature_set
    before = build_pairs(warehouse, declared, vocabulary, asked, features)
    place = before.keys[["lead_id", CUTOFF]].merge(asked, on=["lead_id", CUTOFF], how="left")
    return before, place["place"].to_numpy(np.int64)


def _acts_of_the_week(examples: Examples, vocabulary: Vocabulary) -> Floats | None:
    """Return whether each lead did something itself in the week; None where data do not tell."""
    names = slugs(vocabulary.directions)
    columns = [
        f"direction_{names[word]}_{WEEK}d"
        for word in vocabulary.directions
        if word.lower() in INBOUND
    ]
    known = [name for name in columns if name in examples.X]
    if not known:
        return None
    acts = (examples.X[known].sum(axis=1) > 0).to_numpy(np.float64)
    return np.asarray(acts, dtype=np.float64)


def _average(rows: Experiments, quick: EffectParams) -> Estimate:
    """Estimate an average effect; withheld where rows are few or all ended alike."""
    arms = [rows.y[rows.treated == arm] for arm in (0, 1)]
    if min(map(len, arms)) < LEAST_ROWS / 2 or min(len(np.unique(arm)) for arm in arms) < 2:  # noqa: PLR2004 - both outcomes
        return WITHHELD
    scores = pseudo_outcomes(rows, cross_fit(rows, quick), quick.overlap)
    return average_effect(scores, rows.group, LEVEL)


def in_words(about: Mapping[str, Any]) -> str:
    """Say in a sentence what the checks showed."""
    return f"checks: {'; '.join(statements(about))}"


def statements(about: Mapping[str, Any]) -> list[str]:
    """Return what the checks showed, one statement each."""
    told = [
        f"{each['name']}: {points_of(each)}{'' if each['passes'] else ', which is not zero'}"
        for each in about["placebos"]
        if each["value"] is not None
    ]
    weighing, strength = about["balance"], about["e_value_of_limit"]
    before, after = weighing["unbalanced_before"], weighing["unbalanced_after"]
    parts = [f"{before} features differ between reached and missed, {after} after weighting"]
    if told:
        parts.append(f"effects that must be zero: {', '.join(told)}")
    if strength is not None:
        parts.append(
            "to explain the gain away, something unseen would have to raise both the chance to get "
            f"through and that to convert {strength:.1f}-fold"
        )
    return parts


def points_of(each: Mapping[str, Any]) -> str:
    """Return an effect and its interval in words, from its plain values."""
    if each["low"] is None or each["high"] is None or each["value"] is None:
        return "an unknown change"
    low, high = 100 * each["low"], 100 * each["high"]
    return f"{100 * each['value']:+.1f} points ({low:+.1f} to {high:+.1f})"


def to_json(placebo: Placebo) -> dict[str, Any]:
    """Return a placebo as plain values."""
    return {"name": placebo.name, "passes": placebo.passes, **placebo.effect.to_json()}
