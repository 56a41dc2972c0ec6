"""One group of forecasts of attainment: the model, the baselines and the differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, percentile_estimate
from training.evaluation.group import ForecastGroup, model_minus_baselines
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.lead_group import cluster_rate
from training.evaluation.quota_metrics import (
    CENTRED,
    HIGHER,
    METRICS,
    NEUTRAL,
    OF_RANGES,
    Attainments,
    resampled_quota_metrics,
)


@dataclass(frozen=True)
class QuotaSettings:
    """How forecasts of attainment are evaluated.

    Attributes:
        capacity: share of the reps that a manager can talk to at a cutoff.
        level: share of resamples inside an interval.
        draws: resamples.
        floor_draws: draws for the ECE that a perfect forecast shows by chance.
        early: the first and the last of the weeks that are also evaluated together.
        min_rep_periods: rep-periods that missed, and that did not, below which figures of chances
            are withheld, and rep-periods in all below which figures of ranges are.
        max_levels: parts of a segment shown on their own.
        seed: makes the intervals repeatable.
    """

    capacity: float = 0.3
    level: float = 0.9
    draws: int = 300
    floor_draws: int = 200
    early: tuple[int, int] = (2, 6)
    min_rep_periods: int = 10
    max_levels: int = 12
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the settings as metrics.json names them."""
        names = {"min_rep_periods": "min_spells"}
        return {names.get(name, name): value for name, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class QuotaGroup(ForecastGroup):
    """A group of reps in quota periods at cutoffs, and how each forecast did on it.

    Attributes:
        n_rep_periods: different rep-periods among its rows.
        n_missed: rep-periods that missed.
        miss_rate: share of rows that missed.
        should_hold: the share of its ranges that hold if the model is perfect. Where much of the
            chance lies on one amount (nothing more is won), any range that holds 80 % holds more.
        withheld_ranges: why no figure of ranges is shown, or None.
    """

    higher: ClassVar = HIGHER
    neutral: ClassVar = NEUTRAL
    n_rep_periods: int
    n_missed: int
    miss_rate: Estimate
    should_hold: float
    withheld_ranges: str | None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; withheld figures are None."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "n_rep_periods": self.n_rep_periods,
            "n_missed": self.n_missed,
            "miss_rate": self.miss_rate.to_json(),
            "ranges_should_hold": self.should_hold,
            "withheld": self.withheld,
            "withheld_ranges": self.withheld_ranges,
            **self.comparison_json(),
        }


def evaluate_quota_group(
    label: str, rows: Attainments, counts: Counts, settings: QuotaSettings
) -> QuotaGroup:
    """Evaluate all forecasts on one group of rows.

    What is withheld depends on the rep-periods, here with a minimum of 10::

        missed   made quota   chances    ranges
        12       25           shown      shown
        3        34           withheld   shown      too few misses to tell them from luck
        3        4            withheld   withheld

    Args:
        label: the group in words.
        rows: its rows.
        counts: resamples of clusters, the same for every group.
        settings: capacity, level and minimum.
    """
    missed, made_quota, total = _sizes(rows)
    reason = _too_few(missed, made_quota, settings.min_rep_periods)
    enough = total >= settings.min_rep_periods
    resampled = resampled_quota_metrics(rows, counts, settings.capacity) if enough else {}
    hidden = set() if reason is None else set(METRICS) - OF_RANGES

    def estimates(values: Mapping[str, Floats], *, signed: bool = False) -> dict[str, Estimate]:
        return {
            m: WITHHELD
            if m in hidden or m not in values
            else percentile_estimate(values[m], settings.level, centred=m in CENTRED, signed=signed)
            for m in METRICS
        }

    scores = {name: estimates(resampled.get(name, {})) for name in rows.chances}
    if enough:
        for name, figures in scores.items():
            # Where all are covered every resample says so, and a bootstrap would claim certainty.
            for metric, inside in (
                ("coverage", rows.covered(name)),
                ("between", rows.between(name)),
            ):
                figures[metric] = cluster_rate(rows.outcomes(inside), counts, settings.level)
    gaps = model_minus_baselines(resampled)
    n = len(rows.missed)
    rate = cluster_rate(rows.outcomes(rows.missed), counts, settings.level) if n else WITHHELD
    return QuotaGroup(
        label=label,
        n_rows=n,
        n_rep_periods=total,
        n_missed=missed,
        miss_rate=rate if enough else Estimate(rate.value),
        should_hold=float(rows.held.mean()) if n else 0.0,
        withheld=reason,
        withheld_ranges=None
        if enough
        else f"too few: {total} rep-periods, {settings.min_rep_periods} are needed",
        scores=scores,
        differences={
            n: estimates(gaps.get(n, {}), signed=True) for n in rows.chances if n != MODEL
        },
    )


def _sizes(rows: Attainments) -> tuple[int, int, int]:
    """Count rep-periods that missed, that made quota, and all."""
    missed = len(np.unique(rows.rep_periods[rows.missed > 0]))
    total = len(np.unique(rows.rep_periods))
    return missed, total - missed, total


def _too_few(missed: int, made_quota: int, needed: int) -> str | None:
    if missed + made_quota == 0:
        return "not measurable: no attainment is known yet"
    if min(missed, made_quota) >= needed:
        return None
    return (
        f"not measurable: {missed} rep-periods missed and {made_quota} made quota, "
        f"{needed} of each are needed"
    )
