"""Futures of reps, where the numbers are known beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features.build import Examples
from features.feature import FeatureSet
from training.quota.explain import explain_reps, rep_reasons
from training.quota.futures import DrawInputs, Futures, Spread, draw_futures, evened, summed
from training.quota.ranges import CERTAIN, chance_to_attain, quantiles

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


def draw_inputs(rep: list[int], p: list[float], amount: float, new: list[float]) -> DrawInputs:
    """Make deals of known odds."""
    odds = np.log(np.array(p) / (1 - np.array(p)))
    worth = np.full((len(new), 1), 3.0)
    sizes = np.full(len(p), amount)
    return DrawInputs(np.array(rep, np.int64), odds, sizes, sizes[:, None], np.array(new), worth)


def test_open_deals_are_won_as_often_as_they_are_said_to_be() -> None:
    """Without luck in common the sum is binomial: mean n p a, variance n p (1 - p) a^2."""
    inputs = draw_inputs([1] * 20, [0.3] * 20, 5.0, [0.0, 0.0])
    futures = draw_futures(reps(1.0, 1.0), inputs, EVEN, FUTURES, seed=1)
    assert (futures.open[0] == 0).all()
    assert futures.open[1].mean() == pytest.approx(20 * 0.3 * 5, rel=0.01)
    assert futures.open[1].var() == pytest.approx(20 * 0.3 * 0.7 * 25, rel=0.03)


@pytest.mark.parametrize("p", [0.02, 0.5, 0.93])
@pytest.mark.parametrize("luck", [Spread(0.6, 0.0), Spread(0.3, 0.4)])
def test_luck_does_not_change_what_open_deals_bring_on_average(p: float, luck: Spread) -> None:
    """However much luck deals share, a chance of p means p of them, and the sum gets wider."""
    inputs = draw_inputs([0] * 40, [p] * 40, 5.0, [0.0])
    rows = reps(1.0, cutoff=START)
    even = draw_futures(rows, inputs, EVEN, FUTURES, seed=1)
    futures = draw_futures(rows, inputs, luck, FUTURES, seed=1)
    assert futures.open.mean() == pytest.approx(40 * p * 5, rel=0.03)
    assert futures.open.var() > 1.2 * even.open.var()
    # Without the correction small chances would rise: the test could fail.
    assert evened(np.array([-4.0]), np.array([0.36]))[0] < -4.1


def test_the_luck_ahead_of_a_rep_falls_with_the_time_left() -> None:
    """Its variance is that of the whole period times the share left; none is left at the end."""
    days = (0, 91 * 3 / 4, 91)
    keys = pd.concat([reps(1.0, cutoff=START + timedelta(days=d)).keys for d in days])
    assert Spread(0.6).rep_ahead(keys) == pytest.approx([0.6, 0.3, 0.0])


def test_the_same_chance_of_new_business_spreads_less_late_in_the_period() -> None:
    """A rep's counts vary beyond Poisson by the luck ahead: mean + (exp(variance) - 1) mean^2."""
    inputs = draw_inputs([], [], 1.0, [20.0])
    for cutoff in (START, CUTOFF, datetime(2024, 3, 25)):
        rows = reps(1.0, cutoff=cutoff)
        futures = draw_futures(rows, inputs, Spread(0.6, 0.0), FUTURES, seed=1)
        variance = float(Spread(0.6).rep_ahead(rows.keys)[0]) ** 2
        wins = futures.new / 3.0
        assert wins.mean() == pytest.approx(20.0, rel=0.02)
        assert wins.var() == pytest.approx(20 + (np.exp(variance) - 1) * 400, rel=0.06)


def test_new_business_is_poisson_with_amounts() -> None:
    """Mean and variance of a compound Poisson sum: l E[a] and l E[a^2]."""
    factors = np.array([0.5, 1.0, 4.0])
    inputs = replace(draw_inputs([], [], 1.0, [6.0]), new_amounts=3 * factors[None, :])
    futures = draw_futures(reps(1.0), inputs, EVEN, FUTURES, seed=1)
    assert futures.new.mean() == pytest.approx(6 * 3 * factors.mean(), rel=0.02)
    assert futures.new.var() == pytest.approx(6 * 9 * (factors**2).mean(), rel=0.04)


def test_open_deals_bring_any_of_their_final_amounts() -> None:
    """Each of the amounts a deal may bring is as likely: mean and variance of won times amount."""
    inputs = replace(draw_inputs([0], [0.4], 1.0, [0.0]), final=np.array([[1.0, 2.0, 6.0]]))
    futures = draw_futures(reps(1.0), inputs, EVEN, FUTURES, seed=1)
    shares = [(futures.open[0] == amount).mean() for amount in (0.0, 1.0, 2.0, 6.0)]
    assert shares == pytest.approx([0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3], abs=0.01)


def test_a_shared_mood_moves_all_and_keeps_the_mean_of_new_business() -> None:
    """Reps' futures of one moment go together, so a total is wider than independent sums."""
    inputs = draw_inputs([], [], 1.0, [8.0] * 6)
    alone = draw_futures(reps(*[1.0] * 6), inputs, EVEN, FUTURES, seed=1)
    together = draw_futures(reps(*[1.0] * 6), inputs, Spread(0.0, 0.4), FUTURES, seed=1)
    assert together.new.mean() == pytest.approx(alone.new.mean(), rel=0.02)
    assert np.corrcoef(alone.new)[0, 1] == pytest.approx(0, abs=0.02)
    assert np.corrcoef(together.new)[0, 1] > 0.3
    everyone = pd.Series("company", index=range(6))
    apart, shared = (summed(futures, everyone, "company").iloc[0] for futures in (alone, together))
    assert shared["p90"] - shared["p10"] > 1.5 * (apart["p90"] - apart["p10"])
    parts = np.quantile(together.total, 0.9, axis=1).sum() - together.total.mean(axis=1).sum()
    assert 0 < shared["p90"] - shared["mean"] < parts


def test_teams_add_up() -> None:
    """Managers' means and quotas add up to the company's, and each split to its mean."""
    inputs = draw_inputs([0, 0, 1, 3], [0.2, 0.9, 0.5, 0.4], 7.0, [1.0, 2.0, 0.0, 4.0])
    futures = draw_futures(reps(5.0, 6.0, 7.0, 8.0, closed=2.0), inputs, Spread(), 500, seed=3)
    teams = summed(futures, futures.keys["manager_id"], "manager")
    whole = summed(futures, pd.Series("company", index=range(4)), "company").iloc[0]
    for name in ("mean", "quota", "closed", "expected_open", "expected_new"):
        assert teams[name].sum() == pytest.approx(whole[name])
    split = teams["closed"] + teams["expected_open"] + teams["expected_new"]
    assert split.to_numpy() == pytest.approx(teams["mean"].to_numpy())
    unknown = futures.keys["manager_id"].where(futures.keys["manager_id"] == "m0")
    assert summed(futures, unknown, "manager")["group"].tolist() == ["m0"]


def test_cutoffs_do_not_touch_each_other() -> None:
    """A moment's futures are the same alone and among others; another moment has its own."""
    first, later = reps(1.0, 1.0), reps(1.0, 1.0, cutoff=datetime(2024, 3, 1))
    keys = pd.concat([first.keys, later.keys], ignore_index=True)
    both = Examples(keys, pd.concat([first.X, later.X], ignore_index=True), first.feature_set)
    inputs = draw_inputs([0, 1, 2, 3], [0.4] * 4, 2.0, [3.0] * 4)
    alone = draw_futures(first, draw_inputs([0, 1], [0.4] * 2, 2.0, [3.0] * 2), Spread(), 300, 7)
    futures = draw_futures(both, inputs, Spread(), 300, 7)
    assert (futures.total[:2] == alone.total).all()
    assert (futures.total[2:] != alone.total).any()


def test_a_quota_of_nothing_is_attained_in_every_future() -> None:
    """0 and less: never at risk, the range is the target, whatever comes in."""
    futures = draw_futures(reps(0.0, -5.0, 4.0), draw_inputs([], [], 1.0, [1.0] * 3), EVEN, 500, 1)
    p, ends = chance_to_attain(futures.attainment(), 1.1), quantiles(futures.attainment(), 1.1)
    assert p[:2].tolist() == [CERTAIN, CERTAIN]
    assert (ends[:2] == 1.1).all()
    assert 0.1 < p[2] < 0.6


@pytest.mark.parametrize("count", [3, 900])
def test_reasons_add_up(count: int) -> None:
    """Base, points and rest make the chance, also where there are more peers than futures."""
    rng = np.random.default_rng(2)
    rows = reps(*rng.uniform(5, 60, count), closed=3.0)
    inputs = draw_inputs(list(range(count)), [0.4] * count, 9.0, rng.uniform(0, 9, count).tolist())
    futures = draw_futures(rows, inputs, Spread(), 600, seed=1)
    p = chance_to_attain(futures.attainment(), 1.0)
    explained = explain_reps(futures, rows, np.full(count, 9.0), 1.0)
    full = explained.base + explained.points.sum(axis=1)
    first = futures.attainment()[:, :400]
    assert full == pytest.approx(100 * (first >= 1.0).mean(axis=1), abs=0.3)
    for reasons, chance in zip(rep_reasons(explained, p), p, strict=True):
        total = reasons["base"] + reasons["rest"] + sum(i["points"] for i in reasons["items"])
        assert total == pytest.approx(100 * chance, abs=0.01)
    # The base is a rep like any other.
    assert explained.base[0] == pytest.approx(100 * p.mean(), abs=4)


@pytest.mark.parametrize("seed", range(3))
def test_a_chance_with_luck_is_what_it_said(seed: int) -> None:
    """Whatever the luck, its mean over many draws gives back the chance, and order stays."""
    rng = np.random.default_rng(seed)
    margin = np.sort(rng.uniform(-5, 5, 40))
    variance = float(rng.uniform(0.01, 0.6))
    moved = evened(margin, np.full(40, variance))
    luck = rng.normal(0, np.sqrt(variance), 200_000)
    assert expit(moved[:, None] + luck).mean(axis=1) == pytest.approx(expit(margin), abs=0.003)
    assert (np.diff(moved) > 0).all()
    assert evened(margin, np.zeros(40)) == pytest.approx(margin, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_rows_stand_for_themselves(seed: int) -> None:
    """Without open deals or new business a rep gets what is closed; quotas change no future."""
    rng = np.random.default_rng(seed)
    new = [0.0, *rng.uniform(0, 5, 3).tolist()]
    inputs = draw_inputs([1, 1, 3], [0.3, 0.5, 0.7], 4.0, new)
    small = draw_futures(reps(1.0, 2.0, 3.0, 4.0, closed=6.0), inputs, Spread(), 400, seed)
    large = draw_futures(reps(9.0, 8.0, 7.0, 6.0, closed=6.0), inputs, Spread(), 400, seed)
    assert (small.total[0] == 6.0).all()
    assert (small.total == large.total).all()
    other = draw_futures(reps(1.0, 2.0, 3.0, 4.0, closed=6.0), inputs, Spread(), 400, seed + 1)
    assert (other.total != small.total).any()


def test_a_flood_of_new_wins_keeps_its_mean() -> None:
    """Beyond four hundred wins the mean amount stands for each: the sum is right all the same."""
    inputs = replace(draw_inputs([], [], 1.0, [900.0]), new_amounts=np.array([[1.0, 5.0]]))
    futures = draw_futures(reps(1.0), inputs, EVEN, 2_000, seed=1)
    assert futures.new.mean() == pytest.approx(900 * 3, rel=0.005)


def test_rows_can_be_taken() -> None:
    """Some rows of futures are those rows, by place or by mask."""
    futures = draw_futures(reps(1.0, 2.0, 3.0), draw_inputs([], [], 1.0, [1.0] * 3), EVEN, 50, 1)
    for which in (np.array([2]), np.array([False, False, True])):
        taken = futures.take(which)
        assert isinstance(taken, Futures)
        assert taken.keys["rep_id"].tolist() == ["r2"]
        assert (taken.total == futures.total[2:]).all()
