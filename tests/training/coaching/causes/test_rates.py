"""The company's own rates: found again where they are known, whatever order or names rows have."""

from __future__ import annotations

import numpy as np
import pytest

from training.coaching.causes.rates import expected_events, factor_within, log_odds

ROWS = 600
NO_CLASS = np.zeros(0, dtype=np.int64)


def two_factors(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return exposure, two factors and what is truly to be expected of each row."""
    chance = np.random.default_rng(seed)
    first, second = chance.integers(0, 3, ROWS), chance.integers(0, 4, ROWS)
    exposure = chance.uniform(1, 40, ROWS)
    rate = 0.2 * np.array([0.5, 1.0, 2.0])[first] * np.array([0.7, 1.0, 1.3, 1.6])[second]
    return exposure, first, second, exposure * rate


@pytest.mark.parametrize("seed", range(3))
def test_rates_that_are_a_product_are_found_again(seed: int) -> None:
    """Where events are just what two factors make of the days, each row expects its own."""
    exposure, first, second, truth = two_factors(seed)
    found = expected_events(exposure, truth, [first, second], doubt=0.0)
    assert found == pytest.approx(truth, rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_rates_under_chance_are_found_nearly(seed: int) -> None:
    """With Poisson counts the expectations lie within a few percent of the truth, as a whole."""
    exposure, first, second, truth = two_factors(seed)
    events = np.random.default_rng(seed).poisson(truth).astype(np.float64)
    found = expected_events(exposure, events, [first, second], doubt=4.0)
    assert np.abs(found - truth).sum() / truth.sum() < 0.08


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_and_factors_and_the_names_of_classes_change_nothing(seed: int) -> None:
    """Shuffled rows, factors the other way round, and classes under other numbers."""
    exposure, first, second, truth = two_factors(seed)
    chance = np.random.default_rng(seed + 100)
    events = chance.poisson(truth).astype(np.float64)
    found = expected_events(exposure, events, [first, second], doubt=4.0)
    order = chance.permutation(ROWS)
    shuffled = expected_events(exposure[order], events[order], [first[order], second[order]], 4.0)
    assert shuffled == pytest.approx(found[order])
    renamed = expected_events(exposure, events, [2 - first, second + 5], doubt=4.0)
    assert renamed == pytest.approx(found)
    turned = expected_events(exposure, events, [second, first], doubt=0.0)
    straight = expected_events(exposure, events, [first, second], doubt=0.0)
    assert turned == pytest.approx(straight, rel=1e-6)


@pytest.mark.parametrize("factor", [0.01, 24.0])
def test_days_or_hours_make_no_difference(factor: float) -> None:
    """Expectations are counts: exposure in another unit leaves them as they are."""
    exposure, first, second, truth = two_factors(7)
    days = expected_events(exposure, truth, [first, second], doubt=2.0)
    other = expected_events(exposure * factor, truth, [first, second], doubt=2.0)
    assert other == pytest.approx(days)


def test_a_row_cut_in_two_expects_the_same() -> None:
    """Where a stay is cut has no weight: both halves add up to what the whole expected."""
    exposure, first, second, truth = two_factors(8)
    events = np.random.default_rng(8).poisson(truth).astype(np.float64)
    whole = expected_events(exposure, events, [first, second], doubt=4.0)
    halves = np.concatenate([exposure / 4, exposure * 3 / 4])
    seen = np.concatenate([events, np.zeros(ROWS)])
    twice = [np.concatenate([each, each]) for each in (first, second)]
    cut = expected_events(halves, seen, twice, doubt=4.0)
    assert cut[:ROWS] + cut[ROWS:] == pytest.approx(whole)


def test_doubt_draws_a_class_towards_the_company() -> None:
    """The less a class has seen, the nearer it stays to what all others have."""
    exposure = np.array([100.0, 100.0])
    events = np.array([0.0, 20.0])
    classes = [np.array([0, 1])]
    found = [expected_events(exposure, events, classes, doubt)[0] for doubt in (1e-6, 1, 10, 1e9)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.0, abs=1e-3)
    assert found[-1] == pytest.approx(10.0, rel=1e-3)


def test_without_factors_all_have_one_rate() -> None:
    """Events are shared out by the days at risk."""
    found = expected_events(np.array([1.0, 3.0, 6.0]), np.array([5.0, 0.0, 0.0]), [], doubt=4.0)
    assert found == pytest.approx([0.5, 1.5, 3.0])


def test_nothing_is_expected_of_nothing() -> None:
    """No rows, no events, and no days at risk: no number is made up, and none is infinite."""
    empty = expected_events(np.zeros(0), np.zeros(0), [NO_CLASS], doubt=4.0)
    assert empty.shape == (0,)
    quiet = expected_events(np.ones(3), np.zeros(3), [np.array([0, 1, 1])], doubt=4.0)
    assert quiet == pytest.approx(np.zeros(3))
    instant = expected_events(np.zeros(3), np.ones(3), [np.array([0, 1, 1])], doubt=4.0)
    assert instant == pytest.approx(np.zeros(3))


def test_classes_that_nobody_is_in_take_no_part() -> None:
    """A gap between the numbers of classes is no class."""
    exposure, events = np.array([10.0, 10.0]), np.array([2.0, 6.0])
    near = expected_events(exposure, events, [np.array([0, 1])], doubt=0.5)
    far = expected_events(exposure, events, [np.array([3, 90])], doubt=0.5)
    assert far == pytest.approx(near)


@pytest.mark.parametrize("seed", range(3))
def test_log_odds_that_are_a_line_are_found_again(seed: int) -> None:
    """Of 4,000 choices with a known constant and slope, both come out within a tenth or so."""
    chance = np.random.default_rng(seed)
    x = chance.normal(0, 1, 4000)
    truth = -0.5 + 0.8 * x
    won = (chance.random(4000) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    found = log_odds(won, np.stack([np.ones(4000), x], axis=1))
    slope, constant = np.polyfit(x, found, 1)
    assert constant == pytest.approx(-0.5, abs=0.12)
    assert slope == pytest.approx(0.8, abs=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_chances_add_up_to_what_was_won(seed: int) -> None:
    """With a constant among the columns the mean chance is the share won."""
    chance = np.random.default_rng(seed)
    columns = np.stack([np.ones(300), chance.normal(0, 2, 300), chance.random(300) < 0.3], axis=1)
    won = (chance.random(300) < 0.35).astype(np.float64)
    found = 1 / (1 + np.exp(-log_odds(won, columns)))
    assert found.mean() == pytest.approx(won.mean(), abs=1e-4)


def test_winning_and_losing_are_each_others_mirror() -> None:
    """Where every end is the other one, all log-odds change their sign."""
    chance = np.random.default_rng(4)
    columns = np.stack([np.ones(200), chance.normal(0, 1, 200)], axis=1)
    won = (chance.random(200) < 0.3).astype(np.float64)
    assert log_odds(1 - won, columns) == pytest.approx(-log_odds(won, columns), abs=1e-5)


def test_the_penalty_draws_slopes_to_nothing_and_leaves_the_constant() -> None:
    """A heavier penalty makes rows more alike; their common odds stay those of the share."""
    chance = np.random.default_rng(5)
    x = chance.normal(0, 1, 500)
    won = (chance.random(500) < 1 / (1 + np.exp(-x))).astype(np.float64)
    columns = np.stack([np.ones(500), x], axis=1)
    spreads = [float(np.ptp(log_odds(won, columns, ridge))) for ridge in (0.1, 10.0, 1e6)]
    assert spreads == sorted(spreads, reverse=True)
    share = won.mean()
    heavy = log_odds(won, columns, 1e6)
    assert heavy == pytest.approx(np.full(500, np.log(share / (1 - share))), abs=0.01)


def test_a_column_that_tells_every_end_stays_finite() -> None:
    """Separable choices have no finite fit without the penalty; with it they have one."""
    x = np.array([-1.0] * 10 + [1.0] * 10)
    found = log_odds((x > 0).astype(np.float64), np.stack([np.ones(20), x], axis=1))
    assert np.isfinite(found).all()
    assert (found[10:] > 1).all()
    assert found[:10] == pytest.approx(-found[10:])


def piled_up(load: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return days, events, load and rep of two reps: the second converts half, and has more load.

    The first is loaded a fifth of the days, the second four fifths; load does the same to both.
    """
    rep = np.repeat([0, 1], 2000)
    is_loaded = np.tile(np.arange(10), 400) < np.where(rep == 0, 2, 8)
    days = np.full(4000, 10.0)
    rate = 0.02 * np.where(rep == 0, 1.0, 0.5) * np.where(is_loaded, load, 1.0)
    return days, days * rate, is_loaded.astype(np.int64), rep


@pytest.mark.parametrize("load", [1.0, 0.7])
def test_who_converts_few_is_not_excused_by_the_load_that_makes(load: float) -> None:
    """Told from the rep, load does what it does to both; alone, it takes part of the rep's own."""
    days, events, loaded, rep = piled_up(load)
    alone = factor_within(days, events, [loaded], doubt=0.0)
    within = factor_within(days, events, [loaded, rep], doubt=0.0)
    assert within[1] / within[0] == pytest.approx(load, rel=0.01)
    assert alone[1] / alone[0] < load * 0.75


def test_a_class_without_rows_has_no_effect() -> None:
    """Nothing is known of it; the classes around it are as they are."""
    loaded = np.array([0, 2, 2])
    found = factor_within(np.ones(3), np.array([1.0, 1.0, 1.0]), [loaded], doubt=4.0)
    assert found.tolist() == [1.0, 1.0, 1.0]
