"""Laws of the metrics beside known chances: by hand, in expectation, and over pairs of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from features.arrays import Floats
from features.errors import InputError
from training.evaluation.bootstrap import resample
from training.evaluation.truth_metrics import (
    CONSTANT,
    FIGURES,
    TRUTH,
    KnownChances,
    pairwise_area,
    resampled_truth_metrics,
)

SEEDS = range(4)


def known(seed: int, n: int = 200) -> KnownChances:
    """Return chances, outcomes drawn from them, and a forecast that blurs them."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 5, n)
    blurred = np.clip(chance + rng.normal(0, 0.1, n), 0.01, 0.99)
    y = (rng.random(n) < chance).astype(float)
    return KnownChances(y, chance, {"model": blurred}, np.arange(n) // 2)


def metrics(rows: KnownChances, name: str, draws: int = 0) -> dict[str, Floats]:
    """Return a forecast's metrics on the data, and on some resamples."""
    counts = resample(int(rows.clusters.max()) + 1, draws, seed=4)
    return resampled_truth_metrics(rows, counts)[name]


def test_the_gap_by_hand() -> None:
    """The three rows of the module's own example: 94 % of the expected Brier gap is closed."""
    rows = KnownChances(
        y=np.array([1.0, 0.0, 0.0]),
        chance=np.array([0.8, 0.4, 0.0]),
        named={"model": np.array([0.7, 0.4, 0.1])},
        clusters=np.arange(3),
    )
    own = metrics(rows, "model")
    assert own["expected_brier"] == pytest.approx([0.14])
    assert metrics(rows, TRUTH)["expected_brier"] == pytest.approx([0.4 / 3])
    assert metrics(rows, CONSTANT)["expected_brier"] == pytest.approx([0.24])
    assert own["expected_brier_gap_closed"] == pytest.approx([0.9375])
    assert own["brier"] == pytest.approx([(0.3**2 + 0.4**2 + 0.1**2) / 3])
    assert own["mean_distance_to_truth"] == pytest.approx([0.2 / 3])


@pytest.mark.parametrize("seed", SEEDS)
def test_no_forecast_beats_the_truth_in_expectation(seed: int) -> None:
    """On the data and on every resample, by either loss: the truth has the lowest."""
    rows = known(seed)
    for loss in ("expected_log_loss", "expected_brier"):
        ceiling = metrics(rows, TRUTH, 20)[loss]
        assert (metrics(rows, "model", 20)[loss] > ceiling).all()
        assert (metrics(rows, CONSTANT, 20)[loss] > ceiling).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_and_constant_are_the_ends_of_the_gap(seed: int) -> None:
    """The truth closes all of it and the constant nothing, on the data and on every resample."""
    rows = known(seed)
    for name, closed in ((TRUTH, 1.0), (CONSTANT, 0.0)):
        own = metrics(rows, name, 10)
        for gap in ("log_loss", "brier", "expected_log_loss", "expected_brier"):
            assert own[f"{gap}_gap_closed"] == pytest.approx(closed), gap
    assert metrics(rows, TRUTH, 10)["mean_distance_to_truth"] == pytest.approx(0)


def test_equal_chances_leave_no_gap_to_close() -> None:
    """Where the truth is a constant, the share of the gap has no value."""
    rows = replace(known(0), chance=np.full(200, 0.3))
    own = metrics(rows, "model")
    assert np.isnan(own["expected_brier_gap_closed"]).all()
    assert own["expected_brier"] > 0.3 * 0.7


def test_a_gap_from_a_baseline_needs_one() -> None:
    """Without a baseline its figures are left out; with one it closes nothing of its own gap."""
    rows = known(1)
    rate = replace(rows, named={**rows.named, "base rate": np.full(200, 0.25)})
    counts = resample(100, 3, seed=4)
    without = resampled_truth_metrics(rate, counts)["model"]
    beside = resampled_truth_metrics(rate, counts, "base rate")
    assert set(FIGURES) - set(without) == {f for f in FIGURES if f.endswith("_from_baseline")}
    assert set(beside["model"]) == set(FIGURES)
    assert beside["base rate"]["brier_gap_closed_from_baseline"] == pytest.approx(0)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_without_outcome_count_in_expectation_only(seed: int) -> None:
    """Hiding half of the outcomes leaves what is expected, and scores the other half."""
    rows = known(seed)
    hidden = replace(rows, y=np.where(np.arange(200) % 2, np.nan, rows.y))
    whole, half = metrics(rows, "model"), metrics(hidden, "model")
    for name in ("expected_log_loss", "expected_auc", "ece_to_truth"):
        assert (half[name] == whole[name]).all(), name
    seen = hidden.y[::2], rows.named["model"][::2]
    assert half["auc"] == pytest.approx(roc_auc_score(*seen))


@pytest.mark.parametrize("seed", SEEDS)
def test_whole_outcomes_give_the_usual_auc(seed: int) -> None:
    """With chances of 0 and 1 the pairs are those of scikit-learn, weights and ties included."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(60), 1)
    y = (rng.random(60) < p).astype(float)
    weights = rng.integers(1, 4, 60).astype(float)
    area = pairwise_area(p, y, 1 - y, weights[None, :])
    assert area == pytest.approx([roc_auc_score(y, p, sample_weight=weights)])


@pytest.mark.parametrize("seed", SEEDS)
def test_soft_pairs_by_counting_them(seed: int) -> None:
    """All pairs of different rows, each weighted by the chances of its two sides."""
    rng = np.random.default_rng(seed)
    p, up = np.round(rng.random(15), 1), rng.random(15)
    down = 1 - up
    right = total = 0.0
    for i in range(15):
        for k in set(range(15)) - {i}:
            weight = up[i] * down[k]
            total += weight
            right += weight * (1.0 if p[i] > p[k] else 0.5 * (p[i] == p[k]))
    assert pairwise_area(p, up, down, np.ones((1, 15))) == pytest.approx([right / total])


def test_one_kind_of_row_has_no_pairs() -> None:
    """Without any chance of a negative there is no AUC."""
    ones = np.ones(4)
    area = pairwise_area(np.linspace(0, 1, 4), ones, np.zeros(4), np.ones((1, 4)))
    assert np.isnan(area).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """Shuffled rows give the same metrics, on the data and on resamples."""
    rows = known(seed)
    mixed = np.random.default_rng(seed).permutation(200)
    shuffled = KnownChances(
        rows.y[mixed],
        rows.chance[mixed],
        {"model": rows.named["model"][mixed]},
        rows.clusters[mixed],
    )
    for name, values in metrics(rows, "model", 6).items():
        assert metrics(shuffled, "model", 6)[name] == pytest.approx(values), name


@pytest.mark.parametrize("p", [[0.5], [0.5, np.nan], [0.5, -0.1]])
def test_forecasts_that_cannot_be_scored_are_refused(p: list[float]) -> None:
    """The error names the forecast."""
    with pytest.raises(InputError, match="'rule' must be a probability"):
        KnownChances(np.zeros(2), np.zeros(2), {"rule": np.array(p)}, np.zeros(2, dtype=np.int64))
