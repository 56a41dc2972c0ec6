"""Which cutoffs make the newest window, which the windows before it, and what is set beside what.

The newest window is compared with a few windows that lie before the champion's end of data. The
same comparison is made at earlier times, with the same distance, and tells what is usual:

    window         9  8  7  6  5  4  3  2  1  0    (0 is the newest)
    champion ends              |
    now                     r  r  r           c    the champion's reference, and what came since
    a window ago         r  r  r           c
    two ago           r  r  r           c          ... and so on, as far back as the data reaches
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.clock import midnight
from training.monitor_params import MonitorParams


@dataclass(frozen=True)
class Layout:
    """The windows of one monitoring run.

    Attributes:
        cutoffs: of each window, rising; the newest window first.
        gap: windows between the newest one and its reference, plus one.
        width: windows in a reference.
        n_past: earlier comparisons of the same layout.
    """

    cutoffs: tuple[tuple[datetime, ...], ...]
    gap: int
    width: int
    n_past: int

    @property
    def every_cutoff(self) -> list[datetime]:
        """All cutoffs, rising."""
        return sorted(cutoff for window in self.cutoffs for cutoff in window)

    def reference(self, current: int) -> slice:
        """Return the windows that a window is compared with."""
        return slice(current + self.gap, current + self.gap + self.width)


def lay_out(
    as_of: datetime, until: datetime, first: datetime, params: MonitorParams
) -> Layout | None:
    """Lay windows back from a moment.

    Args:
        as_of: nothing at or after it is seen.
        until: what the champion learned from lies before it.
        first: the earliest cutoff at which nothing open is missing.
        params: length of windows, and how many are compared.

    Returns:
        None where the data does not reach back to one reference window.
    """
    end, length = midnight(as_of), timedelta(days=params.window_days)
    reaches = (end - first) // length
    learned = -((midnight(until) - end) // length) if until < end else 0
    gap = max(learned, 1)
    width = min(params.reference_windows, reaches - gap)
    if width < 1:
        return None
    n_past = max(0, min(params.past_windows, reaches - gap - width))
    windows = range(gap + width + n_past)
    return Layout(tuple(_cutoffs(end - w * length, params) for w in windows), gap, width, n_past)


def _cutoffs(last: datetime, params: MonitorParams) -> tuple[datetime, ...]:
    steps: Sequence[int] = range(0, params.window_days, params.every_days)
    return tuple(last - timedelta(days=days) for days in reversed(steps))
