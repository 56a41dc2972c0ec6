"""What is read off a rep's futures: the chance to attain, quantiles, and a range.

Early in a period a rep's futures are many different amounts. Late in it they heap up on single
amounts: what is closed already, should nothing more be won. There a quantile has to choose a point
on a step, and no range holds exactly 80 % of the futures. What is read off has to agree all the
same: a median that reaches the target goes with a chance of at least one half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.quota.futures import Futures

QUANTILES = (0.1, 0.5, 0.9)
CERTAIN = 0.998
"""No chance is above this, or below its complement."""
DIGITS = 6
"""Decimals to which attainments are compared."""
LEFT_OUT = 0.1
"""Share of futures below a range, at most."""
HOLDS = 0.8
"""Share of futures in a range, at least."""


def read_off(futures: Futures, target: float) -> pd.DataFrame:
    """Return everything that is said of reps, read off one distribution each.

    Args:
        futures: of the reps.
        target: a miss is attainment below this.

    Returns:
        A row for each rep's: `p_attain, attainment_p10, attainment_p50, attainment_p90, range_low,
        range_high, p_in_range`. The last is the share of futures from `range_low` to `range_high`:
        0.8, or more where much of the chance lies on one amount.
    """
    attainment = futures.attainment()
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
        index=futures.keys.index,
    )


def chance_to_attain(attainment: Floats, target: float) -> Floats:
    """Return the share of futures in which the target is reached, never quite 0 or 1."""
    reached = (attainment >= target).mean(axis=1)
    return np.asarray(np.clip(reached, 1 - CERTAIN, CERTAIN))


def quantiles(attainment: Floats, target: float, levels: Sequence[float] = QUANTILES) -> Floats:
    """Return mid-quantiles of the futures, rows x levels.

    A mid-quantile goes through the middle of each step and straight between the middles (Ma, Genton
    & Parzen 2011, Ann. Inst. Statist. Math. 63). Of four futures, two at 0, one at 1 and one at 2:

    | value | futures | lies at levels | its middle |
    |-------|---------|----------------|------------|
    | 0     | 2 of 4  | 0 to 0.5       | 0.25       |
    | 1     | 1 of 4  | 0.5 to 0.75    | 0.625      |
    | 2     | 1 of 4  | 0.75 to 1      | 0.875      |

    So the median is (0.5 - 0.25) / (0.625 - 0.25) = 0.67 of the way from 0 to 1.

    Each is then kept on that side of the target on which the chance to attain puts it: where fewer
    than half of the futures reach the target, the median lies just below it at most. Without a
    quota (attainment is infinite) all of them are the target.

    Args:
        attainment: rows x futures.
        target: a miss is attainment below this.
        levels: between 0 and 1, rising.
    """
    mid = np.empty((len(attainment), len(levels)))
    reached = (attainment >= target).mean(axis=1)
    for place, row in enumerate(_rounded(attainment, target)):
        values, counts = np.unique(row, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / len(row)
        mid[place] = np.interp(levels, middle, values)
    mid = _within_futures(mid, attainment)
    below = (1 - reached)[:, None] > np.asarray(levels)[None, :]
    just_below = np.nextafter(target, -np.inf)
    return np.where(below, np.minimum(mid, just_below), np.maximum(mid, target))


def likely_range(attainment: Floats, target: float) -> Floats:
    """Return the range in which 8 of 10 futures lie, rows x 2.

    It begins where a tenth of the futures is reached and ends as soon as it holds 80 % of them. Of
    ten futures:

    | futures             | range  | why                                               |
    |---------------------|--------|---------------------------------------------------|
    | 0 1 2 3 4 5 6 7 8 9 | 0 to 7 | no step: close to the 10 % and 90 % quantiles     |
    | 1 1 1 2 3 4 5 6 7 8 | 1 to 6 | the step at 1 lies inside, so the range is shorter |
    | 2 2 2 2 2 2 2 2 2 5 | 2 to 2 | one amount holds 90 %                             |

    From the 10 % to the 90 % quantile the second would hold nine of ten.
    """
    ordered = np.sort(_rounded(attainment, target), axis=1)
    count = ordered.shape[1]
    low = ordered[:, _nth(LEFT_OUT, count)]
    # What lies below the range is left out; from there on, count what it has to hold.
    left_out = (ordered < low[:, None]).sum(axis=1)
    end = np.minimum(left_out + _nth(HOLDS, count), count - 1)
    return np.column_stack([low, np.take_along_axis(ordered, end[:, None], axis=1)[:, 0]])


def _nth(share: float, count: int) -> int:
    """Return the place, counted from 0, at which a share of so many values is reached."""
    # Rounded first: a product may lie a hair above the whole number it stands for.
    return int(np.ceil(round(share * count, DIGITS))) - 1


def _rounded(attainment: Floats, target: float) -> Floats:
    """Return attainment with equal amounts made equal, and the target where there is no quota."""
    return np.asarray(np.round(np.where(np.isinf(attainment), target, attainment), DIGITS))


def _within_futures(quantiles: Floats, attainment: Floats) -> Floats:
    """Keep quantiles between the least and the greatest future, beyond which rounding may put them.

    Of a rep who has 0.7712345678 of the quota and can neither win nor lose any more, p10 and p90
    are that, not 0.771235: else what happens would lie outside its own range.
    """
    is_known = np.isfinite(attainment).all(axis=1, keepdims=True)
    least, most = attainment.min(axis=1)[:, None], attainment.max(axis=1)[:, None]
    return np.where(is_known, np.clip(quantiles, least, most), quantiles)


def share_within(attainment: Floats, ends: Floats) -> Floats:
    """Return the share of futures that lie in each range, ends included."""
    rounded = 10**-DIGITS
    inside = (attainment >= ends[:, :1] - rounded) & (attainment <= ends[:, 1:] + rounded)
    return np.where(np.isinf(attainment).all(axis=1), 1.0, inside.mean(axis=1))
