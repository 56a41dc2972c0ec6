"""Fit a quota model to an extract as it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.evidence import EvidenceState
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.evidence import Evidence
from training.params import TrainingParams
from training.quota.amounts import Amounts, learn_amounts
from training.quota.bundle import QuotaBundle
from training.quota.dataset import (
    DealDeadlines,
    QuotaTrainingSet,
    build_or_empty,
    build_quota_training_set,
    deadlines_of,
)
from training.quota.deals import DealModel, fit_deals
from training.quota.futures import Spread, draw_futures, draw_inputs
from training.quota.new_business import NewBusiness, fit_new_business

SPREADS = (0.6, 0.8, 1.0)
"""Standard deviations of a rep's own luck over a period that are tried. The least is what companies
usually show: one period is too few to tell that a company has less luck, and believing it made
early chances too extreme."""
TRIAL_FUTURES = 200


def learn_quota(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaBundle:
    """Build the training set of an extract and fit a model to it; see `fit_quota`.

    Args:
        warehouse: already cut to the moment of training.
        features: the section of that name.
        params: the section `training`.
    """
    training_set = build_quota_training_set(warehouse, features, params)
    return fit_quota(training_set, features, params)


def fit_quota(
    training_set: QuotaTrainingSet, features: FeatureParams, params: TrainingParams
) -> QuotaBundle:
    """Fit a model twice: once without the last ended period, and once with all.

    The first fit forecasts that period without having seen it. This calibrates the chances of deals
    and shows how much luck a rep's deals have in common. The second is the one that is kept.

    Args:
        training_set: what to learn from.
        features: the section of that name.
        params: the section `training`.

    Returns:
        The model; its parts fall back to averages where there is too little to learn from.
    """
    ends = training_set.mature_ends()
    before = training_set.ended_before(training_set.last_end(ends)) if ends else []
    deadlines = deadlines_of(training_set.reps, training_set.deals)
    known = pd.Timestamp(training_set.until)
    earlier = fit_deals(training_set, deadlines, before, before[-1], params) if before else None
    deals = fit_deals(training_set, deadlines, ends, known, params, earlier)
    amounts = learn_amounts(training_set, deadlines)
    # Without a period to choose it on, the widest.
    spread = Spread(max(SPREADS), params.quota.company_spread)
    if earlier is not None:
        blind = replace(earlier, calibrator=deals.calibrator)
        spread = _spread(training_set, deadlines, blind, amounts, params)
    return QuotaBundle(
        until=training_set.until,
        target=params.quota.target,
        params=features,
        rep_vocabulary=training_set.rep_vocabulary,
        deal_vocabulary=training_set.deal_vocabulary,
        fingerprints=(
            training_set.reps.feature_set.fingerprint,
            training_set.deals.feature_set.fingerprint,
        ),
        deals=deals,
        new_business=fit_new_business(training_set, ends[-1]) if ends else NewBusiness(),
        amounts=amounts,
        spread=spread,
        n_futures=params.quota.futures,
        seed=params.booster.seed,
        evidence=quota_evidence(training_set, deals, features),
        about=_about(training_set, ends),
    )


def quota_evidence(
    training_set: QuotaTrainingSet, deals: DealModel, features: FeatureParams
) -> Evidence:
    """Say how much a quota model rests on.

    With the default minimum of 100 won deals and 100 ended periods, counted for each rep:

    | won, seen open | ended periods | trees | state                              |
    |----------------|---------------|-------|------------------------------------|
    | 100            | 100           | yes   | enough                             |
    | 99             | 100           | yes   | thin                               |
    | 20             | 12            | no    | thin: averages, but of own periods |
    | any            | 0             | no    | none                               |
    """
    minimum, endings = features.minimum, training_set.endings
    keys = training_set.reps.keys.assign(y=training_set.attainment)
    periods = len(keys[keys["y"].notna()][["rep_id", "period_start"]].drop_duplicates())
    ids = training_set.deals.keys["deal_id"]
    won = int(ids[(endings["outcome"] == 1).to_numpy()].nunique())
    counted = f"{won:,} won deals and {periods:,} ended quota periods, counted for each rep"
    wanted = f"about {minimum.won} and {minimum.periods} make it dependable"
    if won == 0 and len(training_set.won):
        late = f"all {len(training_set.won):,} deals were entered only when they were won"
        counted = f"{counted} ({late}, which teaches nothing about open ones)"
    if deals.ensemble is None and (periods == 0 or training_set.won.empty):
        says = f"too little to learn from yet: {counted}; {wanted}"
        return Evidence(EvidenceState.NONE, f"{says}; until then simple averages answer")
    if deals.ensemble is None or won < minimum.won or periods < minimum.periods:
        return Evidence(EvidenceState.THIN, f"little to learn from yet: {counted}; {wanted}")
    return Evidence(EvidenceState.ENOUGH, f"learned from {counted}")


def _about(training_set: QuotaTrainingSet, ends: Sequence[pd.Timestamp]) -> dict[str, Any]:
    """Gather facts for people: the periods learned from, and how many rows there were."""
    reps = training_set.reps
    return {
        "periods": [end.isoformat() for end in ends],
        "since": reps.keys["period_start"].min().isoformat() if len(reps) else None,
        "rep_snapshots": len(reps),
        "deal_snapshots": len(training_set.deals),
    }


def _spread(
    training_set: QuotaTrainingSet,
    deadlines: DealDeadlines,
    blind: DealModel,
    amounts: Amounts,
    params: TrainingParams,
) -> Spread:
    """Choose a rep's own luck by the CRPS of forecasts of the last period that has ended.

    Args:
        training_set: what is known.
        deadlines: all open deals beside the reps' rows they may count for.
        blind: a model of deals that has not seen that period.
        amounts: what deals are worth.
        params: how much luck all reps share.
    """
    company = params.quota.company_spread
    end = training_set.last_end(training_set.mature_ends())
    last = (training_set.reps.keys["period_end"] == end).to_numpy()
    tested = last & ~np.isnan(training_set.attainment)
    if not tested.any():
        return Spread(company=company)
    reps = training_set.reps.take(tested)
    # The deals of these rows; the rows are numbered anew, since `take` has dropped the others.
    place = np.cumsum(tested) - 1
    own = deadlines.take(tested[deadlines.rep])
    own = replace(own, rep=place[own.rep])
    margins = blind.margins(training_set.deals, own)
    past = training_set.ended_before(end)
    new = fit_new_business(training_set, past[-1]).expected(reps.X)
    inputs = draw_inputs(reps, training_set.deals, own, margins, new, amounts)
    losses = {}
    for rep in SPREADS:
        spread = Spread(rep, company)
        futures = draw_futures(reps, inputs, spread, TRIAL_FUTURES, params.booster.seed)
        losses[rep] = float(crps(futures.attainment(), training_set.attainment[tested]).mean())
    return Spread(min(losses, key=lambda rep: losses[rep]), company)


def crps(futures: Floats, y: Floats) -> Floats:
    """Return the continuous ranked probability score of each row, the lower the better.

    It is the mean distance of the futures to what happened, less half the mean distance of two
    futures from each other (Gneiting & Raftery 2007, JASA 102, eq. 21). What happened is 0:

    | futures | mean distance to 0 | half the mean distance of two | score |
    |---------|--------------------|-------------------------------|-------|
    | 0, 0    | 0                  | 0                             | 0     |
    | 0, 1    | 0.5                | 0.25                          | 0.25  |
    | 1, 1    | 1                  | 0                             | 1     |

    Args:
        futures: rows x futures.
        y: what happened, one a row.
    """
    count = futures.shape[1]
    # Sorted, the sum of all distances is a weighted sum: no pairs have to be made.
    ordered = np.sort(futures, axis=1)
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2
    return np.asarray(np.abs(futures - y[:, None]).mean(axis=1) - ordered @ weights)


def forecast_examples(
    bundle: QuotaBundle, warehouse: Warehouse, cutoffs: Sequence[datetime]
) -> tuple[Examples, Examples]:
    """Return what a model forecasts from at cutoffs: reps with a running quota, and open deals."""
    params, rep_words, deal_words = bundle.params, bundle.rep_vocabulary, bundle.deal_vocabulary
    # One workspace: reps and deals share what both read of every deal's history.
    with warehouse.workspace() as work:
        reps = build_or_empty(work, bundle.rep_set, rep_words, cutoffs, params)
        deals = build_or_empty(work, bundle.deal_set, deal_words, cutoffs, params)
    return reps, deals
