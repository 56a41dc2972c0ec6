"""Laws of the effect learner, on made-up experiments whose effect is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.effect_params import EffectParams
from training.estimators.effects import (
    EffectModel,
    Experiments,
    average_effect,
    cross_fit,
    fit_effect,
    pseudo_outcomes,
)
from training.estimators.grouped import folds_of

PARAMS = EffectParams(rounds=20, arm_rounds=5, effect_rounds=10)


def confounded(seed: int, units: int = 1500, spread: float = 0.0) -> tuple[Experiments, np.ndarray]:
    """Return attempts on three rows a unit, and what each attempt would change.

    Units with a high `need` are treated more often and do better anyway.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(units), 3)
    X = pd.DataFrame(rng.standard_normal((len(group), 4)), columns=["need", "taste", "a", "b"])
    X.loc[rng.random(len(X)) < 0.05, "a"] = np.nan
    X["kind"] = rng.integers(0, 4, len(X)).astype(float)
    treated = (rng.random(len(X)) < expit(X["need"] - 0.5)).astype(float).to_numpy()
    effect = 0.1 + spread * np.clip(X["taste"].to_numpy(), -1, 1)
    without = 0.2 + 0.1 * np.clip(X["need"].to_numpy(), -1.5, 1.5)
    y = (rng.random(len(X)) < without + effect * treated).astype(float)
    return Experiments(X, treated, y, group, ("kind",)), effect


def test_groups_never_split_over_folds() -> None:
    """Every row of a group lies in the same fold, and folds are as large as can be."""
    group = np.random.default_rng(0).integers(0, 50, 400)
    fold = folds_of(group, 5, 1)
    assert all(len(set(fold[group == g])) == 1 for g in set(group))
    sizes = [len(set(group[fold == k])) for k in range(5)]
    assert max(sizes) - min(sizes) <= 1


def test_a_reloaded_model_gives_the_same_bits() -> None:
    """What was saved as JSON and text predicts as what was fitted."""
    rows, _ = confounded(0, units=600, spread=0.1)
    model = fit_effect(rows, cross_fit(rows, PARAMS), PARAMS)
    back = EffectModel.from_json(json.loads(json.dumps(model.to_json())), model.texts)
    assert back == model
    np.testing.assert_array_equal(back.effect(rows.X), model.effect(rows.X))


@pytest.mark.parametrize("seed", range(2))
def test_rows_in_another_order_give_the_same_model(seed: int) -> None:
    """Sums and trees do not depend on how the rows came."""
    rows, _ = confounded(seed, units=600, spread=0.1)
    other = np.random.default_rng(seed).permutation(len(rows.y))
    nuisances, shuffled = cross_fit(rows, PARAMS), cross_fit(rows.take(other), PARAMS)
    np.testing.assert_array_equal(shuffled.propensity, nuisances.propensity[other])
    np.testing.assert_array_equal(shuffled.control_mean, nuisances.control_mean[other])
    model = fit_effect(rows, nuisances, PARAMS)
    assert fit_effect(rows.take(other), shuffled, PARAMS) == model


@pytest.mark.parametrize("seed", range(3))
def test_the_average_effect_is_found_under_confounding(seed: int) -> None:
    """The plain difference is far off; the interval of 99 % holds the truth."""
    rows, effect = confounded(seed)
    plain = rows.y[rows.treated == 1].mean() - rows.y[rows.treated == 0].mean()
    scores = pseudo_outcomes(rows, cross_fit(rows, PARAMS), PARAMS.overlap)
    estimate = average_effect(scores, rows.group, 0.99)
    assert plain > effect.mean() + 0.05
    assert not estimate.excludes(float(effect.mean()))
