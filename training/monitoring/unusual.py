"""Is this week unlike the weeks before it? Asked of a count, a share or a delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats

TO_SIGMA = 1.4826
"""Turns a median absolute deviation into the standard deviation of a normal distribution."""
FEWEST_WEEKS = 6
"""Weeks before this one without which nobody can say what is usual."""


@dataclass(frozen=True)
class Unusual:
    """A week beside the weeks before it.

    Attributes:
        value: this week's.
        usual: the median of the weeks before.
        ratio: one over the other.
        z: how many standard deviations lie between their logarithms; NaN without enough weeks.
        low: the lower end of what is usual.
        high: the upper end.
    """

    value: float
    usual: float
    ratio: float
    z: float
    low: float
    high: float

    def rises(self, ratio: float, z: float) -> bool:
        """Whether it is so many times as high, beyond what is usual."""
        return self.ratio >= ratio and self.z >= z

    def falls(self, ratio: float, z: float) -> bool:
        """Whether it is so many times as low, beyond what is usual."""
        return self.ratio <= 1 / ratio and self.z <= -z


def unusual(weeks: Sequence[float] | Floats, z: float) -> Unusual:
    """Compare the last value with those before it.

    Medians, since a holiday or an earlier fault among the weeks before must not hide this one
    (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993). A count varies by
    its square root at least, however steady the weeks before were:

    | weeks before          | this week | ratio | standard deviations                      |
    |-----------------------|-----------|-------|------------------------------------------|
    | 98, 103, 95, 100, ... | 200       | 2     | 6.5: a count of 100 varies by 10 %       |
    | 40, 160, 90, 130, ... | 200       | 1.8   | 1.2: such weeks are usual here           |
    | 98, 103, 95, 100, ... | 0         | 0     | -50                                      |

    Args:
        weeks: counts or other figures above or at 0, this week's last.
        z: how many standard deviations the usual range reaches.
    """
    values = np.asarray(weeks, dtype=np.float64)
    before, now = values[:-1], float(values[-1])
    if len(before) < FEWEST_WEEKS:
        return Unusual(now, float("nan"), float("nan"), float("nan"), float("nan"), float("nan"))
    logs = np.log(before + 0.5)
    middle = float(np.median(logs))
    usual = float(np.exp(middle) - 0.5)
    spread = TO_SIGMA * float(np.median(np.abs(logs - middle)))
    spread = max(spread, 1 / np.sqrt(max(usual, 1.0))) * np.sqrt(1 + np.pi / 2 / len(before))
    away = float((np.log(now + 0.5) - middle) / spread)
    low, high = (max(float(np.exp(middle + k * z * spread) - 0.5), 0.0) for k in (-1, 1))
    return Unusual(now, usual, (now + 0.5) / (usual + 0.5), away, low, high)
