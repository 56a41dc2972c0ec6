"""How effects differ: scores regressed on features, and how far that is to be believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.optimize import nnls

from features.arrays import Floats, Ints
from training.effect_params import EffectParams
from training.estimators.grouped import clustered_error, folds_of
from training.estimators.linear import one_thread
from training.estimators.predictor import Growth, Lesson, Predictor, fit_predictor

SLOPE_SPREAD = 0.15
"""How far the slopes of a sum's parts are believed to lie from their common one."""


def fit_differences(lesson: Lesson, params: EffectParams) -> Predictor:
    """Fit a strongly penalised regression, and a few trees on it, to scores."""
    rows = len(lesson.y)
    leaf = max(params.min_data_in_leaf, int(params.effect_leaf_share * rows))
    growth = Growth(
        params.effect_rounds,
        params.effect_leaves,
        leaf,
        params.effect_learning_rate,
        params.effect_ridge * rows,
    )
    return fit_predictor(lesson, growth, params)


def slopes_of(
    group: Ints, lesson: Lesson, of_arms: Floats, params: EffectParams
) -> tuple[float, ...]:
    """Weigh the parts by how well they predict scores of folds they have not seen.

    Scores are mostly luck, so slopes of their own for each part would be luck as well, and would
    rank worse than the parts' plain sum. They start from the sum's one slope, and leave it only as
    far as many rows say so: least squares, none negative, with a normal prior around that slope.
    What comes out is shrunk by z^2 / (1 + z^2), where z is how many standard errors of luck the
    prediction explains: what least mean squared error asks for where z is known.

    Args:
        group: of each row.
        lesson: scores as labels, the average effect as start.
        of_arms: difference of the outcome means of each row, predicted out of fold.
        params: folds, trees and penalties.

    Returns:
        Slopes of the difference of the arms, the regression and the trees.
    """
    parts = _unseen_parts(group, lesson, of_arms, params)
    root = np.sqrt(lesson.weights)
    away = (parts - np.average(parts, axis=1, weights=lesson.weights)[:, None]) * root
    target = (lesson.y - np.average(lesson.y, weights=lesson.weights)) * root
    plain = away.sum(axis=0)
    common = max(0.0, float((plain * target).sum()) / (float((plain**2).sum()) or 1.0))
    tie = float(target.std()) / SLOPE_SPREAD * np.eye(len(parts))
    prior = tie @ np.full(len(parts), common)
    with one_thread():
        slopes, _ = nnls(np.vstack([away.T, tie]), np.append(target, prior))
    explained = (away * slopes[:, None]).sum(axis=0)
    error = clustered_error((target - explained) * explained, group)
    z = max(0.0, float((target * explained).mean()) / error) if error else 0.0
    return tuple(map(float, slopes * z**2 / (1 + z**2)))


def _unseen_parts(group: Ints, lesson: Lesson, of_arms: Floats, params: EffectParams) -> Floats:
    """Return the three parts of each row's effect, by models that have not seen its unit."""
    fold = folds_of(group, params.folds, params.seed)
    parts = np.empty((3, len(fold)))
    parts[0] = of_arms

    def predict(k: int) -> tuple[Floats, Floats]:
        return fit_differences(lesson.take(fold != k), params).parts(lesson.design.X[fold == k])

    with ThreadPoolExecutor(params.threads) as pool:
        for k, predicted in enumerate(pool.map(predict, range(params.folds))):
            parts[1:, fold == k] = predicted
    return parts
