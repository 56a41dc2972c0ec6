"""Laws of what-if over random inputs: chances stay chances, others stay as they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logit

from training.quota.futures import DrawInputs
from training.quota.what_if import CERTAIN, Factors, changed

SEEDS = range(12)
REPS, DEALS = 5, 40


def drawn(seed: int) -> DrawInputs:
    """Random reps with random open deals, some of which are lost or all but won."""
    rng = np.random.default_rng(seed)
    chances = rng.beta(0.5, 0.5, DEALS)
    chances[:2] = 0.0, 0.9999
    with np.errstate(divide="ignore"):
        margin = logit(chances)
    return DrawInputs(
        rep=rng.integers(0, REPS, DEALS),
        margin=margin,
        amount=rng.uniform(1, 100, DEALS),
        final=rng.uniform(1, 100, (DEALS, 3)),
        expected_new=rng.uniform(0, 4, REPS),
        new_amounts=rng.uniform(1, 100, (REPS, 3)),
    )


def some(seed: int) -> np.ndarray:
    """Whose factors are changed."""
    return np.random.default_rng(seed + 100).random(REPS) < 0.5


def factor(seed: int) -> float:
    """A factor between a half and two."""
    return float(np.random.default_rng(seed + 200).uniform(0.5, 2.0))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["volume", "win_rate", "deal_size"])
def test_others_stay_as_they_are(seed: int, name: str) -> None:
    """To the bit, whatever is changed of somebody."""
    inputs, rows = drawn(seed), some(seed)
    new = changed(inputs, rows, Factors(**{name: factor(seed)}))
    theirs = ~rows[inputs.rep]
    assert np.array_equal(new.margin[theirs], inputs.margin[theirs])
    assert np.array_equal(new.expected_new[~rows], inputs.expected_new[~rows])
    assert np.array_equal(new.new_amounts[~rows], inputs.new_amounts[~rows])
    assert new.final is inputs.final
    assert new.amount is inputs.amount


@pytest.mark.parametrize("seed", SEEDS)
def test_chances_are_multiplied_and_stay_chances(seed: int) -> None:
    """Each by the factor, up to certainty; what was surer before is not made less sure."""
    inputs, times = drawn(seed), factor(seed)
    before = expit(inputs.margin)
    after = expit(changed(inputs, np.ones(REPS, bool), Factors(win_rate=times)).margin)
    expected = np.minimum(before * times, np.maximum(CERTAIN, before))
    assert after == pytest.approx(expected, abs=1e-9)
    assert ((after >= 0) & (after < 1)).all()
    assert (after == 0).tolist() == (before == 0).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_win_rate_never_lowers_a_chance(seed: int) -> None:
    """And keeps the order of the deals."""
    inputs, everybody = drawn(seed), np.ones(REPS, bool)
    rates = (0.5, 0.8, 1.0, 1.3, 2.0)
    chances = [expit(changed(inputs, everybody, Factors(win_rate=r)).margin) for r in rates]
    for lower, higher in pairwise(chances):
        assert (higher >= lower - 1e-12).all()
    order = np.argsort(inputs.margin)
    assert all((np.diff(own[order]) >= -1e-9).all() for own in chances)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_new_deals_bring_is_the_product_of_the_factors(seed: int) -> None:
    """Number, share won and size multiply; open deals keep their amounts."""
    inputs, rows = drawn(seed), some(seed)
    factors = Factors(factor(seed), factor(seed + 1), factor(seed + 2))
    new = changed(inputs, rows, factors)
    worth = new.expected_new * new.new_amounts.mean(axis=1)
    before = inputs.expected_new * inputs.new_amounts.mean(axis=1)
    times = factors.volume * factors.win_rate * factors.deal_size
    assert worth == pytest.approx(before * np.where(rows, times, 1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_factors_can_be_applied_one_after_the_other(seed: int) -> None:
    """Volume and size in two steps are volume and size at once, in either order."""
    inputs, rows = drawn(seed), some(seed)
    volume, size = Factors(volume=factor(seed)), Factors(deal_size=factor(seed + 1))
    both = changed(inputs, rows, Factors(volume=volume.volume, deal_size=size.deal_size))
    for first, second in ((volume, size), (size, volume)):
        steps = changed(changed(inputs, rows, first), rows, second)
        assert steps.expected_new == pytest.approx(both.expected_new)
        assert steps.new_amounts == pytest.approx(both.new_amounts)
        assert np.array_equal(steps.margin, inputs.margin)


@pytest.mark.parametrize("seed", SEEDS)
def test_asking_changes_nothing(seed: int) -> None:
    """What the model expects stays as it was, so the next question starts from the same place."""
    inputs, before = drawn(seed), drawn(seed)
    changed(inputs, some(seed), Factors(2.0, 0.5, 1.5))
    for name in ("rep", "margin", "amount", "final", "expected_new", "new_amounts"):
        assert np.array_equal(getattr(inputs, name), getattr(before, name))


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_nobody(seed: int) -> None:
    """Factors for no row are no factors."""
    inputs = drawn(seed)
    new = changed(inputs, np.zeros(REPS, bool), Factors(2.0, 2.0, 2.0))
    assert np.array_equal(new.margin, inputs.margin)
    assert np.array_equal(new.expected_new, inputs.expected_new)
    assert np.array_equal(new.new_amounts, inputs.new_amounts)
