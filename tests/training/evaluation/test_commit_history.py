"""Laws of bias in what reps commit to: luck is not called bias, and bias is found in the end."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.commit_history import RepBias, Verdict, commit_bias

LUCK = 0.2
JUDGED = (Verdict.HIGH, Verdict.LOW)


def errors(
    rng: np.random.Generator, bias: dict[str, float], periods: int
) -> dict[str, list[float]]:
    """Errors of reps with a known bias, and luck on top."""
    return {rep: list(own + LUCK * rng.normal(size=periods)) for rep, own in bias.items()}


def test_luck_alone_is_seldom_called_bias() -> None:
    """Of reps without any, over 60 companies, at most a tenth; the level allows for a tenth."""
    judged: list[bool] = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = commit_bias(errors(rng, {f"r{k}": 0.0 for k in range(15)}, 4))
        judged += [row.verdict in JUDGED for row in rows]
    assert np.mean(judged) < 0.1


def test_intervals_hold_the_true_bias() -> None:
    """About as often as they say, over 60 companies of 15 reps with one to eight periods."""
    held: list[bool] = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        true = {f"r{k}": float(rng.normal(0.05, 0.1)) for k in range(15)}
        own = {
            rep: list(bias + LUCK * rng.normal(size=rng.integers(1, 9)))
            for rep, bias in true.items()
        }
        held += [row.low <= true[row.rep_id] <= row.high for row in commit_bias(own)]
    assert 0.83 < np.mean(held) < 0.97


@pytest.mark.parametrize("seed", range(8))
def test_a_large_bias_is_found_and_one_period_says_nothing(seed: int) -> None:
    """Always half a quota too high for eight periods is found; who has one period is not judged."""
    rng = np.random.default_rng(seed)
    own = errors(rng, {f"r{k}": 0.0 for k in range(10)}, 8)
    own |= errors(rng, {"high": 0.5, "low": -0.5}, 8) | {"new": [0.6]}
    rows: dict[str, RepBias] = {row.rep_id: row for row in commit_bias(own)}
    assert rows["high"].verdict is Verdict.HIGH
    assert rows["low"].verdict is Verdict.LOW
    assert rows["new"].verdict is Verdict.FEW


@pytest.mark.parametrize("seed", range(8))
def test_the_fewer_the_periods_the_closer_to_everybody(seed: int) -> None:
    """Two reps with one mean error: the one with fewer periods is drawn further to the mean."""
    rng = np.random.default_rng(seed)
    own = errors(rng, {f"r{k}": float(rng.normal(0, 0.2)) for k in range(12)}, 6)
    own |= {"few": [0.7], "many": [0.65, 0.75] * 4}
    rows = {row.rep_id: row for row in commit_bias(own)}
    assert rows["few"].mean_error == pytest.approx(rows["many"].mean_error)
    assert rows["few"].bias < rows["many"].bias <= 0.7
    assert rows["few"].high - rows["few"].low > rows["many"].high - rows["many"].low


def test_without_periods_nothing_is_said() -> None:
    """No rep, a rep without a period, and one rep alone."""
    assert commit_bias({}) == commit_bias({"r1": []}) == ()
    (alone,) = commit_bias({"r1": [0.1]})
    assert (alone.periods, alone.verdict) == (1, Verdict.FEW)
    assert np.isfinite([alone.bias, alone.low, alone.high]).all()
