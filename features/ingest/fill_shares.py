"""Shares of rows that a column is filled for, and whether two of them are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIKE = 0.05
"""Shares are alike if their difference surely lies within this, either way."""
SLIGHT = 0.01
"""Shares differ if their difference surely lies beyond this."""
Z = 1.645
"""Standard errors to either side of a 90 % interval."""


@dataclass(frozen=True)
class Share:
    """How many rows of some are filled."""

    filled: int
    rows: int

    @property
    def value(self) -> float:
        """The share, 0 of no rows."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def says(self) -> str:
        """The share in per cent; 100 % and 0 % are exact."""
        percent = 100 * self.value
        kept_off = 99.9 if self.filled < self.rows else percent
        return f"{max(min(percent, kept_off), 0.1 if self.filled else 0.0):.3g} %"


def differ(a: Share, b: Share) -> bool:
    """Tell whether two shares, neither of no rows, surely differ."""
    low, high = difference(a, b)
    return low > SLIGHT or high < -SLIGHT


def are_alike(a: Share, b: Share) -> bool:
    """Tell whether two shares are surely alike; with too few rows they are not."""
    if not a.rows or not b.rows:
        return False
    low, high = difference(a, b)
    return low >= -ALIKE and high <= ALIKE


def difference(a: Share, b: Share) -> tuple[float, float]:
    """Return the 90 % interval of a difference of two shares (Newcombe 1998, method 10)."""
    (low_a, high_a), (low_b, high_b) = _wilson(a), _wilson(b)
    between = a.value - b.value
    low = between - np.hypot(a.value - low_a, high_b - b.value)
    high = between + np.hypot(high_a - a.value, b.value - low_b)
    return float(low), float(high)


def _wilson(share: Share) -> tuple[float, float]:
    """Return the 90 % interval of a share (Wilson 1927); that of 52 of 52 rows is 0.95 to 1."""
    n, p = share.rows, share.value
    centre, around = p + Z**2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    return float((centre - around) / scale), float((centre + around) / scale)
