"""Laws of the linear predictor: standardised, clipped, and back from JSON bit by bit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from training.estimators.linear import FAR, Linear, Standardised, fit_linear, fit_standardised

SEEDS = range(3)


def sample(seed: int, rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Return two features on different scales, one that never varies, and a linear outcome."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"small": rng.normal(0, 0.1, rows), "large": rng.normal(50, 20, rows)})
    X["flat"] = 7.0
    return X, 3 + 4 * X["small"].to_numpy() - 0.05 * X["large"].to_numpy()


def test_the_predictor_by_hand() -> None:
    """Intercept 1, weights 2 and -3 of features that are 1 and 2 standard deviations off."""
    linear = Linear(("a", "b"), (10.0, 0.0), (5.0, 0.5), (2.0, -3.0), 1.0)
    X = pd.DataFrame({"b": [1.0, 0.0, np.nan], "a": [15.0, 10.0, 5.0]})
    assert linear.of(X).tolist() == [1 + 2 * 1 - 3 * 2, 1.0, 1 - 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_outcome_is_found(seed: int) -> None:
    """Without noise the predictor is the outcome, on rows it has not seen."""
    X, y = sample(seed)
    linear = fit_linear(LinearRegression(), X, y)
    unseen, expected = sample(seed + 10)
    near = (unseen["small"].abs() < 0.3).to_numpy() & ((unseen["large"] - 50).abs() < 60).to_numpy()
    assert linear.of(unseen)[near] == pytest.approx(expected[near])


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_standardised_once_are_predicted_alike(seed: int) -> None:
    """To the bit, with gaps and beyond the clip; a column without any value is left out."""
    X, y = sample(seed)
    X.loc[::7, "small"] = np.nan
    X.loc[3, "large"] = 1e6
    columns = {name: X[name].to_numpy() for name in X} | {"empty": np.full(len(X), np.nan)}
    standard = Standardised.of(columns)
    linear = fit_standardised(LinearRegression(), standard, y)
    assert linear == fit_linear(LinearRegression(), X, y)
    np.testing.assert_array_equal(linear.of_standardised(standard), linear.of(X))
    np.testing.assert_allclose(standard.mean, X[["small", "large"]].mean())
    np.testing.assert_allclose(standard.scale, X[["small", "large"]].std(ddof=0))


def test_a_feature_that_never_varies_is_left_out() -> None:
    """It has no standard deviation to divide by, and nothing to say."""
    X, y = sample(0)
    assert fit_linear(LinearRegression(), X, y).names == ("small", "large")


@pytest.mark.parametrize("seed", SEEDS)
def test_units_do_not_matter(seed: int) -> None:
    """Cents instead of euros, and degrees counted from elsewhere, give the same predictions."""
    X, y = sample(seed)
    y = (y > np.median(y)).astype(float)
    other = X.assign(small=100 * X["small"], large=X["large"] + 273.0)
    model = LogisticRegression(C=0.3)
    own, converted = fit_linear(model, X, y).of(X), fit_linear(model, other, y).of(other)
    assert converted == pytest.approx(own, rel=1e-6)


def test_a_missing_value_counts_as_the_mean() -> None:
    """A row without any feature gets the intercept."""
    X, y = sample(0)
    linear = fit_linear(LinearRegression(), X, y)
    nothing = pd.DataFrame({"small": [np.nan], "large": [np.nan]})
    assert linear.of(nothing).tolist() == [linear.intercept]
    middle = pd.DataFrame({"small": [linear.mean[0]], "large": [linear.mean[1]]})
    assert linear.of(middle) == pytest.approx([linear.intercept])


def test_far_rows_are_clipped() -> None:
    """Beyond four standard deviations a feature moves the prediction no further."""
    linear = Linear(("a",), (0.0,), (1.0,), (2.0,), 0.5)
    values = linear.of(pd.DataFrame({"a": [FAR, FAR + 1, 1e12, -1e12, np.inf]}))
    assert values.tolist() == [8.5, 8.5, 8.5, -7.5, 8.5]


def test_other_columns_and_orders_change_nothing() -> None:
    """Features are found by name."""
    X, y = sample(0)
    linear = fit_linear(LinearRegression(), X, y)
    shuffled = X[["large", "flat", "small"]].assign(more=1.0)
    np.testing.assert_array_equal(linear.of(shuffled), linear.of(X))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_alone_is_predicted_as_among_others(seed: int) -> None:
    """To the bit, with more features than are added up at once."""
    draws = np.random.default_rng(seed)
    names = tuple(f"f{k}" for k in range(50))
    linear = Linear(names, (0.0,) * 50, (1.0,) * 50, tuple(draws.normal(size=50)), 0.1)
    X = pd.DataFrame(draws.normal(size=(20, 50)), columns=list(names))
    alone = np.concatenate([linear.of(X.iloc[[row]]) for row in range(len(X))])
    np.testing.assert_array_equal(alone, linear.of(X))


@pytest.mark.parametrize("seed", SEEDS)
def test_json_keeps_every_bit(seed: int) -> None:
    """What is read back predicts the very same numbers."""
    X, y = sample(seed)
    linear = fit_linear(LinearRegression(), X, y)
    back = Linear.from_json(json.loads(json.dumps(linear.to_json())))
    assert back == linear
    np.testing.assert_array_equal(back.of(X), linear.of(X))


def test_the_same_rows_give_the_same_bits() -> None:
    """Two fits agree exactly."""
    X, y = sample(1)
    y = (y > 0.5).astype(float)
    model = LogisticRegression(C=0.3)
    assert fit_linear(model, X, y) == fit_linear(model, X, y)
