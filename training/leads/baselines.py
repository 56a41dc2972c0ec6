"""Simple forecasts that a model must beat, learned from the same past.

- base rate: the share of training rows that converted.
- recency rule: the share among training rows with a like time since the last activity.
- naive Bayes on closing values: what CRMs ship as "predictive scoring". It counts how often each
  value stood on leads at the moment they were won or lost, and reads those odds off open leads.
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
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from features.arrays import Floats
from features.as_of.leads import scene_of
from features.build import Examples, build_scene
from features.feature import Feature, FeatureSet, Relation, Unit
from features.history.relations import resolved_leads
from features.params import FeatureParams
from features.snapshot import CUTOFF, censor
from features.storage.warehouse import Warehouse
from features.tables import LEADS
from training.leads.dataset import TrainingSet

Forecast = Callable[[pd.DataFrame], Floats]
BASE_RATE = "base rate"
RECENCY = "recency rule"
NAIVE_BAYES = "naive Bayes on closing values"
LOGISTIC = "logistic regression"
BINS = 10
MOST_ROWS = 60_000
"""Rows the logistic regression learns from, at the most: more change it little and cost much."""
SEED = 11


@dataclass(frozen=True)
class Baseline:
    """A named forecast over the model's features."""

    name: str
    forecast: Forecast


def fit_baselines(
    warehouse: Warehouse, lesson: TrainingSet, params: FeatureParams
) -> list[Baseline]:
    """Fit every baseline on what the model learns from.

    Args:
        warehouse: cut to the moment of training.
        lesson: the model's examples and labels.
        params: calendar and windows of the features.
    """
    return [
        Baseline(BASE_RATE, _base_rate(lesson)),
        Baseline(RECENCY, _recency(lesson)),
        Baseline(NAIVE_BAYES, _naive_bayes(warehouse, lesson, params)),
        Baseline(LOGISTIC, _logistic(lesson)),
    ]


def _rate(y: Floats) -> float:
    return float((y.sum() + 0.5) / (len(y) + 5))


def _base_rate(lesson: TrainingSet) -> Forecast:
    rate = _rate(lesson.y)
    return lambda X: np.full(len(X), rate)


def _recency(lesson: TrainingSet) -> Forecast:
    """The share that converted, by tenths of the days since the last activity."""
    column = "days_since_touch"
    if column not in lesson.examples.X or not len(lesson.y):
        return _base_rate(lesson)
    days = lesson.examples.X[column].to_numpy()
    edges = _edges(days)
    rate = _rate(lesson.y)
    place = _place(days, edges)
    count = np.bincount(place, minlength=BINS + 1)
    won = np.bincount(place, weights=lesson.y, minlength=BINS + 1)
    shares = (won + 10 * rate) / (count + 10)
    return lambda X: shares[_place(X[column].to_numpy(), edges)]


def _edges(values: Floats) -> Floats:
    filled = values[~np.isnan(values)]
    if not len(filled):
        return np.empty(0)
    return np.unique(np.quantile(filled, np.linspace(0, 1, BINS + 1)[1:-1]))


def _place(values: Floats, edges: Floats) -> npt.NDArray[np.int_]:
    """Number the bin of each value; empty values share the last one."""
    return np.where(np.isnan(values), BINS, np.searchsorted(edges, values, side="right"))


def closing_examples(
    warehouse: Warehouse, lesson: TrainingSet, params: FeatureParams
) -> tuple[Examples, Floats]:
    """Build the leads' own field values as they stood when each lead was won or lost."""
    leads = warehouse["leads"]
    ended = resolved_leads(warehouse).select("lead_id", "resolved_at", "won")
    joined = leads.inner_join(ended, "lead_id")
    closing = _as_it_stood(joined)
    declared = lesson.examples.feature_set
    own = tuple(f for f in declared if _is_field(f))
    with warehouse.workspace() as work:
        scene = scene_of(work, closing, lesson.words, params)
        examples = build_scene(scene, FeatureSet(declared.entity, own, declared.rows))
    told = warehouse.arrow(ended.select("lead_id", "won")).to_pandas().set_index("lead_id")["won"]
    return examples, examples.keys["lead_id"].map(told).to_numpy(dtype=np.float64)


def _as_it_stood(leads: ir.Table) -> ir.Table:
    moved = leads.mutate(**{CUTOFF: leads.resolved_at})
    return censor(moved, LEADS, moved[CUTOFF])


def _is_field(feature: Feature) -> bool:
    """Whether a CRM would show the feature as a field: a word, an amount, a count of touches."""
    fields = feature.categories is not None and feature.source is not Relation.CONTEXT
    return fields or feature.unit is Unit.AMOUNT or feature.name == "touches_all"


def _naive_bayes(warehouse: Warehouse, lesson: TrainingSet, params: FeatureParams) -> Forecast:
    """Add up the log-odds of each field's value (Laplace-smoothed), fields taken as independent."""
    examples, won = closing_examples(warehouse, lesson, params)
    if not 0 < won.sum() < len(won):
        return _base_rate(lesson)
    tables = [_odds_of(examples, name, won) for name in examples.feature_set.names]
    prior = float(logit((won.sum() + 0.5) / (len(won) + 1)))

    def forecast(X: pd.DataFrame) -> Floats:
        total = np.full(len(X), prior)
        for name, edges, odds in tables:
            total += odds[_bin(X[name].to_numpy(), edges, len(odds))]
        return np.asarray(expit(total))

    return forecast


def _odds_of(examples: Examples, name: str, won: Floats) -> tuple[str, Floats | None, Floats]:
    """The log-odds that each value of a field adds to the prior."""
    feature = next(f for f in examples.feature_set if f.name == name)
    values = examples.X[name].to_numpy()
    if feature.categories is not None:
        edges, bins = None, len(feature.categories) + 2
    else:
        edges = _edges(values)
        bins = BINS + 1
    place = _bin(values, edges, bins)
    ones = np.bincount(place, weights=won, minlength=bins) + 1
    zeros = np.bincount(place, weights=1 - won, minlength=bins) + 1
    return name, edges, np.log(ones / ones.sum()) - np.log(zeros / zeros.sum())


def _bin(values: Floats, edges: Floats | None, bins: int) -> npt.NDArray[np.int_]:
    if edges is not None:
        return _place(values, edges)
    return np.where(np.isnan(values), bins - 1, np.clip(values, 0, bins - 2)).astype(int)


def _logistic(lesson: TrainingSet) -> Forecast:
    """Ridge logistic regression; numbers on a log scale, words one by one."""
    if not 0 < lesson.y.sum() < len(lesson.y):
        return _base_rate(lesson)
    X = lesson.examples.X.drop(columns=sorted(lesson.suspected), errors="ignore")
    rows = np.arange(len(X))
    if len(X) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(SEED).choice(len(X), MOST_ROWS, replace=False))
    kept = [name for name in X.columns if X[name].notna().any()]
    words = [name for name in lesson.examples.feature_set.categorical if name in kept]
    numbers = [name for name in kept if name not in words]
    scale = make_pipeline(
        FunctionTransformer(_soften), SimpleImputer(add_indicator=True), StandardScaler()
    )
    encode = OneHotEncoder(handle_unknown="ignore", min_frequency=20)
    pipeline = make_pipeline(
        make_column_transformer((scale, numbers), (encode, words)),
        LogisticRegression(C=0.05, max_iter=300),
    )
    pipeline.fit(X.iloc[rows], lesson.y[rows])
    return lambda Z: np.asarray(pipeline.predict_proba(Z)[:, 1]) if len(Z) else np.empty(0)


def _soften(values: pd.DataFrame) -> pd.DataFrame:
    """Bring long-tailed counts and ages together, signs kept."""
    return values.apply(np.sign) * values.abs().apply(np.log1p)
