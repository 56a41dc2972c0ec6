"""How open deals close with time, where the truth is planted."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import expit

from features.build import Examples
from features.feature import FeatureSet
from training.quota.amounts import ByDays, final_over_seen, new_sizes
from training.quota.dataset import DealDeadlines, deadlines_of, other_deadlines
from training.quota.deal_regression import (
    DAYS_LEFT,
    EARLY,
    SLACK,
    DealRegression,
    fit_deal_regression,
)

Floats = npt.NDArray[np.float64]
NOTHING = FeatureSet("rep", (), {})


def rows(count: int, seed: int) -> tuple[pd.DataFrame, Floats]:
    """Make deals of two stages whose large ones need more time, and their true chances."""
    draws = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            DAYS_LEFT: draws.uniform(1, 90, count),
            SLACK: draws.normal(0, 30, count),
            EARLY: 0.0,
            "amount_against_company": np.exp(draws.normal(0, 1, count)),
            "age_days": draws.uniform(0, 100, count),
            "stage": draws.integers(0, 2, count).astype(np.float64),
            "owner_rate": draws.uniform(0.1, 0.5, count),
        }
    )
    left, size = np.log(X[DAYS_LEFT]), np.log(X["amount_against_company"])
    odds = -3.0 + 1.5 * X["stage"] + 0.5 * left + 0.3 * size * left - 1.2 * size
    return X, expit(odds.to_numpy())


@pytest.mark.parametrize("seed", range(3))
def test_what_acts_together_is_found(seed: int) -> None:
    """From 4,000 rows the planted chances come back nearly as good as the truth itself."""
    X, truth = rows(4_000, seed)
    y = (np.random.default_rng(seed + 9).random(len(X)) < truth).astype(np.float64)
    new, chance = rows(20_000, seed + 50)
    found = expit(fit_deal_regression(X, y).margins(new))
    lost = np.mean(-chance * np.log(found) - (1 - chance) * np.log(1 - found))
    best = np.mean(-chance * np.log(chance) - (1 - chance) * np.log(1 - chance))
    rate = chance.mean()
    plain = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    assert best <= lost < best + 0.05 * (plain - best)


def test_data_that_lack_columns_are_enough() -> None:
    """Without stages, pushes and amounts there is a pace all the same, and as JSON it is equal."""
    X, truth = rows(500, 1)
    X = X.drop(columns=["stage", "amount_against_company"]).assign(**{SLACK: np.nan})
    made = fit_deal_regression(X, (truth > 0.3).astype(np.float64))
    assert made.stages == ()
    assert np.isfinite(made.margins(X)).all()
    again = DealRegression.from_json(made.to_json())
    assert (again.margins(X) == made.margins(X)).all()


def training_set(count: int) -> tuple[Examples, DealDeadlines]:
    """Make open deals of reps at weekly cutoffs of three quarters."""
    cutoffs = pd.date_range("2024-01-01", "2024-09-23", freq="7D")
    starts = pd.to_datetime(cutoffs.to_period("Q").start_time)
    ends = starts + pd.DateOffset(months=3)
    reps = pd.DataFrame(
        {"rep_id": "r", "cutoff": cutoffs, "period_start": starts, "period_end": ends}
    )
    deals = pd.DataFrame({"owner": "r", "cutoff": cutoffs.repeat(count)})
    told = [Examples(k, pd.DataFrame(index=k.index), NOTHING) for k in (reps, deals)]
    return told[0], deadlines_of(told[0], told[1])


def test_other_deadlines_lie_ahead_and_within_what_is_known() -> None:
    """About half of the deadlines, each after its cutoff, none after the end of what is known."""
    reps, deadlines = training_set(40)
    until = pd.Timestamp(datetime(2024, 9, 20))
    made = other_deadlines(reps, deadlines, until, seed=3)
    cutoff = reps.keys["cutoff"].to_numpy("datetime64[us]")[made.rep]
    days = (made.deadline - cutoff) / np.timedelta64(1, "D")
    assert days.min() >= 1
    assert days.max() <= 92
    assert (made.deadline <= until.to_datetime64()).all()
    assert len(made) == pytest.approx(len(deadlines) / 2, rel=0.1)
    # Other days than the period's end, spread over its length.
    assert (made.deadline == made.period_end).mean() < 0.05
    assert np.quantile(days[cutoff < np.datetime64("2024-06-01")], 0.5) == pytest.approx(45, abs=5)
    again = other_deadlines(reps, deadlines, until, seed=3)
    assert (again.deadline == made.deadline).all()


def test_new_amounts_know_that_quick_deals_are_small() -> None:
    """Where amounts grow with the days a deal takes, little time left means small amounts."""
    draws = np.random.default_rng(4)
    days = draws.uniform(2, 120, 3_000)
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.uniform(0, 300, 3_000), "D")
    paid = pd.DataFrame(
        {
            "rep_id": draws.integers(0, 9, 3_000),
            "amount": 100 * days,
            "created_at": created,
            "closed_at": created + pd.to_timedelta(days, "D"),
        }
    )
    found = new_sizes(paid)
    means = [float(np.mean(told)) for told in found.levels]
    assert means == sorted(means)
    # Evenly opened over 30 days, deals of t days fit in with 1 - t / 30: (30 + 2 * 2) / 3 days.
    at_30 = means[found.within.index(30.0)] * float(np.median(days))
    assert at_30 == pytest.approx((30 + 4) / 3, rel=0.06)
    few = new_sizes(paid.head(4))
    assert len(few.within) == len(few.levels) == 1


def test_discounts_are_learned_for_the_days_left() -> None:
    """Where who wins near the end gives a tenth away, little time left means a tenth less."""
    draws = np.random.default_rng(5)
    left = draws.uniform(0, 92, 2_000)
    near = draws.random(2_000) < np.where(left <= 14, 1.0, np.where(left <= 30, 0.5, 0.0))
    seen = draws.uniform(1_000, 9_000, 2_000)
    ids = [f"d{n}" for n in range(2_000)]
    won = pd.DataFrame({"deal_id": ids, "days_left": left, "seen": seen})
    found = final_over_seen(won.assign(final=seen * np.where(near, 0.9, 1.0)))
    means = found.at(np.array([3.0, 12.0, 25.0, 50.0, 200.0])).mean(axis=1)
    assert means == pytest.approx([0.9, 0.9, 0.95, 1.0, 1.0], abs=0.012)
    # Thirty sightings of one deal are one deal.
    same = won.head(30).assign(deal_id="d0", days_left=3.0, final=seen[:30] * 0.5)
    other = won.tail(900).assign(final=seen[-900:], days_left=80.0)
    assert final_over_seen(pd.concat([same, other])).within == (90.0,)
    assert final_over_seen(won.head(0)) == ByDays()
