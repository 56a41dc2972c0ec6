"""Laws of the metrics, with scikit-learn as the oracle where it has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from features.arrays import Floats
from training.evaluation import metrics

SEEDS = range(8)


def rows(seed: int, n: int = 300) -> tuple[Floats, Floats, Floats]:
    """Return outcomes, forecasts with many ties, and whole weights, some of them 0."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 5, n), rng.integers(1, 4))
    y = (rng.random(n) < 0.1 + 0.7 * p).astype(float)
    return y, p, rng.integers(0, 4, n).astype(float)


def ranked(y: Floats, p: Floats, weights: Floats | None = None) -> metrics.Cumulated:
    """Rank all rows as one list and add up their weights."""
    ranking = metrics.rank(y, p)
    weights = np.ones(len(y)) if weights is None else weights
    return metrics.cumulate(ranking, weights[..., ranking.order])


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_is_that_of_scikit_learn_with_weights_and_ties(seed: int) -> None:
    """The weighted AUC gives half credit for ties, exactly as scikit-learn's curve does."""
    y, p, weights = rows(seed)
    expected = roc_auc_score(y, p, sample_weight=weights)
    assert metrics.auc(ranked(y, p, weights)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_is_that_of_scikit_learn(seed: int) -> None:
    """The weighted average precision treats a run of ties as one step."""
    y, p, weights = rows(seed)
    expected = average_precision_score(y, p, sample_weight=weights)
    assert metrics.average_precision(ranked(y, p, weights)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weight_of_two_is_the_same_as_two_rows(seed: int) -> None:
    """Weighting rows and repeating them are one thing; a bootstrap rests on that."""
    y, p, weights = rows(seed)
    times = weights.astype(int)
    weighted, repeated = ranked(y, p, weights), ranked(np.repeat(y, times), np.repeat(p, times))
    for metric in (metrics.auc, metrics.average_precision, lambda r: metrics.capture(r, 0.2)):
        assert metric(weighted) == pytest.approx(metric(repeated), abs=1e-12)


def test_many_weightings_at_once_are_each_on_its_own() -> None:
    """A batch of resamples gives what each of them gives alone."""
    y, p, _ = rows(1)
    batch = np.random.default_rng(1).poisson(1.0, (5, len(y))).astype(float)
    at_once = metrics.auc(ranked(y, p, batch))
    assert at_once == pytest.approx(
        np.array([metrics.auc(ranked(y, p, weights)) for weights in batch])
    )


def test_auc_by_hand() -> None:
    """Three pairs won, one tied, none lost of four: 3.5 / 4."""
    y, p = np.array([1.0, 1, 0, 0]), np.array([0.9, 0.5, 0.5, 0.1])
    assert metrics.auc(ranked(y, p)) == pytest.approx(3.5 / 4)


def test_capture_by_hand() -> None:
    """The top 40 % of each list is counted within the list, however the lists differ in level.

    List 0 ranks 1, 0, 0, 1, 0 and list 1 ranks 0, 1, 1, 0, 0: two leads of each are called, which
    finds 1 + 1 of the 4 conversions, although every forecast of list 0 is below those of list 1.
    """
    y = np.array([1.0, 0, 0, 1, 0, 0, 1, 1, 0, 0])
    p = np.array([0.19, 0.18, 0.17, 0.16, 0.15, 0.99, 0.98, 0.97, 0.96, 0.95])
    ranking = metrics.rank(y, p, np.repeat([0, 1], 5))
    captured = metrics.capture(metrics.cumulate(ranking, np.ones(10)[ranking.order]), 0.4)
    assert captured == pytest.approx(2 / 4)


def test_capture_takes_ties_at_the_border_in_equal_parts() -> None:
    """With 4 leads tied and 2 of them called, half of their 2 conversions are found."""
    y, p = np.array([1.0, 0, 1, 0]), np.full(4, 0.3)
    assert metrics.capture(ranked(y, p), 0.5) == pytest.approx(1 / 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_capture_is_what_random_order_among_ties_finds_on_average(seed: int) -> None:
    """Splitting ties in equal parts equals calling them in random order, on average."""
    y, p, _ = rows(seed, 60)
    rng = np.random.default_rng(seed)
    called = round(0.3 * len(y))
    captured = [
        y[np.lexsort((rng.random(len(y)), -p))[:called]].sum() / y.sum() for _ in range(4000)
    ]
    assert metrics.capture(ranked(y, p), called / len(y)) == pytest.approx(
        np.mean(captured), abs=0.01
    )


@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_a_constant_forecast_is_a_coin(seed: int, share: float) -> None:
    """Forecasting one number ranks nothing: AUC 1/2, and a share of calls finds that share."""
    y = (np.random.default_rng(seed).random(50) < 0.4).astype(float)
    y[:2] = 0, 1
    flat = ranked(y, np.full(50, 0.4))
    assert metrics.auc(flat) == pytest.approx(0.5)
    assert metrics.capture(flat, share) == pytest.approx(share)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Shuffled rows give the same figures, ties included."""
    y, p, _ = rows(seed)
    mixed = np.random.default_rng(seed).permutation(len(y))
    assert metrics.auc(ranked(y[mixed], p[mixed])) == pytest.approx(metrics.auc(ranked(y, p)))
    bins = metrics.equal_mass_bins(p)
    assert (metrics.equal_mass_bins(p[mixed]) == bins[mixed]).all()


def test_one_class_only_has_no_rank_metric() -> None:
    """Without a conversion there is nothing to find: the metric has no value, and is not zero."""
    nothing = ranked(np.zeros(5), np.linspace(0, 1, 5))
    assert np.isnan(metrics.auc(nothing))
    assert np.isnan(metrics.average_precision(nothing))
    assert np.isnan(metrics.capture(nothing, 0.2))


def test_equal_mass_bins_hold_equally_many_rows() -> None:
    """150 different forecasts fall into 15 bins of 10, in their order."""
    p = np.random.default_rng(0).permutation(np.linspace(0, 1, 150))
    bins = metrics.equal_mass_bins(p)
    assert (np.bincount(bins) == 10).all()
    assert (np.diff(bins[np.argsort(p)]) >= 0).all()


def test_tied_forecasts_share_a_bin() -> None:
    """A constant forecast is one bin, whatever the number of bins."""
    assert len(np.unique(metrics.equal_mass_bins(np.full(40, 0.1)))) == 1


def test_calibration_error_by_hand() -> None:
    """Two halves that are off by 0.1 and 0.3 are off by 0.2 on average."""
    p = np.repeat([0.2, 0.8], 10)
    y = np.array([1.0] * 3 + [0] * 7 + [1] * 5 + [0] * 5)
    assert metrics.calibration_error(y, p, metrics.equal_mass_bins(p)) == pytest.approx(0.2)


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_are_those_of_scikit_learn(seed: int) -> None:
    """The mean of the row-wise losses is scikit-learn's figure."""
    y, p, _ = rows(seed)
    sure = np.clip(p, 0.001, 0.999)
    assert metrics.brier(y, p).mean() == pytest.approx(brier_score_loss(y, p))
    assert metrics.log_loss(y, sure).mean() == pytest.approx(sklearn_log_loss(y, sure))


def test_a_forecast_of_zero_is_very_wrong_but_not_infinitely() -> None:
    """Saying 0 to what happens costs -log(CLIP)."""
    assert metrics.log_loss(np.ones(1), np.zeros(1))[0] == pytest.approx(-np.log(metrics.CLIP))


@pytest.mark.parametrize("seed", SEEDS)
def test_recalibration_is_a_logistic_regression(seed: int) -> None:
    """Slope and intercept are those of scikit-learn without a penalty."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 5, 500)
    y = (rng.random(500) < p).astype(float)
    x = metrics.log_odds(p)
    b = metrics.recalibrate(y, np.column_stack([np.ones(500), x]), np.zeros(500))
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], y)
    assert b == pytest.approx([fit.intercept_[0], fit.coef_[0, 0]], abs=1e-4)


def test_recalibration_finds_what_was_done_to_a_forecast() -> None:
    """Doubling the log-odds of a calibrated forecast gives a slope of a half."""
    rng = np.random.default_rng(3)
    p = rng.beta(2, 5, 40_000)
    y = (rng.random(len(p)) < p).astype(float)
    design = np.column_stack([np.ones(len(p)), 2 * metrics.log_odds(p)])
    intercept, slope = metrics.recalibrate(y, design, np.zeros(len(p)))
    assert (intercept, slope) == pytest.approx((0, 0.5), abs=0.03)


@pytest.mark.parametrize(
    ("y", "x"),
    [
        ([1, 0, 1, 0], [0.3, 0.3, 0.3, 0.3]),
        ([0, 0, 1, 1], [-2, -1, 1, 2]),
        ([0, 0, 0, 0], [-2, -1, 1, 2]),
    ],
    ids=["constant", "separated", "one class"],
)
def test_recalibration_without_an_answer_gives_none(y: list[float], x: list[float]) -> None:
    """Where the slope is not determined or infinite, it is NaN, not some large number."""
    design = np.column_stack([np.ones(4), np.array(x)])
    assert np.isnan(metrics.recalibrate(np.array(y, float), design, np.zeros(4))).all()


def test_the_noise_floor_shrinks_with_the_root_of_the_rows() -> None:
    """A hundred times as many independent rows have a tenth of the chance error."""
    rng = np.random.default_rng(5)
    floors = []
    for n in (600, 60_000):
        p = rng.beta(2, 8, n)
        floors.append(metrics.noise_floor(p, np.arange(n), 60, seed=1).mean())
    assert floors[0] / floors[1] == pytest.approx(10, rel=0.15)


def test_shared_outcomes_raise_the_noise_floor() -> None:
    """Four rows with one outcome are one piece of evidence: twice the error."""
    p = np.repeat(np.random.default_rng(6).beta(2, 8, 2000), 4)
    alone = metrics.noise_floor(p, np.arange(8000), 80, seed=1).mean()
    shared = metrics.noise_floor(p, np.repeat(np.arange(2000), 4), 80, seed=1).mean()
    assert shared / alone == pytest.approx(2, rel=0.15)
