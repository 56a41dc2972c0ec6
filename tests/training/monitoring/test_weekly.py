"""The newest week beside the past: seldom a false alarm, and what is large is found."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from training.monitor_params import MonitorParams
from training.monitoring.weekly import judge_week

PARAMS = MonitorParams()
WEEKS = 60
STARTS = [datetime(2025, 6, 2) - timedelta(weeks=k) for k in range(WEEKS)]
LOOSE = PARAMS.model_copy(update={"volume_up": 1.0001, "volume_down": 0.9999})
"""Whatever is beyond the past counts, however small it is."""


def counts(seed: int, level: float = 400.0) -> np.ndarray:
    """Draw the counts of a company whose weeks vary by a tenth."""
    rng = np.random.default_rng(seed)
    return rng.poisson(level * np.exp(rng.normal(0, 0.1, WEEKS))).astype(float)


def test_weeks_in_another_order_seldom_alarm() -> None:
    """Of 1,500 companies with nothing wrong, at most the nominal 5 % are off."""
    lines = [judge_week("calls", STARTS, counts(seed), 0.05, LOOSE) for seed in range(1_500)]
    assert np.mean([line is not None and line.is_off for line in lines]) <= 0.055


@pytest.mark.parametrize("seed", range(6))
def test_what_is_found_is_found_when_it_is_larger(seed: int) -> None:
    """Once a rise or a fall is found, every larger one is; the largest are found, none is not."""
    for factors in ([1.0, 1.3, 1.6, 2.0, 3.0], [1.0, 0.8, 0.5, 0.2, 0.0]):
        found = []
        for factor in factors:
            rows = counts(seed)
            rows[0] = 400 * factor
            line = judge_week("calls", STARTS, rows, 0.005, PARAMS)
            assert line is not None
            found.append(line.is_off)
        assert found == sorted(found)
        assert (found[0], found[-1]) == (False, True)


def test_a_fall_that_came_every_quarter_is_usual() -> None:
    """A week that falls to a fifth once in thirteen is no news when it does so again."""
    rows = counts(1)
    rows[13::13] /= 5
    quiet = rows.copy()
    quiet[0] /= 5
    line = judge_week("calls", STARTS, quiet, 0.005, PARAMS)
    assert line is not None
    assert not line.is_off


def test_a_week_in_which_all_work_less_is_no_silence_of_one_team() -> None:
    """Beside everybody else's rows, a holiday of the whole company is no deviation of a team."""
    own, others = counts(2), counts(3, 2_000)
    own[0], others[0] = own[0] / 5, others[0] / 5
    alone = judge_week("team 1", STARTS, own, 0.005, PARAMS)
    beside = judge_week("team 1", STARTS, own, 0.005, PARAMS, others)
    assert alone is not None
    assert beside is not None
    assert (alone.is_off, beside.is_off) == (True, False)


def test_too_few_rows_or_weeks_are_not_judged() -> None:
    """A handful of rows a week, and a company of ten weeks, have no line."""
    assert judge_week("calls", STARTS, counts(1, 3.0), 0.005, PARAMS) is None
    assert judge_week("calls", STARTS[:10], counts(1)[:10], 0.005, PARAMS) is None
