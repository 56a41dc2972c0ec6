"""Laws of the regression below trees: how features are encoded, weighted, and saved."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from training.effect_params import EffectParams
from training.estimators.predictor import (
    MOST_CATEGORIES,
    Design,
    Encoding,
    Growth,
    Lesson,
    Predictor,
    RidgeLinear,
    fit_predictor,
    mean_of,
)

GROWTH = Growth(rounds=5, leaves=4, leaf_rows=20, learning_rate=0.1, ridge=1.0)
PARAMS = EffectParams()


def sample(seed: int, rows: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a number with gaps, a category, and a chance that goes by both."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=rows), "kind": rng.integers(0, 3, rows).astype(float)})
    X.loc[rng.random(rows) < 0.2, "a"] = np.nan
    chance = 0.2 + 0.3 * X["a"].isna() + 0.3 * (X["kind"] == 2)
    return X, (rng.random(rows) < chance).to_numpy().astype(float)


def test_an_encoding_by_hand() -> None:
    """A gap and a category become columns; a code that was never seen is none of them."""
    X = pd.DataFrame({"a": [1.0, np.nan], "b": [3.0, 4.0], "kind": [2.0, np.nan]})
    encoding = Encoding.of(X, ["kind"])
    encoded = encoding.encode(pd.DataFrame({"kind": [2.0, 9.0], "b": [0.0, 1.0], "a": [np.nan, 5]}))
    assert list(encoded) == ["a", "b", "a is empty", "kind is 2"]
    assert encoded["a is empty"].tolist() == [1.0, 0.0]
    assert encoded["kind is 2"].tolist() == [1.0, 0.0]


def test_only_frequent_categories_get_a_column() -> None:
    """A category of many values does not become as many columns."""
    codes = np.concatenate([np.arange(40.0), np.tile(np.arange(MOST_CATEGORIES), 3)])
    encoding = Encoding.of(pd.DataFrame({"kind": codes}), ["kind"])
    assert encoding.codes == (("kind", tuple(map(float, range(MOST_CATEGORIES)))),)


@pytest.mark.parametrize("seed", range(3))
def test_the_ridge_is_scikit_learns(seed: int) -> None:
    """The closed form agrees with the library, weights and all."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(80, 4)), rng.random(80) + 0.1
    y = X @ np.array([1.0, -2.0, 0.0, 0.5]) + rng.normal(size=80)
    own = RidgeLinear(3.0, weights).fit(X, y)
    library = Ridge(alpha=3.0).fit(X, y, sample_weight=weights)
    assert own.coef_ == pytest.approx(library.coef_)
    assert own.intercept_ == pytest.approx(library.intercept_)


@pytest.mark.parametrize("seed", range(3))
def test_chances_go_by_gaps_and_categories(seed: int) -> None:
    """Mean predictions of the four kinds of rows lie near their shares."""
    X, y = sample(seed)
    predictor = fit_predictor(Lesson.of(Design(X, ("kind",)), y, is_chance=True), GROWTH, PARAMS)
    p = mean_of(predictor.margins(X), is_chance=True)
    for rows in (X["a"].isna(), X["a"].notna(), X["kind"] == 2, X["kind"] < 2):
        assert p[rows].mean() == pytest.approx(y[rows].mean(), abs=0.04)


@pytest.mark.parametrize("is_chance", [True, False])
def test_json_and_texts_keep_every_bit(is_chance: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """A predictor of chances and one of amounts come back as they were."""
    X, y = sample(0)
    lesson = Lesson.of(Design(X, ("kind",)), y if is_chance else 3 * y, is_chance=is_chance)
    predictor = fit_predictor(lesson, GROWTH, PARAMS)
    texts = [*predictor.texts, "another one's"]
    back = Predictor.from_json(json.loads(json.dumps(predictor.to_json())), texts)
    assert back == predictor
    assert texts == ["another one's"]
    np.testing.assert_array_equal(back.margins(X), predictor.margins(X))


def test_what_is_known_already_is_not_learned_again() -> None:
    """Above the true log-odds little is added; above nothing, much."""
    X, y = sample(1, rows=3000)
    chance = (0.2 + 0.3 * X["a"].isna() + 0.3 * (X["kind"] == 2)).to_numpy()
    lesson = Lesson.of(Design(X, ("kind",)), y, is_chance=True)
    above = lesson.above(np.log(chance / (1 - chance)))
    added = [fit_predictor(part, GROWTH, PARAMS).margins(X).std() for part in (lesson, above)]
    assert added[1] < added[0] / 4


def test_labels_that_are_all_the_same_make_one_chance() -> None:
    """Without any event the chance is half a row's, and there are no trees."""
    X, _ = sample(0, rows=99)
    lesson = Lesson.of(Design(X, ()), np.zeros(99), is_chance=True)
    predictor = fit_predictor(lesson, GROWTH, PARAMS)
    assert predictor.trees is None
    assert predictor.texts == ()
    assert mean_of(predictor.margins(X), is_chance=True) == pytest.approx(np.full(99, 0.005))
