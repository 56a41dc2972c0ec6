"""The regression beside the trees: explained exactly, kept as data, the same whoever fits it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from training.estimators.boosting import TrainingRows, fit_ensemble
from training.estimators.linear import RidgeLogistic, fit_linear
from training.estimators.regression import (
    INVERSE_RIDGE,
    FeatureRegression,
    fit_regression,
    regressors,
)
from training.leads.blend import Blend
from training.leads.exposure import Exposure
from training.params import BoosterParams

SEEDS = range(4)
CATEGORICAL = ("source",)
NONE = np.zeros(30_000)
"""No offset."""


def leads(seed: int, rows: int = 2000) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw leads with counts, ages that may be missing, a source, and what came of them."""
    rng = np.random.default_rng(seed)
    touches = rng.poisson(3, rows).astype(np.float64)
    age = np.where(rng.random(rows) < 0.2, np.nan, rng.exponential(20, rows))
    source = np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 4, rows))
    margin = -2 + 0.8 * np.log1p(touches) - 0.02 * np.nan_to_num(age) + 0.7 * (source == 2)
    y = (rng.random(rows) < expit(margin)).astype(np.float64)
    return pd.DataFrame({"touches": touches, "age": age, "source": source, "same": 1.0}), y


@pytest.mark.parametrize("seed", SEEDS)
def test_contributions_add_up(seed: int) -> None:
    """Base and parts are the log-odds, for leads it has seen, new codes and missing values."""
    X, y = leads(seed)
    regression = fit_regression(X, y, CATEGORICAL, NONE[: len(y)])
    others = pd.DataFrame(
        {"touches": [0.0, 1e6, np.nan], "age": np.nan, "source": [9.0, np.nan, 2.0], "same": 5.0}
    )
    for rows in (X, others):
        parts = regression.contributions(rows)
        assert parts.shape == (len(rows), X.shape[1] + 1)
        np.testing.assert_allclose(parts.sum(axis=1), regression.margins(rows), atol=1e-9)
    assert (regression.contributions(X)[:, 3] == 0).all(), "a column with one value says nothing"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_half_of_each(seed: int) -> None:
    """A blend's log-odds and its parts lie half-way between the trees and the regression."""
    X, y = leads(seed)
    params = BoosterParams(bags=1)
    trees = fit_ensemble(TrainingRows(X, y, np.ones(len(y))), CATEGORICAL, 20, params)
    regression = fit_regression(X, y, CATEGORICAL, NONE[: len(y)])
    blend = Blend(trees, 0.5, regression, Exposure())
    halves = (0.5 + trees.margins(X) + regression.margins(X)) / 2
    np.testing.assert_array_equal(blend.margins(X), halves)
    np.testing.assert_allclose(blend.contributions(X).sum(axis=1), halves, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_scikit_learns_where_there_is_no_offset(seed: int) -> None:
    """Weights, intercept and forecasts are those of its ridge logistic regression."""
    X, y = leads(seed)
    z = regressors(X, tuple(X.columns), {"source": (0, 1, 2, 3)})
    theirs = fit_linear(LogisticRegression(C=INVERSE_RIDGE, max_iter=300), z, y)
    ours = fit_linear(RidgeLogistic(INVERSE_RIDGE, NONE[: len(y)]), z, y)
    assert ours.names == theirs.names
    np.testing.assert_allclose(ours.of(z), theirs.of(z), atol=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_offset_is_not_learned_twice(seed: int) -> None:
    """Half the exposure in a season, half the conversions: the level stays what it would be."""
    rng = np.random.default_rng(seed)
    X, y = leads(seed, 20_000)
    is_slow = rng.random(len(y)) < 0.5
    kept = np.where(is_slow & (rng.random(len(y)) < 0.5), 0.0, y)
    offset = np.where(is_slow, np.log(0.5), 0.0)
    plain, aware = (fit_regression(X, kept, CATEGORICAL, o) for o in (NONE[: len(y)], offset))
    truth = fit_regression(X, y, CATEGORICAL, NONE[: len(y)]).margins(X).mean()
    assert abs(aware.margins(X).mean() - truth) < 0.12
    assert plain.margins(X).mean() < truth - 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_kept_as_plain_numbers(seed: int) -> None:
    """What is read back from JSON forecasts the same bits."""
    X, y = leads(seed)
    regression = fit_regression(X, y, CATEGORICAL, NONE[: len(y)])
    again = FeatureRegression.from_json(json.loads(json.dumps(regression.to_json())))
    np.testing.assert_array_equal(regression.margins(X), again.margins(X))


def test_fits_side_by_side_give_the_same_bits() -> None:
    """Whoever else fits at the same time, sums are made in one order."""
    drawn = [leads(seed, 30_000) for seed in range(3)]
    alone = [fit_regression(X, y, CATEGORICAL, NONE[: len(y)]).to_json() for X, y in drawn]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda d: fit_regression(*d, CATEGORICAL, NONE).to_json(), drawn))
    assert alone == together


@pytest.mark.parametrize("seed", SEEDS)
def test_it_finds_what_there_is(seed: int) -> None:
    """It ranks unseen leads nearly as well as the chances they were drawn with."""
    X, y = leads(seed, 20_000)
    regression = fit_regression(X.iloc[:10_000], y[:10_000], CATEGORICAL, NONE[:10_000])
    margin = (
        -2 + 0.8 * np.log1p(X["touches"]) - 0.02 * X["age"].fillna(0) + 0.7 * (X["source"] == 2)
    )
    found = np.corrcoef(regression.margins(X.iloc[10_000:]), margin.iloc[10_000:])[0, 1]
    assert found > 0.93
