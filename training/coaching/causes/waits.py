"""Waits on others: how long sold deals stay where legal, finance or approval have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.arrays import Floats
from training.coaching.causes.channels import Channel, counted
from training.coaching.causes.priors import learned_prior
from training.coaching.causes.ramp import Ramp
from training.coaching.causes.rows import Observed, Rows, of_stays
from training.coaching.causes.spells import mean_shift, spells
from training.coaching.causes.stays import MOVES, WON
from training.coaching_params import CauseParams

OF_OTHERS = (0.05, 0.12)
"""Spreads of levels that are tried: whose deals wait for years is in trouble, not unlike."""


def waiting(observed: Observed, ramp: Ramp, params: CauseParams) -> Channel:
    """Make the channel of waits on others, held against what is usual outside spells.

    Few reps are held up at a time, but theirs are most of the days that deals wait: with 1 of 20
    waiting five times as long, the rate over all days is a sixth below that of the other 19. So
    the rates are learned twice, the second time with the spells that were found known.

    Args:
        observed: the company.
        ramp: how new reps get going.
        params: the section `training.coaching.causes`.
    """
    name = "internal_delay"
    first = counted(observed, name, waiting_rows(observed), ramp, None)
    prior = learned_prior(first, observed, params, OF_OTHERS)
    delay = mean_shift(spells(first.log_likelihood, prior))
    return counted(observed, name, waiting_rows(observed, np.exp(delay)), ramp, None)


def undelayed(waits: Channel) -> float:
    """Return how much faster deals leave where they wait when nobody is held up, as a log factor.

    The rates of all days have those of held-up reps among them; what is usual in the channel is
    without delays.
    """
    return float(np.log((waits.usual.sum() + 1) / (waits.seen.sum() + 1)))


def waiting_rows(observed: Observed, held_up: Floats | None = None) -> Rows:
    """Deals that leave, per day, the stages in which a sold deal waits on others.

    Args:
        observed: the company.
        held_up: by rep and period, the factor of a known delay; what is usual is without it.
    """
    every = observed.deals
    stays = every.take((every.rep >= 0) & np.isin(every.stage, observed.waiting))
    left = (stays.end == WON) | (stays.end == MOVES)
    factors = [stays.stage * 2 + stays.is_rush, stays.period]
    if held_up is None:
        return of_stays(observed, stays, left, factors)
    inside = (stays.period >= 0) & (stays.period < held_up.shape[1])
    known = np.where(inside, held_up[stays.rep, stays.period * inside], 1.0)
    rows = of_stays(observed, stays, left, factors, known)
    return replace(rows, usual=rows.usual / known)
