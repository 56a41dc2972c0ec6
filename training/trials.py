"""Settings that a search may try, and those it has tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = float | int
LOGARITHMIC = 10
"""From this ratio of its ends on, a range is searched on a logarithmic scale."""


@dataclass(frozen=True)
class SearchRange:
    """Where one setting is searched.

    Attributes:
        name: its place in the section `training`: "booster.num_leaves".
        low: the least value.
        high: the greatest.
        is_whole: whether it is a whole number.
        default: the present value; a range that does not reach it is made longer.
    """

    name: str
    low: Value
    high: Value
    is_whole: bool
    default: Value

    @property
    def is_logarithmic(self) -> bool:
        """Whether equal ratios are equally likely, rather than equal distances."""
        return self.low > 0 and self.high >= LOGARITHMIC * self.low


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes:
        number: in the order of the search; the defaults come first.
        values: the settings, by their places in the section `training`.
        losses: the mean loss after each fold, as far as it came.
        state: `complete`, `pruned` (stopped early), `fail`, `running` or `waiting`.
    """

    number: int
    values: Mapping[str, Value]
    losses: tuple[float, ...]
    state: str

    @property
    def loss(self) -> float | None:
        """The mean loss over all folds; None unless complete."""
        return self.losses[-1] if self.state == "complete" else None
