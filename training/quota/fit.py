"""Learn a forecast of quota attainment from an extract as it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.evidence import Evidence
from training.params import TrainingParams
from training.quota.amounts import Amounts, learn_amounts
from training.quota.bundle import QuotaBundle
from training.quota.dataset import (
    DealDeadlines,
    QuotaTrainingSet,
    build_quota_training_set,
    built,
    deadlines_of,
)
from training.quota.deals import DealModel, fit_deals
from training.quota.futures import Spread, draw_futures, draw_inputs
from training.quota.new_business import NewBusiness, fit_new_business

SPREADS = (0.0, 0.15, 0.3, 0.45, 0.6)
TRIAL_FUTURES = 200


def learn_quota(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaBundle:
    """Fit a forecast of attainment.

    Args:
        warehouse: already cut to the moment of training.
        features: the section of that name.
        params: the section `training`.
    """
    return fit_quota(build_quota_training_set(warehouse, features, params), features, params)


def fit_quota(
    lesson: QuotaTrainingSet, features: FeatureParams, params: TrainingParams
) -> QuotaBundle:
    """Fit a forecast to a lesson that is prepared already.

    A first fit ends before the last period that has ended, forecasts it, and thereby tells how to
    calibrate deals and how much luck a rep's deals have in common. The second takes in all.
    """
    ends = lesson.ripe_ends()
    before = lesson.ended_before(lesson.last_end(ends)) if ends else []
    claims = deadlines_of(lesson.reps, lesson.deals)
    booster = params.booster.model_copy(update={"feature_fraction": params.quota.feature_fraction})
    earlier = fit_deals(lesson, claims, before, before[-1], booster) if before else None
    deals = fit_deals(lesson, claims, ends, pd.Timestamp(lesson.until), booster, earlier)
    creation = fit_new_business(lesson, ends[-1]) if ends else NewBusiness()
    amounts = learn_amounts(lesson, claims)
    # Nothing to choose by: the widest.
    spread = Spread(max(SPREADS), params.quota.company_spread)
    if earlier is not None:
        blind = replace(earlier, calibrator=deals.calibrator)
        spread = _spread(lesson, claims, blind, amounts, params)
    return QuotaBundle(
        until=lesson.until,
        target=params.quota.target,
        params=features,
        rep_words=lesson.rep_words,
        deal_words=lesson.deal_words,
        fingerprints=(
            lesson.reps.feature_set.fingerprint,
            lesson.deals.feature_set.fingerprint,
        ),
        deals=deals,
        creation=creation,
        amounts=amounts,
        spread=spread,
        futures=params.quota.futures,
        seed=params.booster.seed,
        evidence=quota_evidence(lesson, deals, features),
        about=_about(lesson, ends),
    )


def quota_evidence(lesson: QuotaTrainingSet, deals: DealModel, features: FeatureParams) -> Evidence:
    """Say how much the forecast rests on."""
    minimum, endings = features.minimum, lesson.endings
    keys = lesson.reps.keys.assign(y=lesson.attainment)
    periods = len(keys[keys["y"].notna()][["rep_id", "period_start"]].drop_duplicates())
    ids = lesson.deals.keys["deal_id"]
    won = int(ids[(endings["outcome"] == 1).to_numpy()].nunique())
    found = f"{won:,} won deals and {periods:,} ended quota periods, counted for each rep"
    wanted = f"about {minimum.won} and {minimum.periods} make it dependable"
    if won == 0 and len(lesson.won):
        late = f"all {len(lesson.won):,} deals were entered only when they were won"
        found = f"{found} ({late}, which teaches nothing about open ones)"
    if deals.ensemble is None and (periods == 0 or lesson.won.empty):
        says = f"too little to learn from yet: {found}; {wanted}; until then simple averages answer"
        return Evidence("none", says)
    if deals.ensemble is None or won < minimum.won or periods < minimum.periods:
        return Evidence("thin", f"little to learn from yet: {found}; {wanted}")
    return Evidence("enough", f"learned from {found}")


def _about(lesson: QuotaTrainingSet, ends: Sequence[pd.Timestamp]) -> dict[str, Any]:
    return {
        "periods": [end.isoformat() for end in ends],
        "since": lesson.reps.keys["period_start"].min().isoformat() if len(lesson.reps) else None,
        "rep_snapshots": len(lesson.reps),
        "deal_snapshots": len(lesson.deals),
    }


def _spread(
    lesson: QuotaTrainingSet,
    claims: DealDeadlines,
    blind: DealModel,
    amounts: Amounts,
    params: TrainingParams,
) -> Spread:
    """Choose a rep's own luck by the score of forecasts of the last period that has ended.

    Args:
        lesson: what is known.
        claims: open deals beside the reps they may count for.
        blind: a model of deals that has not seen that period.
        amounts: what deals are worth.
        params: how much luck all reps share.
    """
    company = params.quota.company_spread
    end = lesson.last_end(lesson.ripe_ends())
    last = (lesson.reps.keys["period_end"] == end).to_numpy()
    judged = last & ~np.isnan(lesson.attainment)
    if not judged.any():
        return Spread(company=company)
    reps = lesson.reps.take(judged)
    place = np.where(judged, np.cumsum(judged) - 1, -1)
    mine = claims.take(place[claims.rep] >= 0)
    mine = replace(mine, rep=place[mine.rep])
    margins = blind.margins(lesson.deals, mine)
    new = fit_new_business(lesson, lesson.ended_before(end)[-1]).expected(reps.X)
    chances = draw_inputs(reps, lesson.deals, mine, margins, new, amounts)
    scores = {}
    for rep in SPREADS:
        spread = Spread(rep, company)
        futures = draw_futures(reps, chances, spread, TRIAL_FUTURES, params.booster.seed)
        scores[rep] = float(crps(futures.attainment(), lesson.attainment[judged]).mean())
    return Spread(min(scores, key=lambda rep: scores[rep]), company)


def crps(draws: Floats, y: Floats) -> Floats:
    """Score distributions given as draws: continuous ranked probability score, one a row.

    Source: Gneiting & Raftery 2007, JASA 102, eq. 21.
    """
    count = draws.shape[1]
    ordered = np.sort(draws, axis=1)
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2
    return np.asarray(np.abs(draws - y[:, None]).mean(axis=1) - ordered @ weights)


def forecast(
    bundle: QuotaBundle, warehouse: Warehouse, cutoffs: Sequence[datetime]
) -> tuple[Examples, Examples]:
    """Build what a bundle needs to forecast at cutoffs: reps, and open deals."""
    with warehouse.workspace() as work:
        reps = built(work, bundle.rep_set, bundle.rep_words, cutoffs, bundle.params)
        deals = built(work, bundle.deal_set, bundle.deal_words, cutoffs, bundle.params)
    return reps, deals
