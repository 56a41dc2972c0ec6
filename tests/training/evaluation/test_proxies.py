"""Laws of proxies: what tells a group is named, what goes with it by luck is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.evaluation.proxies import CRAMER, ETA, cramers_v, eta_squared, find_proxies

REPS, WEEKS = 60, 10


def find(seed: int) -> dict[str, tuple[str, float]]:
    """Look for proxies of a team among features that tell it fully, partly, or not at all."""
    rng = np.random.default_rng(seed)
    team = np.arange(REPS) % 8
    of_row = np.repeat(np.arange(REPS), WEEKS)
    X = pd.DataFrame(
        {
            "load": (2.0 * team + rng.normal(0, 1, REPS))[of_row],
            "of_rep": rng.normal(0, 1, REPS)[of_row],
            "kind": rng.integers(0, 4, REPS)[of_row].astype(np.float64),
            "code": team[of_row].astype(np.float64),
            "constant": 1.0,
            "empty": np.nan,
        }
    )
    groups = {"team": pd.Series(team[of_row]), "role": pd.Series(["seller"] * len(of_row))}
    reps = pd.Series(of_row).astype(str)
    found = find_proxies(X, {"load": "open leads"}, frozenset({"code", "kind"}), groups, reps)
    assert {proxy.attribute for proxy in found} <= {"team"}
    return {proxy.feature: (proxy.measure, proxy.value) for proxy in found}


@pytest.mark.parametrize("seed", range(10))
def test_what_tells_a_group_is_named(seed: int) -> None:
    """A number and a category that go with the team are found; luck among 60 reps is not."""
    found = find(seed)
    assert list(found) == ["code", "load"]
    assert found["code"] == (CRAMER, pytest.approx(1.0))
    assert found["load"][0] == ETA


def test_luck_cancels() -> None:
    """Over seeds, what a number of reps shares with eight teams by luck is about nothing."""
    rng = np.random.default_rng(0)
    team = np.arange(REPS) % 8
    shares = [eta_squared(rng.normal(0, 1, REPS), team, REPS) for _ in range(200)]
    assert np.mean(shares) < 0.04
    codes = [cramers_v(rng.integers(0, 3, REPS).astype(float), team, REPS) for _ in range(200)]
    assert np.mean(codes) < 0.15
    assert eta_squared(np.ones(REPS), team, REPS) == cramers_v(np.ones(REPS), team, REPS) == 0.0
