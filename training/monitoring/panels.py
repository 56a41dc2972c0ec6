"""What champions look at, week by week: their features, their forecasts, the parts they fall in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats, Ints
from features.build import Examples, build
from features.clock import midnight
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.leads.backtest import segment_columns
from training.leads.bundle import Bundle
from training.quota.bundle import QuotaBundle
from training.quota.dataset import build_or_empty

FORECAST = "forecast"


@dataclass(frozen=True, eq=False)
class Panel:
    """A champion's rows, week by week.

    Attributes:
        kind: "leads" or "quota".
        values: the features in use, and `forecast` where there is one a row.
        week: of each row, 0 the newest.
        unit: the lead or deal of each row.
        parts: the parts of the company each row belongs to, a column a segment.
        categorical: columns whose values are categories.
        labels: each column in words.
    """

    kind: str
    values: pd.DataFrame
    week: Ints
    unit: npt.NDArray[np.object_]
    parts: pd.DataFrame
    categorical: tuple[str, ...]
    labels: Mapping[str, str]

    def forecasts(self, count: int) -> Floats:
        """Return the mean forecast of every week, the newest last; NaN where there is none."""
        if FORECAST not in self.values:
            return np.full(count, np.nan)
        means = self.values[FORECAST].groupby(self.week).mean().reindex(range(count))
        return np.asarray(means, np.float64)[::-1]


def weekly_cutoffs(as_of: datetime, count: int) -> list[datetime]:
    """Return the last midnight, and one a week before it, rising."""
    last = midnight(as_of)
    return [last - timedelta(days=7 * k) for k in range(count)][::-1]


def lead_panel(warehouse: Warehouse, bundle: Bundle, count: int) -> Panel:
    """Build a lead model's features and forecasts at weekly cutoffs."""
    cutoffs = weekly_cutoffs(warehouse.data_until, count)
    examples = build(warehouse, bundle.feature_set, bundle.vocabulary, cutoffs, bundle.params)
    X = examples.X[[*bundle.columns]]
    values = _that_vary(examples, X).assign(**{FORECAST: bundle.probability(X)})
    return _panel("leads", examples, values, "lead_id", segment_columns(examples, bundle))


def deal_panel(warehouse: Warehouse, bundle: QuotaBundle, count: int) -> Panel:
    """Build the features of open deals that a quota model looks at, at weekly cutoffs."""
    cutoffs = weekly_cutoffs(warehouse.data_until, count)
    declared, words = bundle.deal_set, bundle.deal_vocabulary
    with warehouse.workspace() as work:
        examples = build_or_empty(work, declared, words, cutoffs, bundle.params)
    own = [name for name in bundle.columns if name in examples.X]
    values = _that_vary(examples, examples.X[own])
    return _panel("quota", examples, values, "deal_id", pd.DataFrame(index=values.index))


def _that_vary(examples: Examples, X: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that tell rows of a cutoff apart: the date shifts by itself."""
    if not len(X):
        return X
    unlike = X.groupby(examples.keys[CUTOFF].to_numpy()).nunique(dropna=False).max()
    return X[[name for name in X.columns if unlike[name] > 1]]


def _panel(
    kind: str, examples: Examples, values: pd.DataFrame, unit: str, parts: pd.DataFrame
) -> Panel:
    cutoffs = pd.to_datetime(examples.keys[CUTOFF])
    week = np.asarray((cutoffs.max() - cutoffs).dt.days // 7, np.int64)
    labels = {feature.name: feature.about.label for feature in examples.feature_set}
    return Panel(
        kind=kind,
        values=values.reset_index(drop=True),
        week=week,
        unit=examples.keys[unit].to_numpy(object),
        parts=parts.reset_index(drop=True),
        categorical=tuple(n for n in examples.feature_set.categorical if n in values),
        labels={**labels, FORECAST: "the forecast itself"},
    )
