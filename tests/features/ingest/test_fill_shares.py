"""Laws of shares: intervals of differences hold the truth, and words are exact at the ends."""

from __future__ import annotations

import numpy as np

from features.ingest.fill_shares import Share, are_alike, differ, difference


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    """Of 2,000 pairs of samples, about nine in ten; shares near one included."""
    rng = np.random.default_rng(3)
    for p, q, n, m in ((0.9, 0.8, 80, 400), (0.99, 0.97, 100, 1000), (0.5, 0.5, 60, 60)):
        held = 0
        for a, b in zip(rng.binomial(n, p, 2_000), rng.binomial(m, q, 2_000), strict=True):
            low, high = difference(Share(int(a), n), Share(int(b), m))
            held += low <= p - q <= high
        assert 0.86 < held / 2_000 < 0.97


def test_swapping_the_shares_turns_the_interval_round() -> None:
    """What is said of two shares does not hang on which comes first."""
    for a, b in ((Share(50, 60), Share(300, 900)), (Share(0, 60), Share(1, 70))):
        (low, high), (other_low, other_high) = difference(a, b), difference(b, a)
        assert np.allclose((low, high), (-other_high, -other_low))
        assert (differ(a, b), are_alike(a, b)) == (differ(b, a), are_alike(b, a))


def test_likeness_has_to_be_shown() -> None:
    """52 of 52 rows are enough beside many, 51 of 51 are not; no rows show nothing."""
    many = Share(9_000, 9_000)
    assert are_alike(Share(52, 52), many)
    assert not are_alike(Share(51, 51), many)
    assert not are_alike(Share(0, 0), many)
    assert not differ(Share(51, 51), many)
    assert differ(Share(80, 100), many)


def test_words_are_exact_at_the_ends() -> None:
    """One row of many that is empty is not 100 %, one that is filled is not 0 %."""
    says = [Share(n, 100_000).says for n in (0, 1, 50_000, 99_999, 100_000)]
    assert says == ["0 %", "0.1 %", "50 %", "99.9 %", "100 %"]
