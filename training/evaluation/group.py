"""What groups of forecasts share: the figures of all forecasts, and who is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from features.arrays import Floats
from features.errors import InputError
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.lead_forecasts import MODEL

Scores = Mapping[str, Estimate]
"""Metric -> estimate."""
Resampled = Mapping[str, Mapping[str, Floats]]
"""Forecast -> metric -> its value on the data, then on each resample."""


@dataclass(frozen=True, kw_only=True)
class ForecastGroup:
    """A group of rows, how each forecast did on it, and how much better the model did.

    Attributes:
        higher: metrics that are better high.
        neutral: metrics that are better neither way.
        label: the group in words.
        n_rows: rows with a known outcome.
        withheld: why no figure of chances is shown, or None.
        scores: forecast -> metric -> estimate.
        differences: baseline -> metric -> model minus baseline, on the same resamples.
    """

    higher: ClassVar[frozenset[str]]
    neutral: ClassVar[frozenset[str]]
    label: str
    n_rows: int
    withheld: str | None
    scores: Mapping[str, Scores]
    differences: Mapping[str, Scores]

    @property
    def model(self) -> Scores:
        """How the model did."""
        return self.scores[MODEL]

    def verdict(self, baseline: str, metric: str) -> str:
        """Return whether the model is `better`, `worse` or `undecided` against a baseline.

        Undecided is a metric without a good direction, and a difference whose interval holds 0.
        """
        difference = self.differences[baseline].get(metric, WITHHELD)
        if difference.value is None or metric in self.neutral or not difference.excludes(0.0):
            return "undecided"
        return "better" if (difference.value > 0) == (metric in self.higher) else "worse"

    def comparison_json(self) -> dict[str, Any]:
        """Return all figures as plain values, and each difference with its verdict."""
        return forecasts_json(self.scores) | {
            "difference": {
                name: {m: e.to_json() | {"verdict": self.verdict(name, m)} for m, e in row.items()}
                for name, row in self.differences.items()
            }
        }


def model_minus_baselines(resampled: Resampled) -> dict[str, dict[str, Floats]]:
    """Subtract each baseline's metrics from the model's, resample by resample."""
    return {
        name: {metric: resampled[MODEL][metric] - values for metric, values in metrics.items()}
        for name, metrics in resampled.items()
        if name != MODEL
    }


def scores_json(scores: Scores) -> dict[str, dict[str, float | None]]:
    """Return estimates as JSON has them."""
    return {metric: estimate.to_json() for metric, estimate in scores.items()}


def forecasts_json(scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Return the model's scores and those of the baselines as JSON has them."""
    return {
        MODEL: scores_json(scores[MODEL]),
        "baselines": {name: scores_json(own) for name, own in scores.items() if name != MODEL},
    }


def require_shares(capacity: float, level: float) -> None:
    """Refuse settings out of range.

    Raises:
        InputError: a share lies outside its bounds.
    """
    if not 0 < capacity <= 1 or not 0 < level < 1:
        raise InputError(
            f"capacity must lie in (0, 1] and level in (0, 1), they are {capacity} and {level}"
        )
