"""How much a model rests on: enough, thin, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.evidence import EvidenceState


@dataclass(frozen=True)
class Evidence:
    """How much a model, and each segment it meets, has learned from.

    Attributes:
        state: enough; thin (a model was fitted on less than the minimum advised); none (too
            little to fit: the base rate answers).
        says: the reason, in words.
        segment: the feature whose categories are the segments, if any.
        counts: leads learned from in each category, by its code; the last is "every other".
        minimum: leads a category needs to count as enough.
    """

    state: EvidenceState
    says: str
    segment: str | None = None
    counts: tuple[int, ...] = ()
    minimum: int = 1

    def of_rows(self, X: pd.DataFrame) -> npt.NDArray[np.str_]:
        """Return the state of each row as plain text, ready for a file.

        Only a model that rests on enough is cut down by segment:

        | the model | the row's segment | leads learned from there | the row |
        |-----------|-------------------|--------------------------|---------|
        | enough    | web               | 40 of a minimum of 40    | enough  |
        | enough    | event             | 39                       | thin    |
        | enough    | empty             | -                        | enough  |
        | thin      | any               | -                        | thin    |
        """
        states = np.full(len(X), self.state.value, dtype="U6")
        if self.state != EvidenceState.ENOUGH or self.segment not in X:
            return states
        code = X[self.segment].to_numpy()
        known = ~np.isnan(code)
        enough = np.asarray(self.counts) >= self.minimum
        # A code beyond the last one belongs to "every other" too.
        place = np.clip(np.where(known, code, 0).astype(int), 0, len(enough) - 1)
        return np.where(known & ~enough[place], EvidenceState.THIN.value, states)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {**vars(self), "state": self.state.value, "counts": list(self.counts)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Evidence:
        """Read back what `to_json` returned."""
        state = EvidenceState(plain["state"])
        return cls(**{**plain, "state": state, "counts": tuple(plain["counts"])})
