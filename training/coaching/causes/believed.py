"""What is believed of every rep and channel: priors learned from the company, then the filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats
from features.feature import DAY_US
from training.coaching.causes.channels import (
    Channel,
    Observed,
    chosen,
    closing_rows,
    counted,
    deal_size,
    first_touch_rows,
    fitted_ramp,
    lead_mix,
    qualifying_rows,
    volume,
    waiting_rows,
)
from training.coaching.causes.rates import Ramp
from training.coaching.causes.spells import DEPTHS, LEVELS, STEP, Filtered, Prior, spells
from training.coaching_params import CauseParams

SPREADS = (0.05, 0.12, 0.2, 0.3, 0.45)
"""Spreads of lasting levels between reps that are tried."""
WOBBLES = (0.0, 0.08, 0.16, 0.3)
"""Wobbles of normal periods that are tried."""
YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Believed:
    """What is believed of the company's reps.

    Attributes:
        channels: what was seen.
        priors: learned from it.
        filtered: by channel.
        ramp: how new reps get going.
    """

    channels: Mapping[str, Channel]
    priors: Mapping[str, Prior]
    filtered: Mapping[str, Filtered]
    ramp: Ramp

    def shift(self, channel: str) -> Floats:
        """Return by rep and period the log factor that a spell explains, on average."""
        return mean_shift(self.filtered[channel])


def mean_shift(filtered: Filtered) -> Floats:
    """Return by rep and period the mean log factor of a spell that is still on."""
    depth = (filtered.joint * (DEPTHS * STEP)[None, None, :, None]).sum(axis=(1, 2))
    return np.asarray(-np.cumsum(depth, axis=1))


def believe(observed: Observed, params: CauseParams) -> Believed:
    """Look at every channel that the tables allow."""
    counts = {"qualifying": qualifying_rows(observed), "follow_up": first_touch_rows(observed)}
    choices = {"closing": closing_rows(observed)}
    waits = waiting_rows(observed)
    ramp = fitted_ramp(observed, counts, choices, params)
    channels = {"volume": volume(observed, ramp, params)}
    priors = {"volume": learned_prior(channels["volume"], observed, params)}
    filtered = {"volume": spells(channels["volume"].log_likelihood, priors["volume"])}
    less_work = mean_shift(filtered["volume"])
    channels |= {
        "qualifying": counted(observed, "qualifying", counts["qualifying"], ramp, None),
        "follow_up": counted(observed, "follow_up", counts["follow_up"], ramp, less_work),
        "internal_delay": counted(observed, "internal_delay", waits, ramp, None),
        "closing": chosen(observed, "closing", choices["closing"], ramp),
        "deal_size": deal_size(observed, params),
        "lead_mix": lead_mix(observed),
    }
    for name, channel in channels.items():
        if name not in filtered:
            priors[name] = learned_prior(channel, observed, params)
            filtered[name] = spells(channel.log_likelihood, priors[name])
    return Believed(channels, priors, filtered, ramp)


def learned_prior(channel: Channel, observed: Observed, params: CauseParams) -> Prior:
    """Choose spread and wobble by what makes all that was seen likeliest (empirical Bayes)."""
    length = float(np.median(np.diff(observed.periods.borders))) / DAY_US
    begins = 1 - (1 - params.spell_rate) ** (length / YEAR_DAYS)
    lasts = float(np.exp(-length / params.spell_days))
    # A large company's first reps tell as much about spreads as all of them.
    some = channel.log_likelihood[:: max(1, len(channel.log_likelihood) // 200)]
    tried = [
        Prior(spread, wobble, begins, lasts, params.spell_depth)
        for spread in SPREADS
        for wobble in WOBBLES
    ]
    return max(tried, key=lambda prior: spells(some, prior).evidence)


def level_draws(filtered: Filtered, rep: int, count: int, draws: np.random.Generator) -> Floats:
    """Draw a rep's lasting level."""
    chances = filtered.level[rep]
    return np.asarray(draws.choice(LEVELS * STEP, size=count, p=chances / chances.sum()))
