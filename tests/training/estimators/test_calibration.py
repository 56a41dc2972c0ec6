"""Calibration makes probabilities true, keeps their order, and leaves true ones alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from training.estimators.calibration import (
    IDENTITY,
    METHODS,
    Calibrator,
    choose_calibrator,
    fit_calibrator,
    trust_in,
)

Floats = npt.NDArray[np.float64]
SEEDS = range(3)
LINE = np.linspace(-12, 12, 241)
CALIBRATORS = st.builds(
    Calibrator,
    st.sampled_from(METHODS),
    st.floats(0.05, 20),
    st.floats(0.05, 20),
    st.floats(-5, 5),
)


def sample(
    seed: int, slope: float = 1.0, shift: float = 0.0, rows: int = 60_000
) -> tuple[Floats, Floats]:
    """Draw raw margins, and outcomes whose true margin is `shift + slope * raw`."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.5, 1.3, rows)
    return raw, (rng.random(rows) < expit(shift + slope * raw)).astype(np.float64)


def chosen(raw: Floats, y: Floats) -> Calibrator:
    """Choose a map, the second half being the later part."""
    return choose_calibrator(raw, y, np.ones(len(y)), np.arange(len(y)) >= len(y) // 2)[0]


@settings(derandomize=True, deadline=None)
@given(calibrator=CALIBRATORS)
def test_every_map_rises_strictly(calibrator: Calibrator) -> None:
    """Of two leads the one with the higher raw margin keeps the higher one."""
    assert (np.diff(calibrator.margin(LINE)) > 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", SEEDS)
def test_fitted_maps_rise_even_where_outcomes_fall(method: str, seed: int) -> None:
    """A window in which the order is reversed does not reverse the map."""
    raw, y = sample(seed, rows=4_000)
    fitted = fit_calibrator(method, raw, 1 - y, np.ones(len(y)))
    assert (np.diff(fitted.margin(LINE)) > 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_true_probabilities_stay_as_they_are(seed: int) -> None:
    """Forecasts that are calibrated move by less than one percentage point."""
    raw, y = sample(seed)
    moved = chosen(raw, y).probability(LINE) - expit(LINE)
    assert np.abs(moved).max() < 0.01


def test_the_identity_wins_where_every_other_map_is_worse() -> None:
    """A season that turns between the halves of the window is not followed.

    Either half alone would be: its map moves forecasts by more than ten percentage points.
    """
    first, before = sample(0, shift=-1.0, rows=20_000)
    second, after = sample(1, shift=1.0, rows=20_000)
    calibrator, losses = choose_calibrator(
        np.concatenate([first, second]),
        np.concatenate([before, after]),
        np.ones(40_000),
        np.arange(40_000) >= 20_000,
    )
    assert calibrator == IDENTITY
    assert all(losses["identity"] < losses[method] for method in METHODS)
    for raw, y in ((first, before), (second, after)):
        alone = chosen(raw, y)
        assert alone != IDENTITY
        assert np.abs(alone.probability(LINE) - expit(LINE)).max() > 0.1


@pytest.mark.parametrize(("slope", "shift"), [(0.6, 0.0), (1.0, -0.8), (0.6, 0.7), (1.5, 0.3)])
def test_a_known_distortion_is_undone_on_a_later_sample(slope: float, shift: float) -> None:
    """Slope and shift are estimated well enough to remove nine tenths of the error of new rows."""
    calibrator = chosen(*sample(5, slope, shift))
    raw, _ = sample(6, slope, shift)
    true = expit(shift + slope * raw)
    before, after = np.abs(expit(raw) - true).mean(), np.abs(calibrator.probability(raw) - true)
    assert after.mean() < 0.1 * before


@pytest.mark.parametrize("seed", SEEDS)
def test_few_rows_hardly_move_a_forecast(seed: int) -> None:
    """Thirty leads of two weeks, half of them won, move no forecast by more than six points."""
    raw, _ = sample(seed, rows=30)
    wild = np.random.default_rng(seed).integers(0, 2, 30).astype(np.float64)
    calibrator = chosen(raw, wild).trusted(trust_in(14))
    assert np.abs(calibrator.probability(LINE) - expit(LINE)).max() < 0.06


@settings(derandomize=True, deadline=None)
@given(calibrator=CALIBRATORS, share=st.floats(0.01, 0.99))
def test_trust_leads_from_the_identity_to_the_map(calibrator: Calibrator, share: float) -> None:
    """No trust is the identity, full trust the map; in between the map rises and lies between."""
    assert calibrator.trusted(1.0) == calibrator
    assert replace(calibrator.trusted(0.0), method="identity") == IDENTITY
    partly = calibrator.trusted(share)
    assert (np.diff(partly.margin(LINE)) > 0).all()
    for name in ("a", "b"):
        whole, part = (np.log(getattr(c, name)) for c in (calibrator, partly))
        assert abs(part) <= abs(whole) + 1e-12


def test_longer_windows_are_trusted_more() -> None:
    """Trust grows with the days and never becomes blind."""
    shares = [trust_in(days) for days in range(1, 400)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_a_lead_seen_often_weighs_as_one_seen_once() -> None:
    """Rows repeated with the weight divided give the same map."""
    raw, y = sample(2, slope=0.7, rows=3_000)
    once = fit_calibrator("platt", raw, y, np.ones(3_000))
    often = fit_calibrator("platt", np.repeat(raw, 5), np.repeat(y, 5), np.full(15_000, 0.2))
    assert [often.a, often.b, often.intercept] == pytest.approx(
        [once.a, once.b, once.intercept], rel=1e-4
    )


@pytest.mark.parametrize("labels", [np.zeros(40), np.ones(40), np.arange(40) >= 20, np.empty(0)])
def test_one_kind_of_outcome_in_a_half_maps_nothing(labels: npt.NDArray[np.generic]) -> None:
    """Where half of the window has one outcome only, or no row at all, the map is the identity."""
    y = labels.astype(np.float64)
    later = np.arange(len(y)) >= len(y) // 2
    assert choose_calibrator(np.zeros(len(y)), y, np.ones(len(y)), later) == (IDENTITY, {})


def test_extreme_margins_stay_numbers() -> None:
    """Certainty in either direction is neither refused nor turned into NaN."""
    raw = np.array([-800.0, -40.0, 0.0, 40.0, 800.0] * 20)
    y = np.array([0.0, 0.0, 1.0, 1.0, 0.0] * 20)
    for method in METHODS:
        p = fit_calibrator(method, raw, y, np.ones(100)).probability(raw)
        assert np.isfinite(p).all()
        assert ((p >= 0) & (p <= 1)).all()


@settings(derandomize=True, deadline=None)
@given(calibrator=CALIBRATORS)
def test_json_keeps_every_bit(calibrator: Calibrator) -> None:
    """What is read back maps to the very same numbers."""
    back = Calibrator.from_json(json.loads(json.dumps(calibrator.to_json())))
    assert back == calibrator
    np.testing.assert_array_equal(back.probability(LINE), calibrator.probability(LINE))
