"""Forecasts beside the true chances, which only a simulated company can tell.

A file of truth holds the chance of everything that is forecast, at some cutoffs. `match_truth`
joins forecasts and chances by their keys, and `grade` computes how much of what could be known the
forecasts knew. Leads and quotas differ in their `TruthFile` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import Counts, Estimate, percentile_estimate, resample
from training.evaluation.group import forecasts_json, scores_json
from training.evaluation.lead_forecasts import MODEL, codes
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.metrics import equal_mass_bins
from training.evaluation.truth_metrics import (
    CENTRED,
    FIGURES,
    KnownChances,
    resampled_truth_metrics,
)

FOLDER = "truth"
CUTOFF = "cutoff"
HORIZON = "horizon_days"
SPREAD = (0.1, 0.9)
"""Quantiles of the true chances that the page draws beside a group of forecasts."""
SHOWN_CUTOFFS = 6


@dataclass(frozen=True)
class TruthFile:
    """A file of true chances.

    Attributes:
        name: of the file.
        keys: the columns that identify a row, in the forecasts too.
        chance: the column that holds the true chance.
        cluster: the key whose rows are resampled together.
        noun: what the cluster is called in words.
        has_horizon: whether a column says how far a row looks ahead.
    """

    name: str
    keys: tuple[str, ...]
    chance: str
    cluster: str
    noun: str
    has_horizon: bool = False


LEADS = TruthFile(
    "lead_probability.parquet", ("lead_id", CUTOFF), "p_true", "lead_id", "lead", has_horizon=True
)
QUOTAS = TruthFile(
    "attainment.parquet", ("rep_id", "period_start", CUTOFF), "p_attain_true", "rep_id", "rep"
)


@dataclass(frozen=True, eq=False)
class Truth:
    """True chances, one row for each key.

    Attributes:
        file: which file they are from.
        frame: the file's columns.
    """

    file: TruthFile
    frame: pd.DataFrame

    @property
    def cutoffs(self) -> list[datetime]:
        """The cutoffs with true chances, in order."""
        return [pd.Timestamp(c).to_pydatetime() for c in sorted(self.frame[CUTOFF].unique())]

    def at_horizon(self, days: int) -> Truth:
        """Return the chances that look as far ahead as the forecasts.

        Raises:
            InputError: there are none.
        """
        if not self.file.has_horizon:
            return self
        horizons = sorted(self.frame[HORIZON].unique().tolist())
        if days not in horizons:
            raise InputError(
                f"{self.file.name} holds chances within {', '.join(map(str, horizons))} days, the "
                f"forecasts look {days} days ahead: choose --horizon-days {horizons[0]}"
            )
        return Truth(self.file, self.frame[self.frame[HORIZON] == days])

    def require(self, cutoffs: Iterable[datetime]) -> None:
        """Refuse cutoffs without any true chance.

        Raises:
            InputError: it names the cutoffs that the truth has.
        """
        known = self.cutoffs
        if set(known).isdisjoint(cutoffs):
            raise InputError(
                f"none of the backtest's cutoffs is in {self.file.name}, whose {len(known)} "
                f"cutoffs are {_days(known)}: choose --from, --to and --every to meet them"
            )


def read_truth(place: Path, file: TruthFile) -> Truth:
    """Read a file of truth from a company's folder, or from the `truth` folder in it.

    Raises:
        InputError: there is no such file, or it is not what it should be.
    """
    path = next((p for p in (place / FOLDER / file.name, place / file.name) if p.is_file()), None)
    if path is None:
        raise InputError(
            f"--truth {place} holds no {FOLDER}/{file.name}: name the folder that "
            "`pacesetter simulate` wrote"
        )
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as parquet: {error}") from None
    return truth_of(frame, file, str(path))


def truth_of(frame: pd.DataFrame, file: TruthFile, where: str = "the truth") -> Truth:
    """Check a table and return it as truth.

    Raises:
        InputError: a column is missing, a key repeated, or a chance no probability.
    """
    keys = [*file.keys, *([HORIZON] if file.has_horizon else [])]
    missing = [c for c in (*keys, file.chance) if c not in frame.columns]
    if missing:
        raise InputError(
            f"{where} lacks the columns {', '.join(missing)}; found: "
            f"{', '.join(map(str, frame.columns)) or 'none'}"
        )
    chance = frame[file.chance].to_numpy(np.float64, na_value=np.nan)
    if not (np.isfinite(chance) & (chance >= 0) & (chance <= 1)).all():
        raise InputError(f"{where}: {file.chance} must be a probability in 0..1 in every row")
    if frame.empty:
        raise InputError(f"{where} holds no row: simulate a company with truth at some cutoffs")
    if frame.duplicated(keys).any():
        row = frame.loc[frame.duplicated(keys), list(file.keys)].iloc[0]
        raise InputError(f"{where} holds two rows of {', '.join(map(str, row))}")
    return Truth(file, frame)


def match_truth(truth: Truth, frame: pd.DataFrame, named: Mapping[str, Floats]) -> KnownChances:
    """Join forecasts and true chances, in an order of their own.

    Args:
        truth: of the forecasts' horizon.
        frame: the keys of the forecasts, and `y`: 1, 0, or empty while unknown.
        named: the forecasts by name.

    Raises:
        InputError: no row is in both.
    """
    keys = list(truth.file.keys)
    forecasts = frame[[*keys, "y"]].reset_index(drop=True).reset_index(names="row")
    both = forecasts.merge(truth.frame[[*keys, truth.file.chance]], on=keys)
    if both.empty:
        truth.require(pd.Timestamp(c).to_pydatetime() for c in forecasts[CUTOFF].unique())
        raise InputError(f"nothing that was forecast is in {truth.file.name} at the same cutoff")
    both = both.sort_values([CUTOFF, *keys], kind="stable")
    rows = both["row"].to_numpy()
    return KnownChances(
        y=both["y"].to_numpy(np.float64, na_value=np.nan),
        chance=both[truth.file.chance].to_numpy(np.float64),
        named={name: np.asarray(p, dtype=np.float64)[rows] for name, p in named.items()},
        clusters=codes(both[truth.file.cluster].astype(str)),
        cutoffs=tuple(pd.Timestamp(c).to_pydatetime() for c in both[CUTOFF].unique()),
    )


@dataclass(frozen=True)
class TruthBin:
    """Forecasts of about the same size, and the true chances behind them.

    Attributes:
        n_rows: how many forecasts.
        mean_forecast: their mean.
        mean_truth: the mean of the true chances.
        low: a tenth of the true chances lie below.
        high: a tenth of the true chances lie above.
    """

    n_rows: int
    mean_forecast: float
    mean_truth: float
    low: float
    high: float


@dataclass(frozen=True)
class TruthGrade:
    """How forecasts did beside the best possible one.

    Attributes:
        file: where the true chances are from.
        n_rows: forecasts with a true chance.
        n_known: those of them whose outcome is known too.
        n_clusters: different leads (or reps) among them.
        n_unmatched: forecasts at the same cutoffs without a true chance.
        cutoffs: of these forecasts, in order.
        forecasts: forecast -> figure -> estimate; the first is the model.
        ceiling: the same figures for the true chances themselves.
        bins: the model's equal-mass bins.
    """

    file: TruthFile
    n_rows: int
    n_known: int
    n_clusters: int
    n_unmatched: int
    cutoffs: tuple[datetime, ...]
    forecasts: Mapping[str, Mapping[str, Estimate]]
    ceiling: Mapping[str, Estimate]
    bins: tuple[TruthBin, ...]

    @property
    def model(self) -> Mapping[str, Estimate]:
        """How the model did."""
        return self.forecasts[MODEL]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "file": self.file.name,
            "n_rows": self.n_rows,
            "n_rows_with_outcome": self.n_known,
            f"n_{self.file.noun}s": self.n_clusters,
            "n_unmatched": self.n_unmatched,
            "cutoffs": [f"{c:%Y-%m-%d}" for c in self.cutoffs],
            "ceiling": scores_json(self.ceiling),
            **forecasts_json(self.forecasts),
            "bins": [asdict(bin_) for bin_ in self.bins],
            "means": FIGURES,
        }


def grade(
    truth: Truth,
    frame: pd.DataFrame,
    named: Mapping[str, Floats],
    settings: EvaluationSettings,
    base: str | None = None,
) -> TruthGrade:
    """Compute how much of what could be known the forecasts knew.

    Args:
        truth: of the forecasts' horizon.
        frame: keys of the forecasts, and `y`.
        named: the forecasts by name, the model's among them.
        settings: resamples and their level.
        base: the forecast that knew the rate of its past and nothing else, if there is one.

    Raises:
        InputError: no forecast has a true chance.
    """
    known = match_truth(truth, frame, named)
    counts: Counts = resample(int(known.clusters.max()) + 1, settings.draws, settings.seed)
    resampled = resampled_truth_metrics(known, counts, base if base in named else None)
    scores = {name: _estimates(metrics, settings.level) for name, metrics in resampled.items()}
    at = frame[CUTOFF].isin(known.cutoffs)
    return TruthGrade(
        file=truth.file,
        n_rows=len(known.chance),
        n_known=int(np.isfinite(known.y).sum()),
        n_clusters=len(np.unique(known.clusters)),
        n_unmatched=int(at.sum()) - len(known.chance),
        cutoffs=known.cutoffs,
        ceiling=scores.pop("truth"),
        forecasts=scores,
        bins=_bins(known, equal_mass_bins(known.named[MODEL])),
    )


def _estimates(resampled: Mapping[str, Floats], level: float) -> dict[str, Estimate]:
    return {
        name: percentile_estimate(values, level, centred=name in CENTRED)
        for name, values in resampled.items()
    }


def _bins(known: KnownChances, bins: Ints) -> tuple[TruthBin, ...]:
    p = known.named[MODEL]
    truth_bins = []
    for k in np.unique(bins):
        chances = known.chance[bins == k]
        ends = np.quantile(chances, SPREAD)
        forecast = float(p[bins == k].mean())
        truth_bins.append(
            TruthBin(len(chances), forecast, float(chances.mean()), *map(float, ends))
        )
    return tuple(truth_bins)


def _days(moments: list[datetime]) -> str:
    words = [f"{m:%Y-%m-%d}" for m in moments]
    if len(words) > SHOWN_CUTOFFS:
        return f"{', '.join(words[: SHOWN_CUTOFFS - 1])} … {words[-1]}"
    return ", ".join(words) or "none"
