"""Laws of the filter behind spells: scales, orders, what is hidden, and what it is sure of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from training.coaching.causes.spells import (
    DEPTHS,
    LEVELS,
    STEP,
    THETA,
    ZERO,
    Filtered,
    Prior,
    drawn,
    normal,
    poisson,
    spells,
    wobbled,
)

PRIOR = Prior(spread=0.2, wobble=0.05, begins=0.03, lasts=0.6, depth=0.6)


def run(seen: np.ndarray, usual: float = 40.0, prior: Prior = PRIOR) -> Filtered:
    """Run the filter over counts."""
    return spells(poisson(seen, np.full(seen.shape, usual)), prior)


def counts(seed: int, reps: int = 6, periods: int = 8) -> np.ndarray:
    """Draw counts, some of them in a spell."""
    chance = np.random.default_rng(seed)
    rate = np.where(np.arange(periods) >= periods - 2, 18.0, 40.0)
    rates = np.where(np.arange(reps)[:, None] % 2 == 0, rate, 40.0)
    return chance.poisson(rates).astype(np.float64)


@pytest.mark.parametrize("seed", range(3))
def test_reps_are_filtered_each_alone(seed: int) -> None:
    """Whoever stands beside them, in whatever order; evidence adds up over them."""
    seen = counts(seed)
    together = run(seen)
    alone = [run(seen[k : k + 1]) for k in range(len(seen))]
    assert together.p == pytest.approx([float(one.p[0]) for one in alone])
    assert together.evidence == pytest.approx(sum(one.evidence for one in alone))
    order = np.random.default_rng(seed).permutation(len(seen))
    assert run(seen[order]).level == pytest.approx(together.level[order])


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_later_does_not_change_what_was_believed(seed: int) -> None:
    """The filter runs forwards: the evidence of the first periods is that of a shorter run."""
    seen = counts(seed)
    evidence = [run(seen[:, :k]).evidence for k in range(1, seen.shape[1] + 1)]
    other = seen.copy()
    other[:, -1] = 0.0
    assert run(other[:, :-1]).evidence == pytest.approx(evidence[-2])
    assert all(later < earlier for earlier, later in pairwise(evidence))


@pytest.mark.parametrize("seed", range(3))
def test_a_constant_of_the_likelihood_says_nothing(seed: int) -> None:
    """Only differences between log factors count: any number may be added to a period."""
    seen = counts(seed)
    likelihood = poisson(seen, np.full(seen.shape, 40.0))
    shift = np.random.default_rng(seed).normal(0, 50, (*seen.shape, 1))
    one, two = spells(likelihood, PRIOR), spells(likelihood + shift, PRIOR)
    assert two.joint == pytest.approx(one.joint)
    assert two.evidence == pytest.approx(one.evidence)


@pytest.mark.parametrize("seed", range(3))
def test_a_period_that_shows_nothing_at_the_start_only_ages_the_prior(seed: int) -> None:
    """Levels are believed as if it were not there."""
    seen = counts(seed)
    likelihood = poisson(seen, np.full(seen.shape, 40.0))
    padded = np.concatenate([np.zeros((len(seen), 1, len(THETA))), likelihood], axis=1)
    one, two = spells(likelihood, PRIOR), spells(padded, PRIOR)
    assert two.level_mean() == pytest.approx(one.level_mean(), abs=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_chances_are_chances(seed: int) -> None:
    """None is below 0, those of levels are 1 together, and beginnings are a spell's."""
    filtered = run(counts(seed))
    assert (filtered.joint >= 0).all()
    assert filtered.level.sum(axis=1) == pytest.approx(np.ones(6))
    assert filtered.joint.sum(axis=(1, 2, 3)) == pytest.approx(filtered.p)
    assert (filtered.p <= 1 + 1e-9).all()
    assert filtered.joint.sum(axis=(2, 3)).shape == filtered.level.shape
    assert (filtered.joint.sum(axis=(2, 3)) <= filtered.level + 1e-12).all()


def test_the_deeper_a_drop_the_likelier_a_spell() -> None:
    """From the usual down to nothing, its chance never falls."""
    seen = np.array([[40.0] * 6 + [low] for low in (40, 36, 32, 28, 24, 20, 15, 10, 5)])
    chances = run(seen).p
    assert (np.diff(chances) >= -1e-9).all()
    assert chances[0] < 0.05
    assert chances[-1] > 0.95


def test_the_larger_the_counts_the_surer_the_filter() -> None:
    """Half of the usual says more of forty than of four."""
    chances = [
        float(run(np.array([[usual] * 6 + [usual / 2]]), usual).p[0]) for usual in (4, 12, 40, 120)
    ]
    assert chances == sorted(chances)
    assert chances[0] < 0.4
    assert chances[-1] > 0.9


def test_more_than_usual_is_no_spell() -> None:
    """A spell only ever lowers: a rise is the wobble's, or the level's."""
    filtered = run(np.array([[40.0] * 6 + [70.0]]))
    assert filtered.p[0] < 0.02


@pytest.mark.parametrize("level", [-0.4, -0.2, 0.0, 0.3])
def test_a_lasting_level_is_found_again(level: float) -> None:
    """Twelve periods at one level: its mean lies within a step, and is surer than before them."""
    seen = np.full((1, 12), 40 * np.exp(level))
    filtered = run(seen)
    assert filtered.level_mean()[0] == pytest.approx(level, abs=0.1)
    assert filtered.level_sd()[0] < run(seen[:, :1]).level_sd()[0]


@pytest.mark.parametrize("began", [3, 5, 6])
def test_when_a_spell_began_is_found_again(began: int) -> None:
    """A drop to half from a period on: the likeliest beginning is that period."""
    seen = np.full((1, 8), 40.0)
    seen[0, began:] = 20.0
    filtered = run(seen)
    assert filtered.started[0].argmax() == began
    assert filtered.started[0, began] > 0.6


@pytest.mark.parametrize("depth", [0.5, 0.8, 1.2])
def test_how_deep_a_spell_is_is_found_again(depth: float) -> None:
    """The mean depth of a spell that is on lies near the drop that was seen."""
    seen = np.full((1, 8), 100.0)
    seen[0, 5:] = 100 * np.exp(-depth)
    joint = run(seen, usual=100.0).joint[0].sum(axis=(0, 2))
    assert (joint @ (DEPTHS * STEP)) / joint.sum() == pytest.approx(depth, abs=0.12)


def test_rarer_spells_need_more_evidence() -> None:
    """The same drop is the likelier a spell the more often spells begin."""
    seen = np.array([[40.0] * 6 + [27.0]])
    chances = [
        float(run(seen, prior=PRIOR._replace(begins=begins)).p[0]) for begins in (0.001, 0.01, 0.1)
    ]
    assert chances == sorted(chances)


def test_a_period_that_cannot_be_rules_nothing_out() -> None:
    """One impossible count leaves numbers, not NaN; without periods the prior stands."""
    filtered = run(np.array([[40.0, 40.0, 1e6, 40.0]]))
    assert np.isfinite(filtered.level).all()
    assert np.isfinite(filtered.evidence)
    nothing = run(np.zeros((2, 0)))
    assert nothing.p.tolist() == [0.0, 0.0]
    assert nothing.level_mean() == pytest.approx([0.0, 0.0], abs=1e-12)
    assert run(np.zeros((0, 4))).p.shape == (0,)


def test_a_wobble_widens_what_a_period_says() -> None:
    """Without one the likelihood stands as it is; with one its top is the same, its sides rise."""
    sharp = poisson(np.array([[40.0]]), np.array([[40.0]]))
    none, some = wobbled(sharp, 0.0)[0, 0], wobbled(sharp, 0.2)[0, 0]
    assert none.argmax() == some.argmax() == ZERO
    assert none == pytest.approx(np.exp(sharp[0, 0] - sharp[0, 0].max()) + 1e-9)
    assert some[ZERO + 5] / some[ZERO] > none[ZERO + 5] / none[ZERO]
    assert (some > 0).all()


def test_likelihoods_have_their_top_where_the_ratio_lies() -> None:
    """Counts at half of the usual point at the log of a half; means at themselves."""
    half = poisson(np.array([50.0]), np.array([100.0]))[0]
    assert THETA[half.argmax()] == pytest.approx(np.log(0.5), abs=STEP / 2)
    assert THETA[normal(np.array([0.3]), np.array([0.01]))[0].argmax()] == pytest.approx(0.3)
    assert np.ptp(normal(np.array([np.nan]), np.array([np.inf]))[0]) == 0.0


def test_excess_variance_flattens_counts() -> None:
    """Counts that vary four times as much say a quarter; less than Poisson's is not believed."""
    seen, usual = np.array([10.0]), np.array([20.0])
    assert poisson(seen, usual, 4.0) == pytest.approx(poisson(seen, usual) / 4)
    assert poisson(seen, usual, 0.1) == pytest.approx(poisson(seen, usual))


@pytest.mark.parametrize("seed", range(3))
def test_draws_come_from_where_chances_are(seed: int) -> None:
    """None from a place of chance 0, and each within one of its share."""
    chance = np.random.default_rng(seed)
    table = chance.random((4, 5)) * (chance.random((4, 5)) < 0.6)
    table[0, 0] = 0.5
    places = np.ravel_multi_index(drawn(table, 200), table.shape)
    share = np.bincount(places, minlength=20) / 200
    wanted = table.ravel() / table.sum()
    assert share[wanted == 0].sum() == 0
    assert np.abs(share - wanted).max() <= 1 / 200 + 1e-9
    again = np.ravel_multi_index(drawn(table * 7, 200), table.shape)
    assert again.tolist() == places.tolist()


def test_levels_and_depths_lie_on_the_grid() -> None:
    """Every level is a log factor at which likelihoods are laid out; so is the deepest spell."""
    assert np.isin(np.round(LEVELS * STEP, 10), THETA).all()
    assert np.isin(np.round(LEVELS.min() * STEP - DEPTHS * STEP, 10), THETA).all()
