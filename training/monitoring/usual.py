"""What a company's own past leads to expect of a figure.

A figure is judged against the same figure as it was at earlier times of the same company, so that
seasons, quarter-ends, growth and people who come and go, all of which moved it before, count as
usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from features.arrays import Floats


@dataclass(frozen=True)
class Usual:
    """The range in which a figure was to be expected.

    Attributes:
        expected: the middle of its past.
        low: lower values have not been seen and were not to be expected.
        high: nor were higher ones.
    """

    expected: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Tell whether a value lies outside."""
        return not self.low <= value <= self.high


def usual(past: Floats, false_alarms: float, least: int, noise: float = 0.0) -> Usual | None:
    """Return where the next value of a figure was to be expected, judged by its earlier ones.

    The range is the prediction interval of a normal sample (Hahn & Meeker 1991, "Statistical
    Intervals", section 4.7), `mean +- t * sd * sqrt(1 + 1/n)`, widened to hold every earlier value.
    What happened before is thereby never an alarm, however short the past. With a chance of 0.005:

    | past                      | mean | sd   | t(n - 1) | range          |
    |---------------------------|------|------|----------|----------------|
    | 1.0 1.1 0.9 1.0 1.0       | 1.0  | 0.07 | 5.6      | 0.57 to 1.43   |
    | twenty of the same kind   | 1.0  | 0.07 | 3.2      | 0.78 to 1.22   |
    | 1.0 1.0 1.0 1.0 3.0       | 1.4  | 0.89 | 5.6      | -4.1 to 6.9    |

    Args:
        past: earlier values, on a scale on which they scatter evenly (logs of counts).
        false_alarms: the chance that an ordinary next value lies outside.
        least: with fewer values nothing can be said.
        noise: the sampling error of a value, below which the past cannot have scattered.

    Returns:
        The range; None where the past is too short.
    """
    known = past[np.isfinite(past)]
    if len(known) < max(least, 2):
        return None
    mean, spread = float(known.mean()), max(float(known.std(ddof=1)), noise)
    quantile = float(stats.t.isf(false_alarms / 2, len(known) - 1))
    reach = quantile * spread * np.sqrt(1 + 1 / len(known))
    low, high = min(mean - reach, known.min()), max(mean + reach, known.max())
    return Usual(mean, float(low), float(high))
