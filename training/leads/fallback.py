"""What forecasts leads where no model does: age alone, or the base rate without any history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import logit

from features.arrays import Bools, Floats
from features.definitions.lead import lead_features
from features.snapshot import CUTOFF
from training.estimators.age_curve import AgeCurve, fit_age_curve
from training.estimators.calibration import IDENTITY, choose_calibrator, trust_in
from training.evidence import Evidence
from training.leads.bundle import AGE_DAYS, Bundle
from training.leads.dataset import TrainingSet, smoothed_rate

FACTS = ("split", "parts", "left_out")
"""What is told of a training whatever came out of it; the rest is about trees."""


def fall_back(bundle: Bundle, training_set: TrainingSet, evidence: Evidence) -> Bundle:
    """Return the model that forecasts in place of another one, learned from the same rows.

    Args:
        bundle: what it takes the place of.
        training_set: what that learned from.
        evidence: why it does not forecast; its state is `none`.
    """
    curve = age_curve(training_set)
    columns = () if curve is None else (AGE_DAYS,)
    declared = lead_features(bundle.vocabulary, bundle.params)
    kept = declared.without(frozenset(declared.names) - frozenset(columns))
    return replace(
        bundle,
        columns=columns,
        fingerprint=kept.fingerprint,
        ensemble=None,
        calibrator=IDENTITY,
        evidence=evidence,
        about={name: bundle.about[name] for name in FACTS if name in bundle.about},
        age_curve=curve,
    )


def age_curve(training_set: TrainingSet) -> AgeCurve | None:
    """Learn the chance to convert by age, calibrated as a model is: on a later window of its own.

    Returns:
        The curve; None without a row, and where age is left out or suspected of leakage.
    """
    is_known = AGE_DAYS in training_set.examples.X and AGE_DAYS not in training_set.suspected
    if not len(training_set.y) or not is_known:
        return None
    whole = _fitted(training_set, np.ones(len(training_set.y), dtype=np.bool_))
    split = training_set.split
    before = training_set.rows(split.train + split.tune)
    if not before.any() or not split.calibrate:
        return whole
    window = training_set.rows(split.calibrate)
    margins = logit(_fitted(training_set, before).probability(_ages(training_set)[window]))
    keys = training_set.examples.keys[window]
    # All rows weigh alike, whatever came of them, and together as much as there are leads.
    weights = np.full(len(keys), keys["lead_id"].nunique() / len(keys))
    middle = np.datetime64(split.calibrate[len(split.calibrate) // 2], "us")
    later = keys[CUTOFF].to_numpy() >= middle
    chosen, _ = choose_calibrator(margins, training_set.y[window], weights, later)
    days = (split.calibrate[-1] - split.calibrate[0]).days + 1
    return whole.mapped(chosen.trusted(trust_in(days)))


def _fitted(training_set: TrainingSet, rows: Bools) -> AgeCurve:
    y, leads = training_set.y[rows], training_set.examples.keys["lead_id"][rows]
    return fit_age_curve(
        _ages(training_set)[rows], y, pd.factorize(leads)[0], smoothed_rate(y.sum(), len(y))
    )


def _ages(training_set: TrainingSet) -> Floats:
    return training_set.examples.X[AGE_DAYS].to_numpy()
