"""Whether the newest week of a count is what the weeks before it lead to expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.arrays import Floats
from training.monitor_params import MonitorParams
from training.monitoring.usual import usual

BASE_WEEKS = 8
"""Weeks that tell the level of the week after them."""
HALF = 0.5
"""Added to counts, so that a week without rows has a logarithm."""


@dataclass(frozen=True, eq=False)
class Weekly:
    """A count by week, and the range in which each week was to be expected.

    Attributes:
        where: what is counted, in words.
        starts: the first day of each week, the newest first.
        rows: the counts.
        expected: the level of the weeks before, for as many weeks as have enough before them.
        low: the lower end of the usual range of each of these weeks.
        high: the upper end.
        n_past: earlier weeks that the range comes from.
        is_off: whether the newest week is outside.
    """

    where: str
    starts: Sequence[datetime]
    rows: Floats
    expected: Floats
    low: Floats
    high: Floats
    n_past: int
    is_off: bool

    @property
    def ratio(self) -> float:
        """The newest week over what was to be expected."""
        return float(self.rows[0] / max(self.expected[0], HALF))


def judge_week(
    where: str,
    starts: Sequence[datetime],
    rows: Floats,
    chance: float,
    params: MonitorParams,
    beside: Floats | None = None,
) -> Weekly | None:
    """Compare the newest week with the eight before it, as the past makes usual.

    How far the logarithm of a week lies from the mean of the eight before it is asked of every
    week; the newest is off if it is materially many or few and lies outside what the earlier ones
    lead to expect. With a usual scatter of 10 %, 52 earlier weeks and a chance of 0.005:

    | newest | the eight before | ratio | usual      | off |
    |--------|------------------|-------|------------|-----|
    | 1,050  | 1,000 on average | 1.05  | 0.75-1.34  | no  |
    | 1,450  | 1,000            | 1.45  | 0.75-1.34  | no: not 1.6 times |
    | 2,000  | 1,000            | 2.00  | 0.75-1.34  | yes |

    Args:
        where: what is counted, in words.
        starts: the first day of each week, the newest first.
        rows: the counts, the newest first.
        chance: of a false alarm.
        params: what is material, and below how many rows nothing is judged.
        beside: counts of everything else. The share of `rows` is judged then, so that a week in
            which everybody works less is usual.

    Returns:
        None where there are too few rows or too short a past.
    """
    n = len(rows) - BASE_WEEKS
    if n < 1 + params.minimum_past:
        return None
    level = _base(rows, n)
    if level[0] < params.minimum_rows:
        return None
    scale = np.ones(n)
    if beside is not None:
        scale = (beside[:n] + HALF) / (_base(beside, n) + HALF)
    expected = level * scale
    logs = np.log((rows[:n] + HALF) / (expected + HALF))
    noise = float(np.sqrt((1 + 1 / BASE_WEEKS) / (expected[0] + HALF)))
    past = usual(logs[1:], chance, params.minimum_past, noise)
    if past is None:
        return None
    # Where the others are fewer, a share rises by itself: the count has to have moved as well.
    ratios = [float(rows[0] / max(usual_rows[0], HALF)) for usual_rows in (expected, level)]
    is_material = min(ratios) >= params.volume_up or max(ratios) <= params.volume_down
    low, high = expected * np.exp(past.low), expected * np.exp(past.high)
    is_off = bool(is_material and past.excludes(float(logs[0])))
    return Weekly(where, starts[:n], rows[:n], expected, low, high, n - 1, is_off)


def _base(rows: Floats, n: int) -> Floats:
    """Return the mean of the eight weeks before each of the newest n."""
    sums = np.concatenate([[0.0], np.cumsum(rows)])
    weeks = np.arange(n)
    return np.asarray((sums[weeks + 1 + BASE_WEEKS] - sums[weeks + 1]) / BASE_WEEKS)
