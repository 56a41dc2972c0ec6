"""The chance to convert by age alone: a hazard, learned as shares of rows of similar age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.arrays import Floats, Ints
from training.estimators.calibration import Calibrator

TENTHS = np.linspace(0, 1, 11)[1:-1]
IMAGINED_LEADS = 20
"""Imagined leads at the base rate in each bin: so few real ones say nothing of their own."""

FLAT = 1e-9


@dataclass(frozen=True)
class AgeCurve:
    """A share for each range of ages.

    >>> curve = AgeCurve((7.0, 30.0), (0.2, 0.1, 0.05))
    >>> curve.probability(np.array([0.0, 7.0, 29.0, 400.0]))
    array([0.2 , 0.1 , 0.1 , 0.05])

    Attributes:
        edges: rising borders between the ranges, in days; an age on a border lies above it.
        shares: the chance in each range, one more than there are borders.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def probability(self, ages: Floats) -> Floats:
        """Return the chance at each age in days."""
        return np.asarray(self.shares)[_place(ages, self.edges)]

    @property
    def is_flat(self) -> bool:
        """Whether all ages have the same chance."""
        return max(self.shares) - min(self.shares) < FLAT

    def damped(self, share: float, base_rate: float) -> AgeCurve:
        """Return the curve a share (0 to 1) of the way from the base rate to this one.

        >>> [round(p, 3) for p in AgeCurve((7.0,), (0.5, 0.01)).damped(0.5, 0.1).shares]
        [0.25, 0.032]
        """
        margins, base = logit(np.asarray(self.shares)), logit(base_rate)
        return AgeCurve(self.edges, tuple(expit(base + share * (margins - base)).tolist()))

    def mapped(self, calibrator: Calibrator) -> AgeCurve:
        """Return the curve with every share calibrated."""
        shares = calibrator.probability(logit(np.asarray(self.shares)))
        return AgeCurve(self.edges, tuple(shares.tolist()))

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers for the bundle."""
        return {"edges": list(self.edges), "shares": list(self.shares)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> AgeCurve:
        """Return the curve that `to_json` wrote down."""
        return cls(tuple(plain["edges"]), tuple(plain["shares"]))


def fit_age_curve(ages: Floats, y: Floats, leads: Ints, base_rate: float) -> AgeCurve:
    """Return the share that converts by age; it may rise and fall, as hazards do.

    Half of the borders cut all rows into tenths, half those that convert: where leads stay open for
    ever most rows are old, and what happens, happens among the young.

    A lead has many rows and one end, so leads count, not rows: each range starts from twenty
    imagined leads at the base rate. At a base rate of 0.1:

    | rows | of so many leads | converting rows | share                                 |
    |------|------------------|-----------------|---------------------------------------|
    | 0    | 0                | 0               | 0.1                                   |
    | 100  | 20               | 50              | (20 * 0.5 + 20 * 0.1) / 40 = 0.30     |
    | 100  | 180              | 50              | (180 * 0.5 + 20 * 0.1) / 200 = 0.46   |

    Args:
        ages: days since each row's lead came in.
        y: whether the row's lead converted within the horizon, 1 or 0.
        leads: the lead of each row, as a number.
        base_rate: the chance where nothing is known.
    """
    edges = np.unique(np.concatenate([_tenths(ages), _tenths(ages[y > 0])]))
    rows = pd.DataFrame({"bin": _place(ages, tuple(edges)), "y": y, "lead": leads})
    by_bin = rows.groupby("bin").agg(share=("y", "mean"), leads=("lead", "nunique"))
    by_bin = by_bin.reindex(range(len(edges) + 1), fill_value=0.0)
    known = by_bin["leads"] * by_bin["share"] + IMAGINED_LEADS * base_rate
    shares = known / (by_bin["leads"] + IMAGINED_LEADS)
    return AgeCurve(tuple(edges.tolist()), tuple(shares.tolist()))


def _tenths(ages: Floats) -> Floats:
    return np.quantile(ages, TENTHS) if len(ages) else np.empty(0)


def _place(ages: Floats, edges: tuple[float, ...]) -> Ints:
    return np.searchsorted(np.asarray(edges), ages, side="right")
