"""Where values stand among those of their group, 0 lowest to 1 highest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from features.arrays import Floats, Ints


def ranks(values: Floats, group: Ints) -> Floats:
    """Rank each value within its group, as a share of the group's filled values.

    Equal values share the mean of their ranks; an empty value (NaN) has no rank and does not count.
    Groups are few and large: sorting each by itself is three times as fast as ranking by pandas.

    Args:
        values: what is ranked.
        group: small whole numbers from 0 on.

    >>> ranks(np.array([3.0, 1.0, 1.0, np.nan, 7.0]), np.array([0, 0, 0, 0, 1]))
    array([1. , 0.5, 0.5, nan, 1. ])
    """
    small = np.int16 if group.max(initial=0) < np.iinfo(np.int16).max else np.int64
    order = np.argsort(group.astype(small), kind="stable")
    bounds = np.append(0, np.cumsum(np.bincount(group)))
    by_group, ranked = values[order], np.empty(len(values))
    for low, high in pairwise(bounds.tolist()):
        ranked[low:high] = _ranks_in_group(by_group[low:high])
    in_place = np.empty(len(values))
    in_place[order] = ranked
    return in_place


def _ranks_in_group(values: Floats) -> Floats:
    ranked = np.full(len(values), np.nan)
    filled = len(values) - int(np.count_nonzero(np.isnan(values)))
    if not filled:
        return ranked
    order = np.argsort(values)[:filled]  # what is empty comes last
    rising = values[order]
    first = np.flatnonzero(np.append(True, rising[1:] != rising[:-1]))
    after = np.append(first[1:], filled)
    # Equal values take places first + 1 to after, in the mean (first + after + 1) / 2.
    ranked[order] = np.repeat((first + after + 1) / 2, after - first) / filled
    return ranked
