"""A ridge regression with a few trees on top: chances or amounts from features, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Bools, Floats
from training.effect_params import EffectParams
from training.estimators.boosting import Binned, Ensemble, Loss, TrainingRows, fit_ensemble
from training.estimators.linear import (
    Linear,
    Regression,
    RidgeLogistic,
    Standardised,
    fit_standardised,
)
from training.params import BoosterParams

MOST_CATEGORIES = 12
"""Categories of a column that get a weight of their own in the regression."""


class RidgeLinear:
    """A weighted least-squares regression with a ridge penalty, in closed form."""

    def __init__(self, penalty: float, weights: Floats) -> None:
        """Take the settings.

        Args:
            penalty: of each squared weight; the larger, the closer weights stay to 0.
            weights: of each row.
        """
        self._penalty, self._weights = penalty, weights
        self.coef_, self.intercept_ = np.empty(0), 0.0

    def fit(self, X: Floats, y: Floats, /) -> RidgeLinear:
        """Fit weights; the intercept is not penalised."""
        total = self._weights.sum()
        centre, level = self._weights @ X / total, float(self._weights @ y / total)
        away = X - centre
        weighted = away * self._weights[:, None]
        gram = weighted.T @ away + self._penalty * np.eye(X.shape[1])
        self.coef_ = np.linalg.solve(gram, weighted.T @ (y - level))
        self.intercept_ = level - float(centre @ self.coef_)
        return self


@dataclass(frozen=True)
class Encoding:
    """How features become columns of a regression.

    A number is itself; an empty one counts as the mean, and a column says that it was empty. A
    category is a column for each of its most frequent codes.

    Attributes:
        numbers: columns that hold numbers.
        gaps: those of them that were empty in some training rows and not in others.
        codes: of each column of categories, its most frequent codes.
    """

    numbers: tuple[str, ...]
    gaps: tuple[str, ...]
    codes: tuple[tuple[str, tuple[float, ...]], ...]

    @classmethod
    def of(cls, X: pd.DataFrame, categorical: Sequence[str]) -> Encoding:
        """Learn it from training rows."""
        numbers = [str(c) for c in X.columns if c not in categorical]
        empty = X[numbers].isna().mean()
        gaps = [c for c in numbers if 0 < empty[c] < 1]
        codes = []
        for column in (c for c in X.columns if c in categorical):
            values, counts = np.unique(X[column].dropna().to_numpy(), return_counts=True)
            frequent = values[np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]]
            codes.append((str(column), tuple(map(float, np.sort(frequent)))))
        return cls(tuple(numbers), tuple(gaps), tuple(codes))

    def encode(self, X: pd.DataFrame) -> dict[str, Floats]:
        """Return the regression's columns by name, all numbers."""
        columns = {name: X[name].to_numpy(np.float64) for name in self.numbers}
        columns |= {f"{c} is empty": np.isnan(columns[c]) * 1.0 for c in self.gaps}
        for name, codes in self.codes:
            values = X[name].to_numpy(np.float64)
            columns |= {f"{name} is {code:g}": (values == code) * 1.0 for code in codes}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        codes = [[name, list(values)] for name, values in self.codes]
        return {"numbers": list(self.numbers), "gaps": list(self.gaps), "codes": codes}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Encoding:
        """Return the encoding that `to_json` wrote down."""
        codes = tuple((name, tuple(values)) for name, values in plain["codes"])
        return cls(tuple(plain["numbers"]), tuple(plain["gaps"]), codes)


@dataclass(frozen=True)
class Predictor:
    """A regression, and trees on top of it.

    Attributes:
        encoding: how features become the regression's columns.
        linear: the regression.
        trees: what is added to it; None where labels did not vary.
        is_chance: it predicts a chance, and both parts are log-odds; else an amount.
    """

    encoding: Encoding
    linear: Linear
    trees: Ensemble | None
    is_chance: bool

    def parts(self, X: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return what the regression and the trees add, one number a row each."""
        regression = self.linear.of(self.encoding.encode(X))
        return regression, np.zeros(len(X)) if self.trees is None else self.trees.margins(X)

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return log-odds, or amounts where it predicts amounts."""
        regression, trees = self.parts(X)
        return regression + trees

    @property
    def texts(self) -> tuple[str, ...]:
        """The trees in LightGBM's own text format."""
        return () if self.trees is None else self.trees.texts

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the trees' texts."""
        columns = None if self.trees is None else list(self.trees.columns)
        return {
            "encoding": self.encoding.to_json(),
            "linear": self.linear.to_json(),
            "trees": columns,
            "is_chance": self.is_chance,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: list[str]) -> Predictor:
        """Return the predictor that `to_json` and `texts` wrote down.

        Args:
            plain: from `to_json`.
            texts: the trees; those of this predictor are taken off its front.
        """
        columns = plain["trees"]
        trees = None if columns is None else Ensemble((texts.pop(0),), tuple(columns))
        encoding, linear = plain["encoding"], plain["linear"]
        return cls(
            Encoding.from_json(encoding), Linear.from_json(linear), trees, plain["is_chance"]
        )


@dataclass(frozen=True)
class Design:
    """Features as predictors learn from them, prepared once for all that is learned of their rows.

    Attributes:
        X: features.
        categorical: the columns of X that hold categories.
    """

    X: pd.DataFrame
    categorical: tuple[str, ...]

    @cached_property
    def encoding(self) -> Encoding:
        """How features become the regression's columns."""
        return Encoding.of(self.X, self.categorical)

    @cached_property
    def standard(self) -> Standardised:
        """The regression's columns."""
        return Standardised.of(self.encoding.encode(self.X))

    @cached_property
    def binned(self) -> Binned:
        """The bins that trees split on."""
        return Binned()

    def take(self, rows: Bools) -> Design:
        """Return some of the rows, which are prepared on their own."""
        return Design(self.X.iloc[np.flatnonzero(rows)], self.categorical)


@dataclass(frozen=True)
class Lesson:
    """What a predictor learns from.

    Attributes:
        design: features.
        y: labels: 0 and 1, or amounts.
        is_chance: labels are 0 and 1.
        start: log-odds (or amounts) already known of each row; what is learned is added to them.
        weights: of each row.
    """

    design: Design
    y: Floats
    is_chance: bool
    start: Floats
    weights: Floats

    @classmethod
    def of(cls, design: Design, y: Floats, *, is_chance: bool) -> Lesson:
        """Return rows of equal weight of which nothing is known yet."""
        return cls(design, y, is_chance, np.zeros(len(y)), np.ones(len(y)))

    def above(self, start: Floats) -> Lesson:
        """Return the same rows with more known of them."""
        return replace(self, start=start)

    def take(self, rows: Bools) -> Lesson:
        """Return some of the rows."""
        start, weights = self.start[rows], self.weights[rows]
        return Lesson(self.design.take(rows), self.y[rows], self.is_chance, start, weights)


@dataclass(frozen=True)
class Growth:
    """How far a predictor may bend.

    Attributes:
        rounds: trees.
        leaves: of each tree.
        leaf_rows: rows in a leaf, at least.
        learning_rate: weight of each tree.
        ridge: penalty of the regression's squared weights.
    """

    rounds: int
    leaves: int
    leaf_rows: int
    learning_rate: float
    ridge: float


def fit_predictor(lesson: Lesson, growth: Growth, params: EffectParams) -> Predictor:
    """Fit the regression, then trees on what it leaves.

    Args:
        lesson: rows to learn from, at least one.
        growth: how far both may bend.
        params: the settings that all predictors share.
    """
    design = lesson.design
    if lesson.y.min() == lesson.y.max() and lesson.is_chance:
        # No log-odds fit labels that are all the same. Half a row of each kind is added.
        chance = (lesson.y.sum() + 0.5) / (len(lesson.y) + 1)
        level = float(np.log(chance / (1 - chance)) - lesson.start.mean())
        return Predictor(design.encoding, Linear((), (), (), (), level), None, is_chance=True)
    if lesson.is_chance:
        model: Regression = RidgeLogistic(1 / growth.ridge, lesson.start)
        linear = fit_standardised(model, design.standard, lesson.y)
    else:
        model = RidgeLinear(growth.ridge, lesson.weights)
        linear = fit_standardised(model, design.standard, lesson.y - lesson.start)
    start = lesson.start + linear.of_standardised(design.standard)
    loss: Loss = "binary" if lesson.is_chance else "regression"
    part = TrainingRows(design.X, lesson.y, lesson.weights, start, loss, design.binned)
    trees = fit_ensemble(part, design.categorical, growth.rounds, _booster(growth, params))
    return Predictor(design.encoding, linear, trees, lesson.is_chance)


def mean_of(margins: Floats, *, is_chance: bool) -> Floats:
    """Return chances from log-odds; amounts are what they are."""
    return np.asarray(expit(margins)) if is_chance else margins


def _booster(growth: Growth, params: EffectParams) -> BoosterParams:
    return BoosterParams(
        learning_rate=growth.learning_rate,
        num_leaves=growth.leaves,
        min_data_in_leaf=growth.leaf_rows,
        feature_fraction=0.7,
        bagging_fraction=0.7,
        max_bin=params.max_bin,
        bags=1,
        seed=params.seed,
        threads=1,
    )
