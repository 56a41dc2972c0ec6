"""Fit a lead model to an extract as it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.definitions.lead import conversion_features
from features.definitions.time_ahead import DAYS_AHEAD
from features.evidence import EvidenceState
from features.feature import Feature, FeatureSet, Segment
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.artifact import LEARNING_CURVES
from training.estimators.boosting import Stopping, TrainingRows, fit_ensembles, stop_early
from training.estimators.calibration import Calibrator
from training.estimators.regression import fit_regression
from training.evidence import Evidence
from training.leads.blend import Blend
from training.leads.bundle import Bundle
from training.leads.calibrate import calibrate
from training.leads.dataset import TrainingSet, build_training_set, smoothed_rate
from training.leads.fallback import fall_back
from training.leads.fit_segments import Grown, add_segments
from training.leads.precedents import Precedent, precedents_of
from training.leads.steadiness import UNSTEADY, find_lead_shifts
from training.params import TrainingParams
from training.split import Split

SEASONS_DAYS = 730
"""Two years: before that no season has come twice."""
SEED_LUCK = "seed_luck"
"""What a model tells of the luck of its seeds."""
UNSTOPPED = 8
"""Where nothing tells when to stop, trees are this part of the most there may be."""
MOST_GROWTH = 1.5
"""The last fit, on more rows, has at most this many times the trees of the first."""


def learn_leads(
    warehouse: Warehouse, horizon_days: int, features: FeatureParams, params: TrainingParams
) -> Bundle:
    """Build the training set of an extract and fit a model to it; see `fit_leads`.

    Args:
        warehouse: already cut to the moment of training.
        horizon_days: how far the label looks ahead.
        features: the section of that name.
        params: the section `training`.
    """
    training_set = build_training_set(warehouse, horizon_days, features, params)
    return fit_leads(training_set, warehouse, features, params)


def fit_leads(
    training_set: TrainingSet,
    warehouse: Warehouse,
    features: FeatureParams,
    params: TrainingParams,
) -> Bundle:
    """Fit a model, calibrate it, and fit it once more on every mature row.

    The calibrator is learned from forecasts of a model that saw neither the calibration window nor
    any label that reaches into it. The last fit takes in the newest rows too, and keeps that
    calibrator.

    Args:
        training_set: what to learn from.
        warehouse: the extract it was built from.
        features: the section of that name.
        params: the section `training`.

    Returns:
        The model; the fallback where there is too little to learn from.
    """
    evidence = lead_evidence(training_set, features)
    columns = [] if evidence.state == EvidenceState.NONE else _useful(training_set)
    shifts = find_lead_shifts(training_set, columns)
    columns = [name for name in columns if name not in shifts.left_out]
    if evidence.state != EvidenceState.NONE and not columns:
        says = f"no feature tells leads apart: {evidence.says}"
        evidence = Evidence(EvidenceState.NONE, says)
    horizon_days = training_set.horizon_days
    declared = conversion_features(training_set.vocabulary, features, horizon_days)
    if columns and DAYS_AHEAD in training_set.examples.X:
        columns = [*columns, DAYS_AHEAD]
    kept = declared.without(frozenset(declared.names) - frozenset(columns))
    grown, learned = Grown(), [name for name in columns if name != DAYS_AHEAD]
    if evidence.state != EvidenceState.NONE:
        grown = _grow(training_set, learned, kept, params)
    bundle = Bundle(
        until=warehouse.data_until,
        horizon_days=horizon_days,
        params=features,
        vocabulary=training_set.vocabulary,
        columns=tuple(columns),
        fingerprint=kept.fingerprint,
        blend=grown.blend,
        calibrator=grown.calibrator,
        base_rate=_base_rate(warehouse, training_set),
        evidence=evidence,
        about={**_about(training_set), UNSTEADY: shifts.to_json(), **grown.about},
        precedents=_precedents(training_set, grown),
    )
    if bundle.blend is None:
        return fall_back(bundle, training_set, evidence)

    def learn(part: TrainingSet) -> tuple[Evidence, Grown]:
        enough = lead_evidence(part, features)
        is_enough = enough.state is EvidenceState.ENOUGH
        return enough, _grow(part, learned, kept, params) if is_enough else Grown()

    return add_segments(bundle, training_set, grown.early, learn, params.leads.segments)


def _precedents(training_set: TrainingSet, grown: Grown) -> dict[str, Precedent]:
    """Count what became of leads by each feature of a model; a fallback gives no reasons."""
    names = () if grown.blend is None else grown.blend.trees.columns
    return precedents_of(training_set.examples, training_set.y, names)


def _grow(
    training_set: TrainingSet, columns: list[str], declared: FeatureSet, params: TrainingParams
) -> Grown:
    """Fit twice: a first time to calibrate, a second time on everything.

    The second fit has more rows, and grows the more trees for it, with the square root of the rows
    and never beyond half as many again:

    | rows of the first fit | rows of the second | trees of the first | of the second |
    |-----------------------|--------------------|--------------------|---------------|
    | 10,000                | 10,000             | 100                | 100           |
    | 10,000                | 14,400             | 100                | 120           |
    | 10,000                | 40,000             | 100                | 150, not 200  |
    """
    categorical, split, booster = declared.categorical, training_set.split, params.booster
    folds = _stopping(training_set, columns)
    stopping = Stopping(max(1, booster.max_rounds // UNSTOPPED))
    if folds:
        stopping = stop_early(folds, categorical, booster)
    rounds = stopping.rounds
    before, every = split.train + split.tune, sorted(set(training_set.examples.keys[CUTOFF]))
    levels = [training_set.level(cutoffs) for cutoffs in (before, every)]
    early, whole = (
        training_set.part(cutoffs, columns, level)
        for cutoffs, level in zip((before, every), levels, strict=True)
    )
    more = round(rounds * min(MOST_GROWTH, (len(whole.y) / len(early.y)) ** 0.5))
    ensembles = fit_ensembles([(early, rounds), (whole, more)], categorical, booster)
    exposure = training_set.exposure
    ridge = params.leads.inverse_ridge
    regressions = [
        fit_regression(part.X, part.y, categorical, training_set.offsets(cutoffs), ridge)
        for part, cutoffs in ((early, before), (whole, every))
    ]
    first, blend = (
        Blend(trees, level, regression, exposure)
        for trees, level, regression in zip(ensembles, levels, regressions, strict=True)
    )
    window = training_set.examples.X[training_set.rows(split.calibrate)]
    calibrator, losses = calibrate(training_set, first.margins(window), params.calibration)
    about = {
        "rounds": more,
        LEARNING_CURVES: [list(curve) for curve in stopping.curves],
        SEED_LUCK: _seed_luck(first, calibrator, window),
        "calibration_log_loss": losses,
        "importance": dict(zip(columns, blend.trees.importance().tolist(), strict=True)),
    }
    return Grown(blend, calibrator, about, first)


def _seed_luck(blend: Blend, calibrator: Calibrator, X: pd.DataFrame) -> float | None:
    """Return by how many percentage points other seeds would move a forecast (root mean square)."""
    spread = blend.seed_spread(X)
    if spread is None:
        return None
    p = calibrator.probability(blend.margins(X))
    return float(100 * np.sqrt(np.mean((p * (1 - p) * spread) ** 2)))


def _stopping(
    training_set: TrainingSet, columns: Sequence[str]
) -> list[tuple[TrainingRows, TrainingRows]]:
    """Return the pairs of (earlier, later) rows that early stopping looks at.

    A short history may hold a pair whose earlier part is a single lead, or ended all alike: nothing
    can be learned from it, so it is passed over.
    """
    split = training_set.split
    pairs = ((split.train, split.tune),) if split.tune else split.folds
    parts = [
        (
            training_set.part(earlier, columns, level := training_set.level(earlier)),
            training_set.part(later, columns, level),
        )
        for earlier, later in pairs
    ]
    return [pair for pair in parts if 0 < pair[0].y.sum() < len(pair[0].y)]


def _useful(training_set: TrainingSet) -> list[str]:
    """Return the columns that vary, are not suspected, and do more than name the date.

    Three cases are left out:

    - a column with one value for every row;
    - a column that the audit suspects, and every column computed from a suspected one;
    - with less than two years of history, a column with one value for everybody at each cutoff (the
      company's pace, the calendar). It tells trees which cutoff they look at. No season has come
      twice yet, so all they could do is learn the past by heart. On a real log that cost 0.003 of
      AUC and 0.006 of average precision; on a sample company of 18 months it put levels off by a
      third.
    """
    # The working time ahead is not learned from.
    X = training_set.examples.X.drop(columns=DAYS_AHEAD, errors="ignore")
    # A feature computed from a suspected column leaks what that column leaks.
    suspected = training_set.suspected
    varied = X.nunique(dropna=False) > 1  # noqa: PD101 - of a frame, not of a series
    cutoffs = training_set.examples.keys[CUTOFF]
    if (cutoffs.max() - cutoffs.min()).days < SEASONS_DAYS:
        varied &= X.groupby(cutoffs.to_numpy()).nunique(dropna=False).max() > 1
    return [name for name in X.columns if varied[name] and name not in suspected]


def _base_rate(warehouse: Warehouse, training_set: TrainingSet) -> float:
    """Return the share that converts.

    Without a mature label it is the share of all leads so far, which is too low: the youngest have
    not had their time.
    """
    if len(training_set.y):
        return training_set.base_rate
    leads = warehouse["leads"]
    counts = warehouse.arrow(leads.aggregate(n=leads.count(), won=leads.converted_at.count()))
    row = counts.to_pylist()[0]
    return smoothed_rate(row["won"], row["n"])


def lead_evidence(training_set: TrainingSet, features: FeatureParams) -> Evidence:
    """Say whether there is enough to fit a model, and how much each segment has.

    With the default minimum of 200 leads, 40 converted and 40 not:

    | leads | converted | not | state  |
    |-------|-----------|-----|--------|
    | 200   | 40        | 160 | enough |
    | 200   | 39        | 161 | thin   |
    | 200   | 19        | 181 | none: fewer than half of 40 |
    """
    minimum, keys = features.minimum, training_set.examples.keys
    y = pd.Series(training_set.y)
    ever = y.groupby(keys["lead_id"]).max() if len(y) else pd.Series()
    converted, others = int((ever == 1).sum()), int((ever == 0).sum())
    counted = f"{len(ever)} leads with mature labels, {converted} converted, {others} not"
    wanted = f"{minimum.leads} leads, {minimum.converted} converted and {minimum.unconverted} not"
    why = _lacking(training_set)
    fewest = max(1, min(minimum.converted, minimum.unconverted) // 2)
    if why or min(converted, others) < fewest:
        says = f"too little to fit: {counted}; at least {wanted} are wanted{why}"
        return Evidence(EvidenceState.NONE, says)
    enough = (
        len(ever) >= minimum.leads
        and converted >= minimum.converted
        and others >= minimum.unconverted
    )
    state = EvidenceState.ENOUGH if enough else EvidenceState.THIN
    says = counted if enough else f"thin: {counted}; {wanted} are wanted"
    declared = training_set.examples.feature_set
    segment = next((f for f in declared if f.segment is Segment.SOURCE), None)
    if segment is None:
        return Evidence(state, says)
    counts = _segment_counts(training_set, segment)
    return Evidence(state, says, segment.name, counts, minimum.segment)


def _lacking(training_set: TrainingSet) -> str:
    """Return what the split lacks before anything can be fitted on it; empty if it will do."""
    split = training_set.split
    if not (split.calibrate and (split.tune or split.folds)):
        return "; " + "; ".join(split.says)
    early = training_set.y[training_set.rows(split.train + split.tune)]
    if not 0 < early.sum() < len(early):
        return "; before the calibration window all leads ended alike"
    return ""


def _segment_counts(training_set: TrainingSet, segment: Feature) -> tuple[int, ...]:
    """Count the leads of each category by its code, the last of which is every other word."""
    codes = len(segment.categories or ()) + 1
    code = training_set.examples.X[segment.name]
    leads = training_set.examples.keys["lead_id"].groupby(code).nunique()
    return tuple(int(leads.get(float(k), 0)) for k in range(codes))


def _about(training_set: TrainingSet) -> dict[str, Any]:
    """Gather facts for people: the parts of the split, and what the audit suspected."""
    return {
        "split": list(training_set.split.says),
        "parts": _parts(training_set.split),
        "left_out": [vars(suspicion) for suspicion in training_set.suspicions],
    }


def _parts(split: Split) -> dict[str, list[str]]:
    """Return each part's first and last cutoff, for the time-split diagram."""

    def ends(cutoffs: Sequence[datetime]) -> list[str]:
        return [cutoffs[0].isoformat(), cutoffs[-1].isoformat()] if cutoffs else []

    parts = {"train": split.train, "tune": split.tune, "calibrate": split.calibrate}
    return {name: ends(cutoffs) for name, cutoffs in parts.items()}


def luck_of_seeds(bundle: Bundle) -> list[str]:
    """Say how far a model's forecasts hang on the seeds its trees grew from; empty if unknown."""
    points = bundle.about.get(SEED_LUCK)
    if points is None:
        return []
    says = (
        f"trained with other seeds, a forecast would move by {points:.2f} percentage points "
        "(root mean square, judged by how far the boosters differ)"
    )
    return [says]
