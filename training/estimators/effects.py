"""What a treatment changes: a cross-fitted, doubly robust learner of effects, on plain arrays.

For each row three things are predicted by models that have not seen its unit (cross-fitting,
Chernozhukov et al. 2018): the chance to be treated, and the mean outcome with and without. They
make the row's score, the augmented inverse-propensity-weighted pseudo-outcome (Robins, Rotnitzky &
Zhao 1994; Robins & Rotnitzky 1995). Its mean is the average effect if either the chance to be
treated or the outcome means are right, provided that everything that moves both treatment and
outcome is among the features. Regressed on features, scores tell who gains more than others (the
DR-learner, Kennedy 2020, "Towards optimal doubly robust estimation of heterogeneous causal
effects").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from features.arrays import Bools, Floats, Ints
from features.errors import InputError
from training.effect_params import EffectParams
from training.estimators.arms import Arms, fit_arms, fit_plain
from training.estimators.linear import one_thread
from training.estimators.predictor import Growth, Lesson, Predictor, fit_predictor, mean_of
from training.evaluation.bootstrap import WITHHELD, Estimate

SLOPE_SPREAD = 0.15
"""How far the slopes of a sum's parts are believed to lie from their common one."""


@dataclass(frozen=True)
class Experiments:
    """Past attempts, or units of a randomised experiment.

    Attributes:
        X: features known before the treatment, float64; NaN is empty, categories are codes.
        treated: 1 where the treatment took place, such as a call that got through, else 0.
        y: the outcome, 0 and 1 or an amount.
        group: units (leads) that are kept whole across folds and resamples.
        categorical: the columns of X that hold categories.
    """

    X: pd.DataFrame
    treated: Floats
    y: Floats
    group: Ints
    categorical: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be learned from.

        Raises:
            InputError: columns differ in length, or hold what they may not.
        """
        lengths = {len(self.X), len(self.treated), len(self.y), len(self.group)}
        if len(lengths) > 1:
            raise InputError(f"features, treatment, outcome and group differ in rows: {lengths}")
        if not np.isin(self.treated, (0, 1)).all():
            raise InputError("`treated` must be 0 or 1 in every row")
        if not np.isfinite(self.y).all():
            raise InputError("`y` must be a finite number in every row")

    def take(self, rows: Ints | Bools) -> Experiments:
        """Return some of the rows, by position or mask."""
        X = self.X.iloc[np.flatnonzero(rows) if rows.dtype == bool else rows]
        return Experiments(
            X.reset_index(drop=True),
            self.treated[rows],
            self.y[rows],
            self.group[rows],
            self.categorical,
        )

    @property
    def is_chance(self) -> bool:
        """Whether outcomes are 0 and 1, so that their mean is a chance."""
        return bool(np.isin(self.y, (0, 1)).all())

    def outcomes(self) -> Lesson:
        """Return the outcomes as what a predictor learns from."""
        return Lesson.of(self.X, self.y, self.categorical, is_chance=self.is_chance)

    def order(self) -> Ints:
        """Return positions that sort the rows by everything they hold.

        Trees and sums depend on the order of rows. In this one, equal rows that came in another
        order give the same model to the bit.
        """
        # One hash of a row's features in place of a sort by forty columns.
        features = pd.util.hash_pandas_object(self.X, index=False).to_numpy()
        return np.lexsort([features, self.y, self.treated, self.group])


@dataclass(frozen=True)
class Nuisances:
    """What must be known of each row to tell its effect, predicted by models that never saw it.

    Attributes:
        propensity: chance to be treated.
        treated_mean: mean outcome if treated.
        control_mean: mean outcome if not.
    """

    propensity: Floats
    treated_mean: Floats
    control_mean: Floats

    def take(self, rows: Ints | Bools) -> Nuisances:
        """Return some of the rows, by position or mask."""
        return Nuisances(self.propensity[rows], self.treated_mean[rows], self.control_mean[rows])


def folds_of(group: Ints, folds: int, seed: int) -> Ints:
    """Return the fold of each row, 0 to folds - 1; the rows of a group share theirs.

    Raises:
        InputError: there are fewer groups than folds.
    """
    groups, place = np.unique(group, return_inverse=True)
    if len(groups) < folds:
        raise InputError(f"{folds} folds need as many groups, there are {len(groups)}")
    drawn = np.random.default_rng(seed).permutation(len(groups)) % folds
    return np.asarray(drawn[place])


def cross_fit(
    rows: Experiments, params: EffectParams, propensity: Floats | None = None
) -> Nuisances:
    """Predict chance of treatment and outcome means of each fold by models of the other folds.

    Args:
        rows: what happened.
        params: folds and trees.
        propensity: chances to be treated that are known, as in a randomised experiment.

    Raises:
        InputError: an arm is too small to learn from, or there are fewer groups than folds.
    """
    order = rows.order()
    ordered = rows.take(order)
    fold = folds_of(ordered.group, params.folds, params.seed)

    def predict(k: int) -> tuple[Floats, ...]:
        train, unseen = ordered.take(fold != k), ordered.X[fold == k]
        means = fit_arms(train.outcomes(), train.treated, params).means(unseen)
        if propensity is not None:
            return (propensity[order[fold == k]], *means)
        lesson = Lesson.of(train.X, train.treated, train.categorical, is_chance=True)
        return (mean_of(fit_plain(lesson, params).margins(unseen), is_chance=True), *means)

    out = np.empty((3, len(order)))
    with ThreadPoolExecutor(params.threads) as pool:
        for k, predicted in enumerate(pool.map(predict, range(params.folds))):
            out[:, order[fold == k]] = predicted
    return Nuisances(*out)


def pseudo_outcomes(rows: Experiments, nuisances: Nuisances, overlap: float) -> Floats:
    """Return each row's score, whose mean is the average effect.

    The score is what the models expect treatment to change, plus what they got wrong in the arm
    the row was in, weighted by how rare such a row is in that arm (AIPW)::

        treated   chance   means        outcome   score
        1         0.5      0.3  0.1     1         0.2 + 0.7 / 0.5 =  1.6
        1         0.5      0.3  0.1     0         0.2 - 0.3 / 0.5 = -0.4
        0         0.8      0.3  0.1     1         0.2 - 0.9 / 0.2 = -4.3

    Args:
        rows: what happened.
        nuisances: what was predicted of them, out of fold.
        overlap: chances to be treated are clipped this far from 0 and 1.
    """
    e = np.clip(nuisances.propensity, overlap, 1 - overlap)
    with_it, without = nuisances.treated_mean, nuisances.control_mean
    missed = rows.treated * (rows.y - with_it) / e
    missed -= (1 - rows.treated) * (rows.y - without) / (1 - e)
    return np.asarray(with_it - without + missed)


def average_effect(scores: Floats, group: Ints, level: float) -> Estimate:
    """Return the mean of scores with an interval that keeps groups whole.

    The variance is that of the groups' sums (Liang & Zeger 1986); the interval is normal.

    Args:
        scores: pseudo-outcomes.
        group: rows of one group are not independent.
        level: coverage of the interval, such as 0.9.
    """
    if not len(scores):
        return WITHHELD
    mean = float(scores.mean())
    error = clustered_error(scores - mean, group)
    if error is None:
        return Estimate(mean)
    z = NormalDist().inv_cdf((1 + level) / 2)
    return Estimate(mean, mean - z * error, mean + z * error)


def clustered_error(residuals: Floats, group: Ints) -> float | None:
    """Return the standard error of a mean from its residuals; None with fewer than two groups."""
    groups, place = np.unique(group, return_inverse=True)
    if len(groups) < 2:  # noqa: PLR2004  # one group says nothing of how groups differ
        return None
    sums = np.bincount(place, weights=residuals)
    return float(np.sqrt((sums**2).sum() * len(groups) / (len(groups) - 1)) / len(residuals))


@dataclass(frozen=True)
class EffectModel:
    """The effect of a treatment on a row: the average, and how the row differs from it.

    Attributes:
        average: the average effect.
        arms: predict the outcome with and without the treatment.
        differences: a regression and trees of the scores.
        slopes: weight of three parts: the difference of the arms, the regression, the trees.
        centres: mean of each part over the training rows.
    """

    average: float
    arms: Arms
    differences: Predictor
    slopes: tuple[float, ...]
    centres: tuple[float, ...]

    def effect(self, X: pd.DataFrame) -> Floats:
        """Return the effect on each row, in units of the outcome."""
        away = _parts(self.arms, self.differences, X) - np.array(self.centres)[:, None]
        # A sum by hand: BLAS may add up in another order on another machine.
        return np.asarray(self.average + (away * np.array(self.slopes)[:, None]).sum(axis=0))

    @property
    def texts(self) -> tuple[str, ...]:
        """All trees in LightGBM's own text format, in the order that `from_json` expects."""
        return (*self.arms.texts, *self.differences.texts)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the trees' texts."""
        return {
            "average": self.average,
            "arms": self.arms.to_json(),
            "differences": self.differences.to_json(),
            "slopes": list(self.slopes),
            "centres": list(self.centres),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: Sequence[str]) -> EffectModel:
        """Return the model that `to_json` and `texts` wrote down."""
        # Only the last text is of the differences, if they have trees at all.
        return cls(
            plain["average"],
            Arms.from_json(plain["arms"], texts),
            Predictor.from_json(plain["differences"], list(texts[-1:])),
            tuple(plain["slopes"]),
            tuple(plain["centres"]),
        )


def fit_effect(rows: Experiments, nuisances: Nuisances, params: EffectParams) -> EffectModel:
    """Learn who gains more than others from the scores, shrunk towards the average effect.

    Args:
        rows: what happened.
        nuisances: what `cross_fit` predicted of them.
        params: folds, trees, penalties and overlap.
    """
    order = rows.order()
    ordered, known = rows.take(order), nuisances.take(order)
    scores = pseudo_outcomes(ordered, known, params.overlap)
    e = np.clip(known.propensity, params.overlap, 1 - params.overlap)
    lesson = _score_lesson(ordered, scores, e * (1 - e))
    slopes = _slopes(ordered.group, lesson, known.treated_mean - known.control_mean, params)
    arms = fit_arms(ordered.outcomes(), ordered.treated, params)
    differences = _fit_differences(lesson, params)
    centres = tuple(map(float, _parts(arms, differences, ordered.X).mean(axis=1)))
    return EffectModel(float(scores.mean()), arms, differences, slopes, centres)


def _parts(arms: Arms, differences: Predictor, X: pd.DataFrame) -> Floats:
    treated, control = arms.means(X)
    return np.array([treated - control, *differences.parts(X)])


def _score_lesson(rows: Experiments, scores: Floats, weights: Floats) -> Lesson:
    """Scores as labels; a row whose score is mostly luck, as its arm is rare, counts for less."""
    start = np.full(len(scores), scores.mean())
    weights = weights / weights.mean()
    return Lesson(rows.X, scores, rows.categorical, is_chance=False, start=start, weights=weights)


def _fit_differences(lesson: Lesson, params: EffectParams) -> Predictor:
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


def _slopes(
    group: Ints, lesson: Lesson, of_arms: Floats, params: EffectParams
) -> tuple[float, ...]:
    """Weigh the parts by how well they predict scores of folds they have not seen.

    Scores are mostly luck, so slopes of their own for each part would be luck as well, and would
    rank worse than the parts' plain sum. They start from the sum's one slope, and leave it only as
    far as many rows say so: least squares, none negative, with a normal prior around that slope.
    What comes out is shrunk by z^2 / (1 + z^2), where z is how many standard errors of luck the
    prediction explains: what least mean squared error asks for where z is known.
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
        return _fit_differences(lesson.take(fold != k), params).parts(lesson.X[fold == k])

    with ThreadPoolExecutor(params.threads) as pool:
        for k, predicted in enumerate(pool.map(predict, range(params.folds))):
            parts[1:, fold == k] = predicted
    return parts
