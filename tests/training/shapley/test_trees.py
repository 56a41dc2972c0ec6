"""TreeSHAP of many rows is what the definition says, and what shap says of LightGBM."""

from __future__ import annotations

from itertools import combinations

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import shap

from training.estimators.boosting import Ensemble, TrainingRows, fit_ensemble
from training.params import BoosterParams
from training.shapley.coalitions import shapley_values
from training.shapley.trees import Leaf, Paths, Split, tree_contributions

Floats = npt.NDArray[np.float64]
COLUMNS = 4
NUMBERS, WORD = ["number", "holes", "whole"], "word"


def grown(rng: np.random.Generator, depth: int) -> Split | Leaf:
    """Grow a tree at random; columns come back on a path, and words and holes occur."""
    if depth == 0 or rng.random() < 0.15:
        return Leaf(float(rng.standard_normal()), float(rng.integers(1, 50)))
    column = int(rng.integers(COLUMNS))
    words = tuple(map(float, rng.choice(4, 2, replace=False))) if column == 0 else None
    threshold = float(rng.normal(0, 0.7))
    left, right = grown(rng, depth - 1), grown(rng, depth - 1)
    return Split(column, threshold, words, bool(rng.random() < 0.5), left, right)


def rows(rng: np.random.Generator, count: int) -> Floats:
    """Draw rows: a word, and numbers with holes."""
    X = rng.standard_normal((count, COLUMNS))
    X[:, 0] = rng.integers(0, 4, count)
    X[rng.random(X.shape) < 0.2] = np.nan
    return X


def expected(node: Split | Leaf, row: Floats, known: frozenset[int]) -> float:
    """Return what a tree says where only some columns are known: its own shares for the others."""
    if isinstance(node, Leaf):
        return node.value
    parts = [expected(child, row, known) for child in (node.left, node.right)]
    if node.column in known:
        return parts[0] if node.goes_left(row[[node.column]])[0] else parts[1]
    share = node.left.rows / node.rows
    return share * parts[0] + (1 - share) * parts[1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("depth", [2, 5, 8])
def test_values_are_those_of_the_definition(seed: int, depth: int) -> None:
    """Every coalition of columns asked one by one gives the same values, also for large trees."""
    rng = np.random.default_rng(seed)
    tree, X = grown(rng, depth), rows(rng, 6)
    every = [frozenset(c) for n in range(COLUMNS + 1) for c in combinations(range(COLUMNS), n)]
    worth = {known: np.array([expected(tree, row, known) for row in X]) for known in every}
    got = tree_contributions([Paths.of(tree)], X)
    np.testing.assert_allclose(got[:, :-1], shapley_values(worth, COLUMNS), atol=1e-12)
    np.testing.assert_allclose(got[:, -1], worth[frozenset()], atol=1e-12)


@pytest.mark.parametrize("depth", [4, 7])
def test_a_row_comes_out_the_same_whatever_stands_beside_it(depth: int) -> None:
    """Alone, among few and among many: the same to the bit, for small trees and for large."""
    rng = np.random.default_rng(3)
    trees, X = [Paths.of(grown(rng, depth)) for _ in range(5)], rows(rng, 700)
    together = tree_contributions(trees, X)
    for some in (slice(0, 1), slice(17, 40), slice(690, 700)):
        assert (tree_contributions(trees, X[some]) == together[some]).all()


def test_a_tree_that_asks_nothing_adds_to_the_base_alone() -> None:
    """A single leaf has no reasons."""
    got = tree_contributions([Paths.of(Leaf(0.7, 3.0))], np.zeros((2, COLUMNS)))
    np.testing.assert_allclose(got, [[0.0] * COLUMNS + [0.7]] * 2, atol=1e-12)


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Rows with a word of many values, holes, and a column without any."""
    rng = np.random.default_rng(5)
    count = 4_000
    holes = np.where(rng.random(count) < 0.3, np.nan, rng.standard_normal(count))
    word = rng.integers(0, 40, count).astype(np.float64)
    whole, number = rng.poisson(2.0, count).astype(np.float64), rng.standard_normal(count)
    return pd.DataFrame({"number": number, "holes": holes, "whole": whole, WORD: word})


@pytest.fixture(scope="module")
def ensemble(history: pd.DataFrame) -> Ensemble:
    """Trees that use all of it."""
    rng = np.random.default_rng(6)
    eta = history["number"] + history["holes"].fillna(1.0) * (history[WORD] % 3 - 1)
    y = (rng.random(len(history)) < 1 / (1 + np.exp(-eta))).astype(np.float64)
    params = BoosterParams(num_leaves=31, min_data_in_leaf=10, feature_fraction=0.9, bags=2)
    return fit_ensemble(TrainingRows(history, y, np.ones(len(y))), [WORD], 30, params)


@pytest.mark.parametrize("count", [1, 40, 4_000])
def test_shap_says_the_same(ensemble: Ensemble, history: pd.DataFrame, count: int) -> None:
    """Rows, small batches and large ones are shap's TreeExplainer's to 1e-6."""
    X = history.iloc[:count].copy()
    # Words and holes that no training row had.
    X.iloc[0] = [np.nan, 0.3, np.nan, 77.0]
    few = X.iloc[:: max(1, count // 100)]
    explainers = [shap.TreeExplainer(lgb.Booster(model_str=text)) for text in ensemble.texts]
    with pytest.warns(UserWarning, match="shap values output has changed"):
        theirs = np.mean([each.shap_values(few) for each in explainers], axis=0)
    ours = pd.DataFrame(ensemble.contributions(X)[:, :-1], index=X.index).loc[few.index]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_parts_add_up_to_the_margin(ensemble: Ensemble, history: pd.DataFrame) -> None:
    """Base and features are what the trees say."""
    parts = ensemble.contributions(history)
    np.testing.assert_allclose(parts.sum(axis=1), ensemble.margins(history), atol=1e-9)
