"""Judge a backtest: overall, fold by fold, cutoff by cutoff and segment by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.arrays import Floats, Ints
from features.progress import Progress, silent
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, resample
from training.evaluation.group import require_shares
from training.evaluation.lead_forecasts import MODEL, Predictions
from training.evaluation.lead_group import Comparison, EvaluationSettings, cluster_rate, compare
from training.evaluation.metrics import BINS, capture, equal_mass_bins, noise_floor, rank, walk
from training.evaluation.resampled import Forecasts

GAIN_POINTS = 41
HISTOGRAM_BINS = 24


@dataclass(frozen=True)
class ReliabilityBin:
    """Forecasts of about the same size: what they said and what happened."""

    low: float
    high: float
    n_rows: int
    mean_forecast: float
    rate: Estimate

    def to_json(self) -> dict[str, Any]:
        """Give the bin as plain values."""
        return asdict(self) | {"rate": self.rate.to_json()}


@dataclass(frozen=True)
class Evaluation:
    """Everything a backtest shows.

    Attributes:
        overall: all mature rows.
        folds: one entry per fold, in the order of time.
        cutoffs: one entry per cutoff, the model alone.
        segments: way to split the leads -> its parts.
        reliability: the model's equal-mass bins, lowest forecasts first.
        ece_floor: the ECE a perfect forecast of these rows would show by chance: mean, interval.
        gains: forecast -> share of conversions found at evenly spaced shares called, 0 to 1.
        histogram: upper edge and rows; the last bin holds everything above it too.
        horizon_days: how far the outcome looks ahead.
        n_immature: forecasts whose outcome is not known yet; scored nowhere.
        settings: how it was judged.
    """

    overall: Comparison
    folds: tuple[Comparison, ...]
    cutoffs: tuple[Comparison, ...]
    segments: Mapping[str, tuple[Comparison, ...]]
    reliability: tuple[ReliabilityBin, ...]
    ece_floor: Estimate
    gains: Mapping[str, tuple[float, ...]]
    histogram: tuple[tuple[float, int], ...]
    horizon_days: int
    n_immature: int
    settings: EvaluationSettings

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values fit for JSON: no NaN, None where withheld."""
        return {
            "n_rows": self.overall.n_rows,
            "n_leads": self.overall.n_leads,
            "n_immature": self.n_immature,
            "horizon_days": self.horizon_days,
            "overall": self.overall.to_json() | {"ece_floor": self.ece_floor.to_json()},
            "folds": [fold.to_json() for fold in self.folds],
            "cutoffs": [cutoff.to_json() for cutoff in self.cutoffs],
            "segments": {
                name: [part.to_json() for part in parts] for name, parts in self.segments.items()
            },
            "reliability": [bin_.to_json() for bin_ in self.reliability],
            "gains": {name: list(curve) for name, curve in self.gains.items()},
            "histogram": [{"up_to": edge, "n_rows": n} for edge, n in self.histogram],
            "settings": asdict(self.settings) | {"ece_bins": BINS, "resampled": "leads"},
        }


def evaluate(
    predictions: Predictions,
    settings: EvaluationSettings | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Judge forecasts on the rows whose outcome is known.

    All groups share the same resamples of leads, so their figures can be compared.
    """
    settings = settings or EvaluationSettings()
    require_shares(settings.capacity, settings.level)
    known = predictions.mature()
    rows = known.forecasts
    counts = resample(int(rows.clusters.max(initial=0)) + 1, settings.draws, settings.seed)
    groups = _groups(known, settings)
    done: dict[str, tuple[Comparison, ...]] = {}
    with progress("judging", sum(map(len, groups.values()))) as advance:
        for name, parts in groups.items():
            one = rows.only(MODEL) if name == "cutoffs" else rows
            done[name] = ()
            for label, at in parts.items():
                done[name] += (compare(label, one.at(at), counts, settings),)
                advance(1)
    return Evaluation(
        overall=done.pop("overall")[0],
        folds=done.pop("folds"),
        cutoffs=done.pop("cutoffs"),
        segments={name.removeprefix("by "): parts for name, parts in done.items()},
        reliability=reliability_bins(rows, counts, settings.level),
        ece_floor=_floor(known, settings),
        gains=_gains(rows),
        histogram=histogram(rows.named[MODEL]),
        horizon_days=predictions.horizon,
        n_immature=len(predictions.frame) - len(known.frame),
        settings=settings,
    )


def _groups(known: Predictions, settings: EvaluationSettings) -> dict[str, dict[str, Ints]]:
    return {
        "overall": {"all": np.arange(len(known.frame))},
        "folds": known.folds(),
        "cutoffs": known.cutoffs(),
        **{f"by {name}": known.levels(name, settings.max_levels) for name in known.segments},
    }


def reliability_bins(rows: Forecasts, counts: Counts, level: float) -> tuple[ReliabilityBin, ...]:
    """Set what the model said against what happened, in bins of equally many forecasts."""
    p = rows.named[MODEL]
    bins = equal_mass_bins(p)
    found = []
    for k in np.unique(bins):
        at = np.flatnonzero(bins == k)
        inside = p[at]
        rate = cluster_rate(rows.at(at), counts, level)
        ends = float(inside.min()), float(inside.max())
        found.append(ReliabilityBin(*ends, len(at), float(inside.mean()), rate))
    return tuple(found)


def _floor(known: Predictions, settings: EvaluationSettings) -> Estimate:
    if known.frame.empty:
        return WITHHELD
    draws, seed = settings.floor_draws, settings.seed
    return ece_floor(known.named[MODEL], known.luck, settings.level, draws, seed)


def ece_floor(p: Floats, luck: Ints, level: float, draws: int, seed: int) -> Estimate:
    """Estimate the ECE that a perfect forecast of these rows would show by chance."""
    drawn = noise_floor(p, luck, draws, seed)
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(drawn.mean()), *map(float, ends))


def _gains(rows: Forecasts) -> dict[str, tuple[float, ...]]:
    if not rows.y.any():
        return {}
    shares = np.linspace(0, 1, GAIN_POINTS)
    curves = {}
    for name, p in rows.named.items():
        way = walk(rank(rows.y, p, rows.lists), np.ones(len(p)))
        curves[name] = tuple(float(capture(way, share)) for share in shares)
    return curves


def histogram(p: Floats) -> tuple[tuple[float, int], ...]:
    """Count how often which forecast was made."""
    if not len(p):
        return ()
    # The axis ends where forecasts get rare: conversion is, and 0..1 would be mostly empty. The
    # few beyond are counted in the last bin.
    top = max(float(np.quantile(p, 0.995)), 0.01)
    counts, edges = np.histogram(np.minimum(p, top), HISTOGRAM_BINS, range=(0, top))
    return tuple((float(edge), int(n)) for edge, n in zip(edges[1:], counts, strict=True))
