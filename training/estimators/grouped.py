"""Folds and standard errors that keep the rows of a group together."""

from __future__ import annotations

import numpy as np

from features.arrays import Floats, Ints
from features.errors import InputError


def folds_of(group: Ints, folds: int, seed: int) -> Ints:
    """Return the fold of each row, 0 to folds - 1; the rows of a group share theirs.

    It depends on which groups there are, not on how many rows each has or how they are ordered.

    Raises:
        InputError: there are fewer groups than folds.
    """
    groups, place = np.unique(group, return_inverse=True)
    if len(groups) < folds:
        raise InputError(f"{folds} folds need as many groups, there are {len(groups)}")
    drawn = np.random.default_rng(seed).permutation(len(groups)) % folds
    return np.asarray(drawn[place])


def clustered_error(residuals: Floats, group: Ints) -> float | None:
    """Return the standard error of a mean from its residuals; None with fewer than two groups.

    It is that of the groups' sums (Liang & Zeger 1986), with the usual correction for few groups.
    """
    groups, place = np.unique(group, return_inverse=True)
    if len(groups) < 2:  # noqa: PLR2004  # one group says nothing of how groups differ
        return None
    sums = np.bincount(place, weights=residuals)
    return float(np.sqrt((sums**2).sum() * len(groups) / (len(groups) - 1)) / len(residuals))
