"""Laws of the age curve: shares by age, as much believed as there are leads behind them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from training.estimators.age_curve import IMAGINED_LEADS, AgeCurve, fit_age_curve
from training.estimators.calibration import Calibrator

Floats = npt.NDArray[np.float64]


def wave(ages: Floats) -> Floats:
    """Return a chance that falls, rises and falls again."""
    return np.select([ages < 20, ages < 60, ages < 110], [0.3, 0.05, 0.5], 0.02)


def drawn(seed: int, rows: int = 20_000) -> tuple[Floats, Floats]:
    """Draw ages up to 200 days, and who converts; every row is a lead of its own."""
    rng = np.random.default_rng(seed)
    ages = rng.uniform(0, 200, rows)
    return ages, (rng.random(rows) < wave(ages)).astype(np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_a_hazard_of_any_shape_is_followed(seed: int) -> None:
    """The curve need not fall with age: away from its jumps it is right to a few points."""
    ages, y = drawn(seed)
    curve = fit_age_curve(ages, y, np.arange(len(y)), float(y.mean()))
    middles = np.array([5.0, 40.0, 85.0, 160.0])
    assert curve.probability(middles) == pytest.approx(wave(middles), abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_level_is_that_of_the_rows(seed: int) -> None:
    """On the rows it learned from, the mean forecast is the share that converted."""
    ages, y = drawn(seed)
    curve = fit_age_curve(ages, y, np.arange(len(y)), float(y.mean()))
    assert curve.probability(ages).mean() == pytest.approx(y.mean(), abs=0.002)


def test_shares_by_hand() -> None:
    """Twenty imagined leads at the base rate stand beside those of each range."""
    ages = np.repeat([1.0, 2.0], [100, 100])
    y = np.concatenate([np.tile([1.0, 0.0], 50), np.zeros(100)])
    leads = np.concatenate([np.arange(100) % 20, 100 + np.arange(100) % 20])
    curve = fit_age_curve(ages, y, leads, 0.1)
    young, old = (20 * 0.5 + 20 * 0.1) / 40, (20 * 0.0 + 20 * 0.1) / 40
    assert curve.probability(np.array([1.0, 2.0])) == pytest.approx([young, old])
    assert curve.shares[0] == pytest.approx(0.1), "below all ages nothing was seen"


@pytest.mark.parametrize("repeats", [2, 50])
def test_many_rows_of_a_lead_are_one_lead(repeats: int) -> None:
    """Rows repeated for the same leads move borders a little and nothing else."""
    rng = np.random.default_rng(3)
    ages, leads = rng.uniform(0, 90, 300), np.arange(300)
    y = (rng.random(300) < 0.2).astype(np.float64)
    once = fit_age_curve(ages, y, leads, 0.2)
    often = fit_age_curve(*(np.repeat(a, repeats) for a in (ages, y, leads)), 0.2)
    days = np.linspace(5, 85, 9)
    assert often.probability(days) == pytest.approx(once.probability(days), abs=0.03)


@pytest.mark.parametrize("n_leads", [0, 1, 5])
def test_few_leads_say_the_base_rate(n_leads: int) -> None:
    """Even if all of them converted, each range stays near what is known without them."""
    curve = fit_age_curve(np.arange(n_leads) * 10.0, np.ones(n_leads), np.arange(n_leads), 0.1)
    most = (n_leads + IMAGINED_LEADS * 0.1) / (n_leads + IMAGINED_LEADS)
    assert all(0.1 - 1e-12 <= share <= most + 1e-12 for share in curve.shares)


def test_damping_ends_at_the_base_rate() -> None:
    """All the way is the curve itself, none of it the base rate for every age."""
    curve = AgeCurve((7.0, 30.0), (0.5, 0.2, 0.01))
    assert curve.damped(1.0, 0.1).shares == pytest.approx(curve.shares)
    assert curve.damped(0.0, 0.1).shares == pytest.approx([0.1] * 3)
    assert curve.damped(0.0, 0.1).is_flat
    assert not curve.damped(0.25, 0.1).is_flat


def test_a_calibrated_curve_is_a_curve() -> None:
    """Each share is mapped as a probability is, and comes back from JSON to the bit."""
    curve = AgeCurve((7.0,), (0.5, 0.12)).mapped(Calibrator("platt", 0.5, 0.5, 0.0))
    assert curve.shares == pytest.approx([0.5, 0.27], abs=0.003)
    assert AgeCurve.from_json(curve.to_json()) == curve
