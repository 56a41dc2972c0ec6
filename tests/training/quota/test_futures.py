"""Futures of reps, where the numbers are known beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import FeatureSet
from training.estimators.calibration import IDENTITY
from training.estimators.linear import Linear
from training.quota.amounts import ByDays
from training.quota.dataset import deadlines_of
from training.quota.deals import DealModel, days_left
from training.quota.explain import explain_reps, rep_reasons
from training.quota.fit import crps
from training.quota.futures import DrawInputs, Futures, Spread, draw_futures, evened, summed
from training.quota.new_business import NewBusiness, even_pace
from training.quota.ranges import (
    CERTAIN,
    chance_to_attain,
    likely_range,
    quantiles,
    share_within,
)

CUTOFF = datetime(2024, 2, 1)
START, END = datetime(2024, 1, 1), datetime(2024, 4, 1)
FUTURES = 40_000
EVEN = Spread(0.0, 0.0)


def reps(*quotas: float, closed: float = 0.0, cutoff: datetime = CUTOFF) -> Examples:
    """Make reps with quotas."""
    keys = pd.DataFrame(
        {
            "rep_id": [f"r{n}" for n in range(len(quotas))],
            "period_start": START,
            "period_end": END,
            "cutoff": cutoff,
            "quota": list(quotas),
            "attained": closed,
            "manager_id": [f"m{n % 2}" for n in range(len(quotas))],
        }
    )
    X = pd.DataFrame({"leads_90d": np.arange(len(quotas)) + 1.0})
    return Examples(keys, X, FeatureSet("rep", (), {}))


def chances(rep: list[int], p: list[float], amount: float, new: list[float]) -> DrawInputs:
    """Make deals of known odds."""
    odds = np.log(np.array(p) / (1 - np.array(p)))
    worth = np.full((len(new), 1), 3.0)
    sizes = np.full(len(p), amount)
    return DrawInputs(np.array(rep, np.int64), odds, sizes, sizes[:, None], np.array(new), worth)


def test_open_deals_are_won_as_often_as_they_are_said_to_be() -> None:
    """Without luck in common the sum is binomial: mean n p a, variance n p (1 - p) a^2."""
    told = chances([1] * 20, [0.3] * 20, 5.0, [0.0, 0.0])
    made = draw_futures(reps(1.0, 1.0), told, EVEN, FUTURES, seed=1)
    assert (made.open[0] == 0).all()
    assert made.open[1].mean() == pytest.approx(20 * 0.3 * 5, rel=0.01)
    assert made.open[1].var() == pytest.approx(20 * 0.3 * 0.7 * 25, rel=0.03)


@pytest.mark.parametrize("p", [0.02, 0.5, 0.93])
@pytest.mark.parametrize("luck", [Spread(0.6, 0.0), Spread(0.3, 0.4)])
def test_luck_does_not_change_what_open_deals_bring_on_average(p: float, luck: Spread) -> None:
    """However much luck deals share, a chance of p means p of them, and the sum gets wider."""
    told = chances([0] * 40, [p] * 40, 5.0, [0.0])
    even = draw_futures(reps(1.0), told, EVEN, FUTURES, seed=1)
    made = draw_futures(reps(1.0), told, luck, FUTURES, seed=1)
    assert made.open.mean() == pytest.approx(40 * p * 5, rel=0.03)
    assert made.open.var() > 1.2 * even.open.var()
    # Without the correction small chances would rise: the test could fail.
    assert evened(np.array([-4.0]), 0.36)[0] < -4.1


def test_new_business_is_poisson_with_amounts() -> None:
    """Mean and variance of a compound Poisson sum: l E[a] and l E[a^2]."""
    factors = np.array([0.5, 1.0, 4.0])
    told = replace(chances([], [], 1.0, [6.0]), new_amounts=3 * factors[None, :])
    made = draw_futures(reps(1.0), told, EVEN, FUTURES, seed=1)
    assert made.new.mean() == pytest.approx(6 * 3 * factors.mean(), rel=0.02)
    assert made.new.var() == pytest.approx(6 * 9 * (factors**2).mean(), rel=0.04)


def test_open_deals_bring_any_of_their_final_amounts() -> None:
    """Each of the amounts a deal may bring is as likely: mean and variance of won times amount."""
    told = replace(chances([0], [0.4], 1.0, [0.0]), final=np.array([[1.0, 2.0, 6.0]]))
    made = draw_futures(reps(1.0), told, EVEN, FUTURES, seed=1)
    shares = [(made.open[0] == amount).mean() for amount in (0.0, 1.0, 2.0, 6.0)]
    assert shares == pytest.approx([0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3], abs=0.01)


def test_amounts_are_those_of_the_days_left() -> None:
    """The table for the days left counts; beyond the last one, the last."""
    told = ByDays(within=(7.0, 30.0, 90.0), levels=((0.0, 0.0), (1.0, 1.0), (2.0, 3.0)))
    found = told.at(np.array([0.5, 7.0, 7.5, 30.0, 60.0, 400.0]))
    assert found.tolist() == [[0, 0], [0, 0], [1, 1], [1, 1], [2, 3], [2, 3]]


def test_a_shared_mood_moves_all_and_keeps_the_mean_of_new_business() -> None:
    """Reps' futures of one moment go together, so a total is wider than independent sums."""
    told = chances([], [], 1.0, [8.0] * 6)
    alone = draw_futures(reps(*[1.0] * 6), told, EVEN, FUTURES, seed=1)
    together = draw_futures(reps(*[1.0] * 6), told, Spread(0.0, 0.4), FUTURES, seed=1)
    assert together.new.mean() == pytest.approx(alone.new.mean(), rel=0.02)
    assert np.corrcoef(alone.new)[0, 1] == pytest.approx(0, abs=0.02)
    assert np.corrcoef(together.new)[0, 1] > 0.3
    everyone = pd.Series("company", index=range(6))
    one, other = (summed(d, everyone, "company").iloc[0] for d in (alone, together))
    assert other["p90"] - other["p10"] > 1.5 * (one["p90"] - one["p10"])
    parts = np.quantile(together.total, 0.9, axis=1).sum() - together.total.mean(axis=1).sum()
    assert 0 < other["p90"] - other["mean"] < parts


def test_teams_add_up() -> None:
    """Managers' means and quotas add up to the company's, and each split to its mean."""
    told = chances([0, 0, 1, 3], [0.2, 0.9, 0.5, 0.4], 7.0, [1.0, 2.0, 0.0, 4.0])
    made = draw_futures(reps(5.0, 6.0, 7.0, 8.0, closed=2.0), told, Spread(), 500, seed=3)
    teams = summed(made, made.keys["manager_id"], "manager")
    whole = summed(made, pd.Series("company", index=range(4)), "company").iloc[0]
    for name in ("mean", "quota", "closed", "expected_open", "expected_new"):
        assert teams[name].sum() == pytest.approx(whole[name])
    split = teams["closed"] + teams["expected_open"] + teams["expected_new"]
    assert split.to_numpy() == pytest.approx(teams["mean"].to_numpy())
    unknown = made.keys["manager_id"].where(made.keys["manager_id"] == "m0")
    assert summed(made, unknown, "manager")["group"].tolist() == ["m0"]


def test_cutoffs_do_not_touch_each_other() -> None:
    """A moment's futures are the same alone and among others; another moment has its own."""
    first, later = reps(1.0, 1.0), reps(1.0, 1.0, cutoff=datetime(2024, 3, 1))
    keys = pd.concat([first.keys, later.keys], ignore_index=True)
    both = Examples(keys, pd.concat([first.X, later.X], ignore_index=True), first.feature_set)
    told = chances([0, 1, 2, 3], [0.4] * 4, 2.0, [3.0] * 4)
    alone = draw_futures(first, chances([0, 1], [0.4] * 2, 2.0, [3.0] * 2), Spread(), 300, 7)
    made = draw_futures(both, told, Spread(), 300, 7)
    assert (made.total[:2] == alone.total).all()
    assert (made.total[2:] != alone.total).any()


def test_mid_quantiles_by_hand() -> None:
    """Half of the futures at 0, a quarter at 1 and at 2: the middles lie at 1/4, 5/8 and 7/8."""
    found = quantiles(np.array([[0.0, 0.0, 1.0, 2.0]]), 5.0, (0.25, 0.5, 0.625, 0.75, 0.95))
    assert found[0] == pytest.approx([0.0, 2 / 3, 1.0, 1.5, 2.0])


def test_what_a_range_holds_by_its_own_futures() -> None:
    """Of ten futures, six at the lower end and one above the upper: nine lie in the range."""
    futures = np.array([[0.5] * 6 + [0.6, 0.7, 0.8, 2.0], [np.inf] * 10])
    ends = np.array([[0.5, 0.8], [1.0, 1.0]])
    assert share_within(futures, ends).tolist() == [0.9, 1.0]


def test_a_range_by_hand() -> None:
    """Ten futures: the tenth part may lie below, and it ends as soon as it holds eight.

    Smooth, it leaves one out above; on a step of three at its beginning, it leaves out two; what
    is nearly certain is a point; without a quota it is the target.
    """
    smooth = np.arange(10.0)
    step = np.array([1.0] * 3 + [2, 3, 4, 5, 6, 7, 8])
    sure = np.array([2.0] * 9 + [5.0])
    found = likely_range(np.stack([smooth, step, sure, np.full(10, np.inf)]), 1.0)
    assert found.tolist() == [[0, 7], [1, 6], [2, 2], [1, 1]]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 0.95])
def test_ranges_hold_four_fifths_or_what_one_amount_takes(share: float) -> None:
    """However much of the chance lies on one amount: 0.8, or more where that alone is more."""
    rng = np.random.default_rng(3)
    futures = np.where(rng.random((50, 1000)) < share, 0.2, 0.2 + rng.exponential(1.0, (50, 1000)))
    ends = likely_range(futures, 1.0)
    held = share_within(futures, ends)
    on_one = (futures == 0.2).mean(axis=1)
    assert (held >= 0.8).all()
    assert held == pytest.approx(np.maximum(0.8, on_one), abs=0.002)
    p10, _, p90 = quantiles(futures, 1.0).T
    assert (ends[:, 1] <= p90 + 1e-3).all()
    if share <= 0.05:
        assert ends[:, 0] == pytest.approx(p10, abs=0.02)
        assert ends[:, 1] == pytest.approx(p90, abs=0.1)


@pytest.mark.parametrize("target", [0.8, 1.0, 1.3])
def test_chance_and_range_agree(target: float) -> None:
    """A quantile of level q reaches the target just where the chance to attain is 1 - q or more."""
    draws = np.random.default_rng(5)
    futures = np.round(draws.normal(draws.uniform(-1, 3, (200, 1)), 0.3, (200, 101)), 1)
    p, ends = chance_to_attain(futures, target), quantiles(futures, target)
    assert (np.diff(ends, axis=1) >= 0).all()
    for column, level in enumerate((0.1, 0.5, 0.9)):
        assert ((ends[:, column] >= target) == (p >= 1 - level - 1e-12)).all()
    assert p.max() == CERTAIN
    assert p.min() == pytest.approx(1 - CERTAIN)


def test_a_quota_of_nothing_is_attained_in_every_future() -> None:
    """0 and less: never at risk, the range is the target, whatever comes in."""
    made = draw_futures(reps(0.0, -5.0, 4.0), chances([], [], 1.0, [1.0] * 3), EVEN, 500, 1)
    p, ends = chance_to_attain(made.attainment(), 1.1), quantiles(made.attainment(), 1.1)
    assert p[:2].tolist() == [CERTAIN, CERTAIN]
    assert (ends[:2] == 1.1).all()
    assert 0.1 < p[2] < 0.6


def test_crps_by_hand() -> None:
    """Of two futures, 0 and 1, and the outcome 0: 1/2 - 1/4; a sure forecast has its error."""
    assert crps(np.array([[0.0, 1.0]]), np.array([0.0]))[0] == pytest.approx(0.25)
    assert crps(np.array([[2.0, 2.0]]), np.array([5.0]))[0] == pytest.approx(3.0)
    normal = np.random.default_rng(1).normal(size=(1, 20_000))
    # Of a standard normal distribution at its centre: 2 phi(0) - 1 / sqrt(pi).
    at_centre = 2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi)
    assert crps(normal, np.array([0.0]))[0] == pytest.approx(at_centre, abs=0.01)


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
    made = NewBusiness(Linear(names, (0.0, 0.0), (0.1, 0.1), (9.0, 9.0), 1.0), 12.0)
    figures = ("conversions_30d", "conversions_90d", "open_leads", "leads_90d", "created_90d")
    X = pd.DataFrame({"days_left": 90.0, "pace_won_180d": 9.0, "has_left": [0, 1]})
    X = X.assign(**dict.fromkeys((*figures, "lead_rate", "win_rate", "tenure_days"), 1.0))
    told = made.expected(X)
    assert told is not None
    assert told.tolist() == [12.0, 0.0]
    assert NewBusiness.from_json(made.to_json()) == made


def test_without_a_model_time_decides() -> None:
    """The company's share of deals won, as far as there is time to win; never 0 or 1."""
    keys = pd.DataFrame({"deal_id": ["a"], "owner": ["r0"], "cutoff": [pd.Timestamp(CUTOFF)]})
    deals = Examples(keys, pd.DataFrame(index=[0]), FeatureSet("deal", (), {}))
    deadlines = deadlines_of(reps(1.0), deals)
    assert days_left(deals, deadlines).tolist() == [60.0]
    for share, wanted in ((0.5, 0.5 * (1 - np.exp(-2))), (1.0, 1 - np.exp(-2))):
        rule = DealModel((), None, None, IDENTITY, share, 30.0)
        assert 1 / (1 + np.exp(-rule.margins(deals, deadlines))) == pytest.approx([wanted])
    quick = DealModel((), None, None, IDENTITY, 1.0, 1e-3)
    assert np.isfinite(quick.margins(deals, deadlines)).all()


@pytest.mark.parametrize("count", [3, 900])
def test_reasons_add_up(count: int) -> None:
    """Base, points and rest make the chance, also where there are more peers than futures."""
    draws = np.random.default_rng(2)
    rows = reps(*draws.uniform(5, 60, count), closed=3.0)
    told = chances(list(range(count)), [0.4] * count, 9.0, draws.uniform(0, 9, count).tolist())
    made = draw_futures(rows, told, Spread(), 600, seed=1)
    p = chance_to_attain(made.attainment(), 1.0)
    explained = explain_reps(made, rows, np.full(count, 9.0), 1.0)
    full = explained.base + explained.points.sum(axis=1)
    first = made.attainment()[:, :400]
    assert full == pytest.approx(100 * (first >= 1.0).mean(axis=1), abs=0.3)
    for reasons, chance in zip(rep_reasons(explained, p), p, strict=True):
        said = reasons["base"] + reasons["rest"] + sum(i["points"] for i in reasons["items"])
        assert said == pytest.approx(100 * chance, abs=0.01)
    # The base is a rep like any other.
    assert explained.base[0] == pytest.approx(100 * p.mean(), abs=4)


def test_rows_can_be_taken() -> None:
    """Some rows of futures are those rows, by place or by mask."""
    made = draw_futures(reps(1.0, 2.0, 3.0), chances([], [], 1.0, [1.0] * 3), EVEN, 50, 1)
    for which in (np.array([2]), np.array([False, False, True])):
        one = made.take(which)
        assert isinstance(one, Futures)
        assert one.keys["rep_id"].tolist() == ["r2"]
        assert (one.total == made.total[2:]).all()
