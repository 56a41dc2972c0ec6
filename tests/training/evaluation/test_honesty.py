"""Laws of the honesty gate: skill passes, luck does not, and what age knows is no skill."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logit

from training.evaluation.bootstrap import resample
from training.evaluation.honesty import AGE, BASE_RATE, Honesty, honesty_gate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.metrics import brier, log_loss
from training.evaluation.resampled import Forecasts

Floats = npt.NDArray[np.float64]
N_LEADS, ROWS, DRAWS = 500, 3, 200
SEEDS = range(150)


def judged(
    seed: int, *, skill: float = 0.0, noise: float = 0.0, by_age: float = 0.8, n: int = N_LEADS
) -> Honesty:
    """Judge a model on leads of three rows each.

    Args:
        seed: of the company.
        skill: spread of what the model alone knows of leads, in log-odds.
        noise: spread of what it only believes to know.
        by_age: spread of what age says.
        n: leads.
    """
    rng = np.random.default_rng(seed)
    leads = np.repeat(np.arange(n), ROWS)
    age, own, luck = (np.repeat(rng.normal(size=n), ROWS) for _ in range(3))
    base = -2.0 + by_age * age
    y = np.repeat(rng.random(n), ROWS) < expit(base + skill * own)
    named = {
        MODEL: expit(base + skill * own + noise * luck),
        AGE: expit(base),
        BASE_RATE: np.full(len(leads), y.mean() if y.any() else 0.1),
    }
    return gate(y.astype(np.float64), named, leads)


def gate(y: Floats, named: dict[str, Floats], leads: npt.NDArray[np.int64]) -> Honesty:
    """Judge forecasts with resamples of their own."""
    forecasts = Forecasts(y, named, leads, np.zeros(len(y), dtype=np.int64))
    honesty = honesty_gate(forecasts, resample(int(leads.max(initial=0)) + 1, DRAWS, seed=1))
    assert honesty is not None
    return honesty


def test_a_clearly_better_model_passes() -> None:
    """A model that knows as much again as age passes in all companies."""
    passed = [judged(seed, skill=1.5, n=1_000).passed for seed in range(40)]
    assert np.mean(passed) == 1.0


def test_luck_does_not_pass() -> None:
    """A model that believes to know a little more than age passes in hardly any company."""
    passed = [judged(seed, noise=0.2).passed for seed in SEEDS]
    assert np.mean(passed) <= 0.05


def test_one_gain_is_luck_as_often_as_its_interval_says() -> None:
    """Of forecasts equally far from the truth on either side, one in twenty gains looks real."""
    shown = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        p = np.full(N_LEADS, 0.2)
        y = (rng.random(N_LEADS) < p).astype(np.float64)
        tilt = 0.3 * rng.choice([-1, 1], N_LEADS)
        named = {MODEL: expit(logit(p) + tilt), AGE: expit(logit(p) - tilt), BASE_RATE: p}
        (gain, *_) = gate(y, named, np.arange(N_LEADS)).gains
        shown.append(gain.is_shown)
    assert 0.01 <= np.mean(shown) <= 0.10


@pytest.mark.parametrize("seed", range(10))
def test_what_age_knows_is_no_skill(seed: int) -> None:
    """A model that says what age says gains nothing, and fails, however much age knows."""
    honesty = judged(seed, by_age=2.0)
    assert honesty.failed
    assert honesty.says.startswith("little beyond age: the model's log loss is not shown")
    against_age = [gain.size.value for gain in honesty.gains if gain.rival == AGE]
    assert against_age == pytest.approx([0.0, 0.0])
    assert all(gain.is_shown for gain in honesty.gains if gain.rival == BASE_RATE)


def test_the_base_rate_has_to_be_beaten_too() -> None:
    """Where age misleads, being better than age is not enough, and the words say so."""
    rng = np.random.default_rng(0)
    y = (rng.random(2_000) < 0.1).astype(np.float64)
    misled = np.where(rng.random(2_000) < 0.3, 0.6, 0.1)
    rate = np.full(2_000, y.mean())
    named = {MODEL: 0.5 * (misled + rate), AGE: misled, BASE_RATE: rate}
    honesty = gate(y, named, np.arange(2_000))
    assert honesty.failed
    assert honesty.says.startswith("little beyond age and the base rate: ")
    assert "than the base rate's (gain -0.0" in honesty.says


@pytest.mark.parametrize("repeats", [2, 6])
def test_leads_are_drawn_whole(repeats: int) -> None:
    """The same rows again, of the same leads, make no gain surer; as new leads they would."""
    rng = np.random.default_rng(5)
    p = expit(-1 + rng.normal(size=300))
    y = (rng.random(300) < p).astype(np.float64)
    named = {MODEL: p, AGE: np.full(300, p.mean()), BASE_RATE: np.full(300, y.mean())}
    again = {name: np.tile(own, repeats) for name, own in named.items()}
    leads = np.arange(300)
    once = gate(y, named, leads)
    whole = gate(np.tile(y, repeats), again, np.tile(leads, repeats))
    torn = gate(np.tile(y, repeats), again, np.arange(300 * repeats))
    assert [g.size.low for g in whole.gains] == pytest.approx([g.size.low for g in once.gains])
    pairs = zip(torn.gains, once.gains, strict=True)
    assert all((t.size.low or 0) > (o.size.low or 0) for t, o in pairs)


def test_gains_are_differences_of_mean_losses() -> None:
    """Four gains, each the rival's mean loss minus the model's."""
    rng = np.random.default_rng(7)
    p, other = rng.uniform(0.05, 0.9, (2, 400))
    y = (rng.random(400) < p).astype(np.float64)
    named = {MODEL: p, AGE: other, BASE_RATE: np.full(400, 0.5)}
    honesty = gate(y, named, np.arange(400))
    losses = {"log loss": log_loss, "Brier score": brier}
    assert [(g.rival, g.loss) for g in honesty.gains] == [
        (rival, loss) for rival in (AGE, BASE_RATE) for loss in losses
    ]
    for gain in honesty.gains:
        of = losses[gain.loss]
        expected = of(y, named[gain.rival]).mean() - of(y, p).mean()
        assert gain.size.value == pytest.approx(expected)
    assert honesty.to_json()["passed"] is honesty.passed


@pytest.mark.parametrize(("outcome", "n"), [(0.0, 50), (1.0, 50), (0.0, 0)])
def test_one_outcome_is_too_little_to_judge(outcome: float, n: int) -> None:
    """Without both outcomes nothing passes and nothing fails; the reason is said."""
    named = {MODEL: np.full(n, 0.2), AGE: np.full(n, 0.1), BASE_RATE: np.full(n, 0.1)}
    honesty = gate(np.full(n, outcome), named, np.arange(n))
    assert (honesty.passed, honesty.failed) == (False, False)
    assert honesty.says.startswith("too little to tell")
    assert honesty.to_json()["passed"] is None


def test_without_the_rivals_there_is_no_verdict() -> None:
    """Forecasts of another kind are not judged by age."""
    named = {MODEL: np.array([0.1, 0.9]), BASE_RATE: np.array([0.5, 0.5])}
    forecasts = Forecasts(np.array([0.0, 1.0]), named, np.arange(2), np.zeros(2, dtype=np.int64))
    assert honesty_gate(forecasts, resample(2, 20, seed=1)) is None
