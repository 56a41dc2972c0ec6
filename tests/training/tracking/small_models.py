"""Small models of made-up features, for the tests of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd

from features.definitions.lead import conversion_features
from features.definitions.time_ahead import DAYS_AHEAD
from features.evidence import EvidenceState
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.estimators.calibration import Calibrator
from training.estimators.regression import fit_regression
from training.evidence import Evidence
from training.leads.blend import Blend
from training.leads.bundle import LEADS, Bundle
from training.leads.exposure import Exposure
from training.params import BoosterParams
from training.tracking.records import RunRecord

WORDS = Vocabulary(
    types=("call", "email"),
    directions=("inbound", "outbound"),
    stages=("new", "qualified"),
    columns={"leads.source": ("web", "référence"), "reps.team": ("north",)},
)
FEW = FeatureParams(windows_days=(7, 30))
HORIZON = 30
BOOSTER = BoosterParams(min_data_in_leaf=20, bags=1, threads=1)


def frame(columns: Sequence[str], rows: int = 400) -> pd.DataFrame:
    """Make up features; every tenth value is empty."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, (rows, len(columns))).astype(np.float64)
    values[rng.random(values.shape) < 0.1] = np.nan
    return pd.DataFrame(values, columns=list(columns))


@cache
def fitted(rounds: int = 5) -> Bundle:
    """Fit a small model; more rounds make another one."""
    return fitted_for(WORDS, rounds)


def fitted_for(words: Vocabulary, rounds: int) -> Bundle:
    """Fit a small model on features for given words."""
    declared = conversion_features(words, FEW, HORIZON)
    X = frame([name for name in declared.names if name != DAYS_AHEAD])
    y = (X.fillna(0).iloc[:, :3].sum(axis=1) > 1).to_numpy(np.float64)
    ensemble = fit_ensemble(
        TrainingRows(X, y, np.ones(len(y))), declared.categorical, rounds, BOOSTER
    )
    return Bundle(
        until=datetime.fromisoformat("2026-01-01"),
        horizon_days=HORIZON,
        params=FEW,
        vocabulary=words,
        columns=tuple(declared.names),
        fingerprint=declared.fingerprint,
        blend=Blend(
            ensemble,
            -0.5,
            fit_regression(X, y, declared.categorical, np.zeros(len(y))),
            Exposure(20.0),
        ),
        calibrator=Calibrator("beta", 1.1, 0.9, 0.05),
        base_rate=0.2,
        evidence=Evidence(EvidenceState.ENOUGH, "400 leads with mature labels"),
    )


@cache
def base_rate_only() -> Bundle:
    """Make what is registered where there is too little to fit."""
    every = conversion_features(WORDS, FEW, HORIZON)
    none = every.without(frozenset(every.names))
    return replace(
        fitted(),
        columns=(),
        fingerprint=none.fingerprint,
        blend=None,
        evidence=Evidence(EvidenceState.NONE, "too little to fit"),
    )


def record(bundle: Bundle) -> RunRecord:
    """Describe a training of a model."""
    settings = {
        "features": FEW.model_dump(mode="json"),
        "training": {"booster": BOOSTER.model_dump(mode="json"), "note": "x" * 10_000},
    }
    metrics = {"auc": 0.7, "auc_low": 0.65, "auc_high": None, "lift": float("nan")}
    files = {"plots/gains.svg": "<svg/>", "report.html": b"<html/>"}
    return RunRecord(LEADS, bundle, settings, "data-1", metrics, files)
