"""Rolling origin: what a lead model of that time would have forecast at each cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.build import Examples, build
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.splitting import MODEL_SEGMENT, POOLED
from training.leads.baselines import fit_baselines
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.explain import explain
from training.leads.fit import fit_leads
from training.params import TrainingParams
from training.rolling import Fold, Range, folds_of

AGES = ((7, "first week"), (14, "second week"), (30, "to 30 days"), (90, "to 90 days"))
OLDER = "older"
EXPLAINED_ROWS = 1_000
"""Rows whose explanations tell which features matter most, at most."""
NO_STAGE = "unknown"


@dataclass(frozen=True)
class Importance:
    """How much a feature moves scores, in words.

    Attributes:
        label: the feature's words.
        points: mean absolute percentage points over rows.
        direction: correlation of the value with its points, -1 to 1; NaN for categories.
    """

    label: str
    points: float
    direction: float


@dataclass(frozen=True)
class Backtest:
    """The forecasts of a rolling origin, and the models behind them.

    Attributes:
        predictions: every open lead at every cutoff, beside baselines.
        folds: the models, each with its cutoffs.
        importance: what moved the last fold's scores, strongest first.
        last: the model of the last fold.
        examples: what it forecast: every open lead at the last fold's cutoffs.
    """

    predictions: Predictions
    folds: tuple[Fold, ...]
    importance: tuple[Importance, ...]
    last: Bundle
    examples: Examples


def backtest_leads(
    warehouse: Warehouse,
    asked: Range,
    horizon_days: int,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
) -> Backtest:
    """Forecast every open lead at every cutoff with a model that knew only what was known then.

    Args:
        warehouse: the whole history.
        asked: the cutoffs.
        horizon_days: how far the forecast looks ahead.
        features: the section of that name.
        params: the section `training`.
        progress: told of every fold.

    Raises:
        InputError: the range runs backwards.
    """
    parts: list[_Part] = []
    refit_days = asked.refit_days(params.leads.refit_days, params.leads.most_refits)
    folds = folds_of(asked.cutoffs, refit_days)
    with progress("backtesting", len(folds)) as advance:
        for number, cutoffs in enumerate(folds):
            parts.append(_forecast_fold(warehouse, number, cutoffs, horizon_days, features, params))
            advance(1)
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    names = parts[0].baselines
    baselines = {name: np.concatenate([p.baselines[name] for p in parts]) for name in names}
    segments = pd.concat([part.segments for part in parts], ignore_index=True)
    return Backtest(
        predictions=Predictions(frame, baselines, _segments(segments)),
        folds=tuple(part.fold for part in parts),
        importance=important(parts[-1].bundle, parts[-1].examples),
        last=parts[-1].bundle,
        examples=parts[-1].examples,
    )


@dataclass(frozen=True)
class _Part:
    """What one fold adds to a backtest."""

    fold: Fold
    frame: pd.DataFrame
    baselines: dict[str, Floats]
    segments: pd.DataFrame
    bundle: Bundle
    examples: Examples


def _forecast_fold(
    warehouse: Warehouse,
    number: int,
    cutoffs: tuple[datetime, ...],
    horizon_days: int,
    features: FeatureParams,
    params: TrainingParams,
) -> _Part:
    """Fit at the fold's first cutoff, and forecast all of its cutoffs."""
    past = warehouse.until(cutoffs[0])
    training_set = build_training_set(past, horizon_days, features, params)
    bundle = fit_leads(training_set, past, features, params)
    declared = training_set.examples.feature_set
    examples = build(warehouse, declared, training_set.vocabulary, cutoffs, features)
    frame = pd.DataFrame(
        {
            "lead_id": examples.keys["lead_id"],
            "cutoff": examples.keys["cutoff"].astype("datetime64[us]"),
            "horizon_days": np.int64(horizon_days),
            "p": bundle.probability(examples.X),
            "y": conversion(warehouse, examples.keys, horizon_days),
            "fold": np.int64(number),
        }
    )
    fitted = fit_baselines(past, training_set, features)
    baselines = {baseline.name: baseline.forecast(examples.X) for baseline in fitted}
    segments = segment_columns(examples, bundle)
    if params.leads.segments:
        baselines[POOLED] = bundle.pooled_probability(examples.X)
        segments[MODEL_SEGMENT] = bundle.segment_names(examples.X)
    return _Part(
        fold=Fold(number, cutoffs, dict(bundle.about)),
        frame=frame,
        baselines=baselines,
        segments=segments,
        bundle=bundle,
        examples=examples,
    )


def segment_columns(examples: Examples, bundle: Bundle) -> pd.DataFrame:
    """Return the part of the company each row belongs to as of its cutoff, a column a segment."""
    columns: dict[str, npt.NDArray[Any]] = {"evidence": bundle.evidence.of_rows(examples.X)}
    if "age_days" in examples.X:
        columns["age"] = _ages(examples)
    for feature in examples.feature_set:
        if feature.segment is not None and feature.categories is not None:
            # Codes beyond the known words are "another"; an empty one takes the last place.
            names = np.array([*feature.categories, "another", NO_STAGE], dtype=object)
            place = examples.X[feature.name].fillna(len(names) - 1).to_numpy().astype(int)
            columns[feature.segment.value] = names[place]
    return pd.DataFrame(columns)


def _ages(examples: Examples) -> npt.NDArray[np.object_]:
    """Return the age group of each lead."""
    days = examples.X["age_days"].to_numpy()
    names = np.array([*(name for _, name in AGES), OLDER], dtype=object)
    return np.asarray(names[np.searchsorted([limit for limit, _ in AGES], days)])


def _segments(columns: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the segments that tell rows apart; ages keep their order."""
    segments = {}
    for name in columns.columns:
        column = columns[name].fillna(NO_STAGE)
        if name == "age":
            order = [*(group for _, group in AGES), OLDER]
            column = pd.Series(pd.Categorical(column, categories=order, ordered=True))
        # One segment of the model may hold all leads, and is still compared with the pooled model.
        if len(column.unique()) > 1 or name == MODEL_SEGMENT:
            segments[str(name)] = column
    return segments


def important(bundle: Bundle, examples: Examples) -> tuple[Importance, ...]:
    """Return the features by how far they move scores on average, the strongest first."""
    if bundle.blend is None or not len(examples):
        return ()
    step = -(-len(examples) // EXPLAINED_ROWS)
    sample = examples.take(np.arange(len(examples)) % step == 0)
    explanation = explain(bundle, sample)
    importance = []
    for column, feature in enumerate(explanation.features):
        points = explanation.points[:, column]
        value = sample.X[feature.name].to_numpy()
        direction = np.nan if feature.categories is not None else _direction(value, points)
        importance.append(Importance(feature.says, float(np.abs(points).mean()), direction))
    return tuple(sorted(importance, key=lambda item: -item.points))


def _direction(value: Floats, points: Floats) -> float:
    """Return the correlation of values with their points; NaN where either does not vary."""
    filled = ~np.isnan(value)
    value, points = value[filled], points[filled]
    if len(value) < 2 or not (value.std() > 0 and points.std() > 0):  # noqa: PLR2004 - a line needs two points
        return np.nan
    return float(np.corrcoef(value, points)[0, 1])
