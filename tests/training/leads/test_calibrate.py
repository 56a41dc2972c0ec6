"""Weights that know nothing after the cutoff leave forecasts alone that are already right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.estimators.calibration import choose_calibrator, fit_calibrator
from training.leads.calibrate import row_weights

SEEDS = range(20)
LEADS = 3000
CUTOFFS = 10
STEP, HORIZON = 7, 30


def window(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw leads with a lasting hazard at weekly cutoffs; who converts leaves the window.

    Returns:
        The true margin, the outcome, the lead and the cutoff of each row.
    """
    rng = np.random.default_rng(seed)
    hazard = np.exp(rng.normal(-5.5, 0.8, LEADS))
    converts_on = rng.exponential(1 / hazard)
    chance = 1 - np.exp(-HORIZON * hazard)
    margin = np.log(chance) - np.log1p(-chance)
    lead, cutoff = (grid.ravel() for grid in np.meshgrid(np.arange(LEADS), np.arange(CUTOFFS)))
    is_open = converts_on[lead] > STEP * cutoff
    lead, cutoff = lead[is_open], cutoff[is_open]
    y = (converts_on[lead] <= STEP * cutoff + HORIZON).astype(np.float64)
    return margin[lead], y, lead, cutoff


@pytest.mark.parametrize("seed", SEEDS)
def test_right_forecasts_stay_right(seed: int) -> None:
    """Where forecasts are the true chances, the map moves their mean by less than luck does."""
    margin, y, lead, cutoff = window(seed)
    weights = row_weights(pd.Series(lead))
    chosen, _ = choose_calibrator(margin, y, weights, cutoff >= CUTOFFS // 2)
    true, mapped = expit(margin).mean(), chosen.probability(margin).mean()
    luck = np.sqrt(true * (1 - true) / LEADS)
    assert abs(mapped - true) < 2.5 * luck


def test_the_map_stays_at_the_truth_on_average() -> None:
    """A fitted map errs in no direction; with weights of one over a lead's rows it does."""
    errors, biased = [], []
    for seed in SEEDS:
        margin, y, lead, _ = window(seed)
        counts = pd.Series(lead).groupby(lead).transform("count").to_numpy(np.float64)
        true = expit(margin).mean()
        for weights, kept in ((row_weights(pd.Series(lead)), errors), (1 / counts, biased)):
            fitted = fit_calibrator("platt", margin, y, weights)
            kept.append(fitted.probability(margin).mean() / true - 1)
    assert abs(np.mean(errors)) < 0.02
    assert np.mean(biased) > 0.1


def test_rows_weigh_as_much_as_there_are_leads() -> None:
    """Many rows of one lead lower what each row tells, whatever came of it."""
    weights = row_weights(pd.Series(["a", "b", "b", "b", "b", "b"]))
    assert weights.sum() == pytest.approx(2)
    assert np.ptp(weights) == 0
