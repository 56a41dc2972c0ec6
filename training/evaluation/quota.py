"""Evaluate a backtest of quotas: by week, by quarter of the period, by segment, and in totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.arrays import Ints
from features.progress import Progress, silent
from training.evaluation.bootstrap import WITHHELD, Estimate, resample
from training.evaluation.early_warning import EarlyWarning, evaluate_early_warning
from training.evaluation.group import require_shares
from training.evaluation.lead_forecasts import MODEL, rows_by_value
from training.evaluation.leads import ReliabilityBin, ece_floor, histogram, reliability_bins
from training.evaluation.metrics import BINS
from training.evaluation.quota_forecasts import QUARTERS, QuotaPredictions
from training.evaluation.quota_group import QuotaGroup, QuotaSettings, evaluate_quota_group
from training.evaluation.quota_metrics import FIGURES, Attainments
from training.evaluation.quota_truth import QuotaTruth, grade_quotas
from training.evaluation.resampled import Forecasts
from training.evaluation.totals import (
    LevelTotals,
    SplitWeek,
    TotalPeriod,
    evaluate_totals,
    split_weeks,
    total_periods,
)
from training.evaluation.truth import Truth

ALL, EARLY = "all", "early"


@dataclass(frozen=True)
class QuotaEvaluation:
    """All figures of a backtest of quotas.

    Attributes:
        overall: all rows with a known attainment.
        early: the weeks in which a manager can still act.
        weeks: one entry per week of the period, from 0.
        quarters: one entry per quarter of the period.
        segments: attribute to split the rows by -> its parts.
        warnings: how early misses are flagged, by chance alone, and at capacity.
        reliability: the model's equal-mass bins of p_attain, lowest first.
        ece_floor: the ECE that a perfect forecast of these rows shows by chance.
        histogram: upper edge of p_attain and rows.
        rollups: how close totals were, level by level.
        split: what the company's expected amount was made of, week by week.
        totals: how the company's total narrowed, period by period, the running one included.
        evidence: state of the evidence -> number of forecasts, the running period's included.
        truth: how all did beside the replayed truth, where that is known.
        n_immature: forecasts whose period has not ended (or without a quota); scored nowhere.
        n_reps: different reps among the rows with a known attainment.
        n_periods: different periods among them.
        resampled: what the bootstrap draws.
        settings: how it was evaluated.
    """

    overall: QuotaGroup
    early: QuotaGroup
    weeks: tuple[QuotaGroup, ...]
    quarters: tuple[QuotaGroup, ...]
    segments: Mapping[str, tuple[QuotaGroup, ...]]
    warnings: tuple[EarlyWarning, EarlyWarning]
    reliability: tuple[ReliabilityBin, ...]
    ece_floor: Estimate
    histogram: tuple[tuple[float, int], ...]
    rollups: tuple[LevelTotals, ...]
    split: tuple[SplitWeek, ...]
    totals: tuple[TotalPeriod, ...]
    evidence: Mapping[str, int]
    truth: QuotaTruth | None
    n_immature: int
    n_reps: int
    n_periods: int
    resampled: str
    settings: QuotaSettings

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values fit for JSON: no NaN, None where withheld."""
        return {
            "n_rows": self.overall.n_rows,
            "n_reps": self.n_reps,
            "n_periods": self.n_periods,
            "n_rep_periods": self.overall.n_rep_periods,
            "n_immature": self.n_immature,
            "overall": self.overall.to_json() | {"ece_floor": self.ece_floor.to_json()},
            "early_weeks": self.early.to_json(),
            "weeks": [group.to_json() for group in self.weeks],
            "quarters_of_the_period": [group.to_json() for group in self.quarters],
            "segments": {
                name: [part.to_json() for part in parts] for name, parts in self.segments.items()
            },
            "warnings": [warning.to_json() for warning in self.warnings],
            "reliability": [bin_.to_json() for bin_ in self.reliability],
            "rollups": [level.to_json() for level in self.rollups],
            "split": [asdict(week) for week in self.split],
            "company_totals": [asdict(period) for period in self.totals],
            "evidence": dict(self.evidence),
            **({"truth": self.truth.to_json()} if self.truth else {}),
            "settings": self.settings.to_json() | {"ece_bins": BINS, "resampled": self.resampled},
            "means": FIGURES,
        }


def evaluate_quota(
    predictions: QuotaPredictions,
    settings: QuotaSettings | None = None,
    truth: Truth | None = None,
    progress: Progress = silent,
) -> QuotaEvaluation:
    """Evaluate forecasts of attainment on the rows whose attainment is known.

    All groups share the same resamples, so their figures can be compared.

    Args:
        predictions: the forecasts of the backtest.
        settings: how to evaluate; the defaults where None.
        truth: the replayed truth of a sample company, to grade the forecasts against.
        progress: told of every group.

    Raises:
        InputError: a setting is out of range, or the truth does not fit.
    """
    settings = settings or QuotaSettings()
    require_shares(settings.capacity, settings.level)
    known = predictions.mature()
    rows = Attainments.of(known)
    counts = resample(int(rows.clusters.max(initial=-1)) + 1, settings.draws, settings.seed)
    groups = _groups(known, settings)
    done: dict[str, tuple[QuotaGroup, ...]] = {}
    with progress("evaluating", sum(map(len, groups.values()))) as advance:
        for name, parts in groups.items():
            done[name] = ()
            for label, at in parts.items():
                done[name] += (evaluate_quota_group(label, rows.take(at), counts, settings),)
                advance(1)
    evidence = predictions.frame["evidence"].astype(str)
    attained = Forecasts(1 - rows.missed, {MODEL: rows.chances[MODEL]}, rows.clusters, rows.lists)
    graded = groups[ALL] | groups[EARLY] | groups["weeks"] | groups["quarters"]
    return QuotaEvaluation(
        overall=done.pop(ALL)[0],
        early=done.pop(EARLY)[0],
        weeks=done.pop("weeks"),
        quarters=done.pop("quarters"),
        segments={name.removeprefix("by "): parts for name, parts in done.items()},
        warnings=evaluate_early_warning(known, counts, settings),
        reliability=reliability_bins(attained, counts, settings.level),
        ece_floor=_floor(rows, settings),
        histogram=histogram(rows.chances[MODEL]),
        rollups=evaluate_totals(predictions.rollups, settings),
        split=split_weeks(known),
        totals=total_periods(predictions.rollups),
        evidence={str(k): int(n) for k, n in evidence.value_counts().sort_index().items()},
        truth=grade_quotas(known, truth, graded, counts, settings) if truth else None,
        n_immature=len(predictions.frame) - len(known.frame),
        n_reps=int(known.frame["rep_id"].nunique()),
        n_periods=int(known.frame["period_start"].nunique()),
        resampled="company-periods" if known.is_pooled else "rep-periods",
        settings=settings,
    )


def _floor(rows: Attainments, settings: QuotaSettings) -> Estimate:
    if not len(rows.missed):
        return WITHHELD
    p, draws = rows.chances[MODEL], settings.floor_draws
    return ece_floor(p, rows.rep_periods, settings.level, draws, settings.seed)


def _groups(known: QuotaPredictions, settings: QuotaSettings) -> dict[str, dict[str, Ints]]:
    first, last = settings.early
    weeks, quarters = known.weeks, known.quarters
    return {
        ALL: {"all": np.arange(len(known.frame))},
        EARLY: {f"weeks {first} to {last}": np.flatnonzero((weeks >= first) & (weeks <= last))},
        "weeks": {f"week {w}": np.flatnonzero(weeks == w) for w in np.unique(weeks)},
        "quarters": {
            label: np.flatnonzero(quarters == k)
            for k, label in enumerate(QUARTERS)
            if (quarters == k).any()
        },
        **{
            f"by {name}": rows_by_value(column, settings.max_levels)
            for name, column in known.segments.items()
            # Quarters of the period are groups of their own already.
            if set(column.dropna().astype(str)) - set(QUARTERS)
        },
    }
