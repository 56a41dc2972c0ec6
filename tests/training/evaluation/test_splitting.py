"""Separate models are said to help where they save something beyond luck, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.bootstrap import resample
from training.evaluation.resampled import Forecasts
from training.evaluation.splitting import POOLED, Splitting, judge_splitting

LEADS, CUTOFFS = 300, 3


def judged(seed: int, shift: float, *, least: int = 10) -> Splitting:
    """Judge forecasts that are off by noise alike, but pooled ones also by a shift in log-odds."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(LEADS), CUTOFFS)
    is_web = clusters < LEADS // 2
    z = np.repeat(rng.normal(-1, 1, LEADS), CUTOFFS)
    y = (np.repeat(rng.random(LEADS), CUTOFFS) < 1 / (1 + np.exp(-z))).astype(np.float64)
    noise = rng.normal(0, 0.3, (2, LEADS)).repeat(CUTOFFS, axis=1)
    margins = z + noise + np.array([np.zeros(len(z)), np.where(is_web, shift, 0.0)])
    margins[1, ~is_web] = margins[0, ~is_web]
    p = 1 / (1 + np.exp(-margins))
    lists = np.tile(np.arange(CUTOFFS), LEADS)
    rows = Forecasts(y, {"model": p[0], POOLED: p[1]}, clusters, lists)
    segments = {"web": np.flatnonzero(is_web), "rest": np.flatnonzero(~is_web)}
    splitting = judge_splitting(rows, segments, resample(LEADS, 100, seed), 0.9, least)
    assert splitting is not None
    return splitting


def test_equal_forecasts_are_said_to_be_better_at_the_nominal_rate() -> None:
    """With a 90 % interval luck says `better` once in twenty, and `worse` as often."""
    verdicts = [judged(seed, 0.0).overall.verdict for seed in range(200)]
    assert verdicts.count("better") <= 20
    assert verdicts.count("worse") <= 20


@pytest.mark.parametrize("seed", range(5))
def test_a_gain_is_found_and_said(seed: int) -> None:
    """The pooled model is far off on the web: splitting helped, overall and there."""
    splitting = judged(seed, 1.5)
    assert splitting.overall.verdict == "better"
    assert splitting.says[0].startswith("splitting helped (log loss 0.")
    assert splitting.says[1].startswith("segment web: its own model is better (log loss 0.")
    assert [part.label for part in splitting.parts] == ["web"]  # the rest is pooled
    assert splitting.parts[0].n_rows == LEADS // 2 * CUTOFFS


def test_no_gain_and_harm_are_said() -> None:
    """What luck could explain is not worth a model, and what is worse should go."""
    says = judged(3, 0.0).says
    assert says[0].startswith("splitting did not help beyond luck")
    assert "so it is not worth one" in says[1]
    better = judged(1, 1.5)
    flipped = Forecasts(
        np.ones(40),
        {"model": np.full(40, 0.4), POOLED: np.full(40, 0.6)},
        np.arange(40),
        np.zeros(40, dtype=int),
    )
    assert better.to_json()["overall"]["verdict"] == "better"
    worse = judge_splitting(flipped, {"web": np.arange(40)}, resample(40, 50, 0), 0.9, least=0)
    assert worse is not None
    assert "worse" in worse.headline
    assert "leave the segment out" in worse.says[1]


def test_too_few_outcomes_are_not_judged() -> None:
    """A gain without an interval says so; a model without segments is not asked."""
    splitting = judged(0, 1.5, least=1_000)
    assert splitting.headline == "too few outcomes to tell whether splitting helped"
    assert "too few outcomes to tell" in splitting.says[1]
    plain = splitting.to_json()["overall"]
    assert plain["verdict"] is None
    assert plain["gain"]["low"] is None
    alone = Forecasts(np.ones(2), {"model": np.ones(2)}, np.arange(2), np.zeros(2, dtype=int))
    assert judge_splitting(alone, {}, resample(2, 5, 0), 0.9, 1) is None


def test_segments_without_models_of_their_own_change_nothing() -> None:
    """Where every segment is pooled there is nothing to compare."""
    p = np.full(4, 0.5)
    rows = Forecasts(
        np.array([0.0, 1, 0, 1]), {"model": p, POOLED: p}, np.arange(4), np.zeros(4, dtype=int)
    )
    splitting = judge_splitting(rows, {"web": np.arange(4)}, resample(4, 5, 0), 0.9, 1)
    assert splitting is not None
    assert splitting.parts == ()
    assert splitting.headline.startswith("no lead was forecast by a model of its segment")
