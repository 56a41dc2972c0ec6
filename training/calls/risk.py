"""What being reached adds, by where a lead stands and by how likely it was to convert anyway.

Who gains how much depends first of all on these two. A lead that nobody has spoken to gains about
in proportion to its chance; one that has met us twice gains little, whatever its chance. So in
each stage the effect is a line over the chance without being reached:

    effect = a + b x chance, a and b of the lead's stage

That is few numbers, which attempts by the ten thousand can tell, where effects of a hundred
features drown in luck.

Source: Kent et al. 2018, "Personalized evidence based medicine: predictive approaches to
heterogeneous treatment effects" (BMJ 363), who call it risk modelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from features.arrays import Bools, Floats
from training.estimators.linear import one_thread

LEAST_ROWS = 1000
"""Attempts in a stage below which it shares the line of all small stages."""
OTHERS = -1.0
"""The code of those."""
LEVEL_SPREAD = 0.01
"""How far from 0 the effect on a lead without any chance is believed to lie, before any is seen."""


@dataclass(frozen=True)
class Line:
    """An effect that is a line over a chance.

    Attributes:
        level: where the chance is 0.
        slope: what each point of chance adds.
        low: the least chance it was learned from; below it, the effect stays what it is there.
        high: the greatest, likewise.
    """

    level: float
    slope: float
    low: float
    high: float

    def at(self, chance: Floats) -> Floats:
        """Return the effect at chances."""
        return np.asarray(self.level + self.slope * np.clip(chance, self.low, self.high))


@dataclass(frozen=True)
class RiskEffects:
    """The line of each stage.

    Attributes:
        stage: the column that says where a lead stands; None where the data have none.
        lines: by the stage's code; `OTHERS` is always there.
    """

    stage: str | None
    lines: Mapping[float, Line]

    def effect(self, X: pd.DataFrame, chance: Floats) -> Floats:
        """Return what being reached adds to each row's chance without it."""
        codes = _codes(X, self.stage)
        effect = self.lines[OTHERS].at(chance)
        for code, line in self.lines.items():
            rows = codes == code
            effect[rows] = line.at(chance[rows])
        return effect

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        lines = [[code, *vars(line).values()] for code, line in self.lines.items()]
        return {"stage": self.stage, "lines": lines}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> RiskEffects:
        """Return what `to_json` wrote down."""
        return cls(plain["stage"], {code: Line(*numbers) for code, *numbers in plain["lines"]})


def fit_risk_effects(
    X: pd.DataFrame, stage: str | None, chance: Floats, scores: Floats, weights: Floats
) -> RiskEffects:
    """Fit the lines to the scores of attempts.

    Args:
        X: features, of which `stage` counts.
        stage: the column that says where a lead stands, if there is one.
        chance: of each attempt's lead without being reached, by a model that has not seen it.
        scores: doubly robust, from `training.estimators.effects.pseudo_outcomes`.
        weights: the more, the less a score is luck.
    """
    codes = _codes(X, stage)
    frequent = [
        float(code)
        for code, count in zip(*np.unique(codes[codes >= 0], return_counts=True), strict=True)
        if count >= LEAST_ROWS
    ]
    rest = ~np.isin(codes, frequent)
    groups: dict[float, Bools] = {code: codes == code for code in frequent}
    groups[OTHERS] = rest if rest.sum() >= LEAST_ROWS else np.ones(len(codes), dtype=np.bool_)
    lines = {
        code: _line(chance[rows], scores[rows], weights[rows]) for code, rows in groups.items()
    }
    return RiskEffects(stage, lines)


def _line(chance: Floats, scores: Floats, weights: Floats) -> Line:
    """Fit a line by weighted least squares: it neither falls nor starts below 0.

    - Where there is no chance there is little to gain: the level has a normal prior around 0.
    - A likelier lead that gains less is one that habit reaches soon anyway, call or no call.
    """
    root = np.sqrt(weights / weights.mean())
    spread = float(np.std(scores * root))
    design = np.column_stack([root, root * chance])
    with one_thread():
        (level, slope), _ = nnls(
            np.vstack([design, [spread / LEVEL_SPREAD, 0.0]]), np.append(root * scores, 0.0)
        )
    low, high = np.quantile(chance, (0.01, 0.99))
    return Line(float(level), float(slope), float(low), float(high))


def _codes(X: pd.DataFrame, stage: str | None) -> Floats:
    if stage is None:
        return np.full(len(X), OTHERS)
    return np.nan_to_num(X[stage].to_numpy(np.float64), nan=OTHERS)
