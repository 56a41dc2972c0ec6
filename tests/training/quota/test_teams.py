"""Teams are their reps, future by future: sums agree, and shared luck makes them wider."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.quota.futures import Futures
from training.quota.teams import roll_up, with_actual

SEEDS = range(4)
AMOUNTS = ["quota", "closed", "expected_open", "expected_new", "mean"]


def futures(seed: int, reps: int = 12, count: int = 300) -> Futures:
    """Draw futures of reps with managers, territories and two periods."""
    rng = np.random.default_rng(seed)
    second = np.arange(reps) % 3 == 0
    starts = np.where(second, np.datetime64("2024-04-01"), np.datetime64("2024-01-01"))
    keys = pd.DataFrame(
        {
            "rep_id": [f"r{n}" for n in range(reps)],
            "period_start": starts.astype("datetime64[us]"),
            "period_end": (starts + np.timedelta64(91, "D")).astype("datetime64[us]"),
            "cutoff": pd.Timestamp("2024-02-01"),
            "quota": rng.uniform(50, 150, reps),
            "manager_id": [None if n == 5 else f"m{n % 3}" for n in range(reps)],
            "territory": None,
        }
    )
    open_, new = rng.exponential(20, (2, reps, count))
    return Futures(keys, rng.uniform(0, 40, reps), open_, new)


@pytest.mark.parametrize("seed", SEEDS)
def test_managers_and_the_rest_make_the_company(seed: int) -> None:
    """Means and quotas of managers, and of reps without one, add up to the company's."""
    drawn = futures(seed)
    teams = roll_up(drawn)
    alone = drawn.keys["manager_id"].isna().to_numpy()
    for name, values in (("quota", drawn.quota), ("closed", drawn.closed)):
        sums = teams.groupby("level")[name].sum()
        assert sums["manager"] + values[alone].sum() == pytest.approx(sums["company"])
        assert sums["company"] == pytest.approx(values.sum())
    means = teams.groupby("level")["mean"].sum()
    assert means["company"] == pytest.approx(drawn.total.mean(axis=1).sum())


def test_levels_nobody_has_are_left_out() -> None:
    """Without territories there are no territories, and always a company."""
    assert list(roll_up(futures(1))["level"].unique()) == ["manager", "company"]
    drawn = futures(1)
    drawn.keys["manager_id"] = None
    assert list(roll_up(drawn)["level"].unique()) == ["company"]


def test_periods_stay_apart() -> None:
    """Reps of different periods are never added: a team has a row for each of its periods."""
    teams = roll_up(futures(2))
    company = teams[teams["level"] == "company"]
    assert len(company) == 2
    assert company["period_start"].nunique() == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rep_alone_is_a_team(seed: int) -> None:
    """The range of a team of one is that of its rep."""
    drawn = futures(seed, reps=1)
    row = roll_up(drawn).iloc[-1]
    quantiles = np.quantile(drawn.total[0], [0.1, 0.5, 0.9])
    assert row[["p10", "p50", "p90"]].astype(float).tolist() == pytest.approx(quantiles.tolist())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_reps_changes_no_team(seed: int) -> None:
    """Teams are found by their names, wherever their reps stand."""
    drawn = futures(seed)
    order = np.random.default_rng(seed).permutation(len(drawn.keys))
    keys = ["level", "group", "period_start"]
    one, other = (
        roll_up(d).sort_values(keys, ignore_index=True) for d in (drawn, drawn.take(order))
    )
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_came_is_added_up_and_empty_while_it_runs(seed: int) -> None:
    """A team's actual is the sum of what its reps attained; nothing where no rep's is known."""
    drawn = futures(seed)
    came = np.random.default_rng(seed + 9).uniform(0, 100, (3, len(drawn.keys)))
    running = drawn.keys["period_start"] == pd.Timestamp("2024-04-01")
    parts = pd.DataFrame(came.T, columns=["closed", "from_open", "created_later"])
    parts[running.to_numpy()] = np.nan
    teams = with_actual(roll_up(drawn), drawn, parts)
    assert teams["actual"].isna().equals(teams["period_start"] == pd.Timestamp("2024-04-01"))
    company = teams[(teams["level"] == "company") & teams["actual"].notna()]
    assert company["actual"].item() == pytest.approx(came.sum(axis=0)[~running].sum())
    own = (drawn.keys["manager_id"] == "m1") & ~running
    manager = teams[(teams["group"] == "m1") & teams["actual"].notna()]
    assert manager["actual"].item() == pytest.approx(came.sum(axis=0)[own].sum())
