"""Shapley's axioms: what is shared out is all there is, and goes to whom it is due."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from training.shapley.coalitions import shapley_values

PLAYERS, ROWS = 4, 5
Worth = dict[frozenset[int], npt.NDArray[np.float64]]


def coalitions() -> list[frozenset[int]]:
    """Return every coalition."""
    sizes = range(PLAYERS + 1)
    return [frozenset(c) for size in sizes for c in combinations(range(PLAYERS), size)]


def worth(seed: int) -> Worth:
    """Draw what each coalition is worth."""
    rng = np.random.default_rng(seed)
    return {coalition: rng.standard_normal(ROWS) for coalition in coalitions()}


@pytest.mark.parametrize("seed", range(5))
def test_all_that_is_won_is_shared_out(seed: int) -> None:
    """The values add up to what all players are worth, less what nobody is."""
    drawn = worth(seed)
    total = drawn[frozenset(range(PLAYERS))] - drawn[frozenset()]
    np.testing.assert_allclose(shapley_values(drawn, PLAYERS).sum(axis=1), total, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_who_adds_nothing_gets_nothing(seed: int) -> None:
    """A player without whom every coalition is worth as much has no value."""
    drawn = worth(seed)
    idle: Worth = {coalition: drawn[coalition - {2}] for coalition in drawn}
    np.testing.assert_allclose(shapley_values(idle, PLAYERS)[:, 2], 0.0, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_equal_players_get_the_same(seed: int) -> None:
    """Where two players can stand in for each other they have one value."""
    drawn = worth(seed)
    swap = {0: 1, 1: 0}
    alike = {c: drawn[c] + drawn[frozenset(swap.get(k, k) for k in c)] for c in drawn}
    values = shapley_values(alike, PLAYERS)
    np.testing.assert_allclose(values[:, 0], values[:, 1], atol=1e-12)
    assert not np.allclose(values[:, 0], values[:, 2])


def test_values_of_sums_are_sums_of_values() -> None:
    """Two games played at once are worth what they are worth one by one."""
    one, other = worth(1), worth(2)
    both = {coalition: one[coalition] + other[coalition] for coalition in one}
    apart = shapley_values(one, PLAYERS) + shapley_values(other, PLAYERS)
    np.testing.assert_allclose(shapley_values(both, PLAYERS), apart, atol=1e-12)
