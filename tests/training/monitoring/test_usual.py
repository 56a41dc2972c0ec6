"""What the past leads to expect: by hand, and how often an ordinary value lies outside."""

from __future__ import annotations

import numpy as np
import pytest

from training.monitoring.usual import usual


def test_range_by_hand() -> None:
    """The first case of the docstring."""
    normal = usual(np.array([1.0, 1.1, 0.9, 1.0, 1.0]), 0.005, 5)
    assert normal is not None
    assert (normal.low, normal.high) == (
        pytest.approx(0.57, abs=0.01),
        pytest.approx(1.43, abs=0.01),
    )


@pytest.mark.parametrize("n", [5, 13, 50])
def test_ordinary_values_are_seldom_outside(n: int) -> None:
    """Of 4,000 pasts and next values of one normal distribution, at most 5 % lie outside."""
    rng = np.random.default_rng(n)
    samples = rng.normal(size=(4_000, n + 1))
    ranges = [usual(sample[1:], 0.05, 5) for sample in samples]
    outside = [r is not None and r.excludes(s[0]) for r, s in zip(ranges, samples, strict=True)]
    assert 0.005 < np.mean(outside) <= 0.055


@pytest.mark.parametrize("seed", range(5))
def test_what_has_happened_before_is_never_outside(seed: int) -> None:
    """Every earlier value lies inside, heavy tails and one great outlier included."""
    past = np.random.default_rng(seed).standard_t(1.5, size=12)
    normal = usual(past, 0.2, 5)
    assert normal is not None
    assert not any(normal.excludes(value) for value in past)


def test_a_short_past_says_nothing() -> None:
    """With fewer values than asked for, or with empty ones, there is no range."""
    assert usual(np.array([1.0, 2.0, 3.0]), 0.05, 5) is None
    assert usual(np.array([1.0, 2.0, np.nan, np.inf, 3.0]), 0.05, 5) is None


def test_noise_is_the_least_scatter() -> None:
    """A past that happened to stand still is allowed its sampling error."""
    still = np.ones(10)
    narrow, wide = usual(still, 0.05, 5), usual(still, 0.05, 5, noise=0.1)
    assert narrow is not None
    assert wide is not None
    assert narrow.excludes(1.05)
    assert not wide.excludes(1.05)
