"""What is usual for those who are in no trouble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Floats, Ints
from training.coaching.causes.rates import expected_events
from training.coaching.causes.spells import DEPTHS, STEP, depth_prior

PASSES = 3
"""Times that the rates are learned; the weights settle in two."""
TROUBLED = 0.06
"""Share of a company's reps and periods that lie in a spell, before anything is seen."""
USUAL_DEPTH = 1.0
"""Log factor of a usual spell where things wait."""


def usual_of_untroubled(
    exposure: Floats, events: Floats, factors: Sequence[Ints], cell: Ints, doubt: float
) -> Floats:
    """Return the events that each row should have seen, by the rates of those in no spell.

    What waits long is at risk for long: three reps of forty in a spell, whose deals wait four times
    as long, hold a quarter of all days of waiting, and would make everybody else look quick and
    themselves hardly slow. Each rep and period counts by the chance that it lies in no spell
    (a mixture, by expectation and maximization).

    Args:
        exposure: days at risk of each row.
        events: of each row.
        factors: for each factor the class of each row, from 0.
        cell: the rep and period of each row, as one number.
        doubt: imagined events behind each number.
    """
    size = int(cell.max(initial=-1)) + 1
    weights = np.ones(size)
    usual = np.zeros_like(exposure)
    for _ in range(PASSES):
        usual = expected_events(exposure, events, factors, doubt, weights[cell])
        seen, expected = np.bincount(cell, events, size), np.bincount(cell, usual, size)
        factor = np.exp(-DEPTHS * STEP)
        ratio = seen[:, None] * np.log(factor) - expected[:, None] * (factor - 1)
        spell = TROUBLED * (np.exp(np.minimum(ratio, 500.0)) * depth_prior(USUAL_DEPTH)).sum(axis=1)
        weights = (1 - TROUBLED) / (1 - TROUBLED + spell)
    return usual
