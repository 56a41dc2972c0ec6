"""Causes that may be told of each rep, each with what it does to the funnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import norm

from features.arrays import Bools, Floats
from features.feature import DAY_US
from training.coaching.causes.believed import Believed
from training.coaching.causes.funnel_rates import rates_of
from training.coaching.causes.ground import Grounds, Quotas, grounds_of
from training.coaching.causes.ramp import RAMP_DOUBT, Ramp
from training.coaching.causes.rows import Observed, qualifying_rows
from training.coaching.causes.sizes import FIELDS, SHIFTS, Candidate, Flow
from training.coaching.causes.spells import LEVELS, STEP, Weakness, drawn, weakness_of
from training.coaching.causes.stocks import stocks_of, window_of
from training.coaching.causes.told import OWN
from training.coaching.causes.waits import undelayed
from training.coaching_params import CauseParams

UNLIKELY = 0.1
"""A chance below this leaves nothing of an 80 % interval but 0."""
GROUND_DOUBT = 0.3
"""How far the effect of a territory on one rep may differ from the usual one."""


def territories(observed: Observed, believed: Believed, params: CauseParams) -> Grounds:
    """Compare the territories, conversions among them."""
    rows = qualifying_rows(observed, by_territory=False)
    count = int(observed.company.territory.max(initial=0)) + 1
    territory = observed.company.territory[rows.rep]
    seen = np.bincount(territory, rows.seen, count)
    usual = np.bincount(territory, rows.usual, count)
    spread = believed.priors["qualifying"].spread
    return grounds_of(observed, np.stack([seen, usual]), spread, params.readiness)


def candidates_of(
    observed: Observed,
    believed: Believed,
    quotas: Quotas,
    grounds: Grounds,
    params: CauseParams,
) -> tuple[list[Candidate], Flow]:
    """Return everything that may be told, and the flow in which it is weighed.

    Args:
        observed: the company.
        believed: of its channels.
        quotas: who is asked for what.
        grounds: of the territories.
        params: the section `training.coaching.causes`.
    """
    asked = np.isfinite(quotas.amount)
    base = {name: np.zeros((len(asked), 2)) for name in FIELDS}
    candidates: list[Candidate] = []
    for cause in CHANNELS:
        filtered, field = believed.filtered[cause], SHIFTS.get(cause)
        weak = weakness_of(filtered, _beyond(believed, cause, params))
        is_seen = believed.channels[cause].days.sum(axis=1) > 0
        is_told = asked & is_seen & (weak.p >= params.told_from)
        if field is not None:
            # What is told of a low level is no part of what lasts beside it.
            low = (filtered.level * weak.is_low) @ (LEVELS * STEP)
            base[field] += (filtered.level_mean() - np.where(is_told, low, 0.0))[:, None]
        for rep in np.flatnonzero(is_told):
            # The interval of what is hardly there ends at 0: one draw is enough.
            count = params.draws if weak.p[rep] >= UNLIKELY else 1
            candidates.append(_told(believed, cause, weak, int(rep), count))
    ramped, left = _ramps(observed, believed, quotas, params)
    candidates += ramped
    for name, shift in left.items():
        base[name] += shift
    base["qualifying"] += grounds.conversion[:, None]
    base["waiting"] += undelayed(believed.channels["internal_delay"])
    window = window_of(observed, params.rush_days)
    rates = rates_of(observed)
    stocks = stocks_of(observed, rates, window)
    mixed, arrivals = _mixes(observed, believed, stocks.arrivals, asked, params)
    poor, arrivals = _poor(grounds, quotas, believed.crowding, base, arrivals, params)
    candidates += mixed + poor
    return candidates, Flow(rates, window, replace(stocks, arrivals=arrivals), base)


CHANNELS = (*SHIFTS, "volume")
"""Causes that come as spells which move rates."""
LEAST_BEYOND = 0.1
"""A tenth worse than usual; what is nearer is no weakness anywhere."""


def _beyond(believed: Believed, cause: str, params: CauseParams) -> float:
    """Return how far below the company's level a rep is weak, not just unlike the others."""
    if cause not in OWN or cause not in SHIFTS:
        return np.inf
    return max(LEAST_BEYOND, params.lasting_spreads * believed.priors[cause].spread)


def _told(believed: Believed, cause: str, weak: Weakness, rep: int, count: int) -> Candidate:
    """Return what a rep's weakness does, be it a spell or a low level.

    Args:
        believed: of the channels.
        cause: its name.
        weak: what is believed of it.
        rep: whose.
        count: how many draws.
    """
    chances, p = weak.joint[rep], float(weak.p[rep])
    shifts = weak.shifts()
    # What began in the period asked about was not there in the one before.
    is_old = np.arange(chances.shape[2]) < chances.shape[2] - 1
    both = [np.where(is_old, shifts[..., None], shifts[:, :1, None]), shifts[..., None]]
    mean = np.array([float((chances * shift).sum()) for shift in both]) / p
    places = drawn(chances, count)
    draws = np.stack([np.broadcast_to(shift, chances.shape)[places] for shift in both], axis=1)
    fields = believed.moves.get(cause) or {SHIFTS[cause]: 1.0}
    return Candidate(
        rep,
        cause,
        p,
        int(weak.begins()[rep]),
        {name: slope * mean for name, slope in fields.items()},
        {name: slope * draws for name, slope in fields.items()},
        is_spell=bool(weak.is_spell()[rep]),
    )


def _scaled(mean: dict[str, Floats], doubt: float, count: int) -> dict[str, Floats]:
    """Return draws of effects whose size is in doubt: even steps through a normal distribution."""
    scale = norm.ppf((np.arange(count) + 0.5) / count, 1.0, doubt)
    return {name: scale[:, None] * shift for name, shift in mean.items()}


def _ramps(
    observed: Observed, believed: Believed, quotas: Quotas, params: CauseParams
) -> tuple[list[Candidate], dict[str, Floats]]:
    """Return the reps who are getting going, and what the ramp does to those who hardly are.

    New reps do little, but on few leads, so that these move on quickly and show nothing of it.
    Little work costs all the same: with more of it, the same leads would have moved faster. What
    new reps convert and win is seen as it is, with all that holds them back.
    """
    shifts = {SHIFTS[name]: _ramp_shift(observed, believed.ramp, name) for name in RAMPED}
    shifts["later"] = np.zeros_like(shifts["qualifying"])
    work = _ramp_shift(observed, believed.ramp, "volume")
    hidden = {field: believed.moves["volume"][field] * work for field in HIDDEN}
    tenure = (quotas.start - observed.company.hired) / DAY_US
    longest = believed.ramp.days + RAMP_STEP
    is_new = np.isfinite(quotas.amount) & (np.nan_to_num(tenure, nan=1e9) < longest)
    whole = {field: shift + hidden.get(field, 0.0) for field, shift in shifts.items()}
    candidates = []
    for rep in np.flatnonzero(is_new):
        mean = {field: shift[rep] for field, shift in whole.items()}
        spread = _scaled(mean, RAMP_DOUBT, params.draws)
        candidates.append(Candidate(int(rep), "ramp", 1.0, None, mean, spread, is_spell=False))
    rest = {
        field: np.where(is_new[:, None], shift - whole[field], shift)
        for field, shift in shifts.items()
    }
    return candidates, rest


RAMPED = ("qualifying", "follow_up", "closing")
"""Channels in which what new reps lack is seen."""
HIDDEN = ("first", "later")
"""Fields in which few leads hide how little new reps do."""
RAMP_STEP = 30.0
"""Days that the length of a ramp is in doubt by."""


def _ramp_shift(observed: Observed, ramp: Ramp, channel: str) -> Floats:
    """Return by rep the mean log factor in the period before and in this one, while they are there.

    Args:
        observed: the company.
        ramp: how new reps get going.
        channel: what of it.
    """
    periods = observed.periods
    last = len(periods) - 1
    edges = [periods.borders[max(last - 1, 0)], periods.borders[last], periods.borders[last + 1]]
    both = []
    for low, high in pairwise(edges):
        at = np.linspace(low, max(high, low + DAY_US), 14)
        tenure = (at[None, :] - observed.company.hired[:, None]) / DAY_US
        is_there = tenure >= 0
        total = np.where(is_there, ramp.log_factor(channel, tenure), 0.0).sum(axis=1)
        both.append(total / np.maximum(is_there.sum(axis=1), 1))
    return np.stack(both, axis=1)


def _mixes(
    observed: Observed, believed: Believed, arrivals: Floats, asked: Bools, params: CauseParams
) -> tuple[list[Candidate], Floats]:
    """Return the reps with poor sources, and arrivals in which they have the usual ones."""
    filtered, arrivals = believed.filtered["lead_mix"], arrivals.copy()
    by_source = arrivals[asked].sum(axis=(0, 3))
    usual = (by_source + 1e-9) / (by_source + 1e-9).sum(axis=1, keepdims=True)
    last, candidates = len(observed.periods) - 1, []
    is_seen = believed.channels["lead_mix"].days.sum(axis=1) > 0
    for rep in np.flatnonzero(asked & is_seen & (filtered.p >= params.told_from)):
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
    crowding: Mapping[str, float],
    base: dict[str, Floats],
    arrivals: Floats,
    params: CauseParams,
) -> tuple[list[Candidate], Floats]:
    """Return the reps on poor ground, and what base and arrivals are on level ground.

    Fewer leads get more of a rep's work each: on level ground the same work would go to more of
    them, as far as the company's fuller periods tell. How readily ground converts was compared at
    the same load, so that this counts once.

    Args:
        grounds: of every rep.
        quotas: who is asked for what.
        crowding: how fast each field of the flow falls with the leads at hand.
        base: by field, what lasts; that of reps on poor ground is changed to level ground.
        arrivals: new leads.
        params: the section `training.coaching.causes`.
    """
    total = grounds.arrivals + grounds.value + grounds.conversion
    arrivals, candidates = arrivals.copy(), []
    is_poor = np.isfinite(quotas.amount) & (total < np.log(params.poor_ground))
    for rep in np.flatnonzero(is_poor):
        more, worth, ready = (
            float(x[rep]) for x in (grounds.arrivals, grounds.value, grounds.conversion)
        )
        arrivals[rep] /= np.exp(more)
        spared = {field: -slope * min(more, 0.0) for field, slope in crowding.items()}
        shifts = spared | {"amount": worth, "qualifying": ready + spared.get("qualifying", 0.0)}
        for field, shift in shifts.items():
            base[field][rep] -= shift
        mean = {field: np.full(2, shift) for field, shift in shifts.items()}
        spread = _scaled(mean, GROUND_DOUBT, params.draws)
        factor = np.full((2, arrivals.shape[2]), more)
        share = min(float(quotas.share[rep]), 1.0)
        candidates.append(
            Candidate(int(rep), "territory", 1.0, None, mean, spread, factor, share, is_spell=False)
        )
    return candidates, arrivals
