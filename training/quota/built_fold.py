"""A fold of quota attainment, its features built once: what a search fits many times."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from features.arrays import Floats
from features.definitions.deal import deal_features
from features.definitions.rep import rep_features
from features.labels.attainment import attainment
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.params import TrainingParams
from training.quota.bundle import QuotaBundle
from training.quota.dataset import build_or_empty, build_quota_training_set
from training.quota.fit import fit_quota
from training.quota.later import ended_cutoffs
from training.quota.ranges import chance_to_attain
from training.rolling import BuiltFold


def build_quota_fold(
    warehouse: Warehouse, start: datetime, features: FeatureParams, params: TrainingParams
) -> BuiltFold:
    """Build what is learned before a moment and forecast from it on.

    The training set is that of the extract cut at the moment, words included, so a fit is what
    `train` would have made then.

    Args:
        warehouse: nothing beyond its end is forecast or known.
        start: the moment, at which a period begins.
        features: the section of that name.
        params: how training cutoffs are chosen, and the step between those forecast.
    """
    training_set = build_quota_training_set(warehouse.until(start), features, params)
    rep_words, deal_words = training_set.rep_vocabulary, training_set.deal_vocabulary
    cutoffs = ended_cutoffs(warehouse, start, params.tune.every_days).cutoffs
    with warehouse.workspace() as work:
        reps = build_or_empty(work, rep_features(rep_words, features), rep_words, cutoffs, features)
        deals = build_or_empty(
            work, deal_features(deal_words, features), deal_words, cutoffs, features
        )
    final = attainment(warehouse, reps.keys)
    made = np.where(np.isnan(final), np.nan, (final >= params.quota.target).astype(np.float64))

    def fit(settings: TrainingParams) -> QuotaBundle:
        return fit_quota(training_set, features, settings)

    def forecast(bundle: QuotaBundle) -> Floats:
        return chance_to_attain(bundle.draw(reps, deals).attainment(), bundle.target)

    return BuiltFold(start, cutoffs, made, fit, forecast)
