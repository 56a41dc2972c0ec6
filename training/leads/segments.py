"""Segments of a lead model: which of its models forecasts which lead.

A lead belongs to the first segment whose condition holds. A segment has a model of its own, or
leaves its leads to the pooled model, which also forecasts leads in no segment. With the segments
web and large, of which large has too few leads for a model of its own:

| lead             | segment | forecast by         |
|------------------|---------|---------------------|
| web, small       | web     | the model of web    |
| web, large       | web     | the model of web    |
| referral, large  | large   | the pooled model    |
| referral, small  | none    | the pooled model    |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Bools, Ints
from training.estimators.calibration import IDENTITY, Calibrator
from training.leads.blend import Blend
from training.leads.where import Where

NONE = -1
"""The place of a lead in no segment."""


@dataclass(frozen=True)
class LeadSegment:
    """A part of the leads, and the model that forecasts it.

    Attributes:
        name: what reports call it.
        where: the condition.
        blend: its own trees and regression; None where the pooled model forecasts.
        calibrator: maps their margins to probabilities.
    """

    name: str
    where: Where
    blend: Blend | None = None
    calibrator: Calibrator = IDENTITY

    @property
    def texts(self) -> tuple[str, ...]:
        """The trees as text; none where the pooled model forecasts."""
        return () if self.blend is None else self.blend.trees.texts

    def to_json(self) -> dict[str, Any]:
        """Return everything but the trees as plain values."""
        return {
            "name": self.name,
            "where": self.where.to_json(),
            "trees": len(self.texts),
            "blend": self.blend and self.blend.to_json(),
            "calibrator": self.calibrator.to_json(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: tuple[str, ...]) -> LeadSegment:
        """Read back what `to_json` returned, with the trees' texts."""
        return cls(
            plain["name"],
            Where.from_json(plain["where"]),
            Blend.from_json(plain["blend"], texts) if texts else None,
            Calibrator.from_json(plain["calibrator"]),
        )


def first_match(matches: Sequence[Bools], rows: int) -> Ints:
    """Return the place of each row's first segment, `NONE` for rows in no segment.

    Args:
        matches: for each segment in order, where its condition holds.
        rows: how many there are.
    """
    place = np.full(rows, NONE)
    for number in reversed(range(len(matches))):
        place[matches[number]] = number
    return place


def places(segments: Sequence[LeadSegment], X: pd.DataFrame) -> Ints:
    """Return the place of each row's segment, `NONE` for rows in no segment."""
    return first_match([segment.where.holds(X) for segment in segments], len(X))


def own_rows(
    segments: Sequence[LeadSegment], X: pd.DataFrame
) -> Iterator[tuple[Bools, Blend, Calibrator]]:
    """Yield the rows of each segment that has a model of its own, with that model."""
    place = places(segments, X)
    for number, segment in enumerate(segments):
        rows = place == number
        if segment.blend is not None and rows.any():
            yield rows, segment.blend, segment.calibrator
