"""A linear predictor of standardised features, as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    def of(self, features: pd.DataFrame) -> Floats:
        """Return the linear predictor, one number per row."""
        # Not BLAS, whose threads may add up in another order on another machine.
        return np.asarray(self.intercept + self.parts(features).sum(axis=1))

    def parts(self, features: pd.DataFrame) -> Floats:
        """Split each prediction: rows x features, what each adds to the intercept."""
        z = _standardised(features[list(self.names)], np.array(self.mean), np.array(self.scale))
        return z * np.array(self.weights)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Linear:
        """Return the predictor that `to_json` wrote down."""
        several = {k: tuple(v) for k, v in plain.items() if k != "intercept"}
        return cls(**several, intercept=plain["intercept"])


def fit_linear(model: Regression, features: pd.DataFrame, y: Floats) -> Linear:
    """Fit one of scikit-learn's linear models to standardised features.

    Args:
        model: what to fit, with its penalty.
        features: one column per feature; missing values are allowed.
        y: what to predict.
    """
    mean, scale = features.mean().to_numpy(), features.std(ddof=0).to_numpy()
    kept = np.flatnonzero(scale > FLAT)
    names = [str(features.columns[int(k)]) for k in kept]
    z = _standardised(features[names], mean[kept], scale[kept])
    with one_thread():
        fitted = model.fit(z, y)
    return Linear(
        tuple(names),
        tuple(map(float, mean[kept])),
        tuple(map(float, scale[kept])),
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


def _standardised(features: pd.DataFrame, mean: Floats, scale: Floats) -> Floats:
    z = (features.to_numpy(np.float64) - mean) / scale
    return np.clip(np.nan_to_num(z, nan=0.0), -FAR, FAR)
