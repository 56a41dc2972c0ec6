"""Rolling origin: what would have been forecast at each cutoff, by a model of that time."""

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
from training.leads.baselines import fit_baselines
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.explain import explain
from training.leads.fit import fit
from training.params import TrainingParams
from training.rolling import Range, folds_of

AGES = ((7, "first week"), (14, "second week"), (30, "to 30 days"), (90, "to 90 days"))
OLDER = "older"
EXPLAINED_ROWS = 3_000
"""Rows that the most important features are read off."""
NO_STAGE = "unknown"


@dataclass(frozen=True)
class Fold:
    """One model and the cutoffs it forecast.

    Attributes:
        number: 0 for the first.
        cutoffs: the cutoffs it forecast; it saw nothing at or after the first of them.
        about: the parts of its training in time, its trees, what was left out.
    """

    number: int
    cutoffs: tuple[datetime, ...]
    about: dict[str, Any]


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
    """What a rolling origin gave."""

    predictions: Predictions
    folds: tuple[Fold, ...]
    importance: tuple[Importance, ...]
    last: Bundle


def _refit_days(asked: Range, params: TrainingParams) -> int:
    days = (asked.end - asked.start).days + 1
    return max(params.leads.refit_days, -(-days // params.leads.most_refits))


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
    """
    parts: list[_Part] = []
    divided = folds_of(asked.cutoffs, _refit_days(asked, params))
    with progress("backtesting", len(divided)) as advance:
        for number, cutoffs in enumerate(divided):
            parts.append(_one_fold(warehouse, number, cutoffs, horizon_days, features, params))
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
    )


@dataclass(frozen=True)
class _Part:
    fold: Fold
    frame: pd.DataFrame
    baselines: dict[str, Floats]
    segments: pd.DataFrame
    bundle: Bundle
    examples: Examples


def _one_fold(
    warehouse: Warehouse,
    number: int,
    cutoffs: tuple[datetime, ...],
    horizon_days: int,
    features: FeatureParams,
    params: TrainingParams,
) -> _Part:
    past = warehouse.until(cutoffs[0])
    lesson = build_training_set(past, horizon_days, features, params)
    bundle = fit(lesson, past, features, params)
    declared = lesson.examples.feature_set
    examples = build(warehouse, declared, lesson.words, cutoffs, features)
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
    baselines = {b.name: b.forecast(examples.X) for b in fit_baselines(past, lesson, features)}
    segments = _describe(examples, bundle)
    return _Part(
        Fold(number, cutoffs, dict(bundle.about)), frame, baselines, segments, bundle, examples
    )


def _describe(examples: Examples, bundle: Bundle) -> pd.DataFrame:
    """Say of each row which part of the company it belongs to, as of its cutoff."""
    made: dict[str, npt.NDArray[Any]] = {"evidence": bundle.evidence.of_rows(examples.X)}
    if "age_days" in examples.X:
        made["age"] = _ages(examples)
    for feature in examples.feature_set:
        if feature.segment is not None and feature.categories is not None:
            words = np.array([*feature.categories, "another", NO_STAGE], dtype=object)
            place = examples.X[feature.name].fillna(len(words) - 1).to_numpy().astype(int)
            made[feature.segment.value] = words[place]
    return pd.DataFrame(made)


def _ages(examples: Examples) -> npt.NDArray[np.object_]:
    days = examples.X["age_days"].to_numpy()
    names = np.array([*(name for _, name in AGES), OLDER], dtype=object)
    return np.asarray(names[np.searchsorted([d for d, _ in AGES], days)])


def _segments(frame: pd.DataFrame) -> dict[str, pd.Series]:
    made = {}
    for name in frame.columns:
        column = frame[name].fillna(NO_STAGE)
        if name == "age":
            order = [*(word for _, word in AGES), OLDER]
            column = pd.Series(pd.Categorical(column, categories=order, ordered=True))
        if len(column.unique()) > 1:
            made[str(name)] = column
    return made


def important(bundle: Bundle, examples: Examples) -> tuple[Importance, ...]:
    """List features by how far they move scores on average, the strongest first."""
    if bundle.ensemble is None or not len(examples):
        return ()
    step = -(-len(examples) // EXPLAINED_ROWS)
    rows = np.arange(len(examples)) % step == 0
    sample = examples.take(rows)
    explanation = explain(bundle, sample)
    found = []
    for column, feature in enumerate(explanation.features):
        points = explanation.points[:, column]
        value = sample.X[feature.name].to_numpy()
        filled = ~np.isnan(value)
        direction = np.nan
        if feature.categories is None and filled.sum() > 1:
            varied = value[filled].std() > 0 and points[filled].std() > 0
            if varied:
                direction = float(np.corrcoef(value[filled], points[filled])[0, 1])
        found.append(Importance(feature.says, float(np.abs(points).mean()), direction))
    return tuple(sorted(found, key=lambda item: -item.points))
