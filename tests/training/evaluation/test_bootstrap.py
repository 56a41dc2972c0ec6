"""Laws of the cluster bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, batches, percentile_estimate, resample
from training.evaluation.resampled import HIGHER, LOWER, NEUTRAL, Forecasts, resampled_metrics


def clustered(seed: int, leads: int, each: int) -> Forecasts:
    """Return leads with `each` identical rows, forecast by a model and by a coin."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 6, leads)
    y = (rng.random(leads) < p).astype(float)
    coin = np.round(rng.random(leads), 2)
    lead, lists = np.repeat(np.arange(leads), each), np.tile(np.arange(each), leads)
    named = {"model": np.repeat(p, each), "coin": np.repeat(coin, each)}
    return Forecasts(np.repeat(y, each), named, lead, lists)


def width(draws: Floats) -> float:
    """Return the width of the 90 % interval."""
    figure = percentile_estimate(draws, 0.9)
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def test_a_resample_draws_as_many_leads_as_there_are() -> None:
    """Every resample has the size of the data; the first is the data."""
    counts = resample(50, 20, seed=1)
    assert counts.shape == (21, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert (counts[0] == 1).all()


def test_the_seed_decides_the_resamples() -> None:
    """The same seed gives the same resamples, another one others."""
    assert (resample(30, 5, 7) == resample(30, 5, 7)).all()
    assert (resample(30, 5, 7) != resample(30, 5, 8)).any()


def test_batches_are_the_resamples_in_order() -> None:
    """Cutting into batches loses and reorders nothing."""
    counts = resample(30, 40, 7)
    assert (np.concatenate(list(batches(counts.astype(float), 10**5))) == counts).all()


@pytest.mark.parametrize("each", [2, 5])
def test_repeating_the_rows_of_a_lead_adds_no_certainty(each: int) -> None:
    """Seeing the same leads five times as often leaves every interval as wide as it was."""
    counts = resample(200, 150, seed=3)
    once = resampled_metrics(clustered(1, 200, 1), counts, 0.2)["model"]
    often = resampled_metrics(clustered(1, 200, each), counts, 0.2)["model"]
    for metric in ("auc", "brier", "capture", "average_precision"):
        assert width(often[metric]) == pytest.approx(width(once[metric]))


def test_a_resample_is_scored_as_scikit_learn_scores_its_weights() -> None:
    """Every draw of the AUC is that of the resampled leads' rows."""
    rows, counts = clustered(2, 80, 3), resample(80, 10, seed=3)
    drawn = resampled_metrics(rows, counts, 0.2)
    for name, p in rows.named.items():
        for draw, weights in zip(drawn[name]["auc"], counts, strict=True):
            expected = roc_auc_score(rows.y, p, sample_weight=weights[rows.clusters])
            assert draw == pytest.approx(expected)


def test_one_step_recalibration_is_close_to_fitting_anew() -> None:
    """The slope of a resample by one Newton step is near the slope fitted on its rows."""
    rows, counts = clustered(4, 1500, 1), resample(1500, 12, seed=3)
    steps = resampled_metrics(rows, counts, 0.2)["model"]["calibration_slope"]
    for step, times in zip(steps, counts, strict=True):
        again = np.repeat(np.arange(1500), times)
        alone = Forecasts(rows.y[again], {"model": rows.named["model"][again]}, again, again * 0)
        anew = resampled_metrics(alone, np.ones((1, 1500), dtype=np.uint16), 0.2)["model"]
        assert step == pytest.approx(anew["calibration_slope"][0], abs=0.03)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Over 120 companies, 90 % intervals of the base rate hold the true one in 80 to 98 %.

    Leads have 1 to 6 rows with one outcome; treating rows as independent fails this.
    """
    held = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        each = rng.integers(1, 7, 150)
        lead = np.repeat(np.arange(150), each)
        y = (rng.random(150) < 0.25)[lead].astype(float)
        rows = Forecasts(y, {"model": np.full(len(y), 0.25)}, lead, lead * 0)
        drawn = resampled_metrics(rows, resample(150, 100, seed), 0.2)["model"][
            "calibration_intercept"
        ]
        held += not percentile_estimate(drawn, 0.9).excludes(0.0)
    assert 0.80 <= held / 120 <= 0.98


def test_every_metric_has_one_good_direction() -> None:
    """What is measured is exactly what is declared, each in one direction."""
    drawn = resampled_metrics(clustered(1, 60, 2), resample(60, 3, 1), 0.2)["model"]
    assert set(drawn) == HIGHER | LOWER | NEUTRAL
    assert len(drawn) == len(HIGHER) + len(LOWER) + len(NEUTRAL)


def test_a_group_is_scored_as_if_it_were_alone() -> None:
    """Rows of some leads, with the resamples of all, give the group's own figures."""
    rows, counts = clustered(5, 100, 2), resample(100, 4, seed=3)
    part = rows.take(np.flatnonzero(rows.clusters >= 40))
    drawn = resampled_metrics(part, counts, 0.2)["coin"]["auc"]
    assert drawn[0] == pytest.approx(roc_auc_score(part.y, part.named["coin"]))


def test_a_figure_that_does_not_exist_is_withheld() -> None:
    """NaN never reaches a reader: no value, or no interval where most resamples have no value."""
    assert percentile_estimate(np.array([np.nan, 0.1, 0.2]), 0.9) == WITHHELD
    hanging = percentile_estimate(np.array([0.5, np.nan, np.nan, 0.4]), 0.9)
    assert (hanging.value, hanging.low, hanging.high) == (0.5, None, None)


def test_a_centred_interval_stands_around_its_figure() -> None:
    """Resamples that all lie too high are moved back by their mean excess."""
    figure = percentile_estimate(np.array([1.0, 2.0, 3.0, 4.0]), 0.9, centred=True)
    assert (figure.low, figure.high) == pytest.approx((0.1, 1.9))


def test_a_difference_of_distances_may_be_negative() -> None:
    """A distance ends at 0; of a difference both ends lie where they lie, the lower one below."""
    draws = np.array([-0.25, -0.24, -0.25, -0.26])
    figure = percentile_estimate(draws, 0.9, centred=True, signed=True)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < -0.25 < figure.high < 0
    distance = percentile_estimate(np.array([0.1, 0.0, 0.5, 0.1]), 0.9, centred=True)
    assert distance.low == 0.0
