"""Evaluate a backtest of leads: overall, by fold, by cutoff and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.arrays import Floats, Ints
from features.progress import Progress, silent
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, resample
from training.evaluation.group import require_shares
from training.evaluation.honesty import Honesty, honesty_gate
from training.evaluation.lead_forecasts import MODEL, Predictions
from training.evaluation.lead_group import (
    EvaluationSettings,
    LeadGroup,
    cluster_rate,
    evaluate_lead_group,
)
from training.evaluation.metrics import (
    BINS,
    capture,
    cumulate,
    equal_mass_bins,
    noise_floor,
    rank,
)
from training.evaluation.resampled import Forecasts
from training.evaluation.splitting import MODEL_SEGMENT, Splitting, judge_splitting

GAIN_POINTS = 41
HISTOGRAM_BINS = 24


@dataclass(frozen=True)
class ReliabilityBin:
    """Forecasts of about the same size, and how often it happened."""

    low: float
    high: float
    n_rows: int
    mean_forecast: float
    rate: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return the bin as plain values."""
        return asdict(self) | {"rate": self.rate.to_json()}


@dataclass(frozen=True)
class Evaluation:
    """All figures of a backtest of leads.

    Attributes:
        overall: all mature rows.
        folds: one entry per fold, in the order of time.
        cutoffs: one entry per cutoff, the model alone.
        segments: attribute to split the leads by -> its parts.
        reliability: the model's equal-mass bins, lowest forecasts first.
        ece_floor: the ECE that a perfect forecast of these rows shows by chance: mean, interval.
        gains: forecast -> share of conversions found at evenly spaced shares called, 0 to 1.
        histogram: upper edge and rows; the last bin holds everything above it too.
        horizon_days: how far the outcome looks ahead.
        n_immature: forecasts whose outcome is not known yet; scored nowhere.
        settings: how it was evaluated.
        honesty: whether the model beats what needs no model; None without those forecasts.
        splitting: whether separate models of segments helped; None for a model without segments.
    """

    overall: LeadGroup
    folds: tuple[LeadGroup, ...]
    cutoffs: tuple[LeadGroup, ...]
    segments: Mapping[str, tuple[LeadGroup, ...]]
    reliability: tuple[ReliabilityBin, ...]
    ece_floor: Estimate
    gains: Mapping[str, tuple[float, ...]]
    histogram: tuple[tuple[float, int], ...]
    horizon_days: int
    n_immature: int
    settings: EvaluationSettings
    honesty: Honesty | None = None
    splitting: Splitting | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values fit for JSON: no NaN, None where withheld."""
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
            "honesty": self.honesty and self.honesty.to_json(),
            "splitting": self.splitting and self.splitting.to_json(),
            "histogram": [{"up_to": edge, "n_rows": n} for edge, n in self.histogram],
            "settings": asdict(self.settings) | {"ece_bins": BINS, "resampled": "leads"},
        }


def evaluate(
    predictions: Predictions,
    settings: EvaluationSettings | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate forecasts on the rows whose outcome is known.

    All groups share the same resamples of leads, so their figures can be compared.

    Args:
        predictions: the forecasts of the backtest.
        settings: how to evaluate; the defaults where None.
        progress: told of every group.

    Raises:
        InputError: a setting is out of range.
    """
    settings = settings or EvaluationSettings()
    require_shares(settings.capacity, settings.level)
    known = predictions.mature()
    rows = known.forecasts
    counts = resample(int(rows.clusters.max(initial=0)) + 1, settings.draws, settings.seed)
    groups = _groups(known, settings)
    done: dict[str, tuple[LeadGroup, ...]] = {}
    with progress("evaluating", sum(map(len, groups.values()))) as advance:
        for name, parts in groups.items():
            forecasts = rows.only(MODEL) if name == "cutoffs" else rows
            done[name] = ()
            for label, at in parts.items():
                done[name] += (evaluate_lead_group(label, forecasts.take(at), counts, settings),)
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
        honesty=honesty_gate(rows, counts),
        splitting=_splitting(known, rows, counts, settings),
    )


def _splitting(
    known: Predictions, rows: Forecasts, counts: Counts, settings: EvaluationSettings
) -> Splitting | None:
    """Judge the model's own segments, where it has some."""
    if MODEL_SEGMENT not in known.segments:
        return None
    parts = known.segment_rows(MODEL_SEGMENT, len(known.frame) + 1)
    return judge_splitting(rows, parts, counts, settings.level, settings.min_leads)


def _groups(known: Predictions, settings: EvaluationSettings) -> dict[str, dict[str, Ints]]:
    return {
        "overall": {"all": np.arange(len(known.frame))},
        "folds": known.folds(),
        "cutoffs": known.cutoffs(),
        **{f"by {name}": known.segment_rows(name, settings.max_levels) for name in known.segments},
    }


def reliability_bins(rows: Forecasts, counts: Counts, level: float) -> tuple[ReliabilityBin, ...]:
    """Return the model's forecasts and the observed rates, in bins of equally many forecasts."""
    p = rows.named[MODEL]
    bins = equal_mass_bins(p)
    reliability = []
    for k in np.unique(bins):
        at = np.flatnonzero(bins == k)
        inside = p[at]
        rate = cluster_rate(rows.take(at), counts, level)
        ends = float(inside.min()), float(inside.max())
        reliability.append(ReliabilityBin(*ends, len(at), float(inside.mean()), rate))
    return tuple(reliability)


def _floor(known: Predictions, settings: EvaluationSettings) -> Estimate:
    if known.frame.empty:
        return WITHHELD
    draws, seed = settings.floor_draws, settings.seed
    return ece_floor(known.named[MODEL], known.outcome_blocks, settings.level, draws, seed)


def ece_floor(p: Floats, blocks: Ints, level: float, draws: int, seed: int) -> Estimate:
    """Estimate the ECE that a perfect forecast of these rows shows by chance.

    Args:
        p: the forecasts.
        blocks: rows of one block share one random number (`noise_floor`).
        level: share of draws inside the interval.
        draws: how many outcomes to draw.
        seed: makes the draws repeatable.
    """
    errors = noise_floor(p, blocks, draws, seed)
    ends = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(errors.mean()), *map(float, ends))


def _gains(rows: Forecasts) -> dict[str, tuple[float, ...]]:
    if not rows.y.any():
        return {}
    shares = np.linspace(0, 1, GAIN_POINTS)
    curves = {}
    for name, p in rows.named.items():
        ranked = cumulate(rank(rows.y, p, rows.lists), np.ones(len(p)))
        curves[name] = tuple(float(capture(ranked, share)) for share in shares)
    return curves


def histogram(p: Floats) -> tuple[tuple[float, int], ...]:
    """Count forecasts in ranges of equal width: upper edge and number of each."""
    if not len(p):
        return ()
    # The axis ends where forecasts get rare: conversion is, and 0..1 would be mostly empty. The
    # few beyond are counted in the last bin.
    top = max(float(np.quantile(p, 0.995)), 0.01)
    counts, edges = np.histogram(np.minimum(p, top), HISTOGRAM_BINS, range=(0, top))
    return tuple((float(edge), int(n)) for edge, n in zip(edges[1:], counts, strict=True))
