"""Fit a model of its own to each segment that has enough leads for one.

Whether a segment gets one is decided inside the training data, before any test:

1. Its condition can be told: no column it names is suspected of leakage.
2. Its leads are as many as an extract needs (`features.minimum`), with both outcomes in every part
   of the split in time.
3. On the calibration window, which neither has seen, its model is not clearly worse than the pooled
   one: the upper end of the interval of its gain in log loss is not below 0.

The third rule asks for harm, not for gain. Whoever writes a segment down has a reason that a short
window cannot show, and the test says afterwards whether splitting helped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Bools, Ints
from features.definitions.lead import conversion_features, lead_features
from features.errors import InputError
from features.evidence import EvidenceState
from features.feature import FeatureSet
from features.history.vocabulary import read_vocabulary
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.estimators.calibration import IDENTITY, Calibrator
from training.evaluation.bootstrap import Estimate, mean_estimate, resample
from training.evaluation.metrics import log_loss
from training.evidence import Evidence
from training.leads.blend import Blend
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.segments import NONE, LeadSegment, first_match
from training.leads.where import Where
from training.params import LeadParams, SegmentParams

SEGMENTS = "segments"
"""Where a model's facts hold what became of each segment, in sentences."""
UNTOLD = (
    "not used, because a column it names is suspected of leakage, or held another kind of value "
    "when the model was fitted"
)
LEVEL = 0.9
DRAWS = 200
SEED = 7


@dataclass(frozen=True)
class Grown:
    """What was fitted to some rows, or the lack of it, with facts for people.

    Attributes:
        blend: trees and regression, of all rows.
        calibrator: maps their margins to probabilities.
        about: facts for people.
        early: the same as `blend`, of rows that end before the calibration window.
    """

    blend: Blend | None = None
    calibrator: Calibrator = IDENTITY
    about: Mapping[str, Any] = field(default_factory=dict)
    early: Blend | None = None


Learn = Callable[[TrainingSet], tuple[Evidence, Grown]]
"""Fits a model to some rows, and says how much they are."""


def require_segments(warehouse: Warehouse, features: FeatureParams, params: LeadParams) -> None:
    """Refuse segments that cannot be read, before any work begins.

    Args:
        warehouse: cut to the latest moment that a model is fitted at.
        features: the section of that name.
        params: the section `training.leads`.

    Raises:
        InputError: a condition is none, or names a column or a word that is not known.
    """
    if not params.segments:
        return
    declared = lead_features(read_vocabulary(warehouse, features), features)
    known = declared.without(frozenset(params.leave_out))
    for segment in params.segments:
        try:
            Where.of(segment.where, known)
        except InputError as error:
            place = f"training.leads.segments, segment {segment.name!r}"
            raise InputError(f"{place}: {error}") from None


def add_segments(
    bundle: Bundle,
    training_set: TrainingSet,
    pooled: Blend | None,
    learn: Learn,
    segments: Sequence[SegmentParams],
) -> Bundle:
    """Return a model of all leads with models of its segments beside it.

    Args:
        bundle: the model of all leads.
        training_set: what it learned from.
        pooled: that model as it was before the calibration window.
        learn: fits a model to the rows of a segment.
        segments: in the order in which they claim leads.
    """
    if not segments or pooled is None:
        return bundle
    X, leads = training_set.examples.X, training_set.examples.keys["lead_id"]
    conditions = [_condition(segment, training_set) for segment in segments]
    nowhere = np.zeros(len(X), dtype=np.bool_)
    matches = [nowhere if where is None else where.holds(X) for where in conditions]
    place = first_match(matches, len(X))
    fitted, says = [], []
    for number, (segment, where) in enumerate(zip(segments, conditions, strict=True)):
        part = _part_of(training_set, place == number)
        grown, why = (Grown(), UNTOLD) if where is None else _own_model(part, pooled, learn)
        says.append(f"segment {segment.name} ({segment.where}): {why}")
        if where is not None:
            fitted.append(LeadSegment(segment.name, where, grown.blend, grown.calibrator))
    says += [*_overlaps([segment.name for segment in segments], matches), _rest(place, leads)]
    routed = _with_columns(bundle, fitted)
    return replace(routed, segments=tuple(fitted), about={**bundle.about, SEGMENTS: says})


def _condition(segment: SegmentParams, training_set: TrainingSet) -> Where | None:
    """Return a segment's condition; None where its leads cannot be told: see `UNTOLD`."""
    declared = training_set.examples.feature_set
    try:
        where = Where.of(segment.where, declared, is_final=False)
    except InputError:
        # In an earlier past a column may have been of another kind.
        return None
    return None if training_set.suspected & {*where.columns} else where


def _part_of(training_set: TrainingSet, rows: Bools) -> TrainingSet:
    """Return some rows of a training set, split at the same moments."""
    return replace(training_set, examples=training_set.examples.take(rows), y=training_set.y[rows])


def _own_model(part: TrainingSet, pooled: Blend, learn: Learn) -> tuple[Grown, str]:
    """Fit a segment's model, and return it with a sentence; no model where it is not to be used."""
    if not _is_spread(part):
        leads = part.examples.keys["lead_id"].nunique()
        return Grown(), (
            f"forecast by the pooled model: {leads} leads with mature labels, which do not show "
            "both outcomes in the early and in the late parts of the history"
        )
    evidence, grown = learn(part)
    if evidence.state is not EvidenceState.ENOUGH or grown.early is None:
        return Grown(), f"forecast by the pooled model: {evidence.says}"
    gain = _gain(part, grown.early, pooled)
    if gain.high is not None and gain.high < 0:
        return Grown(), (
            "forecast by the pooled model: a model of its own was clearly worse on the calibration "
            f"window (log loss {-(gain.value or 0):.4f} higher)"
        )
    return grown, f"a model of its own, from {evidence.says}"


def _is_spread(part: TrainingSet) -> bool:
    """Whether both outcomes occur in every part of the split that something is fitted on."""
    split = part.split
    stops = ((split.train, split.tune),) if split.tune else split.folds
    windows = {cutoffs for pair in stops for cutoffs in pair} | {split.calibrate}
    outcomes = (part.y[part.rows(cutoffs)] for cutoffs in windows)
    return all(0 < y.sum() < len(y) for y in outcomes)


def _gain(part: TrainingSet, own: Blend, pooled: Blend) -> Estimate:
    """Return the pooled model's log loss minus a segment's own, on the calibration window.

    Neither model has seen the window. Neither is calibrated, for the calibrators are learned there.
    """
    rows = part.rows(part.split.calibrate)
    X, y = part.examples.X[rows], part.y[rows]
    saved = log_loss(y, expit(pooled.margins(X))) - log_loss(y, expit(own.margins(X)))
    clusters = pd.factorize(part.examples.keys["lead_id"][rows])[0]
    counts = resample(int(clusters.max()) + 1, DRAWS, SEED)
    return mean_estimate(saved, clusters, counts, LEVEL)


def _overlaps(names: Sequence[str], matches: Sequence[Bools]) -> Iterator[str]:
    """Yield a warning for every two segments that share training rows."""
    for first, second in combinations(range(len(names)), 2):
        if shared := int((matches[first] & matches[second]).sum()):
            yield (
                f"segments {names[first]} and {names[second]} overlap: {shared:,} training rows "
                f"match both, and {names[first]} takes them because it stands first"
            )


def _rest(place: Ints, leads: pd.Series) -> str:
    """Say how many leads lie in no segment."""
    rest = place == NONE
    return (
        f"{leads[rest].nunique():,} of {leads.nunique():,} training leads were at some cutoff in "
        "no segment, where the pooled model forecasts"
    )


def _with_columns(bundle: Bundle, segments: Sequence[LeadSegment]) -> Bundle:
    """Return a model that also builds the columns by which segments are told apart."""
    named = {name for segment in segments for name in segment.where.columns}
    if named <= {*bundle.columns}:
        return bundle
    declared = conversion_features(bundle.vocabulary, bundle.params, bundle.horizon_days)
    kept: FeatureSet = declared.without(frozenset(declared.names) - named.union(bundle.columns))
    return replace(bundle, columns=tuple(kept.names), fingerprint=kept.fingerprint)
