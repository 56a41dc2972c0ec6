"""Laws of forecasts beside outcomes: deals as in scoring, won in time, and what all share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from quota_company import FEATURES, QUARTERS, TRAINING, opened, sellers

from features.storage.warehouse import Warehouse
from training.evaluation.later import CalibrationCheck
from training.quota.bundle import QuotaBundle
from training.quota.fallback import fall_back
from training.quota.fit import forecast_examples, learn_quota
from training.quota.later import later_deals, quota_checks, shared_error

SEEN = QUARTERS[4] + timedelta(days=20)
CUTOFF = QUARTERS[4] + timedelta(days=60)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A company ten days into its sixth quarter."""
    return opened(sellers(QUARTERS[5] + timedelta(days=10)), tmp_path_factory.mktemp("later"))


@pytest.fixture(scope="module")
def champion(history: Warehouse) -> QuotaBundle:
    """A model that saw the company until twenty days into its fifth quarter."""
    return learn_quota(history.until(SEEN), FEATURES, TRAINING)


def deals_of(checks: tuple[CalibrationCheck, ...]) -> CalibrationCheck:
    """Return the check of open deals."""
    (check,) = (check for check in checks if check.subject == "open deals")
    return check


def test_deals_are_forecast_as_in_attainment(history: Warehouse, champion: QuotaBundle) -> None:
    """Each open deal has the chance that the rep's futures are drawn from, owner beside it."""
    reps, deals = forecast_examples(champion, history, [CUTOFF])
    forecasts = later_deals(history, champion, reps, deals)
    inputs = champion.draw_inputs(reps, deals)
    assert len(forecasts.p) == len(deals) > 20
    np.testing.assert_allclose(
        np.sort(forecasts.p), np.sort(1 / (1 + np.exp(-inputs.margin))), rtol=1e-12
    )
    assert forecasts.owners.str.startswith("r").all()
    assert len(forecasts.segments) == len(forecasts.keys)


def test_a_deal_is_won_in_time_or_it_is_not(history: Warehouse, champion: QuotaBundle) -> None:
    """Won before the quarter's end counts, won after it does not, a running quarter is unknown."""
    cutoffs = [CUTOFF, QUARTERS[5] + timedelta(days=1)]
    forecasts = later_deals(history, champion, *forecast_examples(champion, history, cutoffs))
    deals = history.arrow(history["deals"].select("deal_id", "closed_at", "won")).to_pandas()
    rows = forecasts.keys.assign(y=forecasts.y).merge(deals, on="deal_id")
    ended = rows[rows["cutoff"] == CUTOFF]
    in_time = ended["won"].eq(other=True) & (ended["closed_at"] < QUARTERS[5])
    assert (ended["y"] == in_time).all()
    assert (ended["won"].eq(other=True) & ~in_time).any()
    assert rows.loc[rows["cutoff"] > CUTOFF, "y"].isna().all()


def test_only_deals_alarm_and_only_where_there_is_a_model_of_them(
    history: Warehouse, champion: QuotaBundle
) -> None:
    """Few reps make warnings; a champion that answers by averages has no deals to be judged."""
    checks = quota_checks(history, champion, [CUTOFF])
    assert [(c.subject, c.is_alarming) for c in checks] == [
        ("quota attainment", False),
        ("open deals", True),
    ]
    averages = quota_checks(history, fall_back(champion, "nothing is shown"), [CUTOFF])
    assert [c.subject for c in averages] == ["quota attainment"]


def test_the_level_is_as_sure_as_the_wins_it_was_learned_from(
    history: Warehouse, champion: QuotaBundle
) -> None:
    """The error is that of a count of the wins in the periods learned from, not of later ones."""
    deals = history.arrow(history["deals"].select("closed_at", "won")).to_pandas()
    learned = (deals["closed_at"] < QUARTERS[4]) & deals["won"].eq(other=True)
    check = deals_of(quota_checks(history, champion, [CUTOFF]))
    assert check.level_error == pytest.approx(learned.sum() ** -0.5)
    young = replace(champion, about={**champion.about, "periods": []})
    assert deals_of(quota_checks(history, young, [CUTOFF])).level_error == 1.0


def test_a_model_of_few_wins_warns(history: Warehouse, champion: QuotaBundle) -> None:
    """Below the wins that make a model dependable, what is off is worth a look and no alarm."""
    check = deals_of(quota_checks(history, champion, [CUTOFF]))
    won = round(check.level_error**-2)
    for minimum, is_alarming in ((won, True), (won + 1, False)):
        needs = champion.params.minimum.model_copy(update={"won": minimum})
        model = replace(champion, params=champion.params.model_copy(update={"minimum": needs}))
        assert deals_of(quota_checks(history, model, [CUTOFF])).is_alarming == is_alarming


def quarter(k: int, rows: int) -> pd.DatetimeIndex:
    """The end of the k-th quarter, for some rows."""
    return pd.DatetimeIndex([datetime(2025, 1, 1) + k * timedelta(days=91)] * rows)


def test_what_all_deals_share_shrinks_with_periods_and_not_with_deals() -> None:
    """The rows of the table; ten times the deals share as much, sure deals share nothing."""
    many = 10_000
    for n in (10, 1_000):
        ends = quarter(0, n).to_numpy("datetime64[us]")
        p = np.full(n, 0.4)
        assert shared_error(p, ends, 0.15, many) == pytest.approx(0.09, rel=1e-3)
        assert shared_error(p, ends, 0.15, 4) == pytest.approx(0.1006, rel=1e-3)
    three = np.concatenate([quarter(k, 5).to_numpy("datetime64[us]") for k in range(3)])
    assert shared_error(np.full(15, 0.4), three, 0.15, 4) == pytest.approx(0.0687, rel=1e-3)
    assert shared_error(np.ones(15), three, 0.15, 4) == 0.0
    assert shared_error(np.empty(0), three[:0], 0.15, 4) == 0.0
