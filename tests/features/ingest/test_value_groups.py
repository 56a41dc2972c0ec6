"""Laws of the distance between values of two groups of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.ingest.value_groups import BINS, MOST_WORDS, distance, lost_like, value_codes


def test_the_distance_is_that_of_the_table() -> None:
    """Shares of 50, 50 and 0 % against 30, 50 and 20 % lie 0.125 apart, less what chance adds."""
    n = 100_000
    one = np.repeat([0, 1], [n // 2, n // 2])
    other = np.repeat([0, 1, 2], [3 * n // 10, n // 2, n // 5])
    codes = np.concatenate([one, other])
    is_one = np.arange(2 * n) < n
    assert distance(codes, is_one, ~is_one) == pytest.approx(0.125, abs=1e-3)
    assert distance(codes, ~is_one, is_one) == distance(codes, is_one, ~is_one)


@pytest.mark.parametrize("seed", range(5))
def test_chance_is_no_distance(seed: int) -> None:
    """Two small groups of the same lie near 0, groups without a value in common near 1."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 20, 1_000)
    is_one = np.arange(1_000) < 80
    assert distance(codes, is_one, ~is_one) < 0.1  # type: ignore[operator] # there are enough rows
    assert distance(codes + 20 * is_one, is_one, ~is_one) > 0.85  # type: ignore[operator]


def test_nineteen_rows_are_too_few() -> None:
    """Then there is no distance."""
    is_one = np.arange(100) < 19
    assert distance(np.zeros(100, dtype=np.intp), is_one, ~is_one) is None


def test_values_are_pooled() -> None:
    """Numbers into ranges of equally many rows, rare words into one; empty ones stand apart."""
    numbers = value_codes(pd.Series([*np.arange(1_000.0), None]))
    assert np.bincount(numbers).tolist() == [50] * BINS + [1]
    words = value_codes(pd.Series([f"w{i}" for i in range(60) for _ in range(60 - i)] + [None]))
    assert set(words) == set(range(MOST_WORDS + 2))
    texts = value_codes(pd.Series(["1", "2.5", "1", None]))
    assert (texts[0] == texts[2], len(set(texts))) == (True, 3)


@pytest.mark.parametrize("seed", range(5))
def test_new_rows_without_hindsight_are_like_all_others(seed: int) -> None:
    """A strong column known beforehand stays below a third of the way; hindsight goes further."""
    rng = np.random.default_rng(seed)
    will, is_young = rng.random(8_000) < 0.2, rng.random(8_000) < 0.1
    won = will & ~is_young
    known = (rng.random(8_000) < np.where(will, 0.8, 0.2)).astype(np.intp)
    later = (rng.random(8_000) < np.where(won, 0.8, 0.2)).astype(np.intp)
    assert lost_like(known, is_young, won) < 0.35 < lost_like(later, is_young, won)
