"""Laws of balance, overlap, placebos and sensitivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.evaluation.bootstrap import Estimate
from training.evaluation.treatment import (
    Placebo,
    balance,
    e_value,
    overlap,
    permuted_treatment,
    ratio_estimate,
    sensitivity,
)

SEEDS = range(3)


def chosen(seed: int, rows: int = 20_000) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return features, treatment that goes by `need`, and its true chance."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"need": rng.normal(size=rows), "other": rng.normal(5, 2, rows)})
    X.loc[rng.random(rows) < expit(X["need"]) / 2, "other"] = np.nan
    propensity = expit(0.8 * X["need"].to_numpy())
    return X, (rng.random(rows) < propensity).astype(float), propensity


def test_a_difference_by_hand() -> None:
    """Means of 3 and 1 lie two deviations apart; weights of 3 to 1 pull them together."""
    X = pd.DataFrame({"a": [2.0, 4.0, 0.0, 2.0]})
    treated = np.array([1.0, 1.0, 0.0, 0.0])
    propensity = np.array([1 / 3, 1.0 - 1e-12, 1e-12, 2 / 3])
    (item,) = balance(X, treated, propensity)
    assert item.before == pytest.approx(2.0)
    assert item.after == pytest.approx((2 * 3 + 4) / 4 - 2 * 3 / 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_true_chance_balances_what_moved_the_treatment(seed: int) -> None:
    """Apart before, together after; so are the shares of empty values."""
    items = {item.name: item for item in balance(*chosen(seed))}
    assert set(items) == {"need", "other", "other is empty"}
    assert items["need"].before > 0.5
    assert items["other is empty"].before > 0.1
    assert all(abs(item.after) < 0.06 for item in items.values())


def test_a_feature_that_never_varies_is_balanced_and_an_empty_one_is_not_known() -> None:
    """There is nothing to divide by, and nothing to compare."""
    X = pd.DataFrame({"flat": [1.0, 1.0], "empty": [np.nan, np.nan]})
    flat, empty = balance(X, np.array([1.0, 0.0]), np.full(2, 0.5))
    assert flat.before == flat.after == 0.0
    assert np.isnan(empty.before)


def test_overlap_by_hand() -> None:
    """Two of four rows lie outside; equal weights are worth all rows."""
    propensity = np.array([0.01, 0.5, 0.5, 0.99])
    summary = overlap(propensity, np.array([0.0, 1.0, 0.0, 1.0]), 0.05)
    assert summary.outside == 0.5
    assert summary.treated[0] == 0.5
    assert summary.control[0] == 0.01
    weights = np.array([1 / 0.95, 2.0, 2.0, 1 / 0.95])
    assert summary.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum() / 4)
    fair = overlap(np.full(4, 0.5), np.array([0.0, 1.0, 0.0, 1.0]), 0.05)
    assert (fair.outside, fair.effective) == (0.0, pytest.approx(1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_permuted_treatment_keeps_groups_and_counts(seed: int) -> None:
    """As many are treated, and what a group got was some group's of its size."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 40, 150)
    treated = (rng.random(150) < 0.3).astype(float)
    dealt = permuted_treatment(treated, group, seed)
    assert (dealt != treated).any()
    sizes = {g: (group == g).sum() for g in set(group)}
    for size in set(sizes.values()):
        members = [g for g in sizes if sizes[g] == size]
        before = sorted(tuple(treated[group == g]) for g in members)
        assert sorted(tuple(dealt[group == g]) for g in members) == before


def test_a_placebo_passes_only_with_an_interval_that_holds_0() -> None:
    """Without an interval nothing is known."""
    assert Placebo("a", Estimate(0.1, -0.1, 0.3)).passes
    assert not Placebo("a", Estimate(0.1, 0.05, 0.3)).passes
    assert not Placebo("a", Estimate(0.0)).passes


@pytest.mark.parametrize("seed", SEEDS)
def test_a_risk_ratio_as_a_bootstrap_of_groups_sees_it(seed: int) -> None:
    """The normal interval on the log scale is as wide as the resamples'."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(300), 2)
    both = np.repeat(rng.random(300), 2)
    treated, control = both + 0.3 + rng.random(600), both + rng.random(600)
    estimate = ratio_estimate(treated, control, group, 0.9)
    drawn = rng.integers(300, size=(1000, 300))
    logs = [
        np.log(treated.reshape(300, 2)[d].mean() / control.reshape(300, 2)[d].mean()) for d in drawn
    ]
    assert estimate.value == pytest.approx(treated.mean() / control.mean())
    assert estimate.low is not None
    assert estimate.high is not None
    assert np.log(estimate.high / estimate.low) == pytest.approx(2 * 1.645 * np.std(logs), rel=0.1)


def test_a_risk_ratio_needs_outcomes_in_both_arms() -> None:
    """Nothing over nothing is withheld; one group leaves no interval."""
    nothing, some = np.zeros(4), np.ones(4)
    assert ratio_estimate(some, nothing, np.arange(4), 0.9).value is None
    assert ratio_estimate(some, some, np.zeros(4, dtype=int), 0.9) == Estimate(1.0)


def test_e_values_as_published() -> None:
    """VanderWeele & Ding's example: 3.9 (1.8 to 8.7) gives 7.26 and 3.0 for the limit."""
    values = sensitivity(Estimate(3.9, 1.8, 8.7))
    assert values.of_estimate == pytest.approx(7.26, abs=0.01)
    assert values.of_limit == pytest.approx(3.0, abs=0.01)


def test_a_protective_ratio_is_its_inverse() -> None:
    """Half the risk is as hard to explain away as twice the risk."""
    assert e_value(0.5) == pytest.approx(e_value(2.0))
    lower = sensitivity(Estimate(0.5, 0.4, 0.8))
    assert lower.of_limit == pytest.approx(e_value(1 / 0.8))


def test_an_interval_that_holds_1_is_explained_by_nothing_at_all() -> None:
    """Its limit needs no unseen cause; without an interval, or a ratio, there is no answer."""
    assert sensitivity(Estimate(1.2, 0.9, 1.5)).of_limit == 1.0
    assert sensitivity(Estimate(1.2)).of_limit is None
    assert sensitivity(Estimate(None)).of_estimate is None
