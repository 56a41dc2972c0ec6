"""Laws of pairing: the same rows, known outcomes only, and never two different questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from training.cutoffs import first_midnight, later_cutoffs
from training.evaluation.later import CHALLENGER, CHAMPION, LaterForecasts, pair

DAY = datetime(2025, 3, 1)


def forecasts(p: list[float]) -> LaterForecasts:
    """Two leads at two cutoffs; one outcome is not known yet."""
    keys = pd.DataFrame(
        {
            "lead_id": ["b", "a", "b", "a"],
            "cutoff": [DAY, DAY, DAY + timedelta(days=7), DAY + timedelta(days=7)],
        }
    )
    y = np.array([1.0, 0.0, np.nan, 0.0])
    segments = pd.DataFrame({"source": ["web", "fair", "web", "fair"]})
    owners = pd.Series(["r1", "r2", "r1", "r2"])
    return LaterForecasts("a lead converts", keys, np.array(p), y, segments, owners)


def test_rows_meet_by_their_keys() -> None:
    """However a model orders its rows, each chance meets the other model's of the same row."""
    champion, other = forecasts([0.1, 0.2, 0.3, 0.4]), forecasts([0.5, 0.6, 0.7, 0.8])
    back = np.array([3, 2, 1, 0])
    turned = replace(other, keys=other.keys.iloc[back], p=other.p[back], y=other.y[back])
    paired = pair(champion, turned, "leads")
    assert list(paired.forecasts.named[CHAMPION]) == [0.2, 0.1, 0.4]
    assert list(paired.forecasts.named[CHALLENGER]) == [0.6, 0.5, 0.8]
    assert list(paired.forecasts.y) == [0, 1, 0]
    assert list(paired.segments["source"]) == ["fair", "web", "fair"]
    assert paired.n_units == (1, 1)


def test_different_questions_are_not_compared() -> None:
    """Models of different horizons are refused, both named."""
    champion = forecasts([0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InputError, match=r"whether a lead converts, .* whether it snows"):
        pair(champion, replace(champion, event="it snows"), "leads")


def test_a_missing_forecast_is_refused() -> None:
    """A challenger that leaves rows out cannot be compared on the rest."""
    champion = forecasts([0.1, 0.2, 0.3, 0.4])
    short = replace(champion, keys=champion.keys[:1], p=champion.p[:1], y=champion.y[:1])
    with pytest.raises(InputError, match="no forecast for 2 of 3 rows"):
        pair(champion, short, "leads")


@pytest.mark.parametrize("every", [1, 2, 7])
def test_later_cutoffs_lie_behind_what_was_seen(every: int) -> None:
    """They are midnights at or after the moment seen up to, and end at the last known outcome."""
    seen, last = DAY + timedelta(hours=5), DAY + timedelta(days=20)
    cutoffs = later_cutoffs(seen, last, every)
    assert cutoffs[-1] == last
    assert seen <= cutoffs[0] < seen + timedelta(days=every + 1)
    assert {b - a for a, b in pairwise(cutoffs)} == {timedelta(days=every)}
    assert later_cutoffs(last + timedelta(seconds=1), last, every) == ()
    assert later_cutoffs(last, last, every) == (last,)
    assert first_midnight(DAY) == DAY
