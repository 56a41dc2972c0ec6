"""Features that stand for a group of people: a model that leaves the group out may still see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from training.evaluation.lead_forecasts import codes

STRONG = 0.25
"""Share of variance that a group and a feature have in common, from which on it is a proxy. Cohen
(1988) calls 0.14 large."""
MOST = 12
"""Proxies that are named for each attribute, at most."""


@dataclass(frozen=True)
class Proxy:
    """A feature that tells much of a group.

    Attributes:
        attribute: the attribute that groups people.
        feature: its name.
        label: its words.
        measure: "eta squared" of a number, "Cramér's V" of a category.
        value: how strong, 0 to 1.
    """

    attribute: str
    feature: str
    label: str
    measure: str
    value: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return dict(vars(self))


def find_proxies(
    X: pd.DataFrame,
    labels: Mapping[str, str],
    categorical: frozenset[str],
    groups: Mapping[str, pd.Series],
    reps: pd.Series,
) -> list[Proxy]:
    """Return the features that are strongly associated with a group, the strongest first.

    Both measures are corrected for chance with the number of reps, not of rows: a figure of the
    rep repeats in all its rows, and 60 reps in 8 teams share 12 % of their variance by luck alone.

    Args:
        X: the features in use.
        labels: their words.
        categorical: those that hold categories.
        groups: attribute -> every row's value.
        reps: ids, a row each.
    """
    found = []
    for attribute, column in groups.items():
        known = column.notna().to_numpy() & reps.notna().to_numpy()
        group = codes(column[known].astype(str))
        people = codes(reps[known].astype(str))
        if not len(group) or group.max() == 0:
            continue
        strong = [
            Proxy(attribute, str(name), labels.get(str(name), str(name)), measure, value)
            for name, measure, value in _measured(X[known], group, people, categorical)
            if value**2 >= STRONG or (measure == ETA and value >= STRONG)
        ]
        found += sorted(strong, key=lambda proxy: -proxy.value)[:MOST]
    return found


ETA, CRAMER = "eta squared", "Cramér's V"


def _measured(
    X: pd.DataFrame, group: Ints, people: Ints, categorical: frozenset[str]
) -> Iterator[tuple[str, str, float]]:
    for name in X.columns:
        values = X[name].to_numpy(np.float64)
        filled = ~np.isnan(values)
        n_reps = len(np.unique(people[filled]))
        if n_reps <= group.max() + 1:
            continue
        if name in categorical:
            yield str(name), CRAMER, cramers_v(values[filled], group[filled], n_reps)
        else:
            yield str(name), ETA, eta_squared(values[filled], group[filled], n_reps)


def eta_squared(values: Floats, group: Ints, n_reps: int) -> float:
    """Return the share of a number's variance that lies between groups, less what luck explains.

    Epsilon squared (Kelley 1935), with reps as the units:

    | between groups, of all variance | groups | reps | returned |
    |---------------------------------|--------|------|----------|
    | 0.12                            | 8      | 60   | 0.001    |
    | 0.50                            | 8      | 60   | 0.433    |
    | 0.50                            | 2      | 60   | 0.491    |
    """
    centred = values - values.mean()
    total = float(centred @ centred)
    sizes = np.bincount(group)
    present = sizes > 0
    if total <= 0 or present.sum() < 2:  # noqa: PLR2004 - one group shares nothing
        return 0.0
    sums = np.bincount(group, centred)[present]
    share = float((sums**2 / sizes[present]).sum()) / total
    return max(0.0, 1 - (1 - share) * (n_reps - 1) / (n_reps - int(present.sum())))


def cramers_v(values: Floats, group: Ints, n_reps: int) -> float:
    """Return how strongly a category and a group go together: 0 not at all, 1 one tells the other.

    Corrected for chance (Bergsma 2013), with reps as the units.
    """
    category = codes(pd.Series(values))
    _, group = np.unique(group, return_inverse=True)
    rows, columns = int(category.max()) + 1, int(group.max()) + 1
    if min(rows, columns) < 2:  # noqa: PLR2004 - a constant goes with nothing
        return 0.0
    table = np.bincount(category * columns + group, minlength=rows * columns)
    share = table.reshape(rows, columns) / len(values)
    expected = np.outer(share.sum(axis=1), share.sum(axis=0))
    phi = float(((share - expected) ** 2 / expected).sum())
    luck = (rows - 1) * (columns - 1) / (n_reps - 1)
    rows_left, columns_left = (k - (k - 1) ** 2 / (n_reps - 1) for k in (rows, columns))
    least = min(rows_left, columns_left) - 1
    return float(min(1.0, (max(0.0, phi - luck) / least) ** 0.5)) if least > 0 else 0.0
