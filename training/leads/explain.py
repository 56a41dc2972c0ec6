"""A score split into percentage points of its features, which add up to it.

The model explains itself in log-odds: its trees by path-dependent TreeSHAP (Lundberg et al. 2020),
the regression beside them by its weights. People read percent. With raw margin m, its base b and
the calibrated probability g, every feature's log-odds are multiplied by the same rate
(g(m) - g(b)) / (m - b), the slope of the chord from the base to the lead. So the points of all
features and the base add up to the probability exactly, and keep their signs and proportions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.definitions.time_ahead import DAYS_AHEAD
from features.feature import Feature
from training.estimators.calibration import Calibrator
from training.leads.blend import Blend
from training.leads.bundle import Bundle
from training.leads.segments import own_rows

NEAR = 1e-9


@dataclass(frozen=True)
class Explanation:
    """Points of every feature for every row.

    Attributes:
        base: percentage points of a lead of which nothing is known, in each row's segment.
        points: rows x features; base + the sum of a row = 100 p.
        probability: p.
        features: what the columns are.
    """

    base: Floats
    points: Floats
    probability: Floats
    features: tuple[Feature, ...]


def explain(bundle: Bundle, examples: Examples) -> Explanation:
    """Split each probability into percentage points of the features.

    A lead in a segment with a model of its own is explained by that model, from that model's base.
    """
    features, X = tuple(bundle.feature_set), examples.X
    if bundle.blend is None:
        # By age alone the way from the base rate is age's; without a curve there is no way to go.
        p = bundle.probability(X)
        points = np.repeat(100 * (p - bundle.base_rate)[:, None], len(features), axis=1)
        return Explanation(np.full(len(X), 100 * bundle.base_rate), points, p, features)
    columns = bundle.columns
    base, points, p = _shares(bundle.blend, bundle.calibrator, X, columns)
    for rows, blend, calibrator in own_rows(bundle.segments, X):
        base[rows], points[rows], p[rows] = _shares(blend, calibrator, X[rows], columns)
    return Explanation(base, points, p, features)


def _shares(
    blend: Blend, calibrator: Calibrator, X: pd.DataFrame, columns: Sequence[str]
) -> tuple[Floats, Floats, Floats]:
    """Return one model's base in percentage points, every column's points, and p, row by row."""
    phi, base = _log_odds(blend, X, columns)
    raw = base + phi.sum(axis=1)
    p, p0 = calibrator.probability(raw), calibrator.probability(np.array([base]))[0]
    away = raw - base
    near = np.abs(away) < NEAR
    rate = np.where(near, p * (1 - p), (p - p0) / np.where(near, 1.0, away))
    return np.full(len(X), 100 * p0), 100 * phi * rate[:, None], p


def _log_odds(blend: Blend, X: pd.DataFrame, columns: Sequence[str]) -> tuple[Floats, float]:
    """Return what each column adds to the log-odds, and the base that it is added to.

    A column that only says which segment a lead is in adds nothing.
    """
    contributions = blend.contributions(X)
    phi = contributions[:, :-1]
    used = [*blend.trees.columns, *({DAYS_AHEAD} & {*columns})]
    if used != [*columns]:
        phi = pd.DataFrame(phi, columns=used).reindex(columns=[*columns], fill_value=0.0).to_numpy()
    return phi, float(contributions[0, -1]) if len(contributions) else 0.0
