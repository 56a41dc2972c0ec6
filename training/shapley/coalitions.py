"""Shapley values of a few players, exact: every coalition is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from features.arrays import Floats


def shapley_values(worth: Mapping[frozenset[int], Floats], players: int) -> Floats:
    """Return what each player adds, averaged over all orders in which players may come.

    Shapley (1953). A player who joins a coalition of size s before all others has the weight
    s! (n - s - 1)! / n!. Two players, worth 1 alone, 2 alone, and 5 together:

    | order | the first adds | the second adds |
    |-------|----------------|-----------------|
    | 1, 2  | 1              | 4               |
    | 2, 1  | 3              | 2               |
    | mean  | 2              | 3               |

    Args:
        worth: what each coalition is worth, row by row; all coalitions, the empty one included.
        players: how many there are, numbered from 0.

    Returns:
        Rows x players; a row adds up to the worth of all players less that of none.
    """
    values = np.zeros((len(worth[frozenset()]), players))
    for coalition, value in worth.items():
        size = len(coalition)
        for player in set(range(players)) - coalition:
            weight = math.factorial(size) * math.factorial(players - size - 1)
            added = worth[coalition | {player}] - value
            values[:, player] += weight / math.factorial(players) * added
    return values
