"""One group of lead forecasts: the model, every baseline, and the differences between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, percentile_estimate
from training.evaluation.group import ForecastGroup, model_minus_baselines
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.resampled import HIGHER, LOWER, NEUTRAL, Forecasts, resampled_metrics

METRICS = (*sorted(HIGHER), *sorted(LOWER), *sorted(NEUTRAL))
_CENTRED = frozenset({"ece"})


@dataclass(frozen=True)
class EvaluationSettings:
    """How forecasts are evaluated.

    Attributes:
        capacity: share of the leads open at a cutoff that a team can call.
        level: share of resamples inside an interval.
        draws: resamples of leads.
        floor_draws: draws for the ECE that a perfect forecast shows by chance.
        min_leads: leads that converted, and leads that did not, below which figures are withheld.
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
class LeadGroup(ForecastGroup):
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
        """Return everything as plain values; withheld figures are None."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "n_leads": self.n_leads,
            "n_converted_leads": self.n_converted,
            "base_rate": self.base_rate.to_json(),
            "withheld": self.withheld,
            **self.comparison_json(),
        }


def evaluate_lead_group(
    label: str, forecasts: Forecasts, counts: Counts, settings: EvaluationSettings
) -> LeadGroup:
    """Evaluate all forecasts on one group of rows.

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
        reason = too_few(converted, not_converted, settings.min_leads)
        rate = Estimate(float(forecasts.y.mean())) if n else WITHHELD
        scores = {name: dict.fromkeys(METRICS, WITHHELD) for name in forecasts.named}
        differences = {name: withheld for name, withheld in scores.items() if name != MODEL}
    else:
        reason = None
        resampled = resampled_metrics(forecasts, counts, settings.capacity)
        gaps = model_minus_baselines(resampled)
        rate = cluster_rate(forecasts, counts, level)
        scores = {name: _estimates(values, level) for name, values in resampled.items()}
        differences = {
            name: _estimates(values, level, signed=True) for name, values in gaps.items()
        }
    return LeadGroup(
        label=label,
        n_rows=n,
        n_leads=len(np.unique(forecasts.clusters)),
        n_converted=converted,
        base_rate=rate,
        withheld=reason,
        scores=scores,
        differences=differences,
    )


def cluster_rate(forecasts: Forecasts, counts: Counts, level: float) -> Estimate:
    """Return the share of rows in which it happened, with its interval.

    Where it happened in none or in all of them, every resample says the same and the bootstrap
    would claim certainty. There the exact interval for as many independent rows as there are
    clusters is used (Clopper & Pearson 1934): of 10 leads without a conversion, up to 26 % may
    convert, at a level of 90 %.
    """
    present, cluster = np.unique(forecasts.clusters, return_inverse=True)
    weights = np.take(counts, present, axis=1).astype(np.float64)
    sizes, positives = np.bincount(cluster), np.bincount(cluster, weights=forecasts.y)
    sums = np.array([sizes, positives], dtype=np.float64)
    n, k = np.einsum("kc,dc->kd", sums, weights)
    rate = np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0)
    if rate[0] in (0.0, 1.0):
        width = 1 - ((1 - level) / 2) ** (1 / len(present))
        return Estimate(rate[0], *((0.0, width) if rate[0] == 0 else (1 - width, 1.0)))
    return percentile_estimate(rate, level)


def too_few(converted: int, not_converted: int, needed: int) -> str:
    """Return why a group's figures are withheld."""
    if converted + not_converted == 0:
        return "too few: no outcome is known yet"
    return (
        f"too few: {converted} leads converted and {not_converted} did not, "
        f"{needed} of each are needed"
    )


def _estimates(
    resampled: Mapping[str, Floats], level: float, *, signed: bool = False
) -> dict[str, Estimate]:
    return {
        m: percentile_estimate(resampled[m], level, centred=m in _CENTRED, signed=signed)
        for m in METRICS
    }
