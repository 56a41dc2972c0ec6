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
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats, Ints
from features.errors import InputError
from training.effect_params import EffectParams
from training.estimators.arms import Arms, fit_arms, fit_plain
from training.estimators.differences import fit_differences, slopes_of
from training.estimators.grouped import clustered_error, folds_of
from training.estimators.predictor import Design, Lesson, Predictor, mean_of
from training.evaluation.bootstrap import WITHHELD, Estimate


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

    def outcomes(self, design: Design) -> Lesson:
        """Return the outcomes as what a predictor learns from."""
        return Lesson.of(design, self.y, is_chance=self.is_chance)

    @property
    def design(self) -> Design:
        """The features as what predictors learn from, not prepared yet."""
        return Design(self.X, self.categorical)

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

    def inside(self, overlap: float) -> Floats:
        """Return the chances to be treated, clipped this far from 0 and 1."""
        return np.clip(self.propensity, overlap, 1 - overlap)

    def take(self, rows: Ints | Bools) -> Nuisances:
        """Return some of the rows, by position or mask."""
        return Nuisances(self.propensity[rows], self.treated_mean[rows], self.control_mean[rows])


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
        design = train.design
        means = fit_arms(train.outcomes(design), train.treated, params).means(unseen)
        if propensity is not None:
            return (propensity[order[fold == k]], *means)
        lesson = Lesson.of(design, train.treated, is_chance=True)
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
    treated, control = arm_scores(rows, nuisances, overlap)
    return treated - control


def arm_scores(rows: Experiments, nuisances: Nuisances, overlap: float) -> tuple[Floats, Floats]:
    """Return each row's score for its outcome if treated, and if not: what a risk ratio needs.

    Their means are the mean outcomes if all rows were treated and if none was; the arguments are
    those of `pseudo_outcomes`.
    """
    e = nuisances.inside(overlap)
    with_it, without = nuisances.treated_mean, nuisances.control_mean
    treated = with_it + rows.treated * (rows.y - with_it) / e
    control = without + (1 - rows.treated) * (rows.y - without) / (1 - e)
    return treated, control


def average_effect(scores: Floats, group: Ints, level: float) -> Estimate:
    """Return the mean of scores with an interval that keeps groups whole.

    The interval is normal, its variance that of the groups' sums (Liang & Zeger 1986).

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
    design = ordered.design
    lesson = _score_lesson(design, scores, known.inside(params.overlap))
    of_arms = known.treated_mean - known.control_mean
    slopes = slopes_of(ordered.group, lesson, of_arms, params)
    arms = fit_arms(ordered.outcomes(design), ordered.treated, params)
    differences = fit_differences(lesson, params)
    centres = tuple(map(float, _parts(arms, differences, ordered.X).mean(axis=1)))
    return EffectModel(float(scores.mean()), arms, differences, slopes, centres)


def _parts(arms: Arms, differences: Predictor, X: pd.DataFrame) -> Floats:
    treated, control = arms.means(X)
    return np.array([treated - control, *differences.parts(X)])


def _score_lesson(design: Design, scores: Floats, propensity: Floats) -> Lesson:
    """Scores as labels; a row whose score is mostly luck, as its arm is rare, counts for less."""
    weights = propensity * (1 - propensity)
    start = np.full(len(scores), scores.mean())
    lesson = Lesson.of(design, scores, is_chance=False)
    return replace(lesson, start=start, weights=weights / weights.mean())
