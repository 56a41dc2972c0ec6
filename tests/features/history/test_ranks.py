"""Ranks within groups, beside pandas' own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.history.ranks import ranks


@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_ranks_are_those_of_pandas(size: int) -> None:
    """Ties share their mean rank; empty values have none; infinities and -0.0 are numbers."""
    rng = np.random.default_rng(size)
    values = np.round(rng.normal(size=size), 1)
    for odd, share in ((np.nan, 0.2), (np.inf, 0.05), (-0.0, 0.05)):
        values[rng.random(size) < share] = odd
    group = rng.integers(0, 5, size)
    expected = pd.Series(values).groupby(group).rank(pct=True).to_numpy(dtype=np.float64)
    np.testing.assert_array_equal(ranks(values, group), expected)


def test_more_groups_than_a_small_number_holds() -> None:
    """Groups are told apart however many there are."""
    group = np.arange(70_000)
    assert (ranks(np.zeros(len(group)), group) == 1.0).all()


def test_a_group_without_values_has_no_ranks() -> None:
    """Who is alone with empty values stands nowhere."""
    assert np.isnan(ranks(np.array([np.nan, np.nan]), np.array([0, 0]))).all()
