"""Laws of the effect learner, on made-up experiments whose effect is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from features.errors import InputError
from training.effect_params import EffectParams
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.estimators.effects import (
    EffectModel,
    Experiments,
    Nuisances,
    arm_scores,
    average_effect,
    cross_fit,
    fit_effect,
    pseudo_outcomes,
)
from training.estimators.grouped import folds_of
from training.evaluation.bootstrap import Estimate
from training.params import BoosterParams

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


def known(rows: Experiments, effect: np.ndarray) -> tuple[Nuisances, Nuisances, Nuisances]:
    """Return nuisances of which only the chance, only the outcomes, or nothing is right."""
    need = rows.X["need"].to_numpy()
    chance = expit(need - 0.5)
    without = 0.2 + 0.1 * np.clip(need, -1.5, 1.5)
    flat = np.full(len(need), 0.3)
    return (
        Nuisances(chance, flat, flat),
        Nuisances(flat, without + effect, without),
        Nuisances(flat, flat, flat),
    )


def test_either_the_chance_or_the_outcomes_being_right_is_enough() -> None:
    """Over 30 seeds the mean error is luck with one of them wrong, and not with both wrong."""
    errors = []
    for seed in range(30):
        rows, effect = confounded(seed, units=500)
        scores = [pseudo_outcomes(rows, part, 0.01).mean() for part in known(rows, effect)]
        errors.append(np.array(scores) - effect.mean())
    z = np.mean(errors, axis=0) / (np.std(errors, axis=0) / np.sqrt(len(errors)))
    assert abs(z[0]) < 3
    assert abs(z[1]) < 3
    assert z[2] > 10


def test_a_score_of_each_kind_of_row_by_hand() -> None:
    """The example of the docstring, and a chance that is clipped."""
    X = pd.DataFrame({"a": np.zeros(4)})
    rows = Experiments(X, np.array([1.0, 1, 0, 1]), np.array([1.0, 0, 1, 1]), np.arange(4))
    chance = np.array([0.5, 0.5, 0.8, 0.01])
    nuisances = Nuisances(chance, np.full(4, 0.3), np.full(4, 0.1))
    scores = pseudo_outcomes(rows, nuisances, 0.1)
    assert scores == pytest.approx([1.6, -0.4, -4.3, 0.2 + 0.7 / 0.1])
    treated, control = arm_scores(rows, nuisances, 0.1)
    assert treated == pytest.approx([0.3 + 1.4, 0.3 - 0.6, 0.3, 0.3 + 7])
    assert control == pytest.approx([0.1, 0.1, 0.1 + 0.9 / 0.2, 0.1])


def test_a_mean_with_its_interval_by_hand() -> None:
    """Two groups whose sums lie 3 off; nothing without rows, no interval with one group."""
    scores, group = np.array([1.0, 2.0, 4.0, 5.0]), np.array([7, 7, 9, 9])
    estimate = average_effect(scores, group, 0.9)
    error = np.sqrt((3.0**2 + 3.0**2) * 2) / 4
    assert estimate.value == 3.0
    assert estimate.high == pytest.approx(3 + 1.6449 * error, rel=1e-3)
    assert estimate.low == pytest.approx(3 - 1.6449 * error, rel=1e-3)
    assert average_effect(scores, np.zeros(4, dtype=int), 0.9) == Estimate(3.0)
    assert average_effect(np.empty(0), np.empty(0, dtype=int), 0.9).value is None


def test_repeated_rows_of_a_group_add_no_evidence() -> None:
    """Each row three times within its group leaves the interval as it is."""
    scores, group = np.random.default_rng(0).normal(size=50), np.arange(50)
    once = average_effect(scores, group, 0.9)
    thrice = average_effect(np.repeat(scores, 3), np.repeat(group, 3), 0.9)
    assert (thrice.low, thrice.high) == (pytest.approx(once.low), pytest.approx(once.high))


@pytest.fixture(scope="module")
def learned() -> list[tuple[float, float]]:
    """Return rank correlations with the true effect: of the learner, and of two models apart."""
    both = []
    for seed in range(4):
        rows, _ = confounded(seed, spread=0.1)
        unseen, effect = confounded(seed + 100, spread=0.1)
        own = fit_effect(rows, cross_fit(rows, PARAMS), PARAMS).effect(unseen.X)
        arms = [apart(rows.take(rows.treated == arm), unseen.X) for arm in (1, 0)]
        both.append((spearmanr(own, effect)[0], spearmanr(arms[0] - arms[1], effect)[0]))
    return both


def apart(rows: Experiments, X: pd.DataFrame) -> np.ndarray:
    """Predict outcomes by trees that know one arm only."""
    booster = BoosterParams(learning_rate=0.1, num_leaves=8, bags=1, threads=1)
    part = TrainingRows(rows.X, rows.y, np.ones(len(rows.y)), loss="regression")
    return fit_ensemble(part, rows.categorical, 20, booster).margins(X)


def test_who_gains_more_is_ranked_higher(learned: list[tuple[float, float]]) -> None:
    """The rank correlation with the true effect is clearly above 0 for every seed."""
    assert min(own for own, _ in learned) > 0.3


def test_it_ranks_better_than_two_models_apart(learned: list[tuple[float, float]]) -> None:
    """Two models also differ by their own noise, and by who was treated."""
    own, two = np.mean(learned, axis=0)
    assert own > two + 0.05


def test_without_heterogeneity_effects_are_nearly_the_average() -> None:
    """Their spread is a small part of the effect of 0.1, in the middle of the seeds and at most."""
    spreads = []
    for seed in range(4):
        rows, _ = confounded(seed)
        model = fit_effect(rows, cross_fit(rows, PARAMS), PARAMS)
        spreads.append(model.effect(rows.X).std())
        assert model.effect(rows.X).mean() == pytest.approx(model.average)
    assert np.median(spreads) < 0.01
    assert max(spreads) < 0.03


def test_a_known_chance_is_used_as_it_is() -> None:
    """In an experiment by lot nothing about the lot is learned."""
    rows, _ = confounded(0, units=200)
    lot = np.random.default_rng(0).random(len(rows.y))
    nuisances = cross_fit(rows, PARAMS, lot)
    np.testing.assert_array_equal(nuisances.propensity, lot)
    np.testing.assert_array_equal(nuisances.treated_mean, cross_fit(rows, PARAMS).treated_mean)


def test_two_threads_give_the_same_bits() -> None:
    """Folds side by side are the folds one after the other."""
    rows, _ = confounded(0, units=200, spread=0.1)
    two = PARAMS.model_copy(update={"threads": 2})
    first, second = cross_fit(rows, PARAMS), cross_fit(rows, two)
    np.testing.assert_array_equal(first.treated_mean, second.treated_mean)
    assert fit_effect(rows, first, PARAMS) == fit_effect(rows, second, two)


def test_no_row_is_predicted_by_its_own_group() -> None:
    """Other outcomes of one group change no prediction of that group."""
    rows, _ = confounded(0, units=200)
    is_own = rows.group == rows.group[0]
    other = Experiments(
        rows.X, rows.treated, np.where(is_own, 1 - rows.y, rows.y), rows.group, rows.categorical
    )
    first, second = cross_fit(rows, PARAMS), cross_fit(other, PARAMS)
    np.testing.assert_array_equal(first.control_mean[is_own], second.control_mean[is_own])
    assert (first.control_mean != second.control_mean).any()


def test_amounts_have_effects_too() -> None:
    """An outcome in money: the effect of 10 is found, and twice the money is twice the effect."""
    rows, _ = confounded(0)
    rng = np.random.default_rng(5)
    amount = 50 + 20 * rows.X["need"].to_numpy() + 10 * rows.treated + rng.normal(0, 5, len(rows.y))
    single = Experiments(rows.X, rows.treated, amount, rows.group, rows.categorical)
    double = Experiments(rows.X, rows.treated, 2 * amount, rows.group, rows.categorical)
    models = [fit_effect(part, cross_fit(part, PARAMS), PARAMS) for part in (single, double)]
    assert models[0].average == pytest.approx(10, abs=1)
    assert models[1].average == pytest.approx(2 * models[0].average, rel=0.01)


def test_an_outcome_that_never_happens_has_no_effect() -> None:
    """No trees grow, effects are 0 but for half a row, and the model is saved like any other."""
    rows, _ = confounded(0, units=200)
    never = Experiments(rows.X, rows.treated, 0 * rows.y, rows.group, rows.categorical)
    model = fit_effect(never, cross_fit(never, PARAMS), PARAMS)
    assert np.abs(model.effect(rows.X)).max() < 0.01
    back = EffectModel.from_json(json.loads(json.dumps(model.to_json())), model.texts)
    np.testing.assert_array_equal(back.effect(rows.X), model.effect(rows.X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": np.full(60, 0.5)}, "must be 0 or 1"),
        ({"y": np.full(60, np.nan)}, "finite number"),
        ({"group": np.arange(59)}, "differ in rows"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    change: dict[str, np.ndarray], message: str
) -> None:
    """The error says which column is wrong."""
    columns = {"treated": np.ones(60), "y": np.ones(60), "group": np.arange(60)}
    with pytest.raises(InputError, match=message):
        Experiments(pd.DataFrame({"a": np.arange(60.0)}), **{**columns, **change})


def test_too_few_groups_or_rows_of_an_arm_are_refused() -> None:
    """Folds need groups, and both arms must be there to learn from."""
    with pytest.raises(InputError, match="5 folds need as many groups, there are 3"):
        folds_of(np.array([1, 2, 3, 3]), 5, 0)
    rows, _ = confounded(0, units=100)
    alone = Experiments(rows.X, np.zeros(len(rows.y)), rows.y, rows.group, rows.categorical)
    with pytest.raises(InputError, match="an arm has 0 rows to learn from, 20 are needed"):
        cross_fit(alone, PARAMS)
