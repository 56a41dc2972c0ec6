"""Laws of simple forecasts of attainment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.evaluation.quota_forecasts import CHANCE, RANGE
from training.quota.baselines import (
    COMMITS,
    COVERAGE,
    DUE_DEALS,
    LAST,
    LINEAR,
    SEASONAL,
    baseline_forecasts,
    distribution,
    point_forecasts,
)


def rows(n: int = 1, **columns: object) -> pd.DataFrame:
    """Give rows a third into the period, 0.2 quotas in, with a third of a quota likely."""
    usual: dict[str, object] = {
        "attained_ratio": 0.2,
        "share_gone": 1 / 3,
        "seasonal_attainment": 0.8,
        "attained": 20.0,
        "likely_open": 33.0,
        "likely_due": 25.0,
        "quota": 100.0,
        "last_attainment": 1.1,
        "week": 4,
    }
    return pd.DataFrame({**usual, **columns}, index=range(n))


def past(n: int = 60, noise: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """Let half of what pacing says, and half a quota, come; around weeks 3 to 5."""
    rng = np.random.default_rng(seed)
    pace = rng.uniform(0, 2, n)
    return rows(n).assign(
        attained_ratio=pace / 3,
        week=3 + np.arange(n) % 3,
        attainment=0.5 + 0.5 * pace + rng.normal(0, noise, n),
        rep_period=np.arange(n),
    )


def test_rules_by_hand() -> None:
    """0.2 in a third is 0.6; 20 closed and 33 likely are 53 of 100; commits count by quota."""
    ratios = point_forecasts(rows(committed=90.0))
    pacing = {LINEAR: 0.6, SEASONAL: 0.8, LAST: 1.1}
    expected = {**pacing, COVERAGE: 0.53, DUE_DEALS: 0.45, COMMITS: 0.9}
    assert {name: float(v.iloc[0]) for name, v in ratios.items()} == pytest.approx(expected)


def test_commits_are_a_rule_only_where_people_commit() -> None:
    """Without the column there is no such baseline."""
    assert COMMITS not in baseline_forecasts(past(), rows())
    forecasts = baseline_forecasts(past().assign(committed=80.0), rows(committed=90.0))
    assert COMMITS in forecasts


def test_the_line_is_learned_from_the_past() -> None:
    """With many periods the middle is the line of the past, and the range its errors."""
    forecast = baseline_forecasts(past(3000), rows())[LINEAR].iloc[0]
    low, middle, high = forecast[[*RANGE]].astype(float)
    assert middle == pytest.approx(0.5 + 0.5 * 0.6, abs=0.02)
    assert high - low == pytest.approx(2 * 1.28 * 0.1, rel=0.15)


def test_a_slope_of_few_periods_is_not_believed() -> None:
    """Three points on a steep line: the forecast for a new rep stays nearer to their mean."""
    three = past(3, noise=0.0)
    far = baseline_forecasts(three, rows(attained_ratio=2 / 3))[LINEAR][RANGE[1]].iloc[0]
    mean = three["attainment"].mean()
    assert abs(far - mean) < abs(1.5 - mean) / 2


@pytest.mark.parametrize("n", [0, 1, 2, 200])
def test_forecasts_are_always_whole(n: int) -> None:
    """Chances in 0..1 and rising ranges, for any past, and for rules with nothing to say."""
    new = pd.concat(
        [
            rows(),
            rows(seasonal_attainment=np.nan, last_attainment=np.nan, likely_open=0.0),
            rows(quota=0.0, attained_ratio=np.nan),
            rows(week=11, attained_ratio=1.4),
            rows(share_gone=0.0, attained_ratio=0.0),
        ],
        ignore_index=True,
    )
    for forecast in baseline_forecasts(past(n), new).values():
        values = forecast[[CHANCE, *RANGE]].to_numpy()
        assert np.isfinite(values).all()
        assert ((values[:, 0] >= 0) & (values[:, 0] <= 1)).all()
        assert (np.diff(values[:, 1:], axis=1) >= 0).all()


def test_nothing_attained_is_lost_where_amounts_are_positive() -> None:
    """No quantile lies below what is in, and quota that is in stays made; credits may undo it."""
    new = rows(attained_ratio=1.4, attained=140.0)
    forecast = baseline_forecasts(past(), new)[LAST].iloc[0]
    assert forecast[CHANCE] == 1.0
    assert forecast[RANGE[0]] >= 1.4
    open_ended = baseline_forecasts(past(), new, positive=False)[LAST].iloc[0]
    assert open_ended[CHANCE] < 1.0
    assert open_ended[RANGE[0]] < 1.4


def test_the_nearer_rep_has_the_higher_chance() -> None:
    """Chances rise strictly with the rule, even far from quota, so nobody is tied."""
    new = rows(50).assign(attained_ratio=np.linspace(0, 0.6, 50))
    chance = baseline_forecasts(past(), new)[LINEAR][CHANCE].to_numpy()
    assert (np.diff(chance) > 0).all()


def test_other_weeks_do_not_speak() -> None:
    """Rows more than a week away change nothing, as long as there are nearer ones."""
    far = past(50, seed=1).assign(week=9, attainment=5.0)
    both = pd.concat([past(), far], ignore_index=True)
    pd.testing.assert_frame_equal(
        baseline_forecasts(both, rows())[LINEAR], baseline_forecasts(past(), rows())[LINEAR]
    )


def test_unmatured_rows_do_not_speak() -> None:
    """A past row without an attainment is no past."""
    waiting = pd.concat([past(), past(9).assign(attainment=np.nan)], ignore_index=True)
    pd.testing.assert_frame_equal(
        baseline_forecasts(waiting, rows())[LAST], baseline_forecasts(past(), rows())[LAST]
    )


def test_index_and_order_are_those_of_the_new_rows() -> None:
    """Rows come back where they were asked for, whatever their weeks."""
    new = rows(4).assign(week=[5, 3, 5, 4], point=[0.1, 0.2, 0.3, 0.4])
    new.index = pd.Index([7, 5, 3, 1])
    known = past().assign(point=lambda p: p["attained_ratio"] * 3)
    forecast = distribution(known, new)
    assert forecast.index.tolist() == [7, 5, 3, 1]
    turned = distribution(known, new.iloc[::-1])
    pd.testing.assert_frame_equal(turned.iloc[::-1], forecast)
