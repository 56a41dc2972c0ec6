"""Shapley values of a nightly batch of leads beside shap's TreeExplainer; prints a line of JSON."""

from __future__ import annotations

import json
import time
import warnings

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap

from training.estimators.boosting import Ensemble, TrainingRows, fit_ensemble
from training.params import BoosterParams

BATCH, PEER_ROWS, LEARNED = 100_000, 1_000, 20_000
COLUMNS, WORDS, ROUNDS = 100, 10, 250
"""As many features and trees as the model of the sample company has."""


def leads(rows: int, seed: int) -> pd.DataFrame:
    """Make up leads: numbers that hang together, a third with holes, and a column of words."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 8)) @ rng.standard_normal((8, COLUMNS))
    X += rng.standard_normal(X.shape)
    X[:, ::3][rng.random(X[:, ::3].shape) < 0.2] = np.nan
    X[:, 1] = rng.integers(0, WORDS, rows)
    return pd.DataFrame(X, columns=[f"x{n}" for n in range(COLUMNS)])


def model() -> Ensemble:
    """Grow trees with the packaged settings."""
    X, rng = leads(LEARNED, 1), np.random.default_rng(2)
    eta = X["x2"] + X["x4"] * (X["x1"] % 2) + X["x3"].fillna(2.0) - 2
    y = (rng.random(LEARNED) < 1 / (1 + np.exp(-eta))).astype(np.float64)
    rows = TrainingRows(X, y, np.ones(LEARNED))
    return fit_ensemble(rows, ["x1"], ROUNDS, BoosterParams())


def main() -> None:
    """Measure both, one thread each for the peer's sake, and how far they are apart."""
    ensemble, X = model(), leads(BATCH, 3)
    start, began = time.perf_counter(), time.process_time()
    own = ensemble.contributions(X)[:, :-1]
    seconds, cpu = time.perf_counter() - start, time.process_time() - began
    few = X.iloc[:PEER_ROWS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        explainers = [shap.TreeExplainer(lgb.Booster(model_str=t)) for t in ensemble.texts]
        start, began = time.perf_counter(), time.process_time()
        theirs = np.mean([each.shap_values(few) for each in explainers], axis=0)
        peer_seconds, peer_cpu = time.perf_counter() - start, time.process_time() - began
    line = {
        "rows": BATCH,
        "seconds": seconds,
        "us_a_row": 1e6 * cpu / BATCH,
        "peer_us_a_row": 1e6 * peer_cpu / PEER_ROWS,
        "peer_seconds": peer_seconds * BATCH / PEER_ROWS,
        "ratio": peer_cpu / PEER_ROWS / (cpu / BATCH),
        "apart": float(np.abs(own[:PEER_ROWS] - theirs).max()),
    }
    print(json.dumps(line))  # noqa: T201 - the caller reads it


if __name__ == "__main__":
    main()
