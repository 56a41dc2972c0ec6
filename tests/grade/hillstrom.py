"""The Hillstrom e-mail experiment: is the effect learner right on real people, treated by lot?

64,000 customers of a shop got by lot a men's e-mail, a women's e-mail or none (Kevin Hillstrom's
MineThatData challenge, 2008). Women's e-mail against none, outcome: a visit within two weeks. Each
customer is ranked by models that have not seen the customer: five folds by lot, for each of the
named split seeds. Settings were tuned on the split of seed 0 alone, and that split is not graded.

Graded are the ranking by the effect learner and, on the same resamples of customers, rankings by
chance to visit, by two models that share nothing, and at random. The curves of the first seed are
drawn in build/grade/hillstrom.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from grades import Grade

from features.arrays import Floats
from training.effect_params import EffectParams
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.estimators.effects import (
    Experiments,
    average_effect,
    cross_fit,
    fit_effect,
    folds_of,
    pseudo_outcomes,
)
from training.evaluation.bootstrap import Counts, Estimate, percentile_estimate, resample
from training.evaluation.treatment import Placebo, balance, permuted_treatment
from training.evaluation.uplift import (
    Areas,
    Targeting,
    randomised_scores,
    resampled_areas,
    uplift_curve,
)
from training.params import BoosterParams
from training.report.chart import Axis, Chart, Line, Panel
from training.report.page import templates

SEEDS = (1, 2, 3, 4, 5)
"""Named before any of them was looked at; 0 was tuned on."""
FOLDS = 5
LEVEL = 0.9
DRAWS = 1000
PERMUTATIONS = 20
SHARE = 0.3
"""Of customers that get an e-mail, for the gain."""
PARAMS = EffectParams(threads=2)
NUMBERS = ("recency", "history", "mens", "womens", "newbie")
CATEGORIES = ("zip_code", "channel")
BOOSTER = BoosterParams(
    learning_rate=0.1, num_leaves=8, min_data_in_leaf=100, feature_fraction=0.7, bags=1, threads=1
)
ROUNDS = 60

Ranker = Callable[[Experiments, pd.DataFrame], Floats]


def read(data: Path, outcome: str = "visit") -> Experiments:
    """Read women's e-mail against none."""
    table = pd.read_parquet(data / "hillstrom" / "hillstrom.parquet")
    table = table[table["treatment"].isin(["Womens E-Mail", "No E-Mail"])].reset_index(drop=True)
    X = table[list(NUMBERS)].astype(np.float64)
    for name in CATEGORIES:
        X[name] = pd.Categorical(table[name]).codes.astype(np.float64)
    treated = (table["treatment"] == "Womens E-Mail").to_numpy(np.float64)
    y = table[outcome].to_numpy(np.float64)
    return Experiments(X, treated, y, np.arange(len(X)), CATEGORIES)


def by_effect(rows: Experiments, X: pd.DataFrame) -> Floats:
    """Rank by the effect learner, which knows that the lot was fair."""
    nuisances = cross_fit(rows, PARAMS, np.full(len(rows.y), rows.treated.mean()))
    return fit_effect(rows, nuisances, PARAMS).effect(X)


def by_chance(rows: Experiments, X: pd.DataFrame) -> Floats:
    """Rank by the chance to visit, whatever was sent."""
    return _boosted(rows, X)


def by_two_models(rows: Experiments, X: pd.DataFrame) -> Floats:
    """Rank by the difference of two models, one for each arm."""
    treated, control = (_boosted(rows.take(rows.treated == arm), X) for arm in (1, 0))
    return treated - control


def _boosted(rows: Experiments, X: pd.DataFrame) -> Floats:
    part = TrainingRows(rows.X, rows.y, np.ones(len(rows.y)), loss="regression")
    return fit_ensemble(part, rows.categorical, ROUNDS, BOOSTER).margins(X)


RANKERS: dict[str, Ranker] = {
    "effect learner": by_effect,
    "chance to visit": by_chance,
    "two models": by_two_models,
}
