"""Forecasts of a backtest of leads: one row per open lead and cutoff, and simpler forecasts.

Rows whose outcome is not known yet are kept and counted, and never scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.resampled import Forecasts
from training.files import LEAD_PREDICTIONS

MODEL = "model"
UNKNOWN = "unknown"

Column = Sequence[Any] | NDArray[Any] | pd.Series


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a backtest forecast, row by row.

    Attributes:
        frame: `lead_id, cutoff, horizon_days, p, y, fold`; y is 1, 0, or empty while immature.
        baselines: probabilities of simpler forecasts for the same rows, by name.
        segments: for each attribute to split the leads by ("source"), every row's value as of its
            cutoff. An ordered categorical keeps its order; other values are shown largest first.
    """

    frame: pd.DataFrame
    baselines: Mapping[str, Floats] = field(default_factory=dict)
    segments: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse rows that cannot be scored.

        Raises:
            InputError: a column is missing, a value is out of range, a key is repeated, or a
                baseline or segment does not fit the rows.
        """
        _check_columns(self.frame)
        self._check_lengths()
        Forecasts(self.y, self.named, self.leads, self.lists)

    @property
    def y(self) -> Floats:
        """What happened: 1, 0, or NaN while immature."""
        return np.asarray(self.frame["y"].to_numpy(dtype=np.float64, na_value=np.nan))

    @property
    def named(self) -> dict[str, Floats]:
        """The model's forecast and the baselines, by name, the model first."""
        p = self.frame["p"].to_numpy(dtype=np.float64, na_value=np.nan)
        others = {n: np.asarray(b, dtype=np.float64) for n, b in self.baselines.items()}
        return {MODEL: np.asarray(p), **others}

    @property
    def leads(self) -> Ints:
        """The leads, numbered in the order of their ids."""
        return codes(self.frame["lead_id"].astype(str))

    @property
    def lists(self) -> Ints:
        """The cutoffs, numbered in the order of time."""
        return codes(self.frame["cutoff"])

    @property
    def outcome_blocks(self) -> Ints:
        """Numbers of lead x horizon: rows of one block look at about the same outcome window."""
        days = (self.frame["cutoff"] - self.frame["cutoff"].min()).dt.days
        return codes(self.frame["lead_id"].astype(str) + "/" + (days // self.horizon).astype(str))

    @property
    def horizon(self) -> int:
        """The longest horizon in days."""
        return int(self.frame["horizon_days"].max()) if len(self.frame) else 1

    @property
    def forecasts(self) -> Forecasts:
        """The rows as metrics take them."""
        return Forecasts(self.y, self.named, self.leads, self.lists)

    def mature(self) -> Predictions:
        """Keep the rows whose outcome is known, by cutoff and lead.

        The order is fixed here, so that no figure depends on the order in which rows came.
        """
        known = self.frame.reset_index(drop=True)
        known = known[known["y"].notna()].sort_values(["cutoff", "lead_id"], kind="stable")
        rows = known.index.to_numpy()
        return Predictions(
            known.reset_index(drop=True),
            {name: np.asarray(p)[rows] for name, p in self.baselines.items()},
            {name: column.iloc[rows] for name, column in self._columns().items()},
        )

    def segment_rows(self, segment: str, most: int) -> dict[str, Ints]:
        """Return the rows of each part of a segment; the smallest parts are pooled.

        Args:
            segment: one of `segments`.
            most: so many parts stay on their own.
        """
        column = self._columns()[segment].reset_index(drop=True)
        is_ordered = isinstance(column.dtype, pd.CategoricalDtype) and bool(column.dtype.ordered)
        order = [str(c) for c in column.cat.categories] if is_ordered else []
        return rows_by_value(column, most, order)

    def folds(self) -> dict[str, Ints]:
        """Return the rows of each fold, in the order of time."""
        first = self.frame.groupby("fold", sort=True)["cutoff"].min().sort_values(kind="stable")
        fold = self.frame["fold"]
        return {str(name): np.flatnonzero(fold == name) for name in first.index}

    def cutoffs(self) -> dict[str, Ints]:
        """Return the rows of each cutoff, in the order of time."""
        names = sorted(self.frame["cutoff"].unique())
        at = self.frame["cutoff"]
        return {f"{pd.Timestamp(c):%Y-%m-%d}": np.flatnonzero(at == c) for c in names}

    def _columns(self) -> dict[str, pd.Series]:
        return {name: pd.Series(column) for name, column in self.segments.items()}

    def _check_lengths(self) -> None:
        for kind, columns in (("baseline", self.baselines), ("segment", self.segments)):
            for name, column in columns.items():
                if len(column) != len(self.frame):
                    raise InputError(
                        f"{kind} '{name}' has {len(column)} rows, "
                        f"there are {len(self.frame)} forecasts: give one value for each"
                    )
        if MODEL in self.baselines:
            raise InputError(f"a baseline cannot be named '{MODEL}': that is the forecast itself")


def codes(values: pd.Series) -> Ints:
    """Number values in their own order, from 0."""
    return np.asarray(pd.factorize(values, sort=True)[0], dtype=np.int64)


def rows_by_value(column: pd.Series, most: int, order: Sequence[str] = ()) -> dict[str, Ints]:
    """Return the rows of each value, the largest first; the smallest values are pooled.

    Args:
        column: the values; a missing one is `unknown`.
        most: so many entries, the pooled one included.
        order: values that come first, in this order.
    """
    words = column.astype(object).where(column.notna(), UNKNOWN).astype(str)
    sizes = words.value_counts()
    largest = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    kept = largest if len(largest) <= most else largest[: most - 1]
    names = dict.fromkeys(name for name in [*order, *largest] if name in set(kept))
    rows = {name: np.flatnonzero(words == name) for name in names}
    if len(kept) < len(largest):
        label = f"{len(largest) - len(kept)} smaller ones"
        rows[label] = np.flatnonzero(~words.isin(kept))
    return rows


def _check_columns(frame: pd.DataFrame) -> None:
    missing = [c for c in LEAD_PREDICTIONS.names if c not in frame.columns]
    if missing:
        raise InputError(
            f"forecasts lack the columns {', '.join(missing)}: "
            f"found {', '.join(map(str, frame.columns)) or 'none'}"
        )
    known = frame["y"].dropna()
    if not known.isin([0, 1]).all():
        raise InputError("y must be 1, 0 or empty: " + ", ".join(map(str, known.unique()[:5])))
    repeated = frame.duplicated(["lead_id", "cutoff", "horizon_days"])
    if repeated.any():
        row = frame[repeated].iloc[0]
        raise InputError(f"lead {row.lead_id} is forecast twice at cutoff {row.cutoff}")
