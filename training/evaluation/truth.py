"""Forecasts beside the chance that really was: only a company whose machinery is known tells it.

A file of truth names the chance of everything that is forecast, at some cutoffs. `match` brings
forecasts and chances together by their keys, and `grade` says how much of what could be known the
forecasts knew. Leads and quotas differ in their `TruthFile` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import Counts, Estimate, estimate, resample
from training.evaluation.lead_forecasts import MODEL, codes
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.metrics import equal_mass_bins
from training.evaluation.truth_metrics import CENTRED, FIGURES, Known, resampled_truth_metrics

FOLDER = "truth"
CUTOFF = "cutoff"
HORIZON = "horizon_days"
SPREAD = (0.1, 0.9)
"""Between these quantiles lie the true chances that the page draws beside a group of forecasts."""
SHOWN_CUTOFFS = 6


@dataclass(frozen=True)
class TruthFile:
    """A file of true chances.

    Attributes:
        name: of the file.
        keys: what one row is about, in the words of the forecasts too.
        chance: the column that holds the true chance.
        cluster: the key whose rows stand or fall together.
        noun: what the cluster is called in words.
        has_horizon: whether its rows say how far they look ahead.
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
        file: where they stand and what their columns are called.
        frame: the file's columns.
    """

    file: TruthFile
    frame: pd.DataFrame

    @property
    def cutoffs(self) -> list[datetime]:
        """The moments at which the truth is told."""
        return [pd.Timestamp(c).to_pydatetime() for c in sorted(self.frame[CUTOFF].unique())]

    def at_horizon(self, days: int) -> Truth:
        """Take the chances that look as far ahead as the forecasts.

        Raises:
            InputError: there are none.
        """
        if not self.file.has_horizon:
            return self
        told = sorted(self.frame[HORIZON].unique().tolist())
        if days not in told:
            raise InputError(
                f"{self.file.name} tells chances within {_listed(told)} days, the forecasts look "
                f"{days} days ahead: choose --horizon-days {told[0]}"
            )
        return Truth(self.file, self.frame[self.frame[HORIZON] == days])

    def require(self, cutoffs: Iterable[datetime]) -> None:
        """Refuse cutoffs of which the truth knows none.

        Raises:
            InputError: with the cutoffs that are known.
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
    found = next((p for p in (place / FOLDER / file.name, place / file.name) if p.is_file()), None)
    if found is None:
        raise InputError(
            f"--truth {place} holds no {FOLDER}/{file.name}: name the folder that "
            "`pacesetter simulate` wrote"
        )
    try:
        frame = pd.read_parquet(found)
    except (OSError, ValueError) as error:
        raise InputError(f"{found} cannot be read as parquet: {error}") from None
    return truth_of(frame, file, str(found))


def truth_of(frame: pd.DataFrame, file: TruthFile, where: str = "the truth") -> Truth:
    """Take a table as truth.

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
        raise InputError(f"{where} holds no row: make the company with truth at some cutoffs")
    if frame.duplicated(keys).any():
        row = frame.loc[frame.duplicated(keys), list(file.keys)].iloc[0]
        raise InputError(f"{where} tells twice of {', '.join(map(str, row))}")
    return Truth(file, frame)


def match(truth: Truth, frame: pd.DataFrame, named: Mapping[str, Floats]) -> Known:
    """Bring forecasts and true chances together, in an order of their own.

    Args:
        truth: of the forecasts' horizon.
        frame: the keys of the forecasts, and `y`: 1, 0, or empty while unknown.
        named: the forecasts by name.

    Raises:
        InputError: no row is in both.
    """
    keys = list(truth.file.keys)
    mine = frame[[*keys, "y"]].reset_index(drop=True)
    both = mine.reset_index(names="row").merge(truth.frame[[*keys, truth.file.chance]], on=keys)
    if both.empty:
        truth.require(pd.Timestamp(c).to_pydatetime() for c in mine[CUTOFF].unique())
        raise InputError(f"nothing that was forecast is in {truth.file.name} at the same cutoff")
    both = both.sort_values([CUTOFF, *keys], kind="stable")
    rows = both["row"].to_numpy()
    return Known(
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
        n_rows: how many.
        mean_forecast: what was said on average.
        mean_truth: what was true on average.
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
        file: whose truth it was.
        n_rows: forecasts with a known chance.
        n_known: those of them whose outcome is known too.
        n_clusters: different leads (or reps) among them.
        n_unmatched: forecasts at the same cutoffs of which the truth says nothing.
        cutoffs: the moments.
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
        """Give everything as plain values."""

        def plain(figures: Mapping[str, Estimate]) -> dict[str, Any]:
            return {name: figure.to_json() for name, figure in figures.items()}

        return {
            "file": self.file.name,
            "n_rows": self.n_rows,
            "n_rows_with_outcome": self.n_known,
            f"n_{self.file.noun}s": self.n_clusters,
            "n_unmatched": self.n_unmatched,
            "cutoffs": [f"{c:%Y-%m-%d}" for c in self.cutoffs],
            "ceiling": plain(self.ceiling),
            MODEL: plain(self.model),
            "baselines": {n: plain(f) for n, f in self.forecasts.items() if n != MODEL},
            "bins": [vars(one) for one in self.bins],
            "means": FIGURES,
        }


def grade(
    truth: Truth,
    frame: pd.DataFrame,
    named: Mapping[str, Floats],
    settings: EvaluationSettings,
    base: str | None = None,
) -> TruthGrade:
    """Say how much of what could be known the forecasts knew.

    Args:
        truth: of the forecasts' horizon.
        frame: keys of the forecasts, and `y`.
        named: the forecasts by name, the model's among them.
        settings: resamples and their level.
        base: the forecast that knew the rate of its past and nothing else, if there is one.
    """
    known = match(truth, frame, named)
    counts: Counts = resample(int(known.clusters.max()) + 1, settings.draws, settings.seed)
    drawn = resampled_truth_metrics(known, counts, base if base in named else None)
    made = {name: _estimates(figures, settings.level) for name, figures in drawn.items()}
    at = frame[CUTOFF].isin(known.cutoffs)
    return TruthGrade(
        file=truth.file,
        n_rows=len(known.chance),
        n_known=int(np.isfinite(known.y).sum()),
        n_clusters=len(np.unique(known.clusters)),
        n_unmatched=int(at.sum()) - len(known.chance),
        cutoffs=known.cutoffs,
        ceiling=made.pop("truth"),
        forecasts=made,
        bins=_bins(known, equal_mass_bins(known.named[MODEL])),
    )


def _estimates(drawn: Mapping[str, Floats], level: float) -> dict[str, Estimate]:
    return {name: estimate(d, level, centred=name in CENTRED) for name, d in drawn.items()}


def _bins(known: Known, bins: Ints) -> tuple[TruthBin, ...]:
    p, found = known.named[MODEL], []
    for k in np.unique(bins):
        q = known.chance[bins == k]
        ends = np.quantile(q, SPREAD)
        said = float(p[bins == k].mean())
        found.append(TruthBin(len(q), said, float(q.mean()), *map(float, ends)))
    return tuple(found)


def _days(moments: list[datetime]) -> str:
    words = [f"{m:%Y-%m-%d}" for m in moments]
    if len(words) > SHOWN_CUTOFFS:
        return f"{', '.join(words[: SHOWN_CUTOFFS - 1])} … {words[-1]}"
    return ", ".join(words) or "none"


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values)) or "no"
