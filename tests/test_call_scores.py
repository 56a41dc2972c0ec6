"""The figures that grade a call list, counted by hand on two companies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from call_scores import against_noise, pooled, pooled_share

LISTED = {"A": 130.0, "B": 330.0}
"""What the list brings in the only world it has; by habit it is 100 in A and 300 in B there."""


def rows() -> pd.DataFrame:
    """Two companies of two worlds and two seats; the best policy adds 50 and 70, or 150 and 150."""
    habit, best = {"A": (100.0, 200.0), "B": (300.0, 500.0)}, {"A": (50, 70), "B": (150, 150)}
    parts = []
    for company, worlds in habit.items():
        totals = [("habit", w, total) for w, total in enumerate(worlds)]
        totals += [("best", w, total + best[company][w]) for w, total in enumerate(worlds)]
        totals.append(("list", 0, LISTED[company]))
        parts += [
            (company, policy, world, seat, total * share)
            for policy, world, total in totals
            for seat, share in ((0, 0.25), (1, 0.75))
        ]
    names = ["company", "policy", "world", "seat", "value"]
    return pd.DataFrame(parts, columns=names)


def test_a_policy_is_compared_with_habit_in_the_same_worlds() -> None:
    """The list has the first world alone: 460 beside 400; the best policy all: 760 beside 550."""
    assert pooled(rows(), "list", "value").value == pytest.approx(460 / 400 - 1)
    best = pooled(rows(), "best", "value")
    assert best.value == pytest.approx((210 + 550) / (150 + 400) - 1)
    # Companies are drawn whole: both ends are the change of one company drawn twice.
    assert (best.low, best.high) == pytest.approx((550 / 400 - 1, 210 / 150 - 1))
    assert str(best) == "+38.2% (+37.5% to +40.0%)"


def test_a_share_is_of_what_the_best_policy_brings() -> None:
    """15 % more beside 38.2 % more."""
    share = pooled_share(rows(), "list", "best", "value")
    assert share.value == pytest.approx(0.15 / (760 / 550 - 1))
    assert share.plain().startswith("39% (")


def test_noise_is_how_much_worlds_differ() -> None:
    """In A the best policy adds 50 % and 35 %, in B 50 % and 30 %."""
    compared = against_noise(rows(), "list", "best", "value")
    assert [(name, round(change, 6)) for name, change, _ in compared] == [("A", 0.3), ("B", 0.1)]
    spreads = [np.std([0.5, 0.35], ddof=1), np.std([0.5, 0.3], ddof=1)]
    assert [least for *_, least in compared] == pytest.approx([-1.645 * s for s in spreads])
