"""One group of forecasts of attainment judged: the model, the baselines and the differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, estimate
from training.evaluation.group import Judged, gaps
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
    """How forecasts of attainment are judged.

    Attributes:
        capacity: share of the reps that a manager can talk to at a cutoff.
        level: share of resamples inside an interval.
        draws: resamples.
        floor_draws: draws for the ECE that chance alone makes.
        early: the weeks of the period that are also judged together, both included.
        min_spells: rep-periods that missed, and that did not, below which no chance is judged,
            and rep-periods in all below which no range is.
        max_levels: parts of a segment shown on their own.
        seed: makes the intervals repeatable.
    """

    capacity: float = 0.3
    level: float = 0.9
    draws: int = 300
    floor_draws: int = 200
    early: tuple[int, int] = (2, 6)
    min_spells: int = 10
    max_levels: int = 12
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class QuotaGroup(Judged):
    """A group of reps in quota periods at cutoffs, and how each forecast did on it.

    Attributes:
        n_spells: different rep-periods among its rows.
        n_missed: rep-periods that missed.
        miss_rate: share of rows that missed.
        should_hold: the share of its ranges that hold if the model is perfect. Where much of the
            chance lies on one amount (nothing more is won), any range that holds 80 % holds more.
        withheld_ranges: why nothing is said of ranges, or None.
    """

    higher: ClassVar = HIGHER
    neutral: ClassVar = NEUTRAL
    n_spells: int
    n_missed: int
    miss_rate: Estimate
    should_hold: float
    withheld_ranges: str | None

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values; withheld figures are None."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "n_rep_periods": self.n_spells,
            "n_missed": self.n_missed,
            "miss_rate": self.miss_rate.to_json(),
            "ranges_should_hold": self.should_hold,
            "withheld": self.withheld,
            "withheld_ranges": self.withheld_ranges,
            **self.compared(),
        }


def grade_group(
    label: str, rows: Attainments, counts: Counts, settings: QuotaSettings
) -> QuotaGroup:
    """Judge all forecasts on one group of rows.

    Args:
        label: the group in words.
        rows: its rows.
        counts: resamples of clusters, the same for every group.
        settings: capacity, level and minimum.
    """
    missed, made, total = _sizes(rows)
    words = _too_few(missed, made, settings.min_spells)
    enough = total >= settings.min_spells
    ranges = None if enough else f"too few: {total} rep-periods, {settings.min_spells} are needed"
    drawn = resampled_quota_metrics(rows, counts, settings.capacity) if enough else {}
    hidden = set() if words is None else set(METRICS) - OF_RANGES

    def estimates(found: Mapping[str, Floats]) -> dict[str, Estimate]:
        return {
            m: WITHHELD
            if m in hidden or m not in found
            else estimate(found[m], settings.level, centred=m in CENTRED)
            for m in METRICS
        }

    scores = {name: estimates(drawn.get(name, {})) for name in rows.chances}
    if enough:
        for name, figures in scores.items():
            # Where all are covered every resample says so, and a bootstrap would claim certainty.
            for metric, inside in (
                ("coverage", rows.covered(name)),
                ("between", rows.between(name)),
            ):
                figures[metric] = cluster_rate(rows.about(inside), counts, settings.level)
    found = gaps(drawn)
    n = len(rows.missed)
    rate = cluster_rate(rows.about(rows.missed), counts, settings.level) if n else WITHHELD
    return QuotaGroup(
        label=label,
        n_rows=n,
        n_spells=total,
        n_missed=missed,
        miss_rate=rate if enough else Estimate(rate.value),
        should_hold=float(rows.held.mean()) if n else 0.0,
        withheld=words,
        withheld_ranges=ranges,
        scores=scores,
        differences={n: estimates(found.get(n, {})) for n in rows.chances if n != MODEL},
    )


def _sizes(rows: Attainments) -> tuple[int, int, int]:
    """Count rep-periods that missed, that did not, and all."""
    missed = len(np.unique(rows.spells[rows.missed > 0]))
    total = len(np.unique(rows.spells))
    return missed, total - missed, total


def _too_few(missed: int, made: int, needed: int) -> str | None:
    if missed + made == 0:
        return "not measurable: no attainment is known yet"
    if min(missed, made) >= needed:
        return None
    return (
        f"not measurable: {missed} rep-periods missed and {made} made quota, "
        f"{needed} of each are needed"
    )
