"""The causes of every rep with a quota, as of a moment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.clock import MOMENT
from features.feature import DAY_US
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.coaching.causes.believed import Believed, believe, level_draws
from training.coaching.causes.rows import Observed, last_owner, qualifying_rows
from training.coaching.causes.company import Company, read_company
from training.coaching.causes.funnel import rates_of, stocks_of, window_of
from training.coaching.causes.ground import Grounds, Quotas, grounds_of, overset, quotas_of
from training.coaching.causes.sizes import FIELDS, SHIFTS, Candidate, Flow, Size, sizes
from training.coaching.causes.spells import DEPTHS, LEVELS, STEP, drawn
from training.coaching.causes.stays import periods_of, stays_of
from training.coaching.causes.told import OWN, Told, evidence_of, frame_of, ranked, typed
from training.coaching_params import CauseParams
from training.params import TrainingParams

SEED = 14
"""Of the draws behind intervals."""


def rep_causes(
    warehouse: Warehouse,
    params: TrainingParams,
    as_of: datetime,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Say where each rep's gap to quota comes from.

    Args:
        warehouse: the extract; only what is visible at `as_of` is read.
        params: the section `training`.
        as_of: the moment.
        progress: reports the steps.

    Returns:
        A row for each rep with a quota in the period with `period_start < as_of <= period_end` and
        each cause: `rep_id, period_start, as_of, rank, cause, size, low, high, share, since, p,
        theirs, evidence`. Sizes are shares of the quota. Without such a rep, no rows.
    """
    with progress("finding causes", 3) as advance:
        company = read_company(warehouse, as_of)
        advance(1)
        now = company.quotas[
            (company.quotas["start"] < company.as_of) & (company.quotas["end"] >= company.as_of)
        ]
        frames = []
        for (start, end), rows in now.groupby(["start", "end"]):
            found = _of_period(company, int(start), int(end), params.coaching.causes)
            frames.append(found[found["rep_id"].isin(rows["rep_id"])])
        advance(2)
    return pd.concat(frames, ignore_index=True) if frames else typed([])


def _of_period(company: Company, start: int, end: int, params: CauseParams) -> pd.DataFrame:
    periods = periods_of(company, start, end, params.rush_days)
    leads = stays_of(company.leads, periods, company.as_of)
    deals = stays_of(company.deals, periods, company.as_of)
    observed = Observed.of(company, periods, (leads, deals), params)
    believed = believe(observed, params)
    quotas = quotas_of(observed)
    asked = np.isfinite(quotas.amount)
    grounds = _grounds(observed, believed, params)
    candidates, flow = _candidates(observed, believed, quotas, grounds, params, asked)
    found = sizes(flow, candidates, params.draws)
    revenue, scale = _expected(observed, flow, candidates, asked)
    told: dict[int, list[Told]] = defaultdict(list)
    for candidate, size in zip(candidates, found, strict=True):
        told[candidate.rep].append(
            _told(candidate, size, scale, quotas, observed, believed, params)
        )
    for rep in np.flatnonzero(overset(quotas, params) & asked):
        told[int(rep)].append(_quota(int(rep), quotas, revenue[rep] * scale))
    reps = {int(k): company.reps[k] for k in np.flatnonzero(asked)}
    gaps = _gaps(observed, quotas, revenue * scale)
    moment = pd.Timestamp(np.int64(start).astype(MOMENT))
    at = pd.Timestamp(np.int64(company.as_of).astype(MOMENT))
    ordered = {rep: ranked(causes, params) for rep, causes in told.items()}
    return frame_of(ordered, gaps, reps, (moment, at), params.stands_out)


def _grounds(observed: Observed, believed: Believed, params: CauseParams) -> Grounds:
    rows = qualifying_rows(observed, by_territory=False)
    count = int(observed.company.territory.max(initial=0)) + 1
    territory = observed.company.territory[rows.rep]
    seen = np.bincount(territory, rows.seen, count)
    usual = np.bincount(territory, rows.usual, count)
    spread = believed.priors["qualifying"].spread
    return grounds_of(observed, np.stack([seen, usual]), spread, params.readiness)


def _candidates(
    observed: Observed,
    believed: Believed,
    quotas: Quotas,
    grounds: Grounds,
    params: CauseParams,
    asked: Floats,
) -> tuple[list[Candidate], Flow]:
    reps = len(observed.company.reps)
    draws = np.random.default_rng(SEED)
    base = {name: np.zeros((reps, 2)) for name in FIELDS}
    candidates: list[Candidate] = []
    for cause in CHANNELS:
        filtered = believed.filtered[cause]
        for rep in np.flatnonzero(asked & (filtered.p >= params.told_from)):
            candidates.append(_spell(observed, believed, cause, int(rep), params, draws))
        field = SHIFTS.get(cause)
        if field is None:
            continue
        level = filtered.level_mean()
        base[field] += level[:, None]
        is_weak = filtered.level[:, LOW].sum(axis=1) >= params.lasting_from
        for rep in np.flatnonzero(asked & is_weak & (cause in OWN)):
            base[field][rep] -= level[rep]
            candidates.append(_lasting(believed, cause, int(rep), params, draws))
    ramped, left = _ramps(observed, believed, quotas, asked, params)
    candidates += ramped
    for name, shift in left.items():
        base[name] += shift
    base["qualifying"] += grounds.conversion[:, None]
    window = window_of(observed, params.rush_days)
    rates = rates_of(observed)
    stocks = stocks_of(observed, rates, window)
    mixed, arrivals = _mixes(observed, believed, stocks.arrivals, asked, params)
    poor, arrivals = _poor(grounds, quotas, base, arrivals, asked, params)
    candidates += mixed + poor
    return candidates, Flow(rates, window, replace(stocks, arrivals=arrivals), base)


CHANNELS = (*SHIFTS, "volume")
"""Causes that come as spells which move rates."""
LOW = LEVELS * STEP < -0.1  # noqa: PLR2004 - a tenth worse than usual


def _spell(
    observed: Observed,
    believed: Believed,
    cause: str,
    rep: int,
    params: CauseParams,
    draws: np.random.Generator,
) -> Candidate:
    filtered = believed.filtered[cause]
    _, depth, began = drawn(filtered, rep, params.draws, draws)
    now = -DEPTHS[depth] * STEP
    last = len(observed.periods) - 1
    both = np.stack([np.where(began < last, now, 0.0), now], axis=1)
    start = int(np.argmax(filtered.started[rep]))
    fields = {SHIFTS[cause]: 1.0} if cause in SHIFTS else believed.work
    drawn_shifts = {name: both * slope for name, slope in fields.items()}
    mean = {name: shift.mean(axis=0) for name, shift in drawn_shifts.items()}
    return Candidate(rep, cause, float(filtered.p[rep]), start, mean, drawn_shifts)


def _lasting(
    believed: Believed, cause: str, rep: int, params: CauseParams, draws: np.random.Generator
) -> Candidate:
    filtered = believed.filtered[cause]
    level = np.minimum(level_draws(filtered, rep, params.draws, draws), 0.0)
    both = np.stack([level, level], axis=1)
    field = SHIFTS[cause]
    p = float(filtered.level[rep][LOW].sum())
    return Candidate(rep, cause, p, None, {field: both.mean(axis=0)}, {field: both}, is_spell=False)


def _ramps(
    observed: Observed, believed: Believed, quotas: Quotas, asked: Floats, params: CauseParams
) -> tuple[list[Candidate], dict[str, Floats]]:
    """Return the reps who are getting going, and what the ramp does to those who hardly are."""
    company, periods, ramp = observed.company, observed.periods, believed.ramp
    last = len(periods) - 1
    edges = [periods.borders[max(last - 1, 0)], periods.borders[last], periods.borders[last + 1]]
    shifts = {}
    for channel in ("qualifying", "volume", "follow_up", "closing"):
        both = []
        for low, high in zip(edges, edges[1:], strict=False):
            at = np.linspace(low, max(high, low + DAY_US), 14)
            tenure = (at[None, :] - company.hired[:, None]) / DAY_US
            both.append(np.where(tenure >= 0, ramp.log_factor(channel, tenure), 0.0).mean(axis=1))
        fields = (
            {"later": believed.work["later"]} if channel == "volume" else {SHIFTS[channel]: 1.0}
        )
        for name, slope in fields.items():
            shifts[name] = slope * np.stack(both, axis=1)
    tenure = (quotas.start - company.hired) / DAY_US
    is_new = asked & (np.nan_to_num(tenure, nan=1e9) < ramp.days)
    candidates = []
    for rep in np.flatnonzero(is_new):
        mean = {field: shift[rep] for field, shift in shifts.items()}
        scale = np.random.default_rng(SEED).normal(1.0, 0.25, params.draws)
        spread = {field: scale[:, None] * shift[None, :] for field, shift in mean.items()}
        candidates.append(Candidate(int(rep), "ramp", 1.0, None, mean, spread, is_spell=False))
    rest = {field: np.where(is_new[:, None], 0.0, shift) for field, shift in shifts.items()}
    # Few leads make up for little work: new reps move theirs as fast as others do.
    rest["later"] = rest["later"] - np.where(is_new[:, None], shifts["later"], 0.0)
    return candidates, rest


def _mixes(
    observed: Observed, believed: Believed, arrivals: Floats, asked: Floats, params: CauseParams
) -> tuple[list[Candidate], Floats]:
    """Return the reps with poor sources, and arrivals in which they have the usual ones."""
    filtered, arrivals = believed.filtered["lead_mix"], arrivals.copy()
    by_source = arrivals[asked].sum(axis=(0, 3))
    usual = (by_source + 1e-9) / (by_source + 1e-9).sum(axis=1, keepdims=True)
    last, candidates = len(observed.periods) - 1, []
    for rep in np.flatnonzero(asked & (filtered.p >= params.told_from)):
        start = int(np.argmax(filtered.started[rep]))
        own = arrivals[rep].sum(axis=2)
        total = own.sum(axis=1, keepdims=True)
        factor = np.log((own + 1e-6) / (usual * total + 1e-6))
        factor[0] *= start < last
        arrivals[rep] /= np.exp(factor)[:, :, None]
        nothing = {"qualifying": np.zeros(2)}
        none_drawn = {"qualifying": np.zeros((params.draws, 2))}
        p = float(filtered.p[rep])
        candidates.append(Candidate(int(rep), "lead_mix", p, start, nothing, none_drawn, factor))
    return candidates, arrivals


def _poor(
    grounds: Grounds,
    quotas: Quotas,
    base: dict[str, Floats],
    arrivals: Floats,
    asked: Floats,
    params: CauseParams,
) -> tuple[list[Candidate], Floats]:
    """Return the reps on poor ground, and what base and arrivals are on level ground."""
    total = grounds.arrivals + grounds.value + grounds.conversion
    arrivals, candidates = arrivals.copy(), []
    for rep in np.flatnonzero(asked & (total < np.log(params.poor_ground))):
        more, worth, ready = (
            float(x[rep]) for x in (grounds.arrivals, grounds.value, grounds.conversion)
        )
        arrivals[rep] /= np.exp(more)
        base["amount"][rep] -= worth
        base["qualifying"][rep] -= ready
        mean = {"amount": np.full(2, worth), "qualifying": np.full(2, ready)}
        scale = np.random.default_rng(SEED).normal(1.0, 0.3, params.draws)
        spread = {name: scale[:, None] * shift[None, :] for name, shift in mean.items()}
        factor = np.full((2, arrivals.shape[2]), more)
        share = min(float(quotas.share[rep]), 1.0)
        candidates.append(
            Candidate(int(rep), "territory", 1.0, None, mean, spread, factor, share, is_spell=False)
        )
    return candidates, arrivals


def _expected(
    observed: Observed, flow: Flow, candidates: list[Candidate], asked: Floats
) -> tuple[Floats, float]:
    """Return the revenue that the flow expects of each rep, and what really came over it."""
    by_rep: dict[int, list[tuple[Candidate, int | None]]] = defaultdict(list)
    for candidate in candidates:
        by_rep[candidate.rep].append((candidate, None))
    reps = len(observed.company.reps)
    revenue, so_far = flow.run_all([(rep, by_rep[rep]) for rep in range(reps)])
    company = observed.company
    owner = last_owner(observed.deals, len(company.deals.created))
    inside = (company.deals.ended >= flow.window.start) & (company.deals.ended < company.as_of)
    won = inside & company.deals.is_won & (owner >= 0)
    really = np.bincount(owner[won], company.deals.final[won], reps)
    scale = really[asked].sum() / max(float(so_far[asked].sum()), 1e-9)
    return revenue, float(np.clip(scale, 0.33, 3.0))


def _told(
    candidate: Candidate,
    size: Size,
    scale: float,
    quotas: Quotas,
    observed: Observed,
    believed: Believed,
    params: CauseParams,
) -> Told:
    rep, quota = candidate.rep, float(quotas.amount[candidate.rep])
    draws = np.random.default_rng([SEED, rep])
    noise = np.exp(draws.normal(0, params.size_doubt, len(size.draws)))
    values = size.draws * scale / quota * noise + draws.normal(0, params.size_noise, len(noise))
    # A cause that may not be there costs nothing then: the size is what is expected in all.
    low, high = _with_doubt(values, candidate.p)
    mean = candidate.p * size.mean * scale / quota
    first = candidate.start if candidate.start is not None else 0
    borders = observed.periods.borders
    since = pd.NaT
    if candidate.start is not None:
        since = pd.Timestamp(np.int64(borders[candidate.start]).astype(MOMENT))
    if candidate.cause == "ramp":
        tenure = (quotas.start[rep] - observed.company.hired[rep]) / DAY_US
        says = f"{tenure:.0f} days there when the period began; {believed.ramp.days:.0f} is usual until new reps work like the others"
    elif candidate.cause == "territory":
        says = f"the territory brings less than others; its quota allows for {quotas.share[rep]:.0%} of the mean"
    else:
        says = evidence_of(candidate.cause, believed.channels[candidate.cause], rep, first)
    return Told(
        rep,
        candidate.cause,
        mean,
        min(low, mean),
        max(high, mean),
        candidate.p,
        since,
        says,
        candidate.is_spell,
    )


def _with_doubt(values: Floats, p: float) -> tuple[float, float]:
    """Return the 80 % interval of values that hold with chance `p`, and are 0 otherwise."""
    some = np.sort(np.concatenate([values] * 10))
    none = int(round(len(some) * (1 - p) / max(p, 1e-3)))
    both = np.sort(np.concatenate([some, np.zeros(min(none, 100 * len(some)))]))
    low, high = np.quantile(both, [0.1, 0.9])
    return float(low), float(high)


def _quota(rep: int, quotas: Quotas, revenue: float) -> Told:
    over = float(np.expm1(quotas.excess[rep]))
    size = revenue / float(quotas.amount[rep]) * over
    says = f"the quota is {over:.0%} above those of the like"
    since = pd.Timestamp(np.int64(quotas.start[rep]).astype(MOMENT))
    return Told(rep, "quota", size, 0.6 * size, 1.4 * size, 1.0, since, says, is_spell=True)


def _gaps(observed: Observed, quotas: Quotas, revenue: Floats) -> Floats:
    """Return the gap to quota as a share of it; of those on track, the gap to the others."""
    company = observed.company
    deals = company.deals
    owner = last_owner(observed.deals, len(deals.created))
    known = owner >= 0
    start = np.where(known, quotas.start[np.maximum(owner, 0)], np.inf)
    inside = known & (deals.ended >= start) & (deals.ended < company.as_of) & deals.is_won
    so_far = np.bincount(owner[inside], deals.final[inside], len(quotas.amount))
    left = np.clip((quotas.end - company.as_of) / (quotas.end - quotas.start), 0, 1)
    attainment = (so_far + left * revenue) / quotas.amount
    gap = 1 - attainment
    to_others = np.nanmedian(attainment) - attainment if np.isfinite(attainment).any() else gap
    return np.where(gap >= 0.05, gap, to_others)  # noqa: PLR2004 - on track
