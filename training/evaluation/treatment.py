"""Can an effect be believed without a lot: balance, overlap, placebos and sensitivity.

None of these proves that nothing unseen is at work. Balance and overlap say whether treated and
untreated rows can be compared by what is known. A placebo is an effect that must be zero. The
E-value says how strong something unknown would have to be to explain an effect away.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from training.evaluation.bootstrap import WITHHELD, Estimate

BALANCED = 0.1
"""A standardised difference below this is usually taken for balance (Austin 2009)."""
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Balance:
    """How far a feature's means lie apart in treated and untreated rows.

    Attributes:
        name: the feature.
        before: difference of means over the standard deviation, as rows are.
        after: the same, each row weighted by the inverse of its chance to be in its arm.
    """

    name: str
    before: float
    after: float


def balance(X: pd.DataFrame, treated: Floats, propensity: Floats) -> tuple[Balance, ...]:
    """Return the standardised mean difference of each feature, before and after weighting.

    The deviation is the root mean square of both arms' own, unweighted, before and after alike
    (Austin & Stuart 2015). Empty values are left out; how many there are is a feature of its own
    wherever some rows have one and others have not.

    Args:
        X: features as numbers.
        treated: 1 or 0.
        propensity: chance to be treated, between 0 and 1.
    """
    weights = np.where(treated == 1, 1 / propensity, 1 / (1 - propensity))
    columns = {str(name): X[name].to_numpy(np.float64) for name in X.columns}
    gaps = {f"{name} is empty": np.isnan(values) * 1.0 for name, values in columns.items()}
    columns |= {name: values for name, values in gaps.items() if 0 < values.mean() < 1}
    return tuple(
        Balance(
            name,
            _difference(values, treated, np.ones(len(values))),
            _difference(values, treated, weights),
        )
        for name, values in columns.items()
    )


def _difference(values: Floats, treated: Floats, weights: Floats) -> float:
    means, variances = [], []
    for arm in (1, 0):
        rows = (treated == arm) & ~np.isnan(values)
        if not rows.any():
            return float("nan")
        means.append(np.average(values[rows], weights=weights[rows]))
        variances.append(values[rows].var())
    spread = float(np.sqrt(np.mean(variances)))
    # A feature that is the same everywhere is balanced.
    return float(means[0] - means[1]) / spread if spread > 0 else 0.0


@dataclass(frozen=True)
class Overlap:
    """How far treated and untreated rows had the same chances to be treated.

    Attributes:
        treated: quantiles of the chance over treated rows, at `QUANTILES`.
        control: the same over untreated rows.
        outside: share of rows whose chance lies within `bound` of 0 or 1.
        bound: see there.
        effective: rows that a weighted mean is worth, as a share of all (Kish 1965).
    """

    treated: tuple[float, ...]
    control: tuple[float, ...]
    outside: float
    bound: float
    effective: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}


def overlap(propensity: Floats, treated: Floats, bound: float) -> Overlap:
    """Summarise the chances to be treated of rows, at least one of either arm."""
    inside = np.clip(propensity, bound, 1 - bound)
    weights = np.where(treated == 1, 1 / inside, 1 / (1 - inside))
    of_treated, of_control = (
        tuple(map(float, np.quantile(propensity[treated == arm], QUANTILES))) for arm in (1, 0)
    )
    return Overlap(
        of_treated,
        of_control,
        outside=float(np.mean(inside != propensity)),
        bound=bound,
        effective=float(weights.sum() ** 2 / (weights**2).sum() / len(weights)),
    )


def permuted_treatment(treated: Floats, group: Ints, seed: int) -> Floats:
    """Return the treatment dealt out anew, so that it has no effect and nothing moves it.

    Groups are dealt out anew among the groups that have as many rows, each as a whole, so that
    the rows of a group go on sharing what they shared.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(group, kind="stable")
    _, starts, sizes = np.unique(group[order], return_index=True, return_counts=True)
    dealt = treated.copy()
    for size in np.unique(sizes):
        blocks = order[starts[sizes == size][:, None] + np.arange(size)]
        dealt[blocks] = treated[blocks[rng.permutation(len(blocks))]]
    return dealt


@dataclass(frozen=True)
class Placebo:
    """An effect that must be zero.

    Attributes:
        name: what was put in the place of treatment or outcome.
        effect: what was estimated.
    """

    name: str
    effect: Estimate

    @property
    def passes(self) -> bool:
        """Whether the interval holds 0; without an interval nothing passes."""
        return self.effect.low is not None and not self.effect.excludes(0.0)


def ratio_estimate(treated: Floats, control: Floats, group: Ints, level: float) -> Estimate:
    """Return the mean of treated outcomes over that of untreated ones: a risk ratio.

    The interval is normal on the log scale (the delta method), groups kept whole.

    Args:
        treated: each row's score for its outcome if treated.
        control: the same if not.
        group: rows of one group are not independent.
        level: coverage of the interval.
    """
    if not len(treated) or treated.mean() <= 0 or control.mean() <= 0:
        return WITHHELD
    ratio = float(treated.mean() / control.mean())
    influence = treated / treated.mean() - control / control.mean()
    groups, place = np.unique(group, return_inverse=True)
    error = float(np.sqrt((np.bincount(place, weights=influence) ** 2).sum())) / len(treated)
    if len(groups) < 2:  # noqa: PLR2004  # one group says nothing of how groups differ
        return Estimate(ratio)
    away = float(np.exp(NormalDist().inv_cdf((1 + level) / 2) * error))
    return Estimate(ratio, ratio / away, ratio * away)


def e_value(ratio: float) -> float:
    """Return how strong something unseen must be to explain a risk ratio away.

    It must be tied to both treatment and outcome by risk ratios of at least this size, beyond what
    is known (VanderWeele & Ding 2017, "Sensitivity analysis in observational research")::

        ratio   e-value
        1       1        nothing to explain
        2       3.41
        0.5     3.41     the same the other way round

    >>> [round(e_value(ratio), 2) for ratio in (1.0, 2.0, 0.5)]
    [1.0, 3.41, 3.41]
    """
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


@dataclass(frozen=True)
class Sensitivity:
    """How strong something unseen would have to be to explain an effect away.

    Attributes:
        ratio: the risk ratio.
        of_estimate: its E-value.
        of_limit: that of the interval's end nearer to 1; 1 where the interval holds 1.
    """

    ratio: Estimate
    of_estimate: float | None
    of_limit: float | None


def sensitivity(ratio: Estimate) -> Sensitivity:
    """Return the E-values of a risk ratio; both None where it is withheld."""
    if ratio.value is None:
        return Sensitivity(ratio, None, None)
    of_estimate = e_value(ratio.value)
    if ratio.low is None or ratio.high is None:
        return Sensitivity(ratio, of_estimate, None)
    if not ratio.excludes(1.0):
        return Sensitivity(ratio, of_estimate, 1.0)
    return Sensitivity(ratio, of_estimate, e_value(ratio.low if ratio.low > 1 else ratio.high))
