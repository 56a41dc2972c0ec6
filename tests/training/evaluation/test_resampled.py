"""Laws of the metrics on resamples: additive ones by hand, invariances over seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.arrays import Floats
from features.errors import InputError
from training.evaluation.bootstrap import resample
from training.evaluation.metrics import log_odds, logistic
from training.evaluation.resampled import HIGHER, Forecasts, resampled_metrics

SEEDS = range(4)
RANKING = ("auc", "average_precision", "capture", "lift", "top_decile_lift")


def rows(seed: int, n: int = 240) -> Forecasts:
    """Return calibrated forecasts without ties: 80 leads at three cutoffs."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 5, n)
    y = (rng.random(n) < p).astype(float)
    number = np.arange(n)
    return Forecasts(y, {"model": p}, number // 3, number % 3)


def metrics(forecasts: Forecasts, draws: int = 0, share: float = 0.2) -> dict[str, Floats]:
    """Return the model's metrics on the data, and on some resamples."""
    clusters = int(forecasts.clusters.max()) + 1
    return resampled_metrics(forecasts, resample(clusters, draws, seed=3), share)["model"]


def test_additive_metrics_by_hand() -> None:
    """Four rows, forecast 0.2, 0.2, 0.6 and 0.6, of which the last two happen."""
    forecasts = Forecasts(
        np.array([0.0, 0, 1, 1]),
        {"model": np.array([0.2, 0.2, 0.6, 0.6])},
        np.arange(4),
        np.zeros(4, dtype=np.int64),
    )
    own = metrics(forecasts)
    brier = (2 * 0.04 + 2 * 0.16) / 4
    assert own["brier"] == pytest.approx([brier])
    assert own["brier_skill"] == pytest.approx([1 - brier / 0.25])
    assert own["log_loss"] == pytest.approx([-(np.log(0.8) + np.log(0.6)) / 2])
    assert own["ece"] == pytest.approx([(0.2 + 0.4) / 2])
    assert own["mean_forecast"] == pytest.approx([0.4])
    assert own["auc"] == [1.0]


def test_a_resample_weights_the_rows_of_a_lead_alike() -> None:
    """Drawing the first of two leads twice and the second never leaves the first lead's figures."""
    forecasts = Forecasts(
        np.array([1.0, 0, 0, 0]),
        {"model": np.array([0.9, 0.1, 0.5, 0.5])},
        np.array([0, 0, 1, 1]),
        np.zeros(4, dtype=np.int64),
    )
    counts = np.array([[1, 1], [2, 0]], dtype=np.uint16)
    own = resampled_metrics(forecasts, counts, 0.5)["model"]
    assert own["mean_forecast"] == pytest.approx([0.5, 0.5])
    assert own["brier"] == pytest.approx([(0.01 + 0.01 + 0.25 + 0.25) / 4, 0.01])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_monotone_transform_leaves_the_ranking(seed: int) -> None:
    """Steeper and shifted log-odds change no rank metric, and every calibration metric."""
    forecasts = rows(seed)
    bent = replace(
        forecasts, named={"model": logistic(1.7 * log_odds(forecasts.named["model"]) - 0.8)}
    )
    straight, curved = metrics(forecasts, 5), metrics(bent, 5)
    for name in RANKING:
        assert curved[name] == pytest.approx(straight[name]), name
    assert (curved["log_loss"] > straight["log_loss"]).all()
    assert (curved["ece"] > straight["ece"]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_recalibration_line_undoes_a_transform(seed: int) -> None:
    """Multiplying log-odds by k divides the slope by k; adding c takes c from the intercept."""
    forecasts = rows(seed)
    odds = log_odds(forecasts.named["model"])
    steeper = metrics(replace(forecasts, named={"model": logistic(2 * odds)}))
    shifted = metrics(replace(forecasts, named={"model": logistic(odds + 0.7)}))
    own = metrics(forecasts)
    assert 2 * steeper["calibration_slope"] == pytest.approx(own["calibration_slope"], rel=1e-6)
    assert shifted["calibration_intercept"] + 0.7 == pytest.approx(
        own["calibration_intercept"], rel=1e-6
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_changes_no_resample(seed: int) -> None:
    """Shuffled rows, with their leads and lists, give the same metrics on every resample."""
    forecasts = rows(seed)
    mixed = forecasts.take(np.random.default_rng(seed).permutation(len(forecasts.y)))
    for name, values in metrics(forecasts, 8).items():
        assert metrics(mixed, 8)[name] == pytest.approx(values), name


@pytest.mark.parametrize("seed", SEEDS)
def test_renumbered_leads_are_the_same_leads(seed: int) -> None:
    """What a cluster is called does not matter for the figure on the data."""
    forecasts = rows(seed)
    other = replace(forecasts, clusters=79 - forecasts.clusters)
    for name, values in metrics(forecasts).items():
        assert metrics(other)[name] == pytest.approx(values), name


@pytest.mark.parametrize("seed", SEEDS)
def test_lift_is_capture_per_call(seed: int) -> None:
    """Calling everybody finds everything: capture 1 and lift 1; half of the leads at most 2."""
    everybody = metrics(rows(seed), 5, share=1.0)
    assert everybody["capture"] == pytest.approx(1)
    assert everybody["lift"] == pytest.approx(1)
    half = metrics(rows(seed), 5, share=0.5)
    assert half["lift"] == pytest.approx(2 * half["capture"])
    assert (half["lift"] <= 2 + 1e-9).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_perfect_forecast_has_the_best_figures(seed: int) -> None:
    """Forecasting the outcomes themselves ranks perfectly and costs nothing."""
    forecasts = rows(seed)
    own = metrics(replace(forecasts, named={"model": forecasts.y}), 5)
    for name in ("auc", "average_precision", "brier_skill"):
        assert own[name] == pytest.approx(1), name
    for name in ("brier", "ece"):
        assert own[name] == pytest.approx(0), name


@pytest.mark.parametrize("seed", SEEDS)
def test_turning_a_forecast_around_turns_its_auc_around(seed: int) -> None:
    """1 - p ranks exactly the other way: the two areas add up to 1 on every resample."""
    forecasts = rows(seed)
    other = replace(forecasts, named={"model": 1 - forecasts.named["model"]})
    assert metrics(forecasts, 6)["auc"] + metrics(other, 6)["auc"] == pytest.approx(1)


def test_forecasts_do_not_influence_each_other() -> None:
    """A forecast has the same metrics alone and among others."""
    forecasts = rows(0)
    both = replace(forecasts, named={"coin": np.full(240, 0.3), **forecasts.named})
    counts = resample(80, 6, seed=3)
    together = resampled_metrics(both, counts, 0.2)["model"]
    alone = resampled_metrics(both.only("model"), counts, 0.2)["model"]
    assert all((together[name] == alone[name]).all() for name in HIGHER)


@pytest.mark.parametrize(
    ("p", "says"),
    [
        ([0.5], "has 1 rows, there are 2"),
        ([0.5, 1.5], "probability in 0..1"),
        ([0.5, np.nan], "probability in 0..1"),
    ],
    ids=["too short", "above 1", "missing"],
)
def test_forecasts_that_cannot_be_scored_are_refused(p: list[float], says: str) -> None:
    """The error names the forecast and what is wrong with it."""
    both = np.zeros(2, dtype=np.int64)
    with pytest.raises(InputError, match=f"'rule'.*{says}"):
        Forecasts(np.zeros(2), {"rule": np.array(p)}, both, both)
