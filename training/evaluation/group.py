"""What judged groups of forecasts share: the figures of all forecasts, and who is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from features.arrays import Floats
from features.errors import InputError
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.lead_forecasts import MODEL

Scores = Mapping[str, Estimate]
Drawn = Mapping[str, Mapping[str, Floats]]
"""Forecast -> figure -> the figure on the data, then on each resample."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A group of rows, how each forecast did on it, and how much better the model did.

    Attributes:
        higher: figures that are better high.
        neutral: figures that are better neither way.
        label: the group in words.
        n_rows: rows with a known outcome.
        withheld: why nothing is said of chances, or None.
        scores: forecast -> figure -> estimate.
        differences: baseline -> figure -> model minus baseline, on the same resamples.
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
        """Say whether the model is `better`, `worse` or `undecided` against a baseline."""
        gap = self.differences[baseline].get(metric, WITHHELD)
        if gap.value is None or metric in self.neutral or not gap.excludes(0.0):
            return "undecided"
        return "better" if (gap.value > 0) == (metric in self.higher) else "worse"

    def compared(self) -> dict[str, Any]:
        """Give all figures as plain values, and each difference with its verdict."""
        return beside_baselines(self.scores) | {
            "difference": {
                name: {m: e.to_json() | {"verdict": self.verdict(name, m)} for m, e in row.items()}
                for name, row in self.differences.items()
            }
        }


def gaps(drawn: Drawn) -> dict[str, dict[str, Floats]]:
    """Take each baseline's figures from the model's, resample by resample."""
    return {
        name: {metric: drawn[MODEL][metric] - figure for metric, figure in figures.items()}
        for name, figures in drawn.items()
        if name != MODEL
    }


def plain(scores: Scores) -> dict[str, dict[str, float | None]]:
    """Give estimates as JSON has them."""
    return {name: figure.to_json() for name, figure in scores.items()}


def beside_baselines(scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Give the model's figures and those of the baselines as JSON has them."""
    return {
        MODEL: plain(scores[MODEL]),
        "baselines": {name: plain(own) for name, own in scores.items() if name != MODEL},
    }


def require_shares(capacity: float, level: float) -> None:
    """Refuse settings by which nothing can be judged.

    Raises:
        InputError: a share lies outside its bounds.
    """
    if not 0 < capacity <= 1 or not 0 < level < 1:
        raise InputError(
            f"capacity must lie in (0, 1] and level in (0, 1), they are {capacity} and {level}"
        )
