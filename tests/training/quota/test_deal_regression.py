"""A regression of deals before deadlines finds what is planted, and lives with what is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import expit

from training.quota.deal_regression import (
    DAYS_LEFT,
    EARLY,
    SLACK,
    DealRegression,
    fit_deal_regression,
    regressors,
)

Floats = npt.NDArray[np.float64]


def rows(count: int, seed: int) -> tuple[pd.DataFrame, Floats]:
    """Make deals of two stages whose large ones need more time, and their true chances."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            DAYS_LEFT: rng.uniform(1, 90, count),
            SLACK: rng.normal(0, 30, count),
            EARLY: 0.0,
            "amount_against_company": np.exp(rng.normal(0, 1, count)),
            "age_days": rng.uniform(0, 100, count),
            "stage": rng.integers(0, 2, count).astype(np.float64),
            "owner_rate": rng.uniform(0.1, 0.5, count),
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
    p = expit(fit_deal_regression(X, y).margins(new))
    loss = np.mean(-chance * np.log(p) - (1 - chance) * np.log(1 - p))
    best = np.mean(-chance * np.log(chance) - (1 - chance) * np.log(1 - chance))
    rate = chance.mean()
    plain = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    assert best <= loss < best + 0.05 * (plain - best)


def test_data_that_lack_columns_are_enough() -> None:
    """Without stages, pushes and amounts there is a regression, and from JSON it is the same."""
    X, truth = rows(500, 1)
    X = X.drop(columns=["stage", "amount_against_company"]).assign(**{SLACK: np.nan})
    regression = fit_deal_regression(X, (truth > 0.3).astype(np.float64))
    assert regression.stages == ()
    assert np.isfinite(regression.margins(X)).all()
    again = DealRegression.from_json(regression.to_json())
    assert (again.margins(X) == regression.margins(X)).all()


def test_regressors_by_hand() -> None:
    """A deal of the usual amount, a week before the end; and one no column tells anything of."""
    row = {DAYS_LEFT: 7.0, SLACK: 45.0, EARLY: 0.0, "amount_against_company": 1.0}
    X = pd.DataFrame([{**row, "age_days": 20.0, "stage": 1.0}])
    values = regressors(X, (1, 2)).iloc[0]
    left = np.log(7.0)
    expected = {"left": left, "left_squared": left**2, "size": 0.0, "slack": 1.5, "late": 1.5}
    expected |= {"age": np.log(21.0), "is_end": 1.0, "is_end_left": left}
    expected |= {"stage_1_left": left, "stage_2": 0.0, "stage_2_left": 0.0}
    assert {name: float(values[name]) for name in expected} == pytest.approx(expected)
    assert np.isnan(values[["owner_rate", "pushed", "waited"]]).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_no_forecast(seed: int) -> None:
    """Rows are independent: turned around, they give the same log-odds in the other order."""
    X, truth = rows(800, seed)
    regression = fit_deal_regression(X, (truth > 0.3).astype(np.float64))
    turned = X.iloc[::-1]
    # Not to the bit: a turned table lies in memory another way, and sums are added another way.
    np.testing.assert_allclose(regression.margins(turned), regression.margins(X)[::-1], rtol=1e-12)


def test_a_stage_needs_rows_of_its_own() -> None:
    """Fifty deals give a stage weights; forty-nine leave it among the others."""
    X, truth = rows(500, 2)
    y = (truth > 0.3).astype(np.float64)
    for count, stages in ((50, (0, 7)), (49, (0,))):
        staged = X.assign(stage=np.where(np.arange(500) < count, 7.0, 0.0))
        assert fit_deal_regression(staged, y).stages == stages
