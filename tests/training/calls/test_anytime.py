"""Laws of intervals that may be looked at every day."""

from __future__ import annotations

import numpy as np
import pytest

from training.calls.anytime import cases_until, half_width, once_half_width, tuned_for

LEVELS = (0.8, 0.9, 0.95)


@pytest.mark.parametrize("level", LEVELS)
def test_the_width_is_the_published_formula(level: float) -> None:
    """Theorem 2.2, written out once more by hand for one n."""
    n, rho, alpha, variance = 700.0, 0.05, 1 - level, 0.09
    t = n * rho**2 + 1
    by_hand = np.sqrt(variance) * np.sqrt(2 * t / (n**2 * rho**2) * np.log(np.sqrt(t) / alpha))
    assert half_width(n, variance, rho, level) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_tuning_makes_the_interval_about_as_narrow_as_can_be(level: float) -> None:
    """Within a percent of the best rho, and less than twice as wide as an interval looked at once.

    That holds from half to four times the number of cases it was tuned for.
    """
    tuned = half_width(1000.0, 1.0, tuned_for(1000, level), level)
    others = [half_width(1000.0, 1.0, rho, level) for rho in np.geomspace(1e-3, 1, 200)]
    assert tuned <= 1.01 * min(others)
    for n in (500.0, 1000.0, 4000.0):
        ratio = half_width(n, 1.0, tuned_for(1000, level), level) / once_half_width(n, 1.0, level)
        assert 1 < ratio < 2


def test_a_mean_is_covered_at_all_times_at_once() -> None:
    """Of 400 courses of 3,000 coins looked at from the 100th on, at most 10 % ever miss.

    The interval for one look, looked at as often, misses in far more.
    """
    rng = np.random.default_rng(3)
    n = np.arange(1, 3001)
    cases = rng.random((400, 3000)) < 0.2
    mean = np.cumsum(cases, axis=1) / n
    off = np.abs(mean - 0.2)[:, 99:]
    variance = (mean * (1 - mean))[:, 99:]
    half = half_width(n[99:], variance, tuned_for(3000, 0.9), 0.9)
    assert (off > half).any(axis=1).mean() <= 0.10
    once = 1.645 * np.sqrt(variance / n[99:])
    assert (off > once).any(axis=1).mean() > 0.3


def test_the_wait_is_where_the_interval_is_narrow_enough() -> None:
    """At that number of cases it is as narrow as asked, a little before it is not."""
    rho = tuned_for(2000, 0.9)
    cases = cases_until(0.01, 0.09, rho, 0.9)
    assert half_width(cases, 0.09, rho, 0.9) <= 0.01
    assert half_width(0.99 * cases, 0.09, rho, 0.9) > 0.01
    assert cases_until(0.0, 0.09, rho, 0.9) == float("inf")
