"""Laws of bias in what reps commit to that need no company: mirrors, scales, names and order."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from training.evaluation.commit_history import LEAST_SPREAD, RepBias, Verdict, commit_bias

SEEDS = range(12)
NUMBERS = ("mean_error", "bias", "low", "high", "luck")


def company(seed: int, reps: int = 8) -> dict[str, list[float]]:
    """Errors of reps with one to seven periods each."""
    rng = np.random.default_rng(seed)
    return {
        f"r{place}": list(rng.normal(rng.normal(0.05, 0.15), 0.2, rng.integers(1, 8)))
        for place in range(reps)
    }


def by_rep(errors: dict[str, list[float]], level: float = 0.9) -> dict[str, RepBias]:
    """Return each rep's row."""
    return {row.rep_id: row for row in commit_bias(errors, level)}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plain_mean_is_told_beside_the_bias(seed: int) -> None:
    """Counted by hand; the bias lies between it and that of all reps, and in its interval."""
    errors = company(seed)
    for rep, row in by_rep(errors).items():
        assert row.periods == len(errors[rep])
        assert row.mean_error == pytest.approx(np.mean(errors[rep]))
        assert row.low < row.bias < row.high
    rows = by_rep(errors).values()
    means = [row.mean_error for row in rows]
    assert min(means) <= min(row.bias for row in rows)
    assert max(row.bias for row in rows) <= max(means)


@pytest.mark.parametrize("seed", SEEDS)
def test_too_high_and_too_low_are_mirrors(seed: int) -> None:
    """With every error turned round, every bias and every verdict turns round."""
    there = by_rep(company(seed))
    back = by_rep({rep: [-error for error in own] for rep, own in company(seed).items()})
    turned = {Verdict.HIGH: Verdict.LOW, Verdict.LOW: Verdict.HIGH}
    for rep, row in there.items():
        assert back[rep].bias == pytest.approx(-row.bias)
        assert (back[rep].low, back[rep].high) == pytest.approx((-row.high, -row.low))
        assert back[rep].verdict == turned.get(row.verdict, row.verdict)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_added_to_all_is_added_to_all(seed: int) -> None:
    """If all say a tenth of the quota more, each bias is a tenth higher, no interval wider."""
    there = by_rep(company(seed))
    more = by_rep({rep: [error + 0.1 for error in own] for rep, own in company(seed).items()})
    for rep, row in there.items():
        assert more[rep].bias == pytest.approx(row.bias + 0.1)
        assert more[rep].high - more[rep].low == pytest.approx(row.high - row.low)
        assert more[rep].luck == pytest.approx(row.luck)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_unit_of_errors_does_not_matter(seed: int) -> None:
    """Errors ten times as large have a bias ten times as large, and the same verdicts."""
    there = by_rep(company(seed))
    larger = by_rep({rep: [10 * error for error in own] for rep, own in company(seed).items()})
    for rep, row in there.items():
        for name in NUMBERS:
            assert getattr(larger[rep], name) == pytest.approx(10 * getattr(row, name))
        assert larger[rep].verdict == row.verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_names_and_order_do_not_matter(seed: int) -> None:
    """Rows come in the order given; a rep's row is the same in any order of reps and periods."""
    errors = company(seed)
    turned = {rep: own[::-1] for rep, own in reversed(errors.items())}
    assert [row.rep_id for row in commit_bias(errors)] == list(errors)
    assert [row.rep_id for row in commit_bias(turned)] == list(turned)
    back = by_rep(turned)
    for rep, row in by_rep(errors).items():
        plain = {name: value for name, value in asdict(row).items() if name in NUMBERS}
        assert {name: getattr(back[rep], name) for name in plain} == pytest.approx(plain)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_level_is_wider_and_judges_fewer(seed: int) -> None:
    """Whoever is judged at 99 % is judged at 90 %, in the same direction."""
    low, high = by_rep(company(seed), 0.9), by_rep(company(seed), 0.99)
    for rep, row in high.items():
        assert row.high - row.low > low[rep].high - low[rep].low
        assert row.bias == low[rep].bias
        if row.verdict in (Verdict.HIGH, Verdict.LOW):
            assert low[rep].verdict is row.verdict


@pytest.mark.parametrize("seed", SEEDS)
def test_a_verdict_says_what_its_interval_says(seed: int) -> None:
    """One period is never judged; otherwise 0 within the interval is luck, and outside is none."""
    for row in commit_bias(company(seed, 20)):
        if row.periods < 2:
            assert row.verdict is Verdict.FEW
        elif row.low > 0:
            assert row.verdict is Verdict.HIGH
        else:
            assert row.verdict is (Verdict.LOW if row.high < 0 else Verdict.LUCK)


def test_reps_who_never_err_alike_are_not_thought_infallible() -> None:
    """Equal errors in every period leave some luck: nobody's next period is known for certain."""
    for row in commit_bias({rep: [0.0] * 4 for rep in "abcde"}):
        assert row.luck == LEAST_SPREAD
        assert row.bias == 0.0
        assert row.low < 0.0 < row.high
        assert row.verdict is Verdict.LUCK


def test_a_rep_without_a_period_has_no_row() -> None:
    """And does not change the rows of others."""
    errors = company(3)
    assert commit_bias(errors | {"none": []}) == commit_bias(errors)
    assert commit_bias({"none": []}) == commit_bias({}) == ()
