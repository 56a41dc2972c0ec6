"""A rep's chance is split into six factors: points that add up, and go to whom they belong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from features.build import Examples
from features.feature import FeatureSet
from training.quota.explain import (
    FACTORS,
    LEAST_POINTS,
    RepExplanation,
    explain_reps,
    open_amounts,
    rep_reasons,
)
from training.quota.futures import Futures

Floats = npt.NDArray[np.float64]
START, END, AS_OF = datetime(2025, 1, 1), datetime(2025, 4, 1), datetime(2025, 2, 1)
NAMES = [factor.name for factor in FACTORS]
COUNT, REPS = 300, 5


def futures(seed: int, **changed: Any) -> Futures:
    """Draw futures of five reps with one quota period, quite unlike in all six factors."""
    rng = np.random.default_rng(seed)
    quota = changed.pop("quota", rng.uniform(80, 120, REPS))
    keys = pd.DataFrame(
        {
            "rep_id": [f"r{n}" for n in range(REPS)],
            "period_start": START,
            "period_end": END,
            "cutoff": AS_OF,
            "quota": quota,
        }
    )
    drawn: dict[str, Any] = {
        "keys": keys,
        "closed": rng.uniform(10, 60, REPS),
        "open": rng.gamma(2, 15, (REPS, COUNT)),
        "new": rng.gamma(2, 10, (REPS, COUNT)),
    }
    return Futures(**{**drawn, **changed})


def reps(leads: Floats) -> Examples:
    """Say how many leads each rep received; nothing else is asked."""
    keys = pd.DataFrame({"rep_id": [f"r{n}" for n in range(len(leads))]})
    return Examples(keys, pd.DataFrame({"leads_90d": leads}), FeatureSet("rep", ()))


def explained(drawn: Futures, leads: Floats, amount: Floats) -> RepExplanation:
    """Explain with a target of the whole quota."""
    return explain_reps(drawn, reps(leads), amount, 1.0)


def chance(drawn: Futures) -> Floats:
    """Count the futures in which each rep makes the quota."""
    return (drawn.attainment() >= 1.0).mean(axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_base_and_points_are_the_chance(seed: int) -> None:
    """Nothing is lost on the way: the sum over all six factors is what was drawn."""
    drawn, rng = futures(seed), np.random.default_rng(seed)
    explanation = explained(
        drawn, rng.integers(1, 40, REPS).astype(float), rng.uniform(20, 90, REPS)
    )
    sums = explanation.base + explanation.points.sum(axis=1)
    np.testing.assert_allclose(sums, 100 * chance(drawn), atol=1e-9)
    assert np.ptp(explanation.base) == pytest.approx(0.0)  # one period has one rep like any other


def test_equal_reps_have_no_points() -> None:
    """Where nobody differs from a peer there is nothing to explain."""
    same = np.full(REPS, 30.0)
    drawn = futures(
        1,
        closed=same,
        open=np.full((REPS, COUNT), 40.0),
        new=np.full((REPS, COUNT), 20.0),
        quota=np.full(REPS, 100.0),
    )
    explanation = explained(drawn, np.full(REPS, 9.0), np.full(REPS, 80.0))
    np.testing.assert_allclose(explanation.points, 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("factor", "more"), [("closed", True), ("quota", False), ("open_amount", True)]
)
def test_points_go_to_the_factor_that_differs(factor: str, *, more: bool) -> None:
    """Only one rep is unlike the others, in one thing: it has points there and nowhere else."""
    closed, quota, amount = (np.full(REPS, v) for v in (30.0, 100.0, 80.0))
    yields = np.linspace(0, 1.2, COUNT)[None, :] * np.ones((REPS, 1))
    unlike = {"closed": closed, "quota": quota, "open_amount": amount}[factor]
    unlike[0] *= 1.5
    drawn = futures(
        1, closed=closed, open=yields * amount[:, None], new=np.zeros((REPS, COUNT)), quota=quota
    )
    explanation = explained(drawn, np.full(REPS, 9.0), amount)
    own = explanation.points[0]
    place = NAMES.index(factor)
    assert (own[place] > 5) if more else (own[place] < -5)
    np.testing.assert_allclose(np.delete(own, place), 0.0, atol=1e-12)


def test_a_quota_of_nothing_is_made_whatever_comes() -> None:
    """A rep without a quota cannot miss it: the points of the quota lift the chance to 100."""
    drawn = futures(2, quota=np.array([0.0, 100.0, 100.0, 100.0, 1e9]))
    explanation = explained(drawn, np.full(REPS, 9.0), np.full(REPS, 80.0))
    total = explanation.base + explanation.points.sum(axis=1)
    assert total[0] == pytest.approx(100.0)
    assert total[4] == pytest.approx(0.0)
    assert (
        explanation.points[0, NAMES.index("quota")]
        > 0
        > explanation.points[4, NAMES.index("quota")]
    )


def test_reps_are_compared_within_their_period() -> None:
    """Another period is another world: its reps are nobody's peers."""
    drawn = futures(3)
    keys = drawn.keys.assign(period_end=[END, END, END, datetime(2025, 7, 1), datetime(2025, 7, 1)])
    apart = explained(replace(drawn, keys=keys), np.full(REPS, 9.0), np.full(REPS, 80.0))
    assert len(np.unique(apart.base)) == 2
    assert apart.base[0] == apart.base[2] != apart.base[3] == apart.base[4]


def test_values_are_money_and_counts() -> None:
    """What is closed is also a share of the quota, where there is one."""
    drawn = futures(4, closed=np.full(REPS, 25.0), quota=np.array([100.0, 0.0, 100.0, 50.0, 80.0]))
    explanation = explained(
        drawn, np.array([3.0, np.nan, 1_200.0, 0.0, 1.0]), np.full(REPS, 5_000.0)
    )
    assert [row[0] for row in explanation.in_words[:4]] == [
        "25 (25 % of quota)",
        "25",
        "25 (25 % of quota)",
        "25 (50 % of quota)",
    ]
    assert [row[3] for row in explanation.in_words] == ["3", "0", "1,200", "0", "1"]
    assert {row[1] for row in explanation.in_words} == {"5,000"}
    assert [row[5] for row in explanation.in_words] == ["100", "0", "100", "50", "80"]
    assert all(len(row) == len(FACTORS) for row in explanation.in_words)


def test_values_say_what_points_go_to() -> None:
    """What is open counts by the share it brings, new business by what a lead brings."""
    drawn = futures(4, open=np.full((REPS, COUNT), 40.0), new=np.full((REPS, COUNT), 20.0))
    explanation = explained(
        drawn, np.array([10.0, 0.0, 5.0, 5.0, 5.0]), np.array([80.0, 0.0, 160.0, 160.0, 160.0])
    )
    words = [(row[2], row[4]) for row in explanation.in_words]
    assert words[0] == ("40 (50 % of what is open)", "20 (2 a lead)")
    assert words[1] == ("40", "20")
    # The middle of those who have something open, and of those who receive leads.
    assert {(row[2], row[4]) for row in explanation.usual} == {
        ("40 (25 % of what is open)", "20 (4 a lead)")
    }


def test_reasons_are_the_strongest_first_and_add_up() -> None:
    """Every factor worth a word, by its size; base, points and rest are 100 p."""
    points = np.array([[5.0, -12.0, LEAST_POINTS / 2, 0.0, 1.0, -0.2]])
    values = [tuple(f"v{n}" for n in range(6))]
    p = np.array([0.43])
    usual, at_usual = [tuple(f"u{n}" for n in range(6))], 43.0 - points
    (row,) = rep_reasons(RepExplanation(np.array([50.0]), points, at_usual, values, usual), p)
    items = [(i["feature"], i["value"], i["points"], i["side"]) for i in row["items"]]
    assert items == [
        ("open_amount", "v1", -12.0, "against"),
        ("closed", "v0", 5.0, "for"),
        ("new_business", "v4", 1.0, "for"),
        ("quota", "v5", -0.2, "against"),
    ]
    total = row["base"] + sum(item["points"] for item in row["items"]) + row["rest"]
    assert total == pytest.approx(100 * p[0], abs=1e-3)
    assert [i["who"] for i in row["items"]] == ["rep", "rep", "rep", "company"]
    assert [i["group"] for i in row["items"]] == [
        *["you can change"] * 3,
        "manager or company can change",
    ]
    assert [i["usual"] for i in row["items"]] == ["u1", "u0", "u4", "u5"]
    assert [i["at_usual"] for i in row["items"]] == [55.0, 38.0, 42.0, 43.2]


def test_open_amounts_are_added_up_by_rep() -> None:
    """A rep without open deals has nothing open."""
    amounts = open_amounts(3, np.array([0, 2, 0]), np.array([10.0, 5.0, 2.5]))
    assert amounts.tolist() == [12.5, 0.0, 5.0]
