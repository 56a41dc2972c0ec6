"""What deals bring, where it is planted: discounts near the end, small amounts for quick deals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.quota.amounts import (
    KEPT,
    Amounts,
    ByDays,
    final_over_seen,
    learn_amounts,
    new_sizes,
    spread_evenly,
)
from training.quota.dataset import QuotaTrainingSet, deadlines_of

SEEDS = range(4)


def paid(count: int, seed: int, reps: int = 9) -> pd.DataFrame:
    """Make wins whose amounts grow with the days they took."""
    rng = np.random.default_rng(seed)
    days = rng.uniform(2, 120, count)
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 300, count), "D")
    return pd.DataFrame(
        {
            "rep_id": rng.integers(0, reps, count),
            "amount": 100 * days,
            "created_at": created,
            "closed_at": created + pd.to_timedelta(days, "D"),
        }
    )


def test_amounts_are_those_of_the_days_left() -> None:
    """The table for the days left counts; beyond the last one, the last."""
    by_days = ByDays(within=(7.0, 30.0, 90.0), levels=((0.0, 0.0), (1.0, 1.0), (2.0, 3.0)))
    values = by_days.at(np.array([0.5, 7.0, 7.5, 30.0, 60.0, 400.0]))
    assert values.tolist() == [[0, 0], [0, 0], [1, 1], [1, 1], [2, 3], [2, 3]]


@pytest.mark.parametrize("seed", SEEDS)
def test_new_amounts_know_that_quick_deals_are_small(seed: int) -> None:
    """Where amounts grow with the days a deal takes, little time left means small amounts."""
    wins = paid(3_000, seed)
    sizes = new_sizes(wins)
    means = [float(np.mean(values)) for values in sizes.levels]
    assert means == sorted(means)
    # Evenly opened over 30 days, deals of t days fit in with 1 - t / 30: (30 + 2 * 2) / 3 days.
    days = (wins["closed_at"] - wins["created_at"]) / pd.Timedelta("1D")
    at_30 = means[sizes.within.index(30.0)] * float(days.median())
    assert at_30 == pytest.approx((30 + 4) / 3, rel=0.08)


@pytest.mark.parametrize("seed", SEEDS)
def test_new_amounts_are_told_in_the_reps_own_usual_wins(seed: int) -> None:
    """A rep whose deals are ten times as large is no reason to expect larger new ones."""
    wins = paid(2_000, seed)
    large = wins.assign(amount=wins["amount"] * np.where(wins["rep_id"] == 3, 10.0, 1.0))
    for one, other in zip(new_sizes(wins).levels, new_sizes(large).levels, strict=True):
        assert one == pytest.approx(other, rel=0.02)


def test_few_wins_have_one_distribution() -> None:
    """Four wins say nothing of days left; all of them together answer for all days."""
    few = new_sizes(paid(4, seed=4))
    assert few.within == (365.0,)
    assert len(few.levels) == 1


def test_discounts_are_learned_for_the_days_left() -> None:
    """Where who wins near the end gives a tenth away, little time left means a tenth less."""
    rng = np.random.default_rng(5)
    left = rng.uniform(0, 92, 2_000)
    near = rng.random(2_000) < np.where(left <= 14, 1.0, np.where(left <= 30, 0.5, 0.0))
    seen = rng.uniform(1_000, 9_000, 2_000)
    ids = [f"d{n}" for n in range(2_000)]
    won = pd.DataFrame({"deal_id": ids, "days_left": left, "seen": seen})
    ratio = final_over_seen(won.assign(final=seen * np.where(near, 0.9, 1.0)))
    means = ratio.at(np.array([3.0, 12.0, 25.0, 50.0, 200.0])).mean(axis=1)
    assert means == pytest.approx([0.9, 0.9, 0.95, 1.0, 1.0], abs=0.012)
    # Thirty sightings of one deal are one deal.
    same = won.head(30).assign(deal_id="d0", days_left=3.0, final=seen[:30] * 0.5)
    other = won.tail(900).assign(final=seen[-900:], days_left=80.0)
    assert final_over_seen(pd.concat([same, other])).within == (90.0,)
    assert final_over_seen(won.head(0)) == ByDays()


@pytest.mark.parametrize("seed", SEEDS)
def test_quantiles_stand_for_all_values(seed: int) -> None:
    """They rise, keep the mean of what they stand for, and equal weights are no weights."""
    values = np.random.default_rng(seed).lognormal(0, 0.5, 4_000)
    quantiles = np.array(spread_evenly(values))
    assert len(quantiles) == KEPT
    assert (np.diff(quantiles) >= 0).all()
    assert quantiles.mean() == pytest.approx(values.mean(), rel=0.03)
    even = np.array(spread_evenly(values, np.full(len(values), 0.3)))
    assert even == pytest.approx(quantiles, rel=0.01)


def test_twice_the_weight_is_twice_the_value() -> None:
    """A value of weight 2 says what two values of weight 1 say; a single value is everything."""
    values = np.random.default_rng(3).lognormal(0, 0.5, 500)
    weights = np.where(np.arange(500) % 2 == 0, 2.0, 1.0)
    weighted = np.array(spread_evenly(values, weights))
    assert weighted == pytest.approx(
        spread_evenly(np.repeat(values, weights.astype(int))), rel=0.02
    )
    assert spread_evenly(np.array([5.0]), np.array([0.2])) == (5.0,) * KEPT


def test_amounts_come_back_from_json_to_the_bit(sold: QuotaTrainingSet) -> None:
    """What is learned from a company is the same after it was saved."""
    amounts = learn_amounts(sold, deadlines_of(sold.reps, sold.deals))
    assert Amounts.from_json(amounts.to_json()) == amounts
    assert amounts.typical == sold.won["amount"].median()
    assert amounts.paid == 1.0
    # The company's amounts never change, so what is seen is what comes.
    assert set(np.ravel(amounts.ratio.levels)) == {1.0}


def test_a_company_without_a_paid_win_is_guessed_at(sold: QuotaTrainingSet) -> None:
    """Open deals' amounts answer, else a tenth of a quota, and nothing fails."""
    nothing = replace(sold, won=sold.won.assign(amount=0.0))
    deadlines = deadlines_of(sold.reps, sold.deals)
    amounts = learn_amounts(nothing, deadlines)
    assert amounts.typical == sold.deals.keys["amount"].median()
    keys = sold.deals.keys.assign(amount=np.nan)
    bare = replace(nothing, deals=replace(sold.deals, keys=keys))
    tenth = sold.reps.X["quota"].median() / 10
    assert learn_amounts(bare, deadlines).typical == pytest.approx(tenth)
