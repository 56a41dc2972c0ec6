"""Wins that are still to be created: learned where planted, believed in where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.estimators.linear import Linear
from training.quota.dataset import QuotaTrainingSet
from training.quota.new_business import READ, NewBusiness, even_pace, figures, fit_new_business

SEEDS = range(4)


def planted(sold: QuotaTrainingSet, wins: np.ndarray) -> QuotaTrainingSet:
    """Put other wins beside the same reps."""
    return replace(sold, parts=sold.parts.assign(created_later_deals=wins))


def test_an_even_pace() -> None:
    """Half a period of belief in the quota, then the rep's own pace; open deals are part of it."""
    X = pd.DataFrame(
        {
            "company_past_attainment": [np.nan, 0.5, 0.0, np.nan],
            "period_days": 90.0,
            "days_left": [90.0, 90.0, 90.0, 45.0],
            "quota": [100.0, 100.0, 100.0, 100.0],
            "attained": [0.0, 0.0, 0.0, 100.0],
        }
    )
    assert even_pace(X, np.zeros(4)) == pytest.approx([100.0, 50.0, 100.0, 75.0])
    assert even_pace(X, np.full(4, 90.0)) == pytest.approx([10.0, 0.0, 10.0, 0.0])


def test_expectations_cannot_run_away() -> None:
    """However far a rep's figures lie out, the log link stops at twice what was ever seen."""
    names = ("log_days", "pace")
    business = NewBusiness(Linear(names, (0.0, 0.0), (0.1, 0.1), (9.0, 9.0), 1.0), 12.0)
    others = ("conversions_30d", "conversions_90d", "open_leads", "leads_90d", "created_90d")
    X = pd.DataFrame({"days_left": 90.0, "pace_won_180d": 9.0, "has_left": [0, 1]})
    X = X.assign(**dict.fromkeys((*others, "lead_rate", "win_rate", "tenure_days"), 1.0))
    wins = business.expected(X)
    assert wins is not None
    assert wins.tolist() == [12.0, 0.0]
    assert NewBusiness.from_json(business.to_json()) == business


@pytest.mark.parametrize("seed", SEEDS)
def test_an_even_pace_is_never_negative_and_more_open_means_less_new(seed: int) -> None:
    """Whatever the figures are, what open deals bring is taken off, and never below nothing."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "company_past_attainment": rng.choice([np.nan, -0.2, 0.0, 0.7, 1.4], 200),
            "period_days": 90.0,
            "days_left": rng.uniform(0, 90, 200),
            "quota": rng.uniform(-50, 300, 200),
            "attained": rng.uniform(-20, 200, 200),
        }
    )
    few, many = even_pace(X, np.full(200, 5.0)), even_pace(X, np.full(200, 50.0))
    assert (many >= 0).all()
    assert (few >= many).all()
    assert (few > many).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_paces_are_found(sold: QuotaTrainingSet, seed: int) -> None:
    """Where wins follow the time left and the rep's own pace, they are expected to."""
    X = sold.reps.X
    truth = 2.0 * np.sqrt(X["days_left"].clip(lower=0.5)) * X["pace_won_180d"].clip(lower=0.003)
    wins = np.random.default_rng(seed).poisson(truth * 4).astype(np.float64)
    wins[~(sold.reps.keys["period_end"] <= sold.until).to_numpy()] = np.nan
    end = sold.mature_ends()[-1]
    expected = fit_new_business(planted(sold, wins), end).expected(X)
    assert expected is not None
    past = (sold.reps.keys["period_end"] <= end).to_numpy()
    assert expected[past].mean() == pytest.approx(wins[past].mean(), rel=0.02)
    assert np.corrcoef(expected[past], truth[past])[0, 1] > 0.8


def test_what_ends_later_is_not_learned_from(sold: QuotaTrainingSet) -> None:
    """Wins of periods that end after the moment change nothing."""
    end = sold.mature_ends()[-2]
    later = (sold.reps.keys["period_end"] > end).to_numpy()
    wins = sold.parts["created_later_deals"].to_numpy(np.float64)
    wilder = planted(sold, np.where(later, 99.0, wins))
    assert fit_new_business(wilder, end) == fit_new_business(sold, end)


def test_too_few_wins_teach_nothing(sold: QuotaTrainingSet) -> None:
    """Below twenty wins there is no expectation, and the even pace has to answer."""
    none = planted(sold, np.zeros(len(sold.reps)))
    assert fit_new_business(none, sold.mature_ends()[-1]) == NewBusiness()
    assert NewBusiness().expected(sold.reps.X) is None
    early = fit_new_business(sold, sold.mature_ends()[0] - pd.Timedelta("1D"))
    assert early == NewBusiness()


def test_figures_are_finite_for_any_rep(sold: QuotaTrainingSet) -> None:
    """No logarithm has an end of its own: nothing seen, and no time left, are figures too."""
    nobody = sold.reps.X.head(3).mul(0.0).fillna(0.0)
    assert np.isfinite(figures(nobody).to_numpy()).all()
    assert list(figures(nobody).columns) == list(figures(sold.reps.X).columns)


def test_what_is_read_is_named() -> None:
    """Of the features of reps, exactly those that are named are needed, and no other."""
    X = pd.DataFrame(1.0, index=[0, 1], columns=[*READ])
    model = NewBusiness(Linear(("log_days",), (0.0,), (1.0,), (0.5,), 0.0), 9.0)
    assert model.expected(X) is not None
    for name in READ:
        with pytest.raises(KeyError, match=name):
            model.expected(X.drop(columns=name))
