"""One group of forecasts judged: the model, every baseline, and the differences between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.intervals import WITHHELD, Counts, Estimate, estimate
from training.metrics import FloatArray
from training.predictions import MODEL
from training.scores import HIGHER, LOWER, NEUTRAL, Forecasts, measure

METRICS = (*sorted(HIGHER), *sorted(LOWER), *sorted(NEUTRAL))
_CENTRED = frozenset({"ece"})

Scores = Mapping[str, Estimate]


@dataclass(frozen=True)
class EvaluationSettings:
    """How forecasts are judged.

    Attributes:
        capacity: share of the leads open at a cutoff that a team can call.
        level: share of resamples inside an interval.
        draws: resamples of leads.
        floor_draws: draws for the ECE that chance alone makes.
        min_leads: leads that converted, and leads that did not, below which nothing is said.
        max_levels: parts of a segment shown on their own.
        seed: makes the intervals repeatable.
    """

    capacity: float = 0.2
    level: float = 0.9
    draws: int = 300
    floor_draws: int = 200
    min_leads: int = 10
    max_levels: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Comparison:
    """A group of rows, how each forecast did on it, and how much better the model did.

    Attributes:
        label: the group in words.
        n_rows: lead-and-cutoff pairs with a known outcome.
        n_leads: different leads among them.
        n_converted: different leads with a conversion within the horizon of one of their rows.
        base_rate: share of rows that converted.
        withheld: why nothing is said about this group, or None.
        scores: forecast -> metric -> estimate.
        differences: baseline -> metric -> model minus baseline, on the same resamples.
    """

    label: str
    n_rows: int
    n_leads: int
    n_converted: int
    base_rate: Estimate
    withheld: str | None
    scores: Mapping[str, Scores]
    differences: Mapping[str, Scores]

    @property
    def model(self) -> Scores:
        """How the model did."""
        return self.scores[MODEL]

    def verdict(self, baseline: str, metric: str) -> str:
        """Say whether the model is `better`, `worse` or `undecided` against a baseline."""
        difference = self.differences[baseline].get(metric, WITHHELD)
        if difference.value is None or metric in NEUTRAL or not difference.excludes(0.0):
            return "undecided"
        return "better" if (difference.value > 0) == (metric in HIGHER) else "worse"

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values; withheld figures are None."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "n_leads": self.n_leads,
            "n_converted_leads": self.n_converted,
            "base_rate": self.base_rate.to_json(),
            "withheld": self.withheld,
            MODEL: _plain(self.model),
            "baselines": {n: _plain(s) for n, s in self.scores.items() if n != MODEL},
            "difference": {
                name: {m: e.to_json() | {"verdict": self.verdict(name, m)} for m, e in row.items()}
                for name, row in self.differences.items()
            },
        }


def compare(
    label: str, forecasts: Forecasts, counts: Counts, settings: EvaluationSettings
) -> Comparison:
    """Judge all forecasts on one group of rows.

    Args:
        label: the group in words.
        forecasts: its rows; clusters are columns of `counts`.
        counts: resamples of leads from `resample`, the same for every group.
        settings: capacity, level and minimum.
    """
    converted = len(np.unique(forecasts.clusters[forecasts.y > 0]))
    not_converted = len(np.unique(forecasts.clusters[forecasts.y == 0]))
    sizes = (len(forecasts.y), len(np.unique(forecasts.clusters)), converted)
    if min(converted, not_converted) < settings.min_leads:
        words = too_few(converted, not_converted, settings.min_leads)
        rate = Estimate(float(forecasts.y.mean())) if sizes[0] else WITHHELD
        nothing = dict.fromkeys(METRICS, WITHHELD)
        scores = dict.fromkeys(forecasts.named, nothing)
        others = {name: nothing for name in forecasts.named if name != MODEL}
        return Comparison(label, *sizes, rate, words, scores, others)
    drawn = measure(forecasts, counts, settings.capacity)
    rate = cluster_rate(forecasts, counts, settings.level)
    level = settings.level
    scores = {name: _estimates(metrics, level) for name, metrics in drawn.items()}
    others = {
        name: _estimates({m: drawn[MODEL][m] - metrics[m] for m in METRICS}, level)
        for name, metrics in drawn.items()
        if name != MODEL
    }
    return Comparison(label, *sizes, rate, None, scores, others)


def cluster_rate(forecasts: Forecasts, counts: Counts, level: float) -> Estimate:
    """Give the share of rows that converted, with its interval.

    Where none or all did, every resample says the same and the bootstrap would claim certainty;
    there the exact interval for as many independent leads is used (Clopper & Pearson 1934).
    """
    present, lead = np.unique(forecasts.clusters, return_inverse=True)
    drawn = np.take(counts, present, axis=1).astype(np.float64)
    sums = np.array([np.bincount(lead), np.bincount(lead, weights=forecasts.y)], dtype=np.float64)
    n, k = np.einsum("kc,dc->kd", sums, drawn)
    rate = np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0)
    if rate[0] in (0.0, 1.0):
        reach = 1 - ((1 - level) / 2) ** (1 / len(present))
        return Estimate(rate[0], *((0.0, reach) if rate[0] == 0 else (1 - reach, 1.0)))
    return estimate(rate, level)


def too_few(converted: int, not_converted: int, needed: int) -> str:
    """Say why a group's figures are withheld."""
    if converted + not_converted == 0:
        return "too few: no outcome is known yet"
    return (
        f"too few: {converted} leads converted and {not_converted} did not, "
        f"{needed} of each are needed"
    )


def _estimates(drawn: Mapping[str, FloatArray], level: float) -> dict[str, Estimate]:
    return {m: estimate(drawn[m], level, centred=m in _CENTRED) for m in METRICS}


def _plain(scores: Scores) -> dict[str, dict[str, float | None]]:
    return {name: figure.to_json() for name, figure in scores.items()}
