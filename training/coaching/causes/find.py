"""The causes of every rep with a quota, as of a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.clock import MOMENT
from features.feature import DAY_US
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.coaching.causes.believed import Believed, believe
from training.coaching.causes.candidates import candidates_of, territories
from training.coaching.causes.company import Company, read_company
from training.coaching.causes.ground import Quotas, overset, quotas_of
from training.coaching.causes.rows import Observed
from training.coaching.causes.sizes import Candidate, Flow, Size, sizes
from training.coaching.causes.stays import last_owner, periods_of, stays_of
from training.coaching.causes.told import LEAST_GAP, Told, evidence_of, frame_of, ranked, typed
from training.coaching_params import CauseParams
from training.params import TrainingParams

SEED = 14
"""Of what no draw of an effect can tell: what the flow itself may be wrong about."""
MOST_OFF = 3.0
"""Times what really came that the flow may be scaled by."""


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
        for start, end in sorted(set(zip(now["start"], now["end"], strict=True))):
            frame = causes_of_period(company, int(start), int(end), params.coaching.causes)
            same = now[(now["start"] == start) & (now["end"] == end)]
            frames.append(frame[frame["rep_id"].isin(same["rep_id"])])
        advance(2)
    return pd.concat(frames, ignore_index=True) if frames else typed([])


@dataclass(frozen=True)
class Weighed:
    """A company whose causes are weighed.

    Attributes:
        observed: its stays.
        believed: of its channels.
        quotas: of its reps.
        revenue: that is expected of each rep with all causes at work.
        scale: what really came over what the flow expected.
        params: the section `training.coaching.causes`.
    """

    observed: Observed
    believed: Believed
    quotas: Quotas
    revenue: Floats
    scale: float
    params: CauseParams


def causes_of_period(company: Company, start: int, end: int, params: CauseParams) -> pd.DataFrame:
    """Say where the gaps of one quota period come from.

    Args:
        company: as it is known at the moment asked about.
        start: of the period, in microseconds.
        end: of it.
        params: the section `training.coaching.causes`.

    Returns:
        What `rep_causes` returns, of all reps who have a quota at the moment.
    """
    periods = periods_of(company, start, end, params.rush_days)
    leads = stays_of(company.leads, periods, company.as_of)
    deals = stays_of(company.deals, periods, company.as_of)
    observed = Observed.of(company, periods, (leads, deals), params)
    believed, quotas = believe(observed, params), quotas_of(observed)
    grounds = territories(observed, believed, params)
    candidates, flow = candidates_of(observed, believed, quotas, grounds, params)
    revenue, scale = _expected(observed, flow, candidates, quotas)
    weighed = Weighed(observed, believed, quotas, revenue * scale, scale, params)
    told = _all_told(weighed, candidates, sizes(flow, candidates))
    asked = np.flatnonzero(np.isfinite(quotas.amount))
    reps = {int(rep): company.reps[rep] for rep in asked}
    moments = _moment(start), _moment(company.as_of)
    ordered = {rep: ranked(causes, params) for rep, causes in told.items()}
    return frame_of(ordered, _gaps(weighed), reps, moments, params.stands_out)


def _moment(us: int) -> pd.Timestamp:
    return pd.Timestamp(np.int64(us).astype(MOMENT))


def _expected(
    observed: Observed, flow: Flow, candidates: Sequence[Candidate], quotas: Quotas
) -> tuple[Floats, float]:
    """Return the revenue that the flow expects of each rep, and what really came over it."""
    by_rep: dict[int, list[tuple[Candidate, int | None]]] = defaultdict(list)
    for candidate in candidates:
        by_rep[candidate.rep].append((candidate, None))
    reps = len(observed.company.reps)
    revenue, so_far = flow.run_all([(rep, by_rep[rep]) for rep in range(reps)])
    really = won_by(observed, np.full(reps, float(flow.window.start)))
    asked = np.isfinite(quotas.amount)
    scale = really[asked].sum() / max(float(so_far[asked].sum()), 1e-9)
    return revenue, float(np.clip(scale, 1 / MOST_OFF, MOST_OFF))


def won_by(observed: Observed, since: Floats) -> Floats:
    """Return what each rep has won since a moment of their own, in microseconds."""
    deals = observed.company.deals
    owner = last_owner(observed.deals, len(deals.created))
    begin = np.where(owner >= 0, since[np.maximum(owner, 0)], np.inf)
    is_won = (deals.ended >= begin) & deals.is_won
    return np.asarray(np.bincount(owner[is_won], deals.final[is_won], len(since)), np.float64)


def _all_told(
    weighed: Weighed, candidates: Sequence[Candidate], found: Sequence[Size]
) -> dict[int, list[Told]]:
    told: dict[int, list[Told]] = defaultdict(list)
    for candidate, size in zip(candidates, found, strict=True):
        told[candidate.rep].append(_told(weighed, candidate, size))
    asked = np.isfinite(weighed.quotas.amount)
    for rep in np.flatnonzero(overset(weighed.quotas, weighed.params) & asked):
        told[int(rep)].append(_quota(weighed, int(rep)))
    return told


def _told(weighed: Weighed, candidate: Candidate, size: Size) -> Told:
    params, quota = weighed.params, float(weighed.quotas.amount[candidate.rep])
    draws = np.random.default_rng(SEED)
    noise = np.exp(draws.normal(0, params.size_doubt, len(size.draws)))
    in_quota = weighed.scale / quota
    values = size.draws * in_quota * noise + draws.normal(0, params.size_noise, len(noise))
    # A cause that may not be there costs nothing then: the size is what is expected in all.
    low, high = _with_doubt(values, candidate.p)
    mean = candidate.p * size.mean * in_quota
    # A spell that was on when the log begins may always have been: nobody knows since when.
    began = weighed.observed.periods.borders[candidate.start] if candidate.start else None
    return Told(
        candidate.rep,
        candidate.cause,
        mean,
        min(low, mean),
        max(high, mean),
        candidate.p,
        None if began is None else _moment(int(began)),
        _evidence(weighed, candidate),
        candidate.is_spell,
    )


def _evidence(weighed: Weighed, candidate: Candidate) -> str:
    rep, quotas = candidate.rep, weighed.quotas
    if candidate.cause == "ramp":
        tenure = (quotas.start[rep] - weighed.observed.company.hired[rep]) / DAY_US
        usual = f"new reps usually take {weighed.believed.ramp.days:.0f} to work like the others"
        return f"{tenure:.0f} days there when the period began; {usual}"
    if candidate.cause == "territory":
        brings = np.exp(candidate.mean["amount"][0] + candidate.mean["qualifying"][0])
        if candidate.arrivals is not None and candidate.arrivals.size:
            brings *= np.exp(candidate.arrivals[0, 0])
        asked = f"quotas there are {quotas.share[rep]:.0%} of the mean"
        return f"the territory's leads promise {brings:.0%} of what others promise; {asked}"
    channel = weighed.believed.channels[candidate.cause]
    return evidence_of(candidate.cause, channel, rep, candidate.start or 0)


def _with_doubt(values: Floats, p: float) -> tuple[float, float]:
    """Return the 80 % interval of values that hold with chance `p`, and are 0 otherwise."""
    weights = np.append(np.full(len(values), p / len(values)), 1 - p)
    every = np.append(values, 0.0)
    order = np.argsort(every)
    steps = np.cumsum(weights[order])
    low, high = every[order][np.searchsorted(steps, [0.1, 0.9])]
    return float(low), float(high)


def _quota(weighed: Weighed, rep: int) -> Told:
    """Tell of a quota above those of the like.

    It costs the share of attainment that the like quota would have brought: with half of the
    quota expected and a quota that is 40 % too high, 0.5 * 1.4 - 0.5 = 0.2.
    """
    quotas = weighed.quotas
    over = float(np.expm1(quotas.excess[rep]))
    size = float(weighed.revenue[rep] / quotas.amount[rep]) * over
    low, high = size * (1 - QUOTA_DOUBT), size * (1 + QUOTA_DOUBT)
    since = _moment(int(quotas.start[rep]))
    says = f"the quota is {over:.0%} above those of the like"
    return Told(rep, "quota", size, low, high, 1.0, since, says, is_spell=True)


QUOTA_DOUBT = 0.4
"""Half the width of the interval of what a quota costs, over the size."""


def _gaps(weighed: Weighed) -> Floats:
    """Return the gap to quota as a share of it; of those on track, the gap to the others."""
    quotas, as_of = weighed.quotas, weighed.observed.company.as_of
    so_far = won_by(weighed.observed, np.nan_to_num(quotas.start, nan=np.inf))
    left = np.clip((quotas.end - as_of) / (quotas.end - quotas.start), 0, 1)
    attainment = (so_far + left * weighed.revenue) / quotas.amount
    gap = 1 - attainment
    if not np.isfinite(attainment).any():
        return np.asarray(gap)
    to_others = np.nanmedian(attainment) - attainment
    return np.where(gap >= LEAST_GAP, gap, to_others)
