"""How much a model rests on: enough, thin, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Evidence:
    """How much a model, and each segment it meets, has learned from.

    Attributes:
        state: `enough`, `thin` (a model was fitted on less than the minimum advised), or `none`
            (too little to fit: the base rate answers).
        says: the reason, in words.
        segment: the feature whose categories are the segments, if any.
        counts: leads learned from in each category, by its place; the last is "every other".
        minimum: leads a category needs to count as enough.
    """

    state: str
    says: str
    segment: str | None = None
    counts: tuple[int, ...] = ()
    minimum: int = 1

    def of_rows(self, X: pd.DataFrame) -> npt.NDArray[np.str_]:
        """Tell for each row: `enough`, `thin` or `none`."""
        states = np.full(len(X), self.state, dtype="U6")
        if self.state != "enough" or self.segment is None or self.segment not in X:
            return states
        place = X[self.segment].to_numpy()
        known = ~np.isnan(place)
        enough = np.asarray(self.counts) >= self.minimum
        index = np.clip(np.where(known, place, 0).astype(int), 0, len(enough) - 1)
        return np.where(known & ~enough[index], "thin", states)

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {**vars(self), "counts": list(self.counts)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Evidence:
        """Read what `to_json` gave."""
        return cls(**{**plain, "counts": tuple(plain["counts"])})
