"""What forecasts leads where no model does: age alone, or the base rate without any history."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import logit

from features.arrays import Bools, Floats
from features.definitions.lead import conversion_features
from training.estimators.age_curve import AgeCurve, fit_age_curve
from training.estimators.calibration import IDENTITY
from training.evaluation.metrics import log_loss
from training.evidence import Evidence
from training.leads.bundle import AGE_DAYS, Bundle
from training.leads.calibrate import calibrate
from training.leads.dataset import TrainingSet, smoothed_rate

FACTS = ("split", "parts", "left_out", "unsteady")
"""What is told of a training whatever came out of it; the rest is about trees."""
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the way from the base rate to the curve, the whole way first: it wins a tie."""
PULL = 4.0
"""Log loss, over all leads of a window, by which no curve has to beat the whole one."""


def fall_back(bundle: Bundle, training_set: TrainingSet, evidence: Evidence) -> Bundle:
    """Return the model that forecasts in place of another one, learned from the same rows.

    Args:
        bundle: what it takes the place of.
        training_set: what that learned from.
        evidence: why it does not forecast; its state is `none`.
    """
    curve = age_curve(training_set)
    columns: tuple[str, ...] = ()
    rate = bundle.base_rate
    if curve is not None:
        # Bands and reasons start from what the curve says of a lead whose age nobody knows.
        columns, rate = (AGE_DAYS,), float(curve.probability(_ages(training_set)).mean())
    declared = conversion_features(bundle.vocabulary, bundle.params, bundle.horizon_days)
    kept = declared.without(frozenset(declared.names) - frozenset(columns))
    return replace(
        bundle,
        columns=columns,
        fingerprint=kept.fingerprint,
        blend=None,
        calibrator=IDENTITY,
        base_rate=rate,
        evidence=evidence,
        about={name: bundle.about[name] for name in FACTS if name in bundle.about},
        age_curve=curve,
    )


def age_curve(training_set: TrainingSet) -> AgeCurve | None:
    """Learn the chance to convert by age, as far as it has held, and calibrate it as a model is.

    Both are decided on the calibration window, by a curve that has not seen it. A season in which
    many old leads closed is no law: where the curve forecasts the window worse than one rate for
    everybody, that rate is what is left of it.

    Returns:
        The curve; None without a row, and where age is left out or suspected of leakage.
    """
    is_known = AGE_DAYS in training_set.examples.X and AGE_DAYS not in training_set.suspected
    if not len(training_set.y) or not is_known:
        return None
    whole, split = (
        _Fitted.to(training_set, np.ones(len(training_set.y), dtype=np.bool_)),
        training_set.split,
    )
    before = training_set.rows(split.train + split.tune)
    if not before.any() or not split.calibrate:
        return whole.curve
    early, window = _Fitted.to(training_set, before), training_set.rows(split.calibrate)
    share = _held(training_set, early, window)
    margins = logit(early.damped(share).curve.probability(_ages(training_set)[window]))
    calibrator, _ = calibrate(training_set, margins)
    return whole.damped(share).curve.mapped(calibrator)


@dataclass(frozen=True)
class _Fitted:
    """A curve, and the base rate of the rows it was learned from."""

    curve: AgeCurve
    base_rate: float

    @classmethod
    def to(cls, training_set: TrainingSet, rows: Bools) -> _Fitted:
        y, leads = training_set.y[rows], training_set.examples.keys["lead_id"][rows]
        rate = smoothed_rate(float(y.sum()), len(y))
        numbers = pd.factorize(leads)[0]
        return cls(fit_age_curve(_ages(training_set)[rows], y, numbers, rate), rate)

    def damped(self, share: float) -> _Fitted:
        return _Fitted(self.curve.damped(share, self.base_rate), self.base_rate)


def _held(training_set: TrainingSet, early: _Fitted, window: Bools) -> float:
    """Return how much of a curve has held in a later window, as a share of the way to it.

    All of it, unless less is better by more than the luck of that window. Of a wave that is over,
    with 1,000 leads in the window:

    | share | mean log loss | of all leads | pull | sum   |
    |-------|---------------|--------------|------|-------|
    | 1     | 0.234         | 234          | 0    | 234   |
    | 0.5   | 0.224         | 224          | 1    | 225   |
    | 0     | 0.220         | 220          | 4    | 224 < |
    """
    ages, y = _ages(training_set)[window], training_set.y[window]
    leads = training_set.examples.keys["lead_id"][window].nunique()

    def loss(share: float) -> float:
        p = early.damped(share).curve.probability(ages)
        return float(leads * log_loss(y, p).mean() + PULL * (1 - share) ** 2)

    return min(SHARES, key=loss)


def _ages(training_set: TrainingSet) -> Floats:
    return training_set.examples.X[AGE_DAYS].to_numpy()
