"""Laws of Qini and uplift curves: by hand, over ties, over seeds, and beside a slow count."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import InputError
from training.evaluation.bootstrap import resample
from training.evaluation.uplift import (
    Targeting,
    randomised_scores,
    resampled_areas,
    uplift_curve,
    uplift_estimates,
)

SEEDS = range(3)


def by_lot(seed: int, rows: int = 4000) -> tuple[np.ndarray, ...]:
    """Return outcome, treatment by unequal lots, its chance, and the true effect of each row."""
    rng = np.random.default_rng(seed)
    effect = np.clip(rng.normal(0.1, 0.1, rows), -0.2, 0.5)
    propensity = rng.choice([0.2, 0.5, 0.7], rows)
    treated = (rng.random(rows) < propensity).astype(float)
    y = (rng.random(rows) < 0.3 + effect * treated).astype(float)
    return y, treated, propensity, effect


def test_a_curve_by_hand() -> None:
    """Of three rows the best brings 2; the tied two share what they bring together."""
    curve = uplift_curve(np.array([-1.0, 2.0, 2.0]), np.array([0.1, 0.1, 0.9]))
    assert curve.shares == pytest.approx([0, 1 / 3, 1])
    assert curve.gains == pytest.approx([0, 2 / 3, 1])
    assert curve.auuc == pytest.approx(1 / 9 + (2 / 3 + 1) / 2 * 2 / 3)
    assert curve.qini == pytest.approx(curve.auuc - 0.5)
    assert curve.at(1 / 3) == pytest.approx(2 / 3)
    assert curve.at(2 / 3) == pytest.approx(5 / 6)


def test_the_score_of_each_kind_of_row_by_hand() -> None:
    """The mean outcome of 0.5 off, a rare arm counts for more."""
    scores = randomised_scores(
        np.array([1.0, 0.0, 1.0, 0.0]),
        np.array([1.0, 1.0, 0.0, 0.0]),
        np.array([0.5, 0.5, 0.8, 0.8]),
    )
    assert scores == pytest.approx([1.0, -1.0, -2.5, 2.5])


def test_the_gain_is_the_count_of_both_arms_where_chances_are_equal() -> None:
    """With a fair lot the curve is Radcliffe's: outcomes of treated less those of untreated."""
    rng = np.random.default_rng(0)
    treated = np.tile([1.0, 0.0], 100)
    y = (rng.random(200) < 0.3).astype(float)
    # Pairs stay together in the ranking, so that both arms are equally large down to each.
    ranking = np.repeat(np.arange(100.0), 2)
    curve = uplift_curve(randomised_scores(y, treated, np.full(200, 0.5)), ranking)
    top = ranking >= 70
    counted = y[top & (treated == 1)].sum() - y[top & (treated == 0)].sum()
    assert curve.at(0.3) == pytest.approx(2 * counted / 200)


@pytest.mark.parametrize("seed", SEEDS)
def test_scores_average_to_the_effect_whatever_the_lot(seed: int) -> None:
    """Unequal chances of treatment bias neither the mean of all nor that of the best."""
    y, treated, propensity, effect = by_lot(seed, rows=40_000)
    scores = randomised_scores(y, treated, propensity)
    for rows in (effect > -1, effect > 0.2):
        error = scores[rows].std() / np.sqrt(rows.sum())
        assert abs(scores[rows].mean() - effect[rows].mean()) < 4 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_the_true_effect_ranks_best_and_its_reverse_worst(seed: int) -> None:
    """Ranked by the effect the coefficient is above 0, reversed it is its negative."""
    y, treated, propensity, effect = by_lot(seed)
    scores = randomised_scores(y, treated, propensity)
    best, worst = uplift_curve(scores, effect), uplift_curve(scores, -effect)
    assert best.qini > 0
    assert worst.qini == pytest.approx(-best.qini)


def test_a_ranking_that_tells_nobody_apart_is_a_lot() -> None:
    """Its curve is the straight line, and its coefficient 0."""
    scores = np.random.default_rng(0).normal(size=50)
    curve = uplift_curve(scores, np.ones(50))
    assert curve.shares.tolist() == [0.0, 1.0]
    assert curve.qini == pytest.approx(0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_order_nor_scale_of_a_ranking_matters(seed: int) -> None:
    """Only which row comes before which."""
    rng = np.random.default_rng(seed)
    scores, ranking = rng.normal(size=300), rng.integers(0, 20, 300).astype(float)
    order = rng.permutation(300)
    curve = uplift_curve(scores, ranking)
    other = uplift_curve(scores[order], np.exp(ranking[order] / 5))
    assert other.gains == pytest.approx(curve.gains)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resample_is_its_rows_written_out(seed: int) -> None:
    """Weights give what repeating the rows of each drawn cluster gives."""
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 15, 60)
    scores, ranking = rng.normal(size=60), rng.integers(0, 9, 60).astype(float)
    counts = resample(15, 4, seed)
    areas = resampled_areas(Targeting(scores, {"a": ranking}, clusters), counts, 0.3)["a"]
    for draw, drawn in enumerate(counts):
        rows = np.repeat(np.arange(60), drawn[clusters])
        curve = uplift_curve(scores[rows], ranking[rows])
        assert areas.auuc[draw] == pytest.approx(curve.auuc)
        assert areas.qini[draw] == pytest.approx(curve.qini)
        assert areas.gain[draw] == pytest.approx(curve.at(0.3))


def test_intervals_hold_the_true_coefficient_about_as_often_as_they_say() -> None:
    """Of 60 experiments at 90 %, 46 at least: fewer would be luck once in 300."""
    truth = []
    for seed in range(60):
        y, treated, propensity, effect = by_lot(seed, rows=500)
        scores = randomised_scores(y, treated, propensity)
        targeting = Targeting(scores, {"a": effect}, np.arange(500))
        estimate = uplift_estimates(targeting, resample(500, 100, seed), 0.3, 0.9)["a"]["qini"]
        truth.append(not estimate.excludes(uplift_curve(effect, effect).qini))
    assert sum(truth) >= 46


@pytest.mark.parametrize("ranking", [np.array([1.0, np.nan]), np.array([1.0])])
def test_a_ranking_without_a_number_for_each_row_is_refused(ranking: np.ndarray) -> None:
    """The error names the ranking."""
    with pytest.raises(InputError, match="ranking 'mine'"):
        Targeting(np.zeros(2), {"mine": ranking}, np.arange(2))


def test_no_rows_and_no_lot_are_refused() -> None:
    """There must be something to grade, and both arms must have been possible."""
    with pytest.raises(InputError, match="no rows"):
        Targeting(np.empty(0), {}, np.empty(0, dtype=int))
    with pytest.raises(InputError, match="between 0 and 1"):
        randomised_scores(np.ones(2), np.ones(2), np.array([0.5, 1.0]))
