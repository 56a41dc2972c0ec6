"""Two models' forecasts of the same later rows, side by side, with what happened.

"Later" means that neither model had learned from the rows: their cutoffs lie at or after the moment
up to which either saw the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.lead_forecasts import codes
from training.evaluation.resampled import Forecasts

CHAMPION, CHALLENGER = "champion", "challenger"
CUTOFF = "cutoff"


@dataclass(frozen=True)
class LaterCutoffs:
    """The cutoffs at which two models can be compared.

    Attributes:
        cutoffs: rising; all outcomes at them are known, or known for some of the rows.
        mature_from: the extract must reach at least this moment for the first outcome to be known;
            None where nothing is running that could ever be known.
    """

    cutoffs: tuple[datetime, ...]
    mature_from: datetime | None


@dataclass(frozen=True)
class JudgingWindow:
    """Where a new model's twin can be compared with the champion, so that the newest past decides.

    Attributes:
        start: the window's cutoffs lie at or after this moment, and the twin learns until it; None
            where the extract is too short for a window.
        judged_from: the extract must reach this moment before a window lies wholly after what the
            champion saw; None where nobody can tell yet.
    """

    start: datetime | None
    judged_from: datetime | None


@dataclass(frozen=True, eq=False)
class LaterForecasts:
    """One model's forecasts of later rows.

    Attributes:
        event: what is forecast, in words; models of different events cannot be compared.
        keys: what tells rows apart. The first column (a lead, a rep) is what resamples draw whole;
            one column is `cutoff`.
        p: the chance of each row.
        y: 1 where it happened, 0 where it did not, NaN while unknown.
        segments: the part of the company each row belongs to, a column a segment.
        owners: who owns each row, and so shares luck with its other rows; empty where nobody does.
    """

    event: str
    keys: pd.DataFrame
    p: Floats
    y: Floats
    segments: pd.DataFrame
    owners: pd.Series


@dataclass(frozen=True, eq=False)
class CalibrationCheck:
    """Forecasts of one kind of thing, and what their sum may be off by though the model is sound.

    Attributes:
        subject: what is forecast, in words: "lead conversion", "open deals".
        units: what is drawn whole, in words: "leads", "reps", "deals".
        forecasts: of cutoffs that the model had not learned from.
        is_alarming: a ratio that is off is an alarm; a warning otherwise.
        level_error: standard error of the log of the model's own level, which it learned from a
            finite number of events of the same owners.
        shared_error: standard deviation of the log of the ratio by luck that all rows share; 0
            where it is not known, and what monitoring takes a sound model to be off by anyway
            stands for it.
    """

    subject: str
    units: str
    forecasts: LaterForecasts
    is_alarming: bool
    level_error: float = 0.0
    shared_error: float = 0.0


@dataclass(frozen=True, eq=False)
class Paired:
    """Two models' forecasts of the same rows with known outcomes.

    Attributes:
        unit: what resamples draw whole, in words: "leads", "reps".
        forecasts: by `CHAMPION` and `CHALLENGER`.
        segments: for each attribute to split the rows by, every row's value.
    """

    unit: str
    forecasts: Forecasts
    segments: Mapping[str, pd.Series] = field(default_factory=dict)

    @property
    def n_units(self) -> tuple[int, int]:
        """How many units ever saw it happen, and how many ever saw it not happen."""
        y, clusters = self.forecasts.y, self.forecasts.clusters
        return len(np.unique(clusters[y > 0])), len(np.unique(clusters[y == 0]))

    def take(self, rows: Ints) -> Paired:
        """Return some of the rows, by position."""
        segments = {name: column.iloc[rows] for name, column in self.segments.items()}
        return Paired(self.unit, self.forecasts.take(rows), segments)


def pair(champion: LaterForecasts, challenger: LaterForecasts, unit: str) -> Paired:
    """Put two models' forecasts of the same rows side by side; unknown outcomes are left out.

    Args:
        champion: the forecasts of the model in use; its segments count.
        challenger: those of the other one.
        unit: what resamples draw whole, in words.

    Raises:
        InputError: they forecast different events, or different rows.
    """
    if champion.event != challenger.event:
        raise InputError(
            f"the champion forecasts whether {champion.event}, the challenger whether "
            f"{challenger.event}: the two cannot be compared; train a challenger with the "
            "champion's settings, or promote it with --by and --reason"
        )
    keys = list(champion.keys.columns)
    known = ~np.isnan(champion.y)
    left = champion.keys.assign(_y=champion.y, _p=champion.p, _row=np.arange(len(known)))[known]
    rows = left.merge(challenger.keys.assign(_other=challenger.p), on=keys, how="left")
    if rows["_other"].isna().any():
        raise InputError(
            f"the challenger has no forecast for {int(rows['_other'].isna().sum()):,} of "
            f"{len(rows):,} rows that the champion forecasts"
        )
    rows = rows.sort_values([CUTOFF, *keys], kind="stable")
    named = {CHAMPION: rows["_p"].to_numpy(np.float64), CHALLENGER: rows["_other"].to_numpy()}
    segments = champion.segments.iloc[rows["_row"].to_numpy()].reset_index(drop=True)
    return Paired(
        unit=unit,
        forecasts=Forecasts(
            y=rows["_y"].to_numpy(np.float64),
            named=named,
            clusters=codes(rows[keys[0]].astype(str)),
            lists=codes(rows[CUTOFF]),
        ),
        segments={str(name): segments[name] for name in segments},
    )
