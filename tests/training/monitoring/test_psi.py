"""The stability index: its value by hand, its distribution under no change, and its error."""

from __future__ import annotations

import numpy as np
import pytest

from training.monitoring.psi import binned, luck, once_each, psi, sampling_error


@pytest.mark.parametrize(
    ("reference", "current", "index"),
    [
        ([500, 500], [500, 500], 0.0),
        ([500, 500], [600, 400], 0.0405),
        ([500, 500], [720, 280], 0.2076),
        ([1000, 0], [0, 1000], 15.2),
    ],
)
def test_index_by_hand(reference: list[float], current: list[float], index: float) -> None:
    """The cases of the docstring."""
    assert psi(np.array(reference), np.array(current)) == pytest.approx(index, rel=0.01, abs=1e-9)


def test_index_does_not_ask_which_sample_is_which() -> None:
    """Reference and current may change places."""
    p, q = np.array([10.0, 40.0, 50.0]), np.array([30.0, 30.0, 40.0])
    assert psi(p, q) == pytest.approx(psi(q, p))


@pytest.mark.parametrize(("n", "m"), [(2_000, 500), (600, 600)])
def test_luck_is_what_samples_of_one_distribution_show(n: int, m: int) -> None:
    """Over 4,000 pairs of samples the mean is (k - 1)(1/n + 1/m), and 5 % lie above the limit."""
    rng = np.random.default_rng(n)
    shares = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    pairs = rng.multinomial(n, shares, 4_000), rng.multinomial(m, shares, 4_000)
    index = psi(pairs[0].astype(float), pairs[1].astype(float))
    mean, high = luck(5, np.array(n), np.array(m), 0.05)
    assert mean == pytest.approx(4 * (1 / n + 1 / m))
    assert index.mean() == pytest.approx(float(mean), rel=0.05)
    assert (index > high).mean() == pytest.approx(0.05, abs=0.012)


def test_sampling_error_is_the_scatter_of_the_index() -> None:
    """Of two distributions that differ, the delta method gives the scatter over samples."""
    rng = np.random.default_rng(3)
    p, q, n, m = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4]), 3_000, 800
    samples = [
        (rng.multinomial(n, p).astype(float), rng.multinomial(m, q).astype(float))
        for _ in range(2_000)
    ]
    scatter = np.std([psi(*pair) for pair in samples])
    assert sampling_error(n * p, m * q) == pytest.approx(scatter, rel=0.06)


def test_bins_keep_what_is_empty_and_what_is_mostly_one_value_apart() -> None:
    """Zeros, small values, large values and empty ones each have a bin of their own."""
    values = np.array([0.0, 0.0, 1.0, 90.0, np.nan])
    past = np.concatenate([np.zeros(60), np.arange(1.0, 41.0)])
    places, n_bins = binned(values, past, is_category=False)
    assert places[0] == places[1] == 0
    assert places[-1] == n_bins - 1
    assert len(set(places.tolist())) == 4


def test_bins_of_a_category_are_its_words() -> None:
    """Words keep their places; empty is the last."""
    places, n_bins = binned(np.array([2.0, 0.0, np.nan]), np.empty(0), is_category=True)
    assert places.tolist() == [2, 0, 3]
    assert n_bins == 4


def test_a_lead_counts_once_in_a_window() -> None:
    """However many rows a lead has in a window, they weigh 1 together."""
    weights = once_each(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 7]))
    assert weights.tolist() == [0.5, 0.5, 1.0, 1.0]
