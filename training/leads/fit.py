"""Learn one model of lead conversion from an extract as it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.definitions.lead import lead_features
from features.feature import Feature, Segment
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.estimators.boosting import TrainingRows, count_rounds, fit_ensemble
from training.estimators.calibration import IDENTITY, Calibrator, choose_calibrator, trust_in
from training.evidence import Evidence
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.params import TrainingParams
from training.split import Split

SEASONS_DAYS = 730
"""Two years: before that no season has come twice."""
MOST_GROWTH = 1.5
"""Trees added, at the most, for the rows that the last fit has more than the earlier ones."""


def learn(
    warehouse: Warehouse, horizon_days: int, features: FeatureParams, params: TrainingParams
) -> Bundle:
    """Fit, calibrate, and fit once more on all that is ripe.

    The calibrator is learned from forecasts of a model that never saw the calibration window nor
    any label that reached into it. The last fit then takes in the newest rows, with the same
    number of trees for each row, and keeps that calibrator.

    Args:
        warehouse: already cut to the moment of training.
        horizon_days: how far the label looks ahead.
        features: the section of that name.
        params: the section `training`.
    """
    return fit(
        build_training_set(warehouse, horizon_days, features, params), warehouse, features, params
    )


def fit(
    lesson: TrainingSet, warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> Bundle:
    """Fit a model to a lesson that is prepared already; see `learn`."""
    evidence = lead_evidence(lesson, features)
    about: dict[str, Any] = {"split": list(lesson.split.says), **_parts(lesson.split)}
    about["left_out"] = [vars(s) for s in lesson.suspicions]
    base = _base_rate(warehouse, lesson)
    columns = _useful(lesson) if evidence.state != "none" else []
    if evidence.state != "none" and not columns:
        evidence = Evidence("none", f"no feature tells leads apart: {evidence.says}")
    declared = lead_features(lesson.words, features)
    kept = declared.without(frozenset(declared.names) - frozenset(columns))
    ensemble, calibrator = None, IDENTITY
    if evidence.state != "none":
        calibrated = lesson.split.train + lesson.split.tune
        rounds = count_rounds(_stopping(lesson, columns), kept.categorical, params.booster)
        early = lesson.part(calibrated, columns)
        first = fit_ensemble(early, kept.categorical, rounds, params.booster)
        calibrator, losses = _calibrate(lesson, first.margins, columns)
        whole = lesson.part(sorted(set(lesson.examples.keys[CUTOFF])), columns)
        grown = min(MOST_GROWTH, (len(whole.y) / len(early.y)) ** 0.5)
        ensemble = fit_ensemble(whole, kept.categorical, round(rounds * grown), params.booster)
        about |= {"rounds": round(rounds * grown), "calibration_log_loss": losses}
        about["importance"] = dict(zip(columns, ensemble.importance().tolist(), strict=True))
    return Bundle(
        until=warehouse.data_until,
        horizon_days=lesson.horizon_days,
        params=features,
        words=lesson.words,
        columns=tuple(columns),
        fingerprint=kept.fingerprint,
        ensemble=ensemble,
        calibrator=calibrator,
        base_rate=base,
        evidence=evidence,
        about=about,
    )


def _stopping(
    lesson: TrainingSet, columns: Sequence[str]
) -> list[tuple[TrainingRows, TrainingRows]]:
    split = lesson.split
    pairs = ((split.train, split.tune),) if split.tune else split.folds
    return [(lesson.part(a, columns), lesson.part(b, columns)) for a, b in pairs]


def _calibrate(
    lesson: TrainingSet, margins: Any, columns: Sequence[str]
) -> tuple[Calibrator, dict[str, float]]:
    window = lesson.split.calibrate
    keys = lesson.examples.keys[lesson.rows(window)]
    part = lesson.part(window, columns)
    # One lead stands in the window at many cutoffs, and its rows share one outcome.
    weights = 1 / keys.groupby("lead_id")["lead_id"].transform("count").to_numpy(np.float64)
    middle = np.datetime64(window[len(window) // 2], "us")
    later = keys[CUTOFF].to_numpy() >= middle
    chosen, losses = choose_calibrator(margins(part.X), part.y, weights, later)
    days = (window[-1] - window[0]).days + 1
    return chosen.trusted(trust_in(days)), losses


def _useful(lesson: TrainingSet) -> list[str]:
    """Columns that vary, that the audit does not suspect, and that do not merely tell the date.

    A column with one value for everybody at a cutoff (the company's pace, the calendar) tells trees
    which cutoff they look at. With less than two years of history no season comes twice, and all
    they could do is learn the past by heart; on a real log that cost 0.003 of AUC and 0.006 of
    average precision, on a sample company of 18 months levels that were off by a third.
    """
    X, suspected = lesson.examples.X, lesson.suspected
    varied = X.nunique(dropna=False) > 1  # noqa: PD101 - of a frame, not of a series
    cutoffs = lesson.examples.keys[CUTOFF]
    if (cutoffs.max() - cutoffs.min()).days < SEASONS_DAYS:
        varied &= X.groupby(cutoffs.to_numpy()).nunique(dropna=False).max() > 1
    return [name for name in X.columns if varied[name] and name not in suspected]


def _base_rate(warehouse: Warehouse, lesson: TrainingSet) -> float:
    """The share that converts, pulled towards one in ten by a few imagined leads."""
    if len(lesson.y):
        return float((lesson.y.sum() + 0.5) / (len(lesson.y) + 5))
    leads = warehouse["leads"]
    told = warehouse.arrow(leads.aggregate(n=leads.count(), won=leads.converted_at.count()))
    row = told.to_pylist()[0]
    return float((row["won"] + 0.5) / (row["n"] + 5))


def lead_evidence(lesson: TrainingSet, features: FeatureParams) -> Evidence:
    """Say whether there is enough to fit, and how much each segment has."""
    minimum, keys = features.minimum, lesson.examples.keys
    ever = pd.Series(lesson.y).groupby(keys["lead_id"]).max() if len(lesson.y) else pd.Series()
    converted, others = int((ever == 1).sum()), int((ever == 0).sum())
    found = f"{len(ever)} leads with ripe labels, {converted} converted, {others} not"
    wanted = f"{minimum.leads} leads, {minimum.converted} converted and {minimum.unconverted} not"
    why = _lacking(lesson)
    fewest = max(1, min(minimum.converted, minimum.unconverted) // 2)
    if why or min(converted, others) < fewest:
        return Evidence("none", f"too little to fit: {found}; at least {wanted} are wanted{why}")
    enough = (
        len(ever) >= minimum.leads
        and converted >= minimum.converted
        and others >= minimum.unconverted
    )
    says = found if enough else f"thin: {found}; {wanted} are wanted"
    state = "enough" if enough else "thin"
    segment = next((f for f in lesson.examples.feature_set if f.segment is Segment.SOURCE), None)
    if segment is None:
        return Evidence(state, says)
    counts = _segment_counts(lesson, segment)
    return Evidence(state, says, segment.name, counts, minimum.segment)


def _lacking(lesson: TrainingSet) -> str:
    """Say what the split lacks before anything can be fitted on it; nothing if it will do."""
    split = lesson.split
    if not (split.calibrate and (split.tune or split.folds)):
        return "; " + "; ".join(split.says)
    early = lesson.y[lesson.rows(split.train + split.tune)]
    if not 0 < early.sum() < len(early):
        return "; before the calibration window all leads ended alike"
    return ""


def _segment_counts(lesson: TrainingSet, segment: Feature) -> tuple[int, ...]:
    """Count the leads of each category, the last of which stands for every other word."""
    places = len(segment.categories or ()) + 1
    place = lesson.examples.X[segment.name]
    leads = lesson.examples.keys["lead_id"].groupby(place).nunique()
    return tuple(int(leads.get(float(i), 0)) for i in range(places))


def _parts(split: Split) -> dict[str, Any]:
    """The parts' first and last cutoffs, for the time-split diagram."""

    def ends(cutoffs: Sequence[datetime]) -> list[str]:
        return [cutoffs[0].isoformat(), cutoffs[-1].isoformat()] if cutoffs else []

    parts = {"train": split.train, "tune": split.tune, "calibrate": split.calibrate}
    return {"parts": {name: ends(cutoffs) for name, cutoffs in parts.items()}}
