"""What the gate says of a challenger: figures of both models, and reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from training.evaluation.bootstrap import Estimate
from training.params import GateParams

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "log_loss": "log loss",
        "brier": "Brier score",
        "auc": "AUC",
        "ece": "ECE",
        "calibration_intercept": "calibration in the large",
        "calibration_slope": "calibration slope",
    }
)


@dataclass(frozen=True)
class Compared:
    """One figure of both models on the same rows.

    Attributes:
        metric: its name.
        champion: the figure of the model in use.
        challenger: that of the other one.
        difference: challenger minus champion, from the same resamples.
    """

    metric: str
    champion: Estimate
    challenger: Estimate
    difference: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return the three estimates as plain values."""
        return {
            "champion": self.champion.to_json(),
            "challenger": self.challenger.to_json(),
            "difference": self.difference.to_json(),
        }


@dataclass(frozen=True)
class SegmentGain:
    """The paired gain in log loss in one part of the company.

    Attributes:
        segment: what it is split by.
        part: the value.
        n_rows: forecasts.
        gain: the champion's mean log loss minus the challenger's; its interval allows for the
            number of parts. Without an interval where there is too little to judge.
    """

    segment: str
    part: str
    n_rows: int
    gain: Estimate

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is worse there beyond luck."""
        return self.gain.high is not None and self.gain.high < 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "segment": self.segment,
            "part": self.part,
            "n_rows": self.n_rows,
            "gain": self.gain.to_json(),
            "is_worse": self.is_worse,
        }


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, and why.

    Attributes:
        promotes: whether the challenger may take the champion's place.
        reasons: in words; every rule that is broken, or the gain if none is.
        n_rows: forecasts compared.
        gain: the champion's mean log loss minus the challenger's.
        figures: both models' figures, by metric.
        segments: the gain in every part.
        level: coverage of the intervals.
        withheld: why nothing could be judged, or None.
    """

    promotes: bool
    reasons: tuple[str, ...]
    n_rows: int
    gain: Estimate
    figures: tuple[Compared, ...]
    segments: tuple[SegmentGain, ...]
    level: float
    withheld: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values fit for JSON."""
        return {
            "promotes": self.promotes,
            "reasons": list(self.reasons),
            "n_rows": self.n_rows,
            "gain": self.gain.to_json(),
            "figures": {figure.metric: figure.to_json() for figure in self.figures},
            "segments": [segment.to_json() for segment in self.segments],
            "level": self.level,
            "withheld": self.withheld,
        }


def withheld(why: str, n_rows: int, params: GateParams) -> Verdict:
    """Return the verdict where nothing can be judged: the champion stays."""
    return Verdict(False, (why,), n_rows, Estimate(None), (), (), params.level, why)  # noqa: FBT003 - the first field says it
