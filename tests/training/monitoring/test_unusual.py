"""Laws of comparing a week with the weeks before it."""

from __future__ import annotations

import numpy as np
import pytest

from training.monitoring.unusual import FEWEST_WEEKS, unusual

SEEDS = range(5)
Z = 6.0


@pytest.mark.parametrize("mean", [30, 300, 9_000])
def test_steady_counts_are_not_unusual(mean: float) -> None:
    """Counts that vary by chance alone leave the usual range less than once in a thousand weeks."""
    draws = np.random.default_rng(1).poisson(mean, (3_000, 41))
    away = np.array([unusual(row, Z).z for row in draws])
    assert (np.abs(away) >= Z).mean() < 0.001
    assert 0.5 < away.std() < 2


@pytest.mark.parametrize("seed", SEEDS)
def test_double_counts_are(seed: int) -> None:
    """A week loaded twice is found in any company whose weeks vary by a tenth."""
    draws = np.random.default_rng(seed)
    weeks = draws.poisson(300 * np.exp(draws.normal(0, 0.1, 41))).astype(float)
    weeks[-1] *= 2
    assert unusual(weeks, Z).rises(1.5, 4)
    weeks[-1] = 0
    assert unusual(weeks, Z).falls(10, Z)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_larger_plant_is_further_away(seed: int) -> None:
    """Whatever is found stays found when it grows."""
    weeks = np.random.default_rng(seed).poisson(200, 30).astype(float)
    away = [unusual([*weeks[:-1], factor * 200], Z).z for factor in (1, 1.5, 2, 3, 10)]
    assert away == sorted(away)


def test_a_bad_week_in_the_past_hides_nothing() -> None:
    """Nor does a holiday: the median does not know it."""
    weeks = np.full(30, 500.0) + np.arange(30) % 7
    weeks[10], weeks[20] = 20, 4_000
    weeks[-1] = 1_000
    assert unusual(weeks, Z).rises(1.6, Z)


def test_few_weeks_tell_nothing() -> None:
    """And neither rise nor fall."""
    found = unusual([5.0] * FEWEST_WEEKS, Z)
    assert np.isnan(found.z)
    assert not found.rises(1.1, 0)
    assert not found.falls(1.1, 0)
