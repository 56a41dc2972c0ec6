"""A fold of lead conversion, its features built once: what a search fits many times."""

from __future__ import annotations

from datetime import datetime

from features.arrays import Floats
from features.build import build
from features.definitions.lead import conversion_features
from features.labels.conversion import conversion, last_mature_cutoff
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.cutoffs import later_cutoffs
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.params import TrainingParams
from training.rolling import BuiltFold


def build_lead_fold(
    warehouse: Warehouse, start: datetime, features: FeatureParams, params: TrainingParams
) -> BuiltFold:
    """Build what is learned before a moment and forecast from it on.

    The training set is that of the extract cut at the moment, words and suspicions included, so a
    fit is what `train` would have made then. Of a forecast all declared features are built; a model
    takes its own.

    Args:
        warehouse: nothing beyond its end is forecast or known.
        start: the moment.
        features: the section of that name.
        params: how training cutoffs are chosen, and the step between those forecast.
    """
    horizon, past = params.leads.horizon_days, warehouse.until(start)
    training_set = build_training_set(past, horizon, features, params)
    words, last = training_set.vocabulary, last_mature_cutoff(horizon, warehouse.data_until)
    cutoffs = later_cutoffs(start, last, params.tune.every_days)
    declared = conversion_features(words, features, horizon)
    examples = build(warehouse, declared, words, cutoffs, features)

    def fit(settings: TrainingParams) -> Bundle:
        return fit_leads(training_set, past, features, settings)

    def forecast(bundle: Bundle) -> Floats:
        return bundle.probability(examples.X[[*bundle.columns]])

    return BuiltFold(start, cutoffs, conversion(warehouse, examples.keys, horizon), fit, forecast)
