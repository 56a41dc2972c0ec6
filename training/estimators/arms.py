"""Outcome means with and without a treatment: what both arms share, and what each adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.arrays import Bools, Floats
from features.errors import InputError
from training.effect_params import EffectParams
from training.estimators.predictor import Growth, Lesson, Predictor, fit_predictor, mean_of

FEWEST = 20
"""Rows of either arm below which nothing is learned from a part."""
_NAMES = ("pooled", "control", "treated")


@dataclass(frozen=True)
class Arms:
    """Outcome means with and without the treatment.

    Attributes:
        pooled: learned from all rows.
        control: what rows without the treatment add to it.
        treated: what treated rows add to it.
    """

    pooled: Predictor
    control: Predictor
    treated: Predictor

    def means(self, X: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return the mean outcome of each row if treated, and if not."""
        shared, is_chance = self.pooled.margins(X), self.pooled.is_chance
        treated, control = (shared + own.margins(X) for own in (self.treated, self.control))
        return mean_of(treated, is_chance=is_chance), mean_of(control, is_chance=is_chance)

    @property
    def texts(self) -> tuple[str, ...]:
        """All trees in LightGBM's own text format."""
        return tuple(text for name in _NAMES for text in getattr(self, name).texts)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the trees' texts."""
        return {name: getattr(self, name).to_json() for name in _NAMES}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: Sequence[str]) -> Arms:
        """Return the arms that `to_json` and `texts` wrote down."""
        left = list(texts)
        return cls(*(Predictor.from_json(plain[name], left) for name in _NAMES))


def fit_arms(lesson: Lesson, treated: Floats, params: EffectParams) -> Arms:
    """Fit what both arms share on all rows, then little on each arm alone.

    An arm may be small. Two models that share nothing would differ by their own noise, and their
    difference is what is wanted.

    Raises:
        InputError: an arm is too small to learn from.
    """
    pooled = fit_plain(lesson, params)
    above = lesson.above(pooled.margins(lesson.design.X))
    return Arms(pooled, *(_fit_arm(above, treated == arm, params) for arm in (0, 1)))


def _fit_arm(lesson: Lesson, is_in: Bools, params: EffectParams) -> Predictor:
    if is_in.sum() < FEWEST:
        raise InputError(f"an arm has {is_in.sum()} rows to learn from, {FEWEST} are needed")
    growth = _growth(params.arm_rounds, params.effect_leaves, params.arm_inverse_ridge, params)
    return fit_predictor(lesson.take(is_in), growth, params)


def fit_plain(lesson: Lesson, params: EffectParams) -> Predictor:
    """Fit a predictor with the settings of outcomes and of the chance to be treated."""
    growth = _growth(params.rounds, params.num_leaves, params.inverse_ridge, params)
    return fit_predictor(lesson, growth, params)


def _growth(rounds: int, leaves: int, inverse_ridge: float, params: EffectParams) -> Growth:
    leaf = params.min_data_in_leaf
    return Growth(rounds, leaves, leaf, params.learning_rate, 1 / inverse_ridge)
