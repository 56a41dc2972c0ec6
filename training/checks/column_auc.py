"""How well one column alone tells two kinds of leads apart, judged as sceptics would.

A number is judged by its order, and every column by the rates of its values as learned on other
leads: an identifier, unlike in every lead, then tells nothing. Missing values count as a value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.arrays import Bools, Floats

FEWEST = 20
"""Leads of each kind needed before anything is said of a column."""
BINS = 50
"""Values of a number beyond so many are pooled into ranges of equally many rows."""
PRIOR = 1.0
"""Rows at the overall rate that every value's rate starts from."""
SURE = 1.645
"""Standard errors below the figure at which its lower bound lies (95 %, one-sided)."""


@dataclass(frozen=True)
class Sample:
    """Rows to judge columns on.

    Attributes:
        y: 1 or 0.
        half: rows of one lead share a half; the rates of one half judge the other.
        positives: unlike leads among the rows of 1.
        negatives: unlike leads among the rows of 0.
    """

    y: Floats
    half: Bools
    positives: int
    negatives: int

    @property
    def enough(self) -> bool:
        """Tell whether there are leads enough of both kinds."""
        return min(self.positives, self.negatives) >= FEWEST

    def low(self, area: float) -> float:
        """Give the lower bound of an AUC, counting leads instead of rows.

        Standard error by Hanley & McNeil (1982). Half an error is added to what was seen, so
        that a perfect split of few leads is not taken for certain.
        """
        few = min(self.positives, self.negatives)
        a = (area * few + 0.5) / (few + 1)
        one, other = a / (2 - a) - a * a, 2 * a * a / (1 + a) - a * a
        spread = a * (1 - a) + (self.positives - 1) * one + (self.negatives - 1) * other
        return float(a - SURE * np.sqrt(spread / (self.positives * self.negatives)))


def sample_of(y: Floats, leads: npt.NDArray[np.object_ | np.str_]) -> Sample:
    """Describe rows; every second lead, in the rows' order, goes into the first half."""
    _, first, place = np.unique(leads.astype(str), return_index=True, return_inverse=True)
    half = (np.argsort(np.argsort(first)) % 2 == 0)[place]
    return Sample(y, half, len(set(place[y == 1])), len(set(place[y == 0])))


def area_of(y: Floats, score: Floats) -> float:
    """Give the area under the ROC curve, ties half; NaN with one class only."""
    won = y == 1
    n, m = int(won.sum()), int((~won).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(score)[won].sum() - n * (n + 1) / 2) / (n * m))


def separation(values: Floats, sample: Sample, *, ordered: bool) -> float:
    """Give the best AUC, 0.5 to 1, that a column reaches by itself.

    Args:
        values: numbers, or places in a list of words; NaN where missing.
        sample: the rows.
        ordered: the numbers have an order, so that their own ranking is judged too.
    """
    reached = [0.5, _by_rates(_codes(values, ordered=ordered), sample)]
    missing = np.isnan(values)
    if missing.any():
        reached.append(_either_way(area_of(sample.y, missing.astype(np.float64))))
    if ordered:
        for stand_in in (-np.inf, np.inf) if missing.any() else (0.0,):
            filled = np.where(missing, stand_in, values)
            reached.append(_either_way(area_of(sample.y, filled)))
    return float(np.nanmax(reached))


def _either_way(area: float) -> float:
    return max(area, 1 - area)


def _codes(values: Floats, *, ordered: bool) -> npt.NDArray[np.intp]:
    """Number the values, missing ones included; many numbers become ranges."""
    known, codes = np.unique(values, return_inverse=True)
    if not ordered or len(known) <= BINS:
        return codes
    filled = values[~np.isnan(values)]
    borders = np.unique(np.quantile(filled, np.linspace(0, 1, BINS + 1)[1:-1]))
    ranges: npt.NDArray[np.intp] = np.searchsorted(borders, values, side="right")
    return np.where(np.isnan(values), len(borders) + 1, ranges)


def _by_rates(codes: npt.NDArray[np.intp], sample: Sample) -> float:
    """Judge each half of the leads by the rates that the values have in the other."""
    areas = []
    for learned in (sample.half, ~sample.half):
        y, count = sample.y, int(codes.max()) + 1
        rate = y[learned].mean() if learned.any() else 0.5
        won = np.bincount(codes[learned], weights=y[learned], minlength=count)
        seen = np.bincount(codes[learned], minlength=count)
        rates = (won + PRIOR * rate) / (seen + PRIOR)
        areas.append(area_of(y[~learned], rates[codes[~learned]]))
    return float(np.mean(areas))
