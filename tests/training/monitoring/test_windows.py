"""Which windows are compared: none sees the future, none before the data, the reference is old."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from training.monitor_params import MonitorParams
from training.monitoring.windows import lay_out

PARAMS = MonitorParams()
FIRST = datetime(2024, 1, 3)


@pytest.mark.parametrize("days_of_data", [150, 300, 900])
@pytest.mark.parametrize("days_since_learned", [-20, 0, 1, 28, 29, 100])
def test_windows_keep_the_order_of_time(days_of_data: int, days_since_learned: int) -> None:
    """No cutoff lies beyond the moment or before the data; the reference is older than both ends.

    It ends before the champion's data does, and before the newest window begins.
    """
    as_of = FIRST + timedelta(days=days_of_data, hours=7)
    until = as_of - timedelta(days=days_since_learned)
    layout = lay_out(as_of, until, FIRST, PARAMS)
    if layout is None:
        assert days_of_data - days_since_learned < 3 * PARAMS.window_days
        return
    cutoffs = layout.every_cutoff
    assert cutoffs[0] >= FIRST
    assert cutoffs[-1] <= as_of
    assert all(later > earlier for earlier, later in pairwise(cutoffs))
    reference = layout.cutoffs[layout.reference(0)]
    assert len(reference) == layout.width
    assert max(max(window) for window in reference) <= until
    assert max(max(window) for window in reference) < min(layout.cutoffs[0])


def test_every_comparison_has_all_its_windows() -> None:
    """The oldest comparison ends with the oldest window."""
    layout = lay_out(FIRST + timedelta(days=500), FIRST + timedelta(days=400), FIRST, PARAMS)
    assert layout is not None
    assert layout.reference(layout.n_past).stop == len(layout.cutoffs)
    assert layout.n_past <= PARAMS.past_windows


def test_a_young_company_has_nothing_to_compare() -> None:
    """Before there is one window and one reference, there is no layout."""
    moment = FIRST + timedelta(days=40)
    assert lay_out(moment, moment, FIRST, PARAMS) is None
