"""What is said of a rep's futures: the chance to attain, quantiles, and a range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.quota.futures import Futures

QUANTILES = (0.1, 0.5, 0.9)
CERTAIN = 0.998
"""Nothing is said with more certainty than this."""
DIGITS = 6
"""Futures are told apart to so many digits."""
LEFT_OUT = 0.1
"""Share of futures below a range, at the most."""
HOLDS = 0.8
"""Share of futures in a range, at the least."""


def said_of(draws: Futures, target: float) -> pd.DataFrame:
    """Read everything that is said of reps off one distribution each.

    Returns:
        A row for each row of `draws`: `p_attain, attainment_p10, attainment_p50, attainment_p90,
        range_low, range_high, p_in_range`. The last is the share of futures from `range_low` to
        `range_high`: 0.8, but more where so much of the chance lies on one amount.
    """
    attainment = draws.attainment()
    p10, p50, p90 = quantiles(attainment, target).T
    ends = likely_range(attainment, target)
    return pd.DataFrame(
        {
            "p_attain": chance_to_attain(attainment, target),
            "attainment_p10": p10,
            "attainment_p50": p50,
            "attainment_p90": p90,
            "range_low": ends[:, 0],
            "range_high": ends[:, 1],
            "p_in_range": share_within(attainment, ends),
        },
        index=draws.keys.index,
    )


def chance_to_attain(attainment: Floats, target: float) -> Floats:
    """Give the share of futures in which the target is reached, never quite 0 or 1."""
    reached = (attainment >= target).mean(axis=1)
    return np.asarray(np.clip(reached, 1 - CERTAIN, CERTAIN))


def quantiles(attainment: Floats, target: float, levels: Sequence[float] = QUANTILES) -> Floats:
    """Read mid-quantiles off the futures, rows x levels.

    Late in a period much of the chance lies on single values (nothing more is won). Mid-quantiles
    (Ma, Genton & Parzen 2011, Ann. Inst. Statist. Math. 63) go through the middle of such steps.
    They are kept on that side of the target on which the chance to attain puts them. Without a
    quota (attainment is infinite) they are the target.
    """
    made = np.empty((len(attainment), len(levels)))
    reached = (attainment >= target).mean(axis=1)
    for place, row in enumerate(_told_apart(attainment, target)):
        values, counts = np.unique(row, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / len(row)
        made[place] = np.interp(levels, middle, values)
    below = (1 - reached)[:, None] > np.asarray(levels)[None, :]
    just_below = np.nextafter(target, -np.inf)
    return np.where(below, np.minimum(made, just_below), np.maximum(made, target))


def likely_range(attainment: Floats, target: float) -> Floats:
    """Give the range in which 8 of 10 futures lie, rows x 2.

    It begins where a tenth of the futures is reached and ends as soon as it holds 80 % of them. On
    smooth futures that is from the 10 % to the 90 % quantile. Where it begins on a step (nothing
    more is won) that whole step lies in it, so it ends earlier than at the 90 % quantile, which
    would hold 90 %.
    """
    ordered = np.sort(_told_apart(attainment, target), axis=1)
    count = ordered.shape[1]
    low = ordered[:, _nth(LEFT_OUT, count)]
    left_out = (ordered < low[:, None]).sum(axis=1)
    end = np.minimum(left_out + _nth(HOLDS, count), count - 1)
    return np.column_stack([low, np.take_along_axis(ordered, end[:, None], axis=1)[:, 0]])


def _nth(share: float, count: int) -> int:
    """Give the place at which a share of values is reached, counted from 0."""
    return int(np.ceil(round(share * count, DIGITS))) - 1


def _told_apart(attainment: Floats, target: float) -> Floats:
    return np.asarray(np.round(np.where(np.isinf(attainment), target, attainment), DIGITS))


def share_within(attainment: Floats, ends: Floats) -> Floats:
    """Give the share of futures that lie in each range, ends included.

    Where much of the chance lies on single values, no range holds just 80 % of it.
    """
    rounded = 10**-DIGITS
    inside = (attainment >= ends[:, :1] - rounded) & (attainment <= ends[:, 1:] + rounded)
    return np.where(np.isinf(attainment).all(axis=1), 1.0, inside.mean(axis=1))
