"""Simple forecasts that a lead model must beat, learned from the same past.

- base rate: the share of training rows that converted.
- age alone: the share among training rows of a similar age.
- stage alone: the share among training rows whose leads stood in the same stage.
- recency rule: the share among training rows with a similar time since the last activity.
- naive Bayes on closing values: what CRMs ship as "predictive scoring". It counts how often each
  value stood on leads at the moment they were won or lost, and applies those odds to open leads.
- logistic regression on the same features as the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from features.arrays import Floats
from features.as_of.leads import snapshots_of
from features.build import Examples, build_snapshots
from features.definitions.time_ahead import DAYS_AHEAD
from features.feature import Feature, FeatureSet, Relation, Segment, Unit
from features.history.relations import resolved_leads
from features.params import FeatureParams
from features.snapshot import CUTOFF, censor
from features.storage.warehouse import Warehouse
from features.tables import LEADS
from training.estimators.regression import fit_regression
from training.evaluation.honesty import AGE, BASE_RATE
from training.leads.bundle import AGE_DAYS
from training.leads.dataset import TrainingSet
from training.leads.fallback import age_curve

Forecast = Callable[[pd.DataFrame], Floats]
STAGE = "stage alone"
RECENCY = "recency rule"
NAIVE_BAYES = "naive Bayes on closing values"
LOGISTIC = "logistic regression"
BINS = 10
RATE_ROWS = 10
"""Imagined rows at the base rate in each stage, and in each bin of the recency rule."""


@dataclass(frozen=True)
class Baseline:
    """A named forecast over the model's features."""

    name: str
    forecast: Forecast


def fit_baselines(
    warehouse: Warehouse, training_set: TrainingSet, params: FeatureParams
) -> list[Baseline]:
    """Fit every baseline to what the model learns from.

    Args:
        warehouse: cut to the moment of training.
        training_set: the model's examples and labels.
        params: calendar and windows of the features.

    Returns:
        The six baselines; one that cannot be fitted forecasts the base rate.
    """
    return [
        Baseline(BASE_RATE, _base_rate(training_set)),
        Baseline(AGE, _age(training_set)),
        Baseline(STAGE, _stage(training_set)),
        Baseline(RECENCY, _recency(training_set)),
        Baseline(NAIVE_BAYES, _naive_bayes(warehouse, training_set, params)),
        Baseline(LOGISTIC, _logistic(training_set)),
    ]


def _base_rate(training_set: TrainingSet) -> Forecast:
    rate = training_set.base_rate
    return lambda X: np.full(len(X), rate)


def _age(training_set: TrainingSet) -> Forecast:
    """Forecast what the fallback would."""
    curve = age_curve(training_set)
    if curve is None:
        return _base_rate(training_set)
    return lambda X: curve.probability(X[AGE_DAYS].to_numpy())


def _stage(training_set: TrainingSet) -> Forecast:
    """Forecast the share that converted from the same stage; a lead without one is in a stage too.

    Where there are no stages, or the audit suspects them of leakage, it is the base rate.
    """
    declared = training_set.examples.feature_set
    stage = next((f for f in declared if f.segment is Segment.STAGE), None)
    is_known = stage is not None and stage.name not in training_set.suspected
    if stage is None or not is_known or not len(training_set.y):
        return _base_rate(training_set)
    column, bins = stage.name, len(stage.categories or ()) + 2
    place = _bin(training_set.examples.X[column].to_numpy(), None, bins)
    shares = _shares(place, bins, training_set)
    return lambda X: shares[_bin(X[column].to_numpy(), None, bins)]


def _recency(training_set: TrainingSet) -> Forecast:
    """Forecast the share that converted in the same tenth of the days since the last activity."""
    column = "days_since_touch"
    if column not in training_set.examples.X or not len(training_set.y):
        return _base_rate(training_set)
    days = training_set.examples.X[column].to_numpy()
    edges = _edges(days)
    shares = _shares(_place(days, edges), BINS + 1, training_set)
    return lambda X: shares[_place(X[column].to_numpy(), edges)]


def _shares(place: npt.NDArray[np.int_], bins: int, training_set: TrainingSet) -> Floats:
    """Return the share that converted in each bin.

    Each bin starts from ten imagined rows at the base rate. With a base rate of 0.2:

    | rows in the bin | converted | share              |
    |-----------------|-----------|--------------------|
    | 0               | 0         | 2 / 10 = 0.20      |
    | 10              | 0         | 2 / 20 = 0.10      |
    | 90              | 45        | 47 / 100 = 0.47    |
    """
    count = np.bincount(place, minlength=bins)
    won = np.bincount(place, weights=training_set.y, minlength=bins)
    shares: Floats = (won + RATE_ROWS * training_set.base_rate) / (count + RATE_ROWS)
    return shares


def _edges(values: Floats) -> Floats:
    """Return the borders of bins that hold a tenth of the values each; none without a value."""
    filled = values[~np.isnan(values)]
    if not len(filled):
        return np.empty(0)
    return np.unique(np.quantile(filled, np.linspace(0, 1, BINS + 1)[1:-1]))


def _place(values: Floats, edges: Floats) -> npt.NDArray[np.int_]:
    """Return the bin of each value; empty values share the last one."""
    return np.where(np.isnan(values), BINS, np.searchsorted(edges, values, side="right"))


def closing_examples(
    warehouse: Warehouse, training_set: TrainingSet, params: FeatureParams
) -> tuple[Examples, Floats]:
    """Build the leads' own field values as they stood when each lead was won or lost.

    Returns:
        The leads that have ended, and whether each was won, 1 or 0.
    """
    leads = warehouse["leads"]
    ended = resolved_leads(warehouse).select("lead_id", "resolved_at", "won")
    joined = leads.inner_join(ended, "lead_id")
    closing = _at_closing(joined)
    declared = training_set.examples.feature_set
    own = tuple(f for f in declared if _is_field(f))
    with warehouse.workspace() as work:
        snapshot_set = snapshots_of(work, closing, training_set.vocabulary, params)
        examples = build_snapshots(snapshot_set, FeatureSet(declared.entity, own, declared.rows))
    outcomes = warehouse.arrow(ended.select("lead_id", "won")).to_pandas()
    won = outcomes.set_index("lead_id")["won"]
    return examples, examples.keys["lead_id"].map(won).to_numpy(dtype=np.float64)


def _at_closing(leads: ir.Table) -> ir.Table:
    moved = leads.mutate(**{CUTOFF: leads.resolved_at})
    return censor(moved, LEADS, moved[CUTOFF])


def _is_field(feature: Feature) -> bool:
    """Tell whether a CRM would show the feature as a field: a word, an amount, touches counted."""
    is_word = feature.categories is not None and feature.source is not Relation.CONTEXT
    return is_word or feature.unit is Unit.AMOUNT or feature.name == "touches_all"


def _naive_bayes(
    warehouse: Warehouse, training_set: TrainingSet, params: FeatureParams
) -> Forecast:
    """Add up the log-odds of each field's value, as if the fields were independent."""
    examples, won = closing_examples(warehouse, training_set, params)
    if not 0 < won.sum() < len(won):
        return _base_rate(training_set)
    tables = [_odds_of(examples, name, won) for name in examples.feature_set.names]
    prior = float(logit((won.sum() + 0.5) / (len(won) + 1)))

    def forecast(X: pd.DataFrame) -> Floats:
        total = np.full(len(X), prior)
        for name, edges, odds in tables:
            total += odds[_bin(X[name].to_numpy(), edges, len(odds))]
        return np.asarray(expit(total))

    return forecast


def _odds_of(examples: Examples, name: str, won: Floats) -> tuple[str, Floats | None, Floats]:
    """Return what each value of a field adds to the prior log-odds, Laplace-smoothed.

    Of a field with the values a and b (and bins for "another" and for empty), on 6 won and 6 lost
    leads:

    | value | on won leads | on lost leads | adds                           |
    |-------|--------------|---------------|--------------------------------|
    | a     | 5            | 1             | log(6 / 10) - log(2 / 10) =  1.10 |
    | b     | 1            | 5             | log(2 / 10) - log(6 / 10) = -1.10 |
    | empty | 0            | 0             | log(1 / 10) - log(1 / 10) =  0    |

    Returns:
        The field, the borders of its bins (None for a category), and the log-odds of each bin.
    """
    feature = next(f for f in examples.feature_set if f.name == name)
    values = examples.X[name].to_numpy()
    if feature.categories is not None:
        edges, bins = None, len(feature.categories) + 2
    else:
        edges = _edges(values)
        bins = BINS + 1
    place = _bin(values, edges, bins)
    on_won = np.bincount(place, weights=won, minlength=bins) + 1
    on_lost = np.bincount(place, weights=1 - won, minlength=bins) + 1
    return name, edges, np.log(on_won / on_won.sum()) - np.log(on_lost / on_lost.sum())


def _bin(values: Floats, edges: Floats | None, bins: int) -> npt.NDArray[np.int_]:
    """Return the bin of each value: of a number by the borders, of a category by its code."""
    if edges is not None:
        return _place(values, edges)
    return np.where(np.isnan(values), bins - 1, np.clip(values, 0, bins - 2)).astype(int)


def _logistic(training_set: TrainingSet) -> Forecast:
    """Fit the regression that also stands beside the model's trees, alone and uncalibrated."""
    if not 0 < training_set.y.sum() < len(training_set.y):
        return _base_rate(training_set)
    X, exposure = training_set.examples.X, training_set.exposure
    learned = X.drop(columns=[*sorted(training_set.suspected), DAYS_AHEAD], errors="ignore")
    categorical = training_set.examples.feature_set.categorical
    regression = fit_regression(learned, training_set.y, categorical, exposure.offsets(X))
    return lambda Z: np.asarray(expit(regression.margins(Z) + exposure.offsets(Z)))
