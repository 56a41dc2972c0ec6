"""What is read off futures agrees with itself, also where the chance lies on single amounts."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from training.quota.futures import Futures
from training.quota.ranges import (
    CERTAIN,
    chance_to_attain,
    likely_range,
    quantiles,
    read_off,
    share_within,
)

SEEDS = range(5)


def stepped(seed: int, rows: int = 60, count: int = 500) -> np.ndarray:
    """Draw attainments of which much lies on one amount, more or less of it by the row."""
    rng = np.random.default_rng(seed)
    start, share = rng.uniform(0, 1.5, (rows, 1)), rng.uniform(0, 1, (rows, 1))
    more = start + rng.exponential(0.4, (rows, count))
    return np.where(rng.random((rows, count)) < share, start, more)


def test_mid_quantiles_by_hand() -> None:
    """Half of the futures at 0, a quarter at 1 and at 2: the middles lie at 1/4, 5/8 and 7/8."""
    mid = quantiles(np.array([[0.0, 0.0, 1.0, 2.0]]), 5.0, (0.25, 0.5, 0.625, 0.75, 0.95))
    assert mid[0] == pytest.approx([0.0, 2 / 3, 1.0, 1.5, 2.0])


def test_what_a_range_holds_by_its_own_futures() -> None:
    """Of ten futures, six at the lower end and one above the upper: nine lie in the range."""
    futures = np.array([[0.5] * 6 + [0.6, 0.7, 0.8, 2.0], [np.inf] * 10])
    ends = np.array([[0.5, 0.8], [1.0, 1.0]])
    assert share_within(futures, ends).tolist() == [0.9, 1.0]


def test_a_range_by_hand() -> None:
    """Ten futures: the tenth part may lie below, and it ends as soon as it holds eight.

    Smooth, it leaves one out above; on a step of three at its beginning, it leaves out two; what
    is nearly certain is a point; without a quota it is the target.
    """
    smooth = np.arange(10.0)
    step = np.array([1.0] * 3 + [2, 3, 4, 5, 6, 7, 8])
    sure = np.array([2.0] * 9 + [5.0])
    ends = likely_range(np.stack([smooth, step, sure, np.full(10, np.inf)]), 1.0)
    assert ends.tolist() == [[0, 7], [1, 6], [2, 2], [1, 1]]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 0.95])
def test_ranges_hold_four_fifths_or_what_one_amount_takes(share: float) -> None:
    """However much of the chance lies on one amount: 0.8, or more where that alone is more."""
    rng = np.random.default_rng(3)
    futures = np.where(rng.random((50, 1000)) < share, 0.2, 0.2 + rng.exponential(1.0, (50, 1000)))
    ends = likely_range(futures, 1.0)
    held = share_within(futures, ends)
    on_one = (futures == 0.2).mean(axis=1)
    assert (held >= 0.8).all()
    assert held == pytest.approx(np.maximum(0.8, on_one), abs=0.002)
    p10, _, p90 = quantiles(futures, 1.0).T
    assert (ends[:, 1] <= p90 + 1e-3).all()
    if share <= 0.05:
        assert ends[:, 0] == pytest.approx(p10, abs=0.02)
        assert ends[:, 1] == pytest.approx(p90, abs=0.1)


@pytest.mark.parametrize("target", [0.8, 1.0, 1.3])
def test_chance_and_range_agree(target: float) -> None:
    """A quantile of level q reaches the target just where the chance to attain is 1 - q or more."""
    rng = np.random.default_rng(5)
    futures = np.round(rng.normal(rng.uniform(-1, 3, (200, 1)), 0.3, (200, 101)), 1)
    p, ends = chance_to_attain(futures, target), quantiles(futures, target)
    assert (np.diff(ends, axis=1) >= 0).all()
    for column, level in enumerate((0.1, 0.5, 0.9)):
        assert ((ends[:, column] >= target) == (p >= 1 - level - 1e-12)).all()
    assert p.max() == CERTAIN
    assert p.min() == pytest.approx(1 - CERTAIN)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_of_everything_lowers_nothing(seed: int) -> None:
    """Where every future brings more, no chance, quantile or end of a range falls."""
    attainment = stepped(seed)
    more = attainment * 1.07 + 0.01
    for read in (chance_to_attain, quantiles, likely_range):
        assert (read(more, 1.0) >= read(attainment, 1.0)).all(), read.__name__


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_futures_changes_nothing(seed: int) -> None:
    """A distribution has no first future."""
    attainment = stepped(seed)
    turned = np.random.default_rng(seed).permuted(attainment, axis=1)
    for read in (chance_to_attain, quantiles, likely_range):
        np.testing.assert_array_equal(read(turned, 1.0), read(attainment, 1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_range_holds_what_it_should_and_no_shorter_one_from_there_does(seed: int) -> None:
    """At least 80 % lies in it, at most 10 % below it, and one value less would be too few."""
    attainment = stepped(seed)
    ends = likely_range(attainment, 1.0)
    assert (share_within(attainment, ends) >= 0.8).all()
    assert ((attainment < ends[:, :1] - 1e-6).mean(axis=1) <= 0.1).all()
    shorter = (attainment >= ends[:, :1] - 1e-6) & (attainment < ends[:, 1:] - 1e-6)
    assert (shorter.mean(axis=1) < 0.8).all()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_few_futures_are_read_all_the_same(count: int) -> None:
    """However few futures there are, there are numbers in order; one future is its own range."""
    attainment = np.random.default_rng(count).uniform(0, 2, (40, count))
    mid, ends = quantiles(attainment, 1.0), likely_range(attainment, 1.0)
    assert (np.diff(mid, axis=1) >= 0).all()
    assert (np.diff(ends, axis=1) >= 0).all()
    if count == 1:
        np.testing.assert_allclose(ends, attainment.repeat(2, axis=1), atol=1e-6)


def test_everything_is_read_off_by_row() -> None:
    """Each row of the table is read off that row's futures alone, under the rows' index."""
    attainment = stepped(3, rows=6)
    attainment[2] = np.inf
    quota = np.where(np.arange(6) == 2, 0.0, 50.0)
    keys = pd.DataFrame({"quota": quota, "cutoff": datetime(2024, 1, 1)}, index=[9, 7, 5, 3, 1, 0])
    open_ = np.where(np.isinf(attainment), 1.0, attainment) * 50.0
    table = read_off(Futures(keys, np.zeros(6), open_, np.zeros_like(open_)), 1.0)
    assert table.index.tolist() == keys.index.tolist()
    assert table.loc[5].tolist() == [CERTAIN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert table["p_attain"].to_numpy() == pytest.approx(chance_to_attain(attainment, 1.0))
    assert table["range_low"].to_numpy() == pytest.approx(likely_range(attainment, 1.0)[:, 0])
    assert table["p_in_range"].between(0.8, 1.0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_quantile_leaves_the_futures(seed: int) -> None:
    """Where nothing more can be won or lost, all three are what is won, to the last digit."""
    won = np.random.default_rng(seed).random((50, 1)) * 2
    certain = quantiles(np.repeat(won, 20, axis=1), target=3.0)
    np.testing.assert_array_equal(certain, np.repeat(won, 3, axis=1))
    drawn = stepped(seed)
    read = quantiles(drawn, target=10.0)
    assert (read >= drawn.min(axis=1)[:, None]).all()
    assert (read <= drawn.max(axis=1)[:, None]).all()
