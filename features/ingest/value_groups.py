"""How far the values of a column differ between two groups of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Bools
from features.ingest.fill_shares import Z

FREQUENT = 20
"""Rows that must hold a value before it says something about others."""
BINS = 20
"""Ranges of equally many rows into which numbers are pooled."""
MOST_WORDS = 30
"""Words told apart, the most frequent; the rest are pooled."""


def value_codes(values: pd.Series) -> npt.NDArray[np.intp]:
    """Number the values, empty ones included: ranges of numbers, and the most frequent words."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    if numbers.notna().sum() == values.notna().sum():
        plain = numbers.to_numpy()
        filled = plain[~np.isnan(plain)]
        borders = np.unique(np.quantile(filled, np.linspace(0, 1, BINS + 1)[1:-1]))
        ranges = np.searchsorted(borders, plain, side="right")
        return np.where(np.isnan(plain), len(borders) + 1, ranges).astype(np.intp)
    words = values.astype("string")
    # Ties by name: the same words, whatever the order of the rows.
    counts = sorted(words.value_counts().items(), key=lambda item: (-item[1], item[0]))
    places = {word: place for place, (word, _) in enumerate(counts[:MOST_WORDS])}
    codes = words.map(places).astype("Float64").fillna(MOST_WORDS)
    return np.where(words.isna(), MOST_WORDS + 1, codes.to_numpy(np.float64)).astype(np.intp)


def distance(codes: npt.NDArray[np.intp], one: Bools, other: Bools) -> float | None:
    """Return how far apart the values of two groups of rows lie, 0 to 1.

    Half the sum over values of (p - q)² / (p + q), where p and q are the shares of the value in
    each group (Le Cam 1986): 0 if the groups hold the same, 1 if they have no value in common. It
    is the share of the group's variance that the value explains where both are equally frequent.
    What chance alone adds is taken off.

    | value | p   | q   | (p - q)² / (p + q) |
    |-------|-----|-----|--------------------|
    | a     | 0.5 | 0.3 | 0.05               |
    | b     | 0.5 | 0.5 | 0                  |
    | c     | 0   | 0.2 | 0.2                |
    | half the sum      | 0.125              |

    Returns:
        The distance, or None where a group has fewer than 20 rows.
    """
    n, m = int(one.sum()), int(other.sum())
    if min(n, m) < FREQUENT:
        return None
    size = int(codes.max()) + 1
    p = np.bincount(codes[one], minlength=size) / n
    q = np.bincount(codes[other], minlength=size) / m
    p, q = p[p + q > 0], q[p + q > 0]
    chance = (p * (1 - p) / n + q * (1 - q) / m) / (p + q)
    return round(max(0.0, float(((p - q) ** 2 / (p + q) - chance).sum()) / 2), 4)


def lost_like(codes: npt.NDArray[np.intp], is_young: Bools, won: Bools) -> float:
    """Return how far just created rows surely lie on the way to the values of those not won.

    What is known at creation cannot know that a new lead has not converted yet: values that go with
    winning are as frequent among new rows as they were among all older ones. What was filled with
    hindsight is as rare as among the older ones that were not won. With scores that are the
    log-odds of a value among won rows against the others:

    | mean score of older rows | of those not won | of new rows | way  |
    |--------------------------|------------------|-------------|------|
    | 0                        | -0.2             | 0.01        | 0    |
    | 0                        | -0.2             | -0.18       | 0.9  |

    Args:
        codes: the values; those of won and other older rows must differ.
        is_young: just created rows, however they ended.
        won: won rows.

    Returns:
        The lower end of the way's 90 % interval.
    """
    size = int(codes.max()) + 1
    older_won, older_rest = won & ~is_young, ~won & ~is_young
    counts = [np.bincount(codes[rows], minlength=size) + 0.5 for rows in (older_won, older_rest)]
    p, q = (count / count.sum() for count in counts)
    score = np.log(p / q)[codes]
    new, older = score[is_young], score[~is_young]
    error = np.hypot(new.std() / np.sqrt(len(new)), older.std() / np.sqrt(len(older)))
    gap = older.mean() - score[older_rest].mean()
    return float((older.mean() - new.mean() - Z * error) / gap)
