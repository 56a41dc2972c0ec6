"""What forecasts attainment where the model is not shown to know more than the base rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.evidence import EvidenceState
from training.estimators.calibration import IDENTITY
from training.evaluation.bootstrap import resample
from training.evaluation.honesty import BASE_RATE, Honesty, honesty_gate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import TOLERANCE
from training.evaluation.resampled import Forecasts
from training.evidence import Evidence
from training.params import EvaluationParams
from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet
from training.quota.deals import DealModel
from training.quota.fit import SPREADS
from training.quota.futures import Spread
from training.quota.new_business import NewBusiness

NAME = "the quota believed"
"""The fallback among the forecasts of a test, where it has no figures."""


def fall_back(bundle: QuotaBundle, why: str) -> QuotaBundle:
    """Return the model that forecasts in place of another one, learned from the same rows.

    Open deals are won at the company's rate as far as there is time, and the rest comes at the
    rep's pace in the period, which starts from the quota or what is usually attained of it.

    Args:
        bundle: what it takes the place of.
        why: why that does not forecast; the evidence is `none` and says so.
    """
    deals = bundle.deals
    says = f"{why}; simple averages answer in its place"
    return replace(
        bundle,
        deals=DealModel((), None, None, IDENTITY, deals.base_rate, deals.cycle_days),
        new_business=NewBusiness(),
        spread=Spread(max(SPREADS), bundle.spread.company),
        evidence=Evidence(EvidenceState.NONE, says),
    )


def beyond_base_rate(
    training_set: QuotaTrainingSet, test: QuotaPredictions, params: EvaluationParams
) -> Honesty:
    """Compare chances of a test with the share of earlier rep-periods that attained.

    Rep-periods are drawn whole. With fewer than ten that missed, or that made quota, nothing can be
    told.

    Args:
        training_set: what is known; of it, what had ended when the test began.
        test: forecasts of a period that has ended.
        params: how many resamples there are.
    """
    known = test.mature()
    y = (known.attainment >= test.target - TOLERANCE).astype(np.float64)
    rep_periods = known.rep_periods
    made, every = len(np.unique(rep_periods[y > 0])), len(np.unique(rep_periods))
    needed = QuotaSettings().min_rep_periods
    if min(made, every - made) < needed:
        reason = f"{made} of {every} rep-periods made quota, {needed} of either kind are needed"
        return Honesty(len(y), (), reason, (BASE_RATE,))
    rate = _share_attained(training_set, known.frame["cutoff"].min(), test.target)
    named = {MODEL: known.chance(MODEL), BASE_RATE: np.full(len(y), rate)}
    forecasts = Forecasts(y, named, rep_periods, known.lists)
    counts = resample(every, params.draws, params.seed)
    judged = honesty_gate(forecasts, counts, (BASE_RATE,))
    if judged is None:
        raise AssertionError("the base rate is among the forecasts")
    return judged


def _share_attained(training_set: QuotaTrainingSet, until: pd.Timestamp, target: float) -> float:
    """Return the share of rep-periods ended by a moment that made quota; of one more, half did."""
    keys = training_set.reps.keys.assign(y=training_set.attainment)
    ended = keys[keys["y"].notna() & (keys["period_end"] <= until)]
    ended = ended.drop_duplicates(["rep_id", "period_start"])
    made = float((ended["y"] >= target - TOLERANCE).sum())
    return (made + 0.5) / (len(ended) + 1)
