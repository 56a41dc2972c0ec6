"""How well one column alone separates two kinds of leads, as a sceptic would measure it.

A number is judged by its own ranking. Every column is also judged by the share of positives that
each of its values has on *other* leads: an identifier, which is different for every lead, then
separates nothing. Missing values count as a value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu

from features.arrays import Bools, Floats

FEWEST = 20
"""Leads of each kind without which nothing is said about a column."""
BINS = 50
"""Beyond this many different values, numbers are pooled into ranges of equally many rows."""
PRIOR = 1.0
"""Rows at the overall rate that the rate of every value starts from."""
SURE = 1.645
"""Standard errors between an AUC and its lower bound (95 %, one-sided)."""


@dataclass(frozen=True)
class Sample:
    """Rows to judge columns on.

    Attributes:
        y: 1 or 0.
        half: rows of one lead share a half; rates learned on one half judge the other.
        positives: leads among the rows of 1.
        negatives: leads among the rows of 0.
    """

    y: Floats
    half: Bools
    positives: int
    negatives: int

    @property
    def is_enough(self) -> bool:
        """Whether there are enough leads of both kinds."""
        return min(self.positives, self.negatives) >= FEWEST

    def lower_bound(self, area: float) -> float:
        """Return the lower bound of an AUC, counting leads instead of rows.

        The standard error is that of Hanley & McNeil (1982). Half an error is added to what was
        seen, so that a perfect split of few leads does not pass for certain: of 20 leads against
        many, an AUC of 1 counts as 20.5 / 21 = 0.976.
        """
        few = min(self.positives, self.negatives)
        a = (area * few + 0.5) / (few + 1)
        # Two positives that both outrank a negative; a positive that outranks two negatives.
        q1, q2 = a / (2 - a) - a * a, 2 * a * a / (1 + a) - a * a
        variance = a * (1 - a) + (self.positives - 1) * q1 + (self.negatives - 1) * q2
        return float(a - SURE * np.sqrt(variance / (self.positives * self.negatives)))


def sample_of(y: Floats, leads: npt.NDArray[np.object_ | np.str_]) -> Sample:
    """Describe rows; every second lead, in the rows' order, goes into the first half."""
    _, first, place = np.unique(leads.astype(str), return_index=True, return_inverse=True)
    half = (np.argsort(np.argsort(first)) % 2 == 0)[place]
    return Sample(y, half, len(set(place[y == 1])), len(set(place[y == 0])))


def roc_auc(y: Floats, score: Floats) -> float:
    """Return the area under the ROC curve, ties counted half; NaN with one class only.

    It is the Mann-Whitney U of the positives as a share of all pairs. Unlike scikit-learn's, it
    takes infinite scores, which stand for missing values here.
    """
    positives, negatives = score[y == 1], score[y != 1]
    if not len(positives) or not len(negatives):
        return float("nan")
    u = mannwhitneyu(positives, negatives, method="asymptotic").statistic
    return float(u / (len(positives) * len(negatives)))


def best_auc(values: Floats, sample: Sample, *, ordered: bool) -> float:
    """Return the best AUC, from 0.5 to 1, that a column reaches by itself.

    Four ways to read the column are tried, and the best of them counts:
        rates: each value as the share of positives among other leads with that value.
        missing: whether there is a value at all.
        low: the numbers by their order, missing ones below all others.
        high: the numbers by their order, missing ones above all others.

    Args:
        values: numbers, or places in a list of words; NaN where missing.
        sample: the rows.
        ordered: the numbers have an order, so that their own ranking is judged too.
    """
    areas = [0.5, _auc_by_rates(_codes(values, ordered=ordered), sample)]
    missing = np.isnan(values)
    if missing.any():
        areas.append(_either_way(roc_auc(sample.y, missing.astype(np.float64))))
    if ordered:
        for stand_in in (-np.inf, np.inf) if missing.any() else (0.0,):
            filled = np.where(missing, stand_in, values)
            areas.append(_either_way(roc_auc(sample.y, filled)))
    return float(np.nanmax(areas))


def _either_way(area: float) -> float:
    """Return the AUC of a score or of its opposite, whichever is higher."""
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


def _auc_by_rates(codes: npt.NDArray[np.intp], sample: Sample) -> float:
    """Judge each half of the leads by the rates that the values have in the other half."""
    areas = []
    for learned in (sample.half, ~sample.half):
        y, count = sample.y, int(codes.max()) + 1
        rate = y[learned].mean() if learned.any() else 0.5
        positives = np.bincount(codes[learned], weights=y[learned], minlength=count)
        rows = np.bincount(codes[learned], minlength=count)
        rates = (positives + PRIOR * rate) / (rows + PRIOR)
        areas.append(roc_auc(y[~learned], rates[codes[~learned]]))
    return float(np.mean(areas))
