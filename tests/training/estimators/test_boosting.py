"""Same rows, same trees; every forecast is the sum of its parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import expit

from training.estimators.boosting import (
    Binned,
    Ensemble,
    TrainingRows,
    fit_ensemble,
    fit_ensembles,
    stop_early,
)
from training.params import BoosterParams

Floats = npt.NDArray[np.float64]
CATEGORICAL = ["word"]
PARAMS = BoosterParams(
    learning_rate=0.1,
    min_data_in_leaf=20,
    feature_fraction=0.7,
    bags=4,
    max_rounds=150,
    early_stopping_rounds=5,
)
OTHER = 3.0
"""The place after the last of three words."""


def part(seed: int, rows: int = 1_500) -> TrainingRows:
    """Draw rows: a number and a word are informative, a column with holes and noise are not."""
    rng = np.random.default_rng(seed)
    word = rng.choice([0.0, 1.0, 2.0, OTHER, np.nan], rows)
    number, noise = rng.standard_normal(rows), rng.standard_normal(rows)
    holes = np.where(rng.random(rows) < 0.3, np.nan, rng.standard_normal(rows))
    lucky = np.isnan(word) | (word == OTHER)
    y = (rng.random(rows) < expit(number - 2 + 3 * lucky)).astype(np.float64)
    X = pd.DataFrame({"number": number, "word": word, "holes": holes, "noise": noise})
    return TrainingRows(X, y, rng.uniform(0.5, 1.5, rows))


def fitted(params: BoosterParams = PARAMS, seed: int = 0) -> Ensemble:
    """Fit thirty trees a bag."""
    return fit_ensemble(part(seed), CATEGORICAL, 30, params)


@pytest.mark.parametrize("seed", range(2))
def test_same_rows_same_trees(seed: int) -> None:
    """Two fits agree to the letter, however many boosters grow side by side."""
    one = fitted(PARAMS.model_copy(update={"threads": 1}), seed)
    for threads in (1, 2, 4):
        assert fitted(PARAMS.model_copy(update={"threads": threads}), seed) == one


def test_rows_binned_once_give_the_trees_of_rows_binned_each_time() -> None:
    """Other labels, weights and starts of the same features leave no trace in one another."""
    rows = part(0, 600)
    start = np.linspace(-1, 1, 600)
    amounts = replace(rows, y=3 * start, weights=1 / rows.weights, start=start, loss="regression")
    shared = Binned()
    for each in (rows, amounts, replace(rows, y=1 - rows.y, start=-start), rows):
        alone = fit_ensemble(each, CATEGORICAL, 5, PARAMS)
        assert fit_ensemble(replace(each, binned=shared), CATEGORICAL, 5, PARAMS) == alone


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_ensembles_fitted_together_are_those_fitted_alone(threads: int) -> None:
    """Side by side, in whatever order, no ensemble learns from another's rows."""
    params = PARAMS.model_copy(update={"threads": threads, "bags": 2})
    jobs = [(part(1, 400), 5), (part(2, 900), 12), (part(3, 400), 5)]
    alone = [fit_ensemble(rows, CATEGORICAL, rounds, params) for rows, rounds in jobs]
    assert fit_ensembles(jobs, CATEGORICAL, params) == alone
    assert alone[0] != alone[2]


def test_the_number_of_trees_does_not_depend_on_workers() -> None:
    """Early stopping counts the same whichever fold is done first."""
    folds = [(part(seed), part(seed + 10)) for seed in range(3)]
    counts = {
        stop_early(folds, CATEGORICAL, PARAMS.model_copy(update={"threads": threads}))
        for threads in (1, 2, 3)
    }
    assert len(counts) == 1
    stopping = counts.pop()
    assert 1 < stopping.rounds < PARAMS.max_rounds
    assert len(stopping.curves) == len(folds)


def test_a_learning_curve_falls_to_its_best_and_goes_on_for_as_long_as_hope_lasts() -> None:
    """One loss a tree: the best at the number of trees kept, then the trees that gained nothing."""
    stopping = stop_early([(part(1), part(2))], CATEGORICAL, PARAMS)
    (curve,) = stopping.curves
    assert curve[0] > min(curve) == curve[stopping.rounds - 1]
    assert len(curve) == stopping.rounds + PARAMS.early_stopping_rounds


def test_noise_stops_at_once() -> None:
    """Where nothing can be learned, one or a few trees are all."""
    rng = np.random.default_rng(3)
    parts = [part(seed) for seed in (1, 2)]
    blind = [TrainingRows(p.X[["noise", "holes"]], rng.permutation(p.y), p.weights) for p in parts]
    assert stop_early([(blind[0], blind[1])], (), PARAMS).rounds < 15


def test_bags_have_different_seeds_and_are_averaged() -> None:
    """An ensemble's margin is the mean of its boosters', and no two of those are alike."""
    ensemble, X = fitted(), part(9).X
    assert len(set(ensemble.texts)) == PARAMS.bags
    alone = [Ensemble((text,), ensemble.columns).margins(X) for text in ensemble.texts]
    np.testing.assert_allclose(ensemble.margins(X), np.mean(alone, axis=0), rtol=0, atol=1e-12)


def test_contributions_add_up_to_margins() -> None:
    """What the features give, and the base, are the margin of every row."""
    ensemble, X = fitted(), part(9).X
    parts = ensemble.contributions(X)
    assert parts.shape == (len(X), X.shape[1] + 1)
    np.testing.assert_allclose(parts.sum(axis=1), ensemble.margins(X), atol=1e-9)
    assert len(set(parts[:, -1])) == 1


def test_columns_are_found_by_name() -> None:
    """Further columns, or another order, change no forecast."""
    ensemble, X = fitted(), part(9).X
    shuffled = X[["noise", "word", "number", "holes"]].assign(more=1.0)
    np.testing.assert_array_equal(ensemble.margins(shuffled), ensemble.margins(X))


@pytest.mark.parametrize("least", [1, 3, 19])
def test_leaves_may_be_small(least: int) -> None:
    """A leaf may hold fewer rows than LightGBM's own default of 20."""
    few = part(4, rows=38)
    params = PARAMS.model_copy(update={"min_data_in_leaf": least, "bagging_fraction": 1.0})
    params = params.model_copy(update={"feature_fraction": 1.0, "lambda_l2": 0.0})
    ensemble = fit_ensemble(few, CATEGORICAL, 5, params)
    assert len(set(ensemble.margins(few.X))) > 1


def test_other_words_and_none_are_learned_like_words() -> None:
    """Rows without a word, and with one that is not in the list, get the chance they had."""
    ensemble = fitted(PARAMS.model_copy(update={"feature_fraction": 1.0}))
    X = part(8).X
    p = pd.Series(expit(ensemble.margins(X))).groupby(X["word"].fillna(-1.0)).mean()
    assert min(p[-1.0], p[OTHER]) > 2 * max(p[0.0], p[1.0], p[2.0])


def test_unseen_values_are_forecast_too() -> None:
    """A place beyond the list, and a column that is empty throughout, give numbers."""
    X = part(8).X.assign(word=17.0, holes=np.nan)
    assert np.isfinite(fitted().margins(X)).all()


def test_no_rows_give_no_forecasts() -> None:
    """Where no lead is open there is nothing to forecast, and nothing breaks."""
    ensemble, X = fitted(), part(0).X.iloc[:0]
    assert ensemble.margins(X).shape == (0,)
    assert ensemble.contributions(X).shape == (0, 5)


def test_importance_is_a_share() -> None:
    """Gains are shares of all; without a split they are 0."""
    gains = fitted().importance()
    assert gains.sum() == pytest.approx(1)
    assert int(np.argmax(gains)) == 1
    stumps = fitted(PARAMS.model_copy(update={"min_data_in_leaf": 1_000}))
    assert stumps.importance().tolist() == [0, 0, 0, 0]
