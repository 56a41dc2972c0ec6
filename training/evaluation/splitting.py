"""Did separate models for segments help? The segmented forecast beside the pooled model's.

Both forecast the same rows, so each row tells what splitting saved: the pooled model's log loss
minus the segmented one's. Rows that the pooled model forecasts anyway save nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import Bools, Ints
from training.evaluation.bootstrap import Counts, Estimate, mean_estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.metrics import log_loss
from training.evaluation.resampled import Forecasts

POOLED = "pooled model"
"""The forecast of the one model of all leads, among those a segmented model is compared with."""
MODEL_SEGMENT = "segment of the model"
"""The attribute that tells which of a model's segments a row is in."""
SAYS = {
    None: "too few outcomes to tell whether its own model is better",
    "better": "its own model is better",
    "worse": "its own model is worse: leave the segment out",
    "undecided": "its own model is not better beyond luck, so it is not worth one",
}


@dataclass(frozen=True)
class SplitGain:
    """What splitting saved on some rows.

    Attributes:
        label: the segment, or all leads.
        n_rows: forecasts with a known outcome.
        gain: the pooled model's mean log loss minus the segmented one's; without an interval where
            there is too little to judge.
        level: coverage of the interval.
    """

    label: str
    n_rows: int
    gain: Estimate
    level: float

    @property
    def verdict(self) -> str | None:
        """`better`, `worse` or `undecided`; None where there is too little to judge."""
        if self.gain.low is None or self.gain.high is None:
            return None
        if self.gain.low > 0:
            return "better"
        return "worse" if self.gain.high < 0 else "undecided"

    @property
    def figures(self) -> str:
        """The gain in words."""
        if self.gain.value is None:
            return "no outcome is known"
        size = f"log loss {abs(self.gain.value):.4f} {'lower' if self.gain.value > 0 else 'higher'}"
        if self.gain.low is None or self.gain.high is None:
            return size
        ends = f"{self.gain.low:+.4f} to {self.gain.high:+.4f}"
        return f"{size} than pooled; gain {ends} at {100 * self.level:.0f} %"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "label": self.label,
            "n_rows": self.n_rows,
            "gain": self.gain.to_json(),
            "level": self.level,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Splitting:
    """Whether separate models helped.

    Attributes:
        overall: on all rows.
        parts: on each segment that has a model of its own; the intervals allow for their number.
    """

    overall: SplitGain
    parts: tuple[SplitGain, ...]

    @property
    def headline(self) -> str:
        """Whether splitting helped, in a sentence."""
        if not self.parts:
            return "no lead was forecast by a model of its segment, so nothing was split"
        return {
            None: "too few outcomes to tell whether splitting helped",
            "better": f"splitting helped ({self.overall.figures})",
            "worse": f"splitting made forecasts worse ({self.overall.figures}): leave segments out",
            "undecided": (
                f"splitting did not help beyond luck ({self.overall.figures}): leave segments out "
                "unless there is another reason for them"
            ),
        }[self.overall.verdict]

    @property
    def says(self) -> tuple[str, ...]:
        """The headline, and what came of each segment, in sentences."""
        return (
            self.headline,
            *(f"segment {p.label}: {SAYS[p.verdict]} ({p.figures})" for p in self.parts),
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "overall": self.overall.to_json(),
            "segments": [part.to_json() for part in self.parts],
            "says": list(self.says),
        }


def judge_splitting(
    rows: Forecasts,
    segments: Mapping[str, Ints],
    counts: Counts,
    level: float,
    least: int,
) -> Splitting | None:
    """Compare a segmented model with the pooled one, rows paired and leads drawn whole.

    With a level of 90 %, and two segments, whose intervals are of 95 % each (Bonferroni):

    | gain in log loss        | verdict   |
    |-------------------------|-----------|
    | 0.020, 0.010 to 0.030   | better    |
    | 0.004, -0.002 to 0.010  | undecided |
    | -0.02, -0.03 to -0.01   | worse     |

    Args:
        rows: both forecasts, of rows with a known outcome; clusters are columns of `counts`.
        segments: the rows of each segment.
        counts: resamples of leads.
        level: coverage of the interval of all rows.
        least: leads of either outcome below which nothing is judged.

    Returns:
        The comparison; None for a model that has no segments.
    """
    if POOLED not in rows.named:
        return None
    model, pooled = rows.named[MODEL], rows.named[POOLED]
    saved = log_loss(rows.y, pooled) - log_loss(rows.y, model)
    own = {label: at for label, at in segments.items() if np.any(model[at] != pooled[at])}
    each = 1 - (1 - level) / max(1, len(own))

    def gain(label: str, at: Ints, level: float) -> SplitGain:
        part = rows.take(at)
        size = mean_estimate(saved[at], part.clusters, counts, level)
        is_enough = min(_leads(part, part.y > 0), _leads(part, part.y == 0)) >= least
        return SplitGain(label, len(at), size if is_enough else Estimate(size.value), level)

    parts = tuple(gain(label, at, each) for label, at in own.items())
    return Splitting(gain("all leads", np.arange(len(saved)), level), parts)


def _leads(rows: Forecasts, at: Bools) -> int:
    """Count the different leads among some rows."""
    return len(np.unique(rows.clusters[at]))
