"""The chance of an open deal: by its deadline, from what had ended, or by a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from quota_company import TRAINING
from scipy.special import expit

from features.build import Examples
from features.feature import FeatureSet
from training.estimators.calibration import IDENTITY
from training.quota.bundle import QuotaBundle
from training.quota.dataset import DealDeadlines, QuotaTrainingSet, deadlines_of
from training.quota.deal_regression import AGE_THEN, DAYS_LEFT, EARLY, SLACK
from training.quota.deals import DealModel, days_left, fit_deals, mature_rows, with_deadline

CUTOFF, END = pd.Timestamp("2024-02-01"), pd.Timestamp("2024-04-01")
SEEDS = range(3)


def open_deals(count: int = 1) -> tuple[Examples, DealDeadlines]:
    """Make open deals of one rep, two months before the end of the quarter."""
    reps = pd.DataFrame({"rep_id": ["r0"], "cutoff": [CUTOFF], "period_end": [END]})
    keys = pd.DataFrame({"deal_id": range(count), "owner": "r0", "cutoff": CUTOFF})
    X = pd.DataFrame({"days_to_expected_close": 20.0, "age_days": 5.0}, index=range(count))
    deals = Examples(keys, X, FeatureSet("deal", (), {}))
    return deals, deadlines_of(Examples(reps, reps[[]], FeatureSet("rep", (), {})), deals)


def rule(share: float, days: float) -> DealModel:
    """Make a model that has learned nothing but two averages."""
    return DealModel((), None, None, IDENTITY, share, days)


def test_without_a_model_time_decides() -> None:
    """Fallback: the company's win rate, discounted by the time left; never 0 or 1."""
    deals, deadlines = open_deals()
    assert days_left(deals, deadlines).tolist() == [60.0]
    for share, chance in ((0.5, 0.5 * (1 - np.exp(-2))), (1.0, 1 - np.exp(-2))):
        assert expit(rule(share, 30.0).margins(deals, deadlines)) == pytest.approx([chance])
    assert np.isfinite(rule(1.0, 1e-3).margins(deals, deadlines)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_by_the_rule_more_time_and_more_wins_help(seed: int) -> None:
    """The fallback rises with the days left and with the win rate, and falls with the cycle."""
    rng = np.random.default_rng(seed)
    deals, deadlines = open_deals(50)
    later = replace(deadlines, deadline=deadlines.deadline + np.timedelta64(9, "D"))
    share, days = rng.uniform(0.05, 0.6), rng.uniform(5, 90)
    base = rule(share, days).margins(deals, deadlines)
    assert (rule(share, days).margins(deals, later) > base).all()
    assert (rule(share * 1.2, days).margins(deals, deadlines) > base).all()
    assert (rule(share, days * 1.2).margins(deals, deadlines) < base).all()


def test_no_deal_has_no_chance() -> None:
    """Reps without an open deal are forecast by a model and by the rule without an error."""
    deals, deadlines = open_deals()
    nothing = deadlines.take(np.zeros(1, dtype=bool))
    assert rule(0.5, 30.0).margins(deals, nothing).shape == (0,)


def test_the_deadline_is_described_by_hand() -> None:
    """Sixty days left, forty after the expected close, sixty-five days old then, at the end."""
    deals, deadlines = open_deals()
    X = with_deadline(deals, deadlines)
    assert X.loc[0, [DAYS_LEFT, SLACK, AGE_THEN, EARLY]].tolist() == [60.0, 40.0, 65.0, 0.0]
    earlier = replace(deadlines, deadline=deadlines.deadline - np.timedelta64(45, "D"))
    X = with_deadline(deals, earlier)
    assert X.loc[0, [DAYS_LEFT, SLACK, AGE_THEN, EARLY]].tolist() == [15.0, -5.0, 20.0, 45.0]


def test_rows_are_the_deadlines_that_have_passed(sold: QuotaTrainingSet) -> None:
    """Each is won if the deal closed won before it; nothing of a running period is among them."""
    deadlines = deadlines_of(sold.reps, sold.deals)
    rows = mature_rows(sold, deadlines)
    assert 0 < len(rows.y) < len(deadlines)
    assert (rows.deadline <= np.datetime64(sold.until)).all()
    won = sold.won.set_index("deal_id")["closed_at"]
    closed = pd.Series(rows.deal).map(won).to_numpy("datetime64[us]")
    np.testing.assert_array_equal(rows.y, (closed < rows.deadline).astype(float))
    assert rows.is_asked.all()


def test_what_ends_later_changes_no_model(sold: QuotaTrainingSet) -> None:
    """A model of the periods up to one end never looks at how later ones went."""
    ends = sold.mature_ends()[:-1]
    deadlines = deadlines_of(sold.reps, sold.deals)
    after = (sold.endings["closed_at"] >= ends[-1]).to_numpy()
    assert after.any()
    turned = sold.endings["outcome"].where(~after, 1 - sold.endings["outcome"])
    bent = replace(sold, endings=sold.endings.assign(outcome=turned))
    models = [fit_deals(known, deadlines, ends, ends[-1], TRAINING) for known in (sold, bent)]
    assert models[0].ensemble is not None
    assert models[0] == models[1]


def test_warm_deals_have_the_better_chances(
    quota_bundle: QuotaBundle, sold: QuotaTrainingSet
) -> None:
    """What is planted is found: a deal's origin decides, and time left helps."""
    deadlines = deadlines_of(sold.reps, sold.deals)
    p = expit(quota_bundle.deals.margins(sold.deals, deadlines))
    assert ((p > 0) & (p < 1)).all()
    origin = sold.deals.X["deals_origin"].to_numpy()[deadlines.deal]
    means = sorted(float(p[origin == code].mean()) for code in np.unique(origin))
    assert means[-1] > 2 * means[0]
    later = replace(deadlines, deadline=deadlines.deadline + np.timedelta64(20, "D"))
    more = expit(quota_bundle.deals.margins(sold.deals, later))
    assert more.mean() > p.mean()


def test_nothing_ended_leaves_the_averages(sold: QuotaTrainingSet) -> None:
    """Without an ended period there are no trees, and the win rate is the company's so far."""
    deadlines = deadlines_of(sold.reps, sold.deals)
    model = fit_deals(sold, deadlines, [], pd.Timestamp(datetime(2023, 2, 1)), TRAINING)
    assert (model.ensemble, model.regression, model.columns) == (None, None, ())
    closed = sold.endings.assign(deal_id=sold.deals.keys["deal_id"]).dropna(subset="closed_at")
    closed = closed[closed["closed_at"] < sold.until].drop_duplicates("deal_id")
    won = (closed["outcome"] == 1).sum()
    assert model.base_rate == pytest.approx((won + 1) / (len(closed) + 4))
