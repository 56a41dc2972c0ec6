"""The population stability index: how far two distributions lie apart, and how far luck moves it.

Siddiqi (2006), "Credit Risk Scorecards", for the index and for 0.1 and 0.2 as its usual limits;
Yurdakul (2018), "Statistical Properties of Population Stability Index", for its distribution.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from features.arrays import Floats, Ints

BINS = 10
SMOOTHING = 0.5
"""Leads added to every bin: an empty one would make the index infinite."""


def psi(reference: Floats, current: Floats) -> Floats:
    """Return the population stability index: sum over bins of (q - p) log(q / p).

    Cases, of 1,000 leads each in two bins:

    | reference | current   | PSI   |
    |-----------|-----------|-------|
    | 500 500   | 500 500   | 0     |
    | 500 500   | 600 400   | 0.040 |
    | 500 500   | 720 280   | 0.208 |
    | 1000 0    | 0 1000    | 15.2  |

    Args:
        reference: leads in each bin, the bins on the last axis.
        current: the same shape.
    """
    p, q = _shares(reference), _shares(current)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def _shares(counts: Floats) -> Floats:
    smoothed = counts + SMOOTHING
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


def luck(
    n_bins: Ints | int, n: Floats | Ints, m: Floats | Ints, chance: float
) -> tuple[Floats, Floats]:
    """Return the index of two samples of one distribution: its mean, and how high luck takes it.

    It is distributed as (1/n + 1/m) chi-square with k - 1 degrees of freedom (Yurdakul 2018).

    Args:
        n_bins: k, the bins that either sample fills.
        n: leads in the one.
        m: leads in the other.
        chance: that luck alone takes it higher.
    """
    freedom = np.maximum(np.asarray(n_bins) - 1, 1)
    scale = 1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)
    return freedom * scale, stats.chi2.isf(chance, freedom) * scale


def sampling_error(reference: Floats, current: Floats) -> float:
    """Return the standard error of an index, by the delta method for two multinomial samples.

    With g = log(q / p) the index changes by g + 1 - p / q for a lead more in a bin of the current
    sample, and by -g + 1 - q / p for one more in the reference.

    Args:
        reference: leads in each bin.
        current: the same.
    """
    p, q = _shares(reference), _shares(current)
    moves = np.log(q / p)
    of_current, of_reference = moves + 1 - p / q, -moves + 1 - q / p
    variance = _variance(q, of_current) / max(float(current.sum()), 1.0)
    variance += _variance(p, of_reference) / max(float(reference.sum()), 1.0)
    return float(np.sqrt(variance))


def _variance(shares: Floats, values: Floats) -> float:
    mean = float((shares * values).sum())
    return float((shares * (values - mean) ** 2).sum())


def binned(values: Floats, reference: Floats, *, is_category: bool) -> tuple[Ints, int]:
    """Number the bin of every value; the last one holds what is empty.

    Args:
        values: a feature of all rows; of a category, the place of its word.
        reference: values whose deciles part the bins; ties fall into one bin.
        is_category: every word has a bin of its own.

    Returns:
        The bins, and how many there are.
    """
    is_known = ~np.isnan(values)
    if is_category:
        places = np.where(is_known, values, -1).astype(np.int64)
        n = int(places.max(initial=0)) + 1
        return np.where(is_known, places, n), n + 1
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
    # A value at an edge lies below it: a feature that is mostly 0 has a bin of its own for 0.
    places = np.searchsorted(edges, values, side="left")
    return np.where(is_known, places, len(edges) + 1), len(edges) + 2


def once_each(groups: Ints, leads: Ints) -> Floats:
    """Return a weight for each row, so that a lead counts 1 in a group however often it is there.

    Args:
        groups: of each row, such as a window.
        leads: of each row.
    """
    rows = pd.DataFrame({"group": groups, "lead": leads})
    return np.asarray(1.0 / rows.groupby(["group", "lead"])["lead"].transform("size").to_numpy())
