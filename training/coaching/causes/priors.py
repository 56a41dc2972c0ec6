"""What is believed of a channel beforehand, learned from all of a company's reps."""

from __future__ import annotations

import numpy as np

from features.feature import DAY_US
from training.coaching.causes.channels import Channel
from training.coaching.causes.rows import Observed
from training.coaching.causes.spells import Prior, spells
from training.coaching_params import CauseParams

SPREADS = (0.05, 0.12, 0.16, 0.2, 0.25, 0.3, 0.45)
"""Spreads of lasting levels between reps that are tried."""
WOBBLES = (0.0, 0.08, 0.16, 0.3)
"""Wobbles of normal periods that are tried."""
USUAL_DEPTHS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Depths of a usual spell that are tried."""
ROUNDS = 2
"""Rounds in which they are chosen in turn; further ones change nothing."""
YEAR_DAYS = 365.25


def learned_prior(
    channel: Channel,
    observed: Observed,
    params: CauseParams,
    spreads: tuple[float, ...] = SPREADS,
) -> Prior:
    """Choose what makes all that was seen likeliest (empirical Bayes): spread, wobble and depth.

    How many reps are unlike the others is not learned from so few; it is what Laplace's rule of
    succession leaves where one has been met elsewhere: beside 10 who are alike, 2 of 12.
    """
    length = float(np.median(np.diff(observed.periods.borders))) / DAY_US
    begins = 1 - (1 - params.spell_rate) ** (length / YEAR_DAYS)
    lasts = float(np.exp(-length / params.spell_days))
    # A large company's first reps tell as much about spreads as all of them.
    some = channel.log_likelihood[:: max(1, len(channel.log_likelihood) // 200)]
    unlike = 2 / (len(channel.log_likelihood) + 2)
    prior = Prior(spreads[0], WOBBLES[0], begins, lasts, params.spell_depth, unlike)
    # How unlike reps are is told from how deep spells are only when both are chosen in turn.
    for _ in range(ROUNDS):
        tried = [prior._replace(spread=s, wobble=w) for s in spreads for w in WOBBLES]
        best = max(tried, key=lambda prior: spells(some, prior).evidence)
        deeper = [best._replace(depth=depth) for depth in USUAL_DEPTHS]
        prior = max(deeper, key=lambda prior: spells(some, prior).evidence)
    return prior
