"""A linear predictor of standardised features, as plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from features.arrays import Floats

FLAT = 1e-9
"""A feature with a smaller standard deviation is left out."""
FAR = 4.0
"""Standardised features are clipped at this many standard deviations."""
MOST_STEPS = 300
"""Steps of a search, at most."""
FLAT_ENOUGH = 1e-4
"""A search ends where the mean loss changes by less than this along every weight."""
_ALONE = Lock()
Column = pd.Series | Floats
Features = pd.DataFrame | Mapping[str, Floats]


class Regression(Protocol):
    """What scikit-learn's linear models have in common."""

    coef_: Floats
    intercept_: Any

    def fit(self, X: Floats, y: Floats, /) -> Regression:
        """Fit weights."""


class RidgeLogistic:
    """A logistic regression with a ridge penalty and an offset, which scikit-learn's has none of.

    The loss, the penalty and the search (L-BFGS, Zhu et al. 1997) are those of scikit-learn's.
    """

    def __init__(self, inverse_ridge: float, offset: Floats) -> None:
        """Take the settings.

        Args:
            inverse_ridge: the smaller, the closer weights stay to 0.
            offset: of each row, log-odds that are added to what is fitted.
        """
        self._ridge, self._offset = 1 / inverse_ridge, offset
        self.coef_, self.intercept_ = np.empty(0), 0.0

    def fit(self, X: Floats, y: Floats, /) -> RidgeLogistic:
        """Fit weights; the intercept is not penalised."""

        def loss(at: Floats) -> tuple[float, Floats]:
            eta = X @ at[:-1] + at[-1] + self._offset
            away = expit(eta) - y
            value = np.logaddexp(0, eta).sum() - y @ eta + self._ridge * (at[:-1] @ at[:-1]) / 2
            slope = np.append(X.T @ away + self._ridge * at[:-1], away.sum())
            return float(value) / len(y), slope / len(y)

        found = minimize(
            loss,
            np.zeros(X.shape[1] + 1),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_STEPS, "gtol": FLAT_ENOUGH, "ftol": 64 * np.finfo(float).eps},
        )
        self.coef_, self.intercept_ = found.x[:-1], float(found.x[-1])
        return self


@dataclass(frozen=True)
class Linear:
    """An intercept and a weight for each feature.

    Attributes:
        names: features in use.
        mean: of each feature in training; a missing value counts as that.
        scale: standard deviation of each.
        weights: of the standardised features.
        intercept: of the average row.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def of(self, features: Features) -> Floats:
        """Return the linear predictor, one number per row."""
        return self._sum(
            _standardised(features[name], mean, scale)
            for name, mean, scale in zip(self.names, self.mean, self.scale, strict=True)
        )

    def of_standardised(self, standard: Standardised) -> Floats:
        """Return the same for the rows that it was fitted to."""
        return self._sum(standard.z.T)

    def _sum(self, columns: Iterable[Floats]) -> Floats:
        # Column by column: nothing as large as all features is made. Nor by BLAS, whose threads may
        # add up in another order on another machine.
        total: Floats | float = 0.0
        for column, weight in zip(columns, self.weights, strict=True):
            total = total + column * weight
        return np.asarray(self.intercept + total)

    def parts(self, features: pd.DataFrame) -> Floats:
        """Split each prediction: rows x features, what each adds to the intercept."""
        z = np.empty((len(features), len(self.names)), order="F")
        for k, name in enumerate(self.names):
            z[:, k] = _standardised(features[name], self.mean[k], self.scale[k])
        return z * np.array(self.weights)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Linear:
        """Return the predictor that `to_json` wrote down."""
        several = {k: tuple(v) for k, v in plain.items() if k != "intercept"}
        return cls(**several, intercept=plain["intercept"])


@dataclass(frozen=True)
class Standardised:
    """Features on one scale, ready for regressions.

    Attributes:
        names: of the features that differ between rows.
        mean: of each, over its known values.
        scale: standard deviation of each.
        z: rows x features, in standard deviations from the mean, an empty value as the mean.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    z: Floats

    @classmethod
    def of(cls, features: Mapping[str, Floats]) -> Standardised:
        """Standardise columns of one length by their own means and deviations."""
        scales = {name: _scale_of(column) for name, column in features.items()}
        kept = {name: both for name, both in scales.items() if both[1] > FLAT}
        rows = max(map(len, features.values()), default=0)
        # Column after column in memory, as they are made and multiplied.
        z = np.empty((rows, len(kept)), order="F")
        for k, (name, (mean, scale)) in enumerate(kept.items()):
            z[:, k] = _standardised(features[name], mean, scale)
        means, deviations = (tuple(both[part] for both in kept.values()) for part in (0, 1))
        return cls(tuple(kept), means, deviations, z)


def fit_linear(model: Regression, features: pd.DataFrame, y: Floats) -> Linear:
    """Fit one of scikit-learn's linear models to standardised features.

    Args:
        model: what to fit, with its penalty.
        features: one column per feature; missing values are allowed.
        y: what to predict.
    """
    columns = {str(name): features[name].to_numpy(np.float64) for name in features}
    return fit_standardised(model, Standardised.of(columns), y)


def fit_standardised(model: Regression, standard: Standardised, y: Floats) -> Linear:
    """Fit one of scikit-learn's linear models to features that are standardised already."""
    with one_thread():
        fitted = model.fit(standard.z, y)
    return Linear(
        standard.names,
        standard.mean,
        standard.scale,
        tuple(map(float, np.ravel(fitted.coef_))),
        float(np.ravel(fitted.intercept_)[0]),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries add up in one order, so that the same past gives the same bits.

    Their limit is the whole process's: of two threads that set it at once, the one that leaves
    first would lift it for the other. So one waits.
    """
    with _ALONE, threadpool_limits(1):
        yield


def _scale_of(column: Column) -> tuple[float, float]:
    """Return the mean and the standard deviation of the known values of a column."""
    values = np.asarray(column, dtype=np.float64)
    empty = np.isnan(values)
    known = len(values) - int(empty.sum())
    if not known:
        return 0.0, 0.0
    mean = np.where(empty, 0.0, values).sum() / known
    away = np.where(empty, 0.0, (mean - values) ** 2)
    return float(mean), float(np.sqrt(away.sum() / known))


def _standardised(column: Column, mean: float, scale: float) -> Floats:
    z = np.asarray(column, dtype=np.float64) - mean
    z /= scale
    z[np.isnan(z)] = 0.0
    return np.clip(z, -FAR, FAR, out=z)
