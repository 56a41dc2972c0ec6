"""Forecasts of a backtest of quotas: one row per rep, period and cutoff.

A row holds a chance and a range from one distribution of final attainment, and the same from
simpler forecasts. Rows whose period has not ended are kept and counted, and never scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.lead_forecasts import MODEL, codes

KEYS = ("rep_id", "period_start", "cutoff")
CHANCE = "p_attain"
RANGE = ("attainment_p10", "attainment_p50", "attainment_p90")
QUANTILES = (0.1, 0.5, 0.9)
LIKELY = ("range_low", "range_high")
"""The ends of the range that holds 8 of 10 cases."""
HELD = "p_in_range"
"""The chance that attainment lies in that range, according to the forecast itself."""
SPLIT = ("closed", "expected_open", "expected_new")
COLUMNS = (
    *KEYS,
    "period_end",
    CHANCE,
    *RANGE,
    "attainment",
    "fold",
    "quota",
    *SPLIT,
    *LIKELY,
    HELD,
    "evidence",
)
ROLLUP = ("level", "group", "period_start", "period_end", "cutoff", "quota", "p10", "p50", "p90")
ROLLUP_COLUMNS = (*ROLLUP, "mean", "actual")
COMPANY = "company"
QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")


@dataclass(frozen=True, eq=False)
class QuotaPredictions:
    """What a backtest of quotas forecast, row by row.

    Attributes:
        frame: `COLUMNS`; attainment is the final ratio, NaN while immature or without a quota to
            divide by. A column `company` may tell pooled companies apart.
        baselines: simpler forecasts of the same rows in the same order: `p_attain` and the range.
        rollups: `ROLLUP_COLUMNS`, money; actual is NaN while immature.
        segments: for each attribute to split the rows by ("role"), every row's value as of its
            cutoff.
        target: a miss is attainment below this.
    """

    frame: pd.DataFrame
    baselines: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rollups: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*ROLLUP_COLUMNS]))
    segments: Mapping[str, pd.Series] = field(default_factory=dict)
    target: float = 1.0

    def __post_init__(self) -> None:
        """Refuse rows that cannot be scored.

        Raises:
            InputError: a column is missing, a key repeated, a chance no probability, a range out
                of order, or a baseline or segment does not fit the rows.
        """
        _require(self.frame, COLUMNS, "forecasts of quotas")
        _require(self.rollups, ROLLUP_COLUMNS, "roll-ups")
        keys = [*KEYS, *([COMPANY] if COMPANY in self.frame.columns else [])]
        if self.frame.duplicated(keys).any():
            row = self.frame[self.frame.duplicated(keys)].iloc[0]
            raise InputError(f"rep {row.rep_id} is forecast twice at cutoff {row.cutoff}")
        if MODEL in self.baselines:
            raise InputError(f"a baseline cannot be named '{MODEL}': that is the forecast itself")
        sizes = {name: len(table) for name, table in self.baselines.items()}
        sizes |= {name: len(part) for name, part in self.segments.items()}
        for name, size in sizes.items():
            if size != len(self.frame):
                raise InputError(
                    f"'{name}' has {size} rows, there are {len(self.frame)} forecasts: "
                    "give one for each"
                )
        for name in (MODEL, *self.baselines):
            self._check(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The forecasts, the model first."""
        return MODEL, *self.baselines

    @property
    def attainment(self) -> Floats:
        """What happened, NaN while unknown."""
        return self.frame["attainment"].to_numpy(np.float64, na_value=np.nan)

    @property
    def share_gone(self) -> Floats:
        """How much of its period had passed at each row's cutoff, 0 to 1."""
        start, end = self.frame["period_start"], self.frame["period_end"]
        gone = (self.frame["cutoff"] - start) / (end - start)
        return np.clip(gone.to_numpy(np.float64), 0.0, 1.0)

    @property
    def weeks(self) -> Ints:
        """The week of the period each cutoff lies in, from 0."""
        days = (self.frame["cutoff"] - self.frame["period_start"]).dt.days
        return np.asarray(days.to_numpy(np.int64) // 7, dtype=np.int64)

    @property
    def quarters(self) -> Ints:
        """The quarter of the period, 0 to 3."""
        return np.minimum((4 * self.share_gone).astype(np.int64), 3)

    @property
    def is_pooled(self) -> bool:
        """Whether there are several companies."""
        return COMPANY in self.frame.columns and len(self.frame[COMPANY].unique()) > 1

    @property
    def rep_periods(self) -> Ints:
        """Numbers of rep-periods: each ends only once, however many cutoffs see it."""
        return codes(self._company + self.frame["rep_id"].astype(str) + self._period)

    @property
    def clusters(self) -> Ints:
        """Numbers of clusters, the unit of resampling.

        Reps of one company and period share a market, which would call for company-periods. A
        single company has far too few of those. Its clusters are rep-periods, and its intervals
        leave out what another market would have done to all reps at once.
        """
        return codes(self._company + self._period) if self.is_pooled else self.rep_periods

    @property
    def lists(self) -> Ints:
        """Numbers of lists that a manager faces: the reps of one company at one cutoff."""
        return codes(self._company + self.frame["cutoff"].astype(str))

    def chance(self, name: str) -> Floats:
        """Return a forecast's chances to attain."""
        return self._table(name)[CHANCE].to_numpy(np.float64, na_value=np.nan)

    def range(self, name: str) -> Floats:
        """Return a forecast's p10, p50 and p90 side by side."""
        return self._table(name)[[*RANGE]].to_numpy(np.float64, na_value=np.nan)

    def likely(self, name: str) -> Floats:
        """Return the ends of a forecast's 80 % range; for simple rules those are p10 and p90."""
        if name == MODEL:
            return self.frame[[*LIKELY]].to_numpy(np.float64)
        return self.range(name)[:, [0, -1]]

    def mature(self) -> QuotaPredictions:
        """Return the rows whose attainment is known, in an order of their own."""
        known = self.frame.reset_index(drop=True)
        by = ["cutoff", "rep_id", "period_start"]
        by += [COMPANY] if COMPANY in known.columns else []
        return self.take(known[known["attainment"].notna()].sort_values(by).index.to_numpy())

    def take(self, rows: Ints) -> QuotaPredictions:
        """Return some of the rows, by position; roll-ups stay."""
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            baselines={n: b.iloc[rows].reset_index(drop=True) for n, b in self.baselines.items()},
            segments={
                n: pd.Series(s).iloc[rows].reset_index(drop=True) for n, s in self.segments.items()
            },
        )

    @property
    def _company(self) -> pd.Series:
        if COMPANY in self.frame.columns:
            return self.frame[COMPANY].astype(str) + "/"
        return pd.Series("", index=self.frame.index)

    @property
    def _period(self) -> pd.Series:
        return "/" + self.frame["period_start"].astype(str)

    def _table(self, name: str) -> pd.DataFrame:
        return self.frame if name == MODEL else self.baselines[name]

    def _check(self, name: str) -> None:
        _require(self._table(name), (CHANCE, *RANGE), f"forecast '{name}'")
        p, ends = self.chance(name), self.range(name)
        if not (np.isfinite(p) & (p >= 0) & (p <= 1)).all():
            raise InputError(f"forecast '{name}': {CHANCE} must be a probability in 0..1")
        if not np.isfinite(ends).all() or (np.diff(ends, axis=1) < 0).any():
            raise InputError(f"forecast '{name}': p10, p50 and p90 must be numbers that rise")
        likely = self.likely(name)
        if not np.isfinite(likely).all() or (np.diff(likely, axis=1) < 0).any():
            raise InputError(f"forecast '{name}': {' and '.join(LIKELY)} must be numbers that rise")


def _require(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise InputError(
            f"{what} lack the columns {', '.join(missing)}: "
            f"found {', '.join(map(str, frame.columns)) or 'none'}"
        )
