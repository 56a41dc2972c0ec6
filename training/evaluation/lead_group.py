"""One group of forecasts judged: the model, every baseline, and the differences between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, estimate
from training.evaluation.group import Judged, gaps
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.resampled import HIGHER, LOWER, NEUTRAL, Forecasts, resampled_metrics

METRICS = (*sorted(HIGHER), *sorted(LOWER), *sorted(NEUTRAL))
_CENTRED = frozenset({"ece"})


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


@dataclass(frozen=True, kw_only=True)
class Comparison(Judged):
    """A group of leads at cutoffs, and how each forecast did on it.

    Attributes:
        n_leads: different leads among its rows.
        n_converted: different leads with a conversion within the horizon of one of their rows.
        base_rate: share of rows that converted.
    """

    higher: ClassVar = HIGHER
    neutral: ClassVar = NEUTRAL
    n_leads: int
    n_converted: int
    base_rate: Estimate

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values; withheld figures are None."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "n_leads": self.n_leads,
            "n_converted_leads": self.n_converted,
            "base_rate": self.base_rate.to_json(),
            "withheld": self.withheld,
            **self.compared(),
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
    n, level = len(forecasts.y), settings.level
    if min(converted, not_converted) < settings.min_leads:
        words = too_few(converted, not_converted, settings.min_leads)
        rate = Estimate(float(forecasts.y.mean())) if n else WITHHELD
        scores = {name: dict.fromkeys(METRICS, WITHHELD) for name in forecasts.named}
        others = {name: nothing for name, nothing in scores.items() if name != MODEL}
    else:
        words = None
        drawn = resampled_metrics(forecasts, counts, settings.capacity)
        rate = cluster_rate(forecasts, counts, level)
        scores = {name: _estimates(metrics, level) for name, metrics in drawn.items()}
        others = {name: _estimates(gap, level) for name, gap in gaps(drawn).items()}
    return Comparison(
        label=label,
        n_rows=n,
        n_leads=len(np.unique(forecasts.clusters)),
        n_converted=converted,
        base_rate=rate,
        withheld=words,
        scores=scores,
        differences=others,
    )


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


def _estimates(drawn: Mapping[str, Floats], level: float) -> dict[str, Estimate]:
    return {m: estimate(drawn[m], level, centred=m in _CENTRED) for m in METRICS}
