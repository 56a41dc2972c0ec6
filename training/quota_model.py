"""Learn a forecast of quota attainment from an extract as it was at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import Examples
from features.params import FeatureParams
from features.warehouse import Warehouse
from training.bundle import Evidence
from training.creation import Creation, fit_creation
from training.deal_model import DealModel, fit_deals
from training.outlook import Amounts, Spread, chances_of, draw
from training.params import TrainingParams
from training.quota_bundle import QuotaBundle, spread_evenly
from training.quota_lesson import Claims, QuotaLesson, built, claims_of, prepare_quota

Floats = npt.NDArray[np.float64]
SPREADS = (0.0, 0.15, 0.3, 0.45, 0.6)
TRIAL_FUTURES = 200
DEALS_A_QUOTA = 10
FEW_WINS = 5
"""Wins a rep needs before amounts are measured from the rep's own median."""
WITHIN = (7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 365.0)
"""Days left for which amounts of new wins are told."""
LEAST_WINS = 25
"""Wins that such amounts rest on, at least."""
DAY_SECONDS = 86_400


def learn_quota(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> QuotaBundle:
    """Fit a forecast of attainment.

    Args:
        warehouse: already cut to the moment of training.
        features: the section of that name.
        params: the section `training`.
    """
    return fit_quota(prepare_quota(warehouse, features, params), features, params)


def fit_quota(lesson: QuotaLesson, features: FeatureParams, params: TrainingParams) -> QuotaBundle:
    """Fit a forecast to a lesson that is prepared already.

    A first fit ends before the last period that has ended, forecasts it, and thereby tells how to
    calibrate deals and how much luck a rep's deals have in common. The second takes in all.
    """
    ends = lesson.ripe_ends()
    before = lesson.ended_before(lesson.last_end(ends)) if ends else []
    claims = claims_of(lesson.reps, lesson.deals)
    booster = params.booster.model_copy(update={"feature_fraction": params.quota.feature_fraction})
    earlier = fit_deals(lesson, claims, before, before[-1], booster) if before else None
    deals = fit_deals(lesson, claims, ends, pd.Timestamp(lesson.until), booster, earlier)
    creation = fit_creation(lesson, ends[-1]) if ends else Creation()
    amounts = _amounts(lesson)
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
        evidence=judge(lesson, deals, features),
        about=_about(lesson, ends),
    )


def judge(lesson: QuotaLesson, deals: DealModel, features: FeatureParams) -> Evidence:
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


def _about(lesson: QuotaLesson, ends: Sequence[pd.Timestamp]) -> dict[str, Any]:
    return {
        "periods": [end.isoformat() for end in ends],
        "since": lesson.reps.keys["period_start"].min().isoformat() if len(lesson.reps) else None,
        "rep_snapshots": len(lesson.reps),
        "deal_snapshots": len(lesson.deals),
    }


def _amounts(lesson: QuotaLesson) -> Amounts:
    """Learn what wins bring: all of them, also deals that are entered when they are won.

    Amounts of 0 or less (credit notes) count where they have happened or stand open, as they are;
    new ones are not expected.
    """
    keys, endings = lesson.deals.keys, lesson.endings
    won = (endings["outcome"] == 1).to_numpy() & (endings["amount"] > 0).to_numpy()
    seen = keys[won].assign(final=endings.loc[won, "amount"]).drop_duplicates("deal_id")
    seen = seen[seen["amount"] > 0]
    ratio = spread_evenly((seen["final"] / seen["amount"]).to_numpy(np.float64)) or (1.0,)
    paid = lesson.won[lesson.won["amount"] > 0]
    if not len(paid):
        return Amounts(ratio, typical=_without_wins(lesson))
    within, residual = new_amounts(paid)
    return Amounts(
        ratio=ratio,
        within=within,
        residual=residual,
        typical=float(paid["amount"].median()),
        paid=len(paid) / len(lesson.won),
    )


def new_amounts(paid: pd.DataFrame) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Learn the amounts of deals that are opened and won within so many days.

    Of deals opened evenly over d days, those that take t days are won in time with the chance
    1 - t / d: that is their weight. Amounts are around the rep's median, as a usual win is one.
    """
    logs = np.log(paid["amount"])
    own = logs.groupby(paid["rep_id"]).transform("median")
    count = logs.groupby(paid["rep_id"]).transform("count")
    residual = (logs - np.where(count >= FEW_WINS, own, logs.median())).to_numpy(np.float64)
    taken = (paid["closed_at"] - paid["created_at"]).dt.total_seconds().to_numpy(np.float64)
    days = np.maximum(taken / DAY_SECONDS, 0.0)
    told = {}
    for within in WITHIN:
        weights = np.maximum(1 - days / within, 0.0)
        square = float((weights**2).sum())
        # So many wins of equal weight would say as much (Kish 1965).
        if square > 0 and float(weights.sum()) ** 2 / square >= LEAST_WINS:
            told[within] = spread_evenly(residual, weights)
    if not told:
        told[WITHIN[-1]] = spread_evenly(residual)
    return tuple(told), tuple(told.values())


def _without_wins(lesson: QuotaLesson) -> float:
    """Guess a usual win: an open deal's amount, else a quota that ten deals make."""
    amounts, quotas = lesson.deals.keys["amount"], lesson.reps.X["quota"]
    open_, asked = amounts[amounts > 0].median(), quotas[quotas > 0].median()
    return float(open_) if open_ > 0 else float(asked) / DEALS_A_QUOTA if asked > 0 else 1.0


def _spread(
    lesson: QuotaLesson,
    claims: Claims,
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
    new = fit_creation(lesson, lesson.ended_before(end)[-1]).expected(reps.X)
    chances = chances_of(reps, lesson.deals, mine, margins, new, amounts)
    scores = {}
    for rep in SPREADS:
        spread = Spread(rep, company)
        futures = draw(reps, chances, amounts, spread, TRIAL_FUTURES, params.booster.seed)
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
    reps = built(warehouse, bundle.rep_set, bundle.rep_words, cutoffs, bundle.params)
    deals = built(warehouse, bundle.deal_set, bundle.deal_words, cutoffs, bundle.params)
    return reps, deals
