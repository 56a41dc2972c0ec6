"""What became of leads like this one: counts and conversions by the value of a feature.

A number is sorted into tenths of the training rows (a count of few different values into its
values), a category into its words. Missing values are a bin of their own, and words that training
never saw have an empty one.

| days since the last touch | leads | converted |
|---------------------------|-------|-----------|
| up to 2                   | 210   | 64 %      |
| above 2 and up to 5       | 190   | 51 %      |
| none yet                  | 12    | withheld  |
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.build import Examples

TENTHS = np.arange(1, 10) / 10
FEW_VALUES = 10
"""A number with so many different values, or fewer, is sorted into them."""
LEAST_LEADS = 20
"""Of fewer leads no rate is told."""
ROUND_FROM = 10.0
"""Percentages from here on are read without decimals."""


@dataclass(frozen=True)
class Precedent:
    """What became of leads, by one feature's value.

    Attributes:
        edges: the upper ends of the bins but the last; the bin of missing values comes after it.
        leads: different leads that were seen in each bin.
        rates: the share of looks at such leads after which they converted in time.
        overall: the same share over all leads.
    """

    edges: tuple[float, ...]
    leads: tuple[int, ...]
    rates: tuple[float, ...]
    overall: float

    @classmethod
    def count(cls, values: Floats, y: Floats, lead: Ints, words: int | None = None) -> Precedent:
        """Count the training rows.

        Args:
            values: of the feature; NaN where there is none.
            y: whether the lead converted in time.
            lead: the number of each row's lead, from 0.
            words: how many words a category has; None for numbers.
        """
        known = values[~np.isnan(values)]
        edges = _edges(known) if words is None else np.arange(words, dtype=np.float64)
        bins, count = _bin(values, edges), len(edges) + 2
        rows, converted = (np.bincount(bins, w, minlength=count) for w in (None, y))
        seen = np.zeros((int(lead.max(initial=-1)) + 1, count), np.bool_)
        seen[lead, bins] = True
        rates = converted / np.maximum(rows, 1)
        return cls(
            tuple(edges.tolist()),
            tuple(seen.sum(axis=0).tolist()),
            tuple(np.round(rates, 4).tolist()),
            round(float(y.mean()), 4),
        )

    def of(self, value: float) -> dict[str, Any]:
        """Return `count`, `rate` and `all` of leads with a like value; too few have no rate."""
        place = int(_bin(np.array([value]), np.array(self.edges))[0])
        count = self.leads[place]
        rate = self.rates[place] if count >= LEAST_LEADS else None
        return {"count": count, "rate": rate, "all": self.overall}

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Precedent:
        """Read back what `to_json` returned."""
        several = {k: tuple(plain[k]) for k in ("edges", "leads", "rates")}
        return cls(**several, overall=plain["overall"])


def precedents_of(examples: Examples, y: Floats, columns: Container[str]) -> dict[str, Precedent]:
    """Count what became of leads by each feature.

    Args:
        examples: the training rows, all of them mature.
        y: their labels.
        columns: the features that may speak for a reason.
    """
    lead = pd.factorize(examples.keys["lead_id"])[0].astype(np.int64)
    precedents = {}
    for feature in examples.feature_set:
        if feature.name in columns:
            values = examples.X[feature.name].to_numpy(np.float64)
            words = None if feature.categories is None else len(feature.categories)
            precedents[feature.name] = Precedent.count(values, y, lead, words)
    return precedents


def _edges(known: Floats) -> Floats:
    values = np.unique(known)
    if len(values) <= FEW_VALUES:
        return np.asarray(values[:-1])
    edges = np.unique(np.quantile(known, TENTHS, method="lower"))
    return edges[edges < values[-1]]


def _bin(values: Floats, edges: Floats) -> Ints:
    """Return the bin of each value: up to an edge, or above all; NaN comes last."""
    bins = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, bins).astype(np.int64)


def in_words(history: Mapping[str, Any] | None, horizon: str) -> str:
    """Say what became of leads like this one; nothing where there is nothing to say.

    >>> in_words({"count": 210, "rate": 0.64, "all": 0.41}, "30 days")
    '64 % of such leads converted within 30 days (210 leads), against 41 % of all'
    >>> in_words({"count": 4, "rate": None, "all": 0.41}, "30 days")
    'too few such leads to say more'
    """
    if history is None:
        return ""
    if history["rate"] is None:
        return "too few such leads to say more"
    rate, overall = (_percent(history[key]) for key in ("rate", "all"))
    seen = f"({history['count']:,} leads)"
    return f"{rate} of such leads converted within {horizon} {seen}, against {overall} of all"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < ROUND_FROM else f"{percent:.0f} %"
