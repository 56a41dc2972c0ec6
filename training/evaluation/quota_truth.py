"""Forecasts of attainment beside the replayed truth, on the same rows.

The truth is evaluated like any other forecast, so what it does not reach cannot be reached: it
knows the company's machinery, and still not what chance will bring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.arrays import Floats, Ints
from features.errors import InputError
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, percentile_estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.quota_forecasts import CHANCE, KEYS, RANGE, QuotaPredictions
from training.evaluation.quota_group import QuotaGroup, QuotaSettings, evaluate_quota_group
from training.evaluation.quota_metrics import TOLERANCE, Attainments, mean, pinball
from training.evaluation.truth import QUOTAS, Truth, TruthGrade, grade

TRUTH = "truth"
TRUE = {CHANCE: "p_attain_true", **{end: f"{end}_true" for end in RANGE}}
_TINY = 1e-12


@dataclass(frozen=True)
class GapClosed:
    """How much of the way from the best simple baseline to the truth the model goes.

    Attributes:
        baseline: the simple forecast with the lowest pinball loss on these rows; chosen once, so
            the interval leaves out the luck of that choice.
        pinball: the share of the gap in pinball loss, 1 for a model that equals the truth.
    """

    baseline: str | None
    pinball: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {"best_baseline": self.baseline, "pinball_gap_closed": self.pinball.to_json()}


@dataclass(frozen=True)
class QuotaTruth:
    """How forecasts of attainment did beside the truth.

    Attributes:
        groups: group -> all forecasts, the truth among them as if it were a baseline.
        closed: group -> the share of the gap that is closed.
        chances: chances beside true chances, as for leads.
    """

    groups: Mapping[str, QuotaGroup]
    closed: Mapping[str, GapClosed]
    chances: TruthGrade

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "groups": {name: group.to_json() for name, group in self.groups.items()},
            "gap_closed": {name: gap.to_json() for name, gap in self.closed.items()},
            "chances": self.chances.to_json(),
        }


def grade_quotas(
    predictions: QuotaPredictions,
    truth: Truth,
    groups: Mapping[str, Ints],
    counts: Counts,
    settings: QuotaSettings,
) -> QuotaTruth:
    """Evaluate forecasts and the truth on the rows that both have.

    Args:
        predictions: mature rows.
        truth: of quotas, with its ranges.
        groups: group -> rows.
        counts: resamples of the clusters of `predictions`.
        settings: how to evaluate.

    Raises:
        InputError: the truth has no ranges, or none of these rows.
    """
    with_truth, rows = beside(predictions, truth)
    # Clusters are numbered as on all rows, so that one set of resamples serves both.
    attainments = replace(Attainments.of(with_truth), clusters=predictions.clusters[rows])
    evaluated, closed = {}, {}
    for name, members in groups.items():
        at = np.flatnonzero(np.isin(rows, members))
        part = attainments.take(at)
        evaluated[name] = evaluate_quota_group(name, part, counts, settings)
        enough = evaluated[name].withheld_ranges is None
        closed[name] = gap_closed(part, counts, settings.level) if enough else _NO_GAP
    return QuotaTruth(evaluated, closed, _chances(predictions, truth, settings))


_NO_GAP = GapClosed(None, WITHHELD)


def beside(predictions: QuotaPredictions, truth: Truth) -> tuple[QuotaPredictions, Ints]:
    """Put the truth beside the forecasts, on the rows that it has.

    Returns:
        These rows with the truth among the baselines, and their positions.

    Raises:
        InputError: the truth has no ranges, or none of these rows.
    """
    missing = [c for c in TRUE.values() if c not in truth.frame.columns]
    if missing:
        raise InputError(f"{truth.file.name} lacks the columns {', '.join(missing)}")
    keys = predictions.frame[[*KEYS]].reset_index(drop=True).reset_index(names="row")
    both = keys.merge(truth.frame[[*KEYS, *TRUE.values()]], on=[*KEYS]).sort_values("row")
    if both.empty:
        raise InputError(f"nothing that was forecast is in {truth.file.name} at the same cutoff")
    rows = both["row"].to_numpy(np.int64)
    truth_rows = both[[*TRUE.values()]].set_axis([*TRUE], axis=1).reset_index(drop=True)
    part = predictions.take(rows)
    return replace(part, baselines={**part.baselines, TRUTH: truth_rows}), rows


def gap_closed(rows: Attainments, counts: Counts, level: float) -> GapClosed:
    """Compute how far the model goes from the best baseline to the truth."""
    losses: dict[str, Floats] = {
        name: mean(pinball(rows.attainment, ends), rows.clusters, counts)
        for name, ends in rows.ranges.items()
    }
    simple = [name for name in losses if name not in (MODEL, TRUTH)]
    if not simple or not len(rows.missed):
        return _NO_GAP
    best = min(simple, key=lambda name: (float(losses[name][0]), name))
    gap = losses[best] - losses[TRUTH]
    # Where a baseline is as good as the truth there is nothing to close.
    gap = np.where(gap > _TINY, gap, np.nan)
    return GapClosed(best, percentile_estimate((losses[best] - losses[MODEL]) / gap, level))


def _chances(predictions: QuotaPredictions, truth: Truth, settings: QuotaSettings) -> TruthGrade:
    attained = predictions.attainment >= predictions.target - TOLERANCE
    frame = predictions.frame[[*KEYS]].assign(y=attained.astype(np.float64))
    named = {name: predictions.chance(name) for name in predictions.names}
    own = EvaluationSettings(level=settings.level, draws=settings.draws, seed=settings.seed)
    return grade(Truth(QUOTAS, truth.frame), frame, named, own)
