"""A difference split into factors: parts that add up, and blockages that are not luck."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from features.params import KpiParams
from training.report.kpi_factors import LEADS, QUOTA, WIN_RATE, Difference, Side, chain, split
from training.report.kpi_tree import shared, unlike

PARAMS = KpiParams()
SEEDS = range(200)


def sums(rng: np.random.Generator, **more: float) -> dict[str, float]:
    """Draw a team's quarter: ten reps, 800 leads, a deal of every eighth, a fourth of them won."""
    chances = {"leads": 800.0, "opened": 1 / 8, "closed": 0.9, "won": 0.25} | more
    leads = rng.poisson(chances["leads"])
    opened = rng.poisson(leads * chances["opened"])
    closed = rng.poisson(opened * chances["closed"])
    won = rng.binomial(closed, chances["won"])
    amounts = rng.lognormal(9, 0.8, won)
    counted = {"leads": leads, "opened": opened, "closed": closed, "won": won}
    money = {"amount": amounts.sum(), "squares": (amounts**2).sum(), "quota": 4e5, "reps": 10.0}
    return {name: float(value) for name, value in {**counted, **money}.items()}


def compared(own: Mapping[str, float], other: Mapping[str, float]) -> Difference:
    """Split the difference between two teams."""
    difference = split(Side("own", own), Side("others", other), chain(other), PARAMS)
    assert difference is not None
    return difference


@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_to_the_difference(seed: int) -> None:
    """Nothing is left over, and the result is the product: what was won over the quota."""
    rng = np.random.default_rng(seed)
    own, other = sums(rng), sums(rng, won=0.4)
    difference = compared(own, other)
    assert difference.own == pytest.approx(own["amount"] / own["quota"])
    total = sum(share.points for share in difference.shares)
    assert total == pytest.approx(difference.own - difference.other)
    assert all(share.low <= share.high for share in difference.shares)


def test_read_backwards_it_is_the_same_with_other_signs() -> None:
    """What holds one side back carries the other."""
    rng = np.random.default_rng(3)
    own, other = sums(rng), sums(rng, won=0.4)
    there, back = compared(own, other), compared(other, own)
    assert [s.points for s in there.shares] == pytest.approx([-s.points for s in back.shares])


def test_a_single_unlike_factor_takes_all() -> None:
    """Two teams that differ in the win rate alone differ by the win rate alone."""
    other = sums(np.random.default_rng(1))
    own = other | {name: other[name] / 2 for name in ("won", "amount", "squares")}
    points = {share.factor: share.points for share in compared(own, other).shares}
    assert points[WIN_RATE] == pytest.approx(-other["amount"] / other["quota"] / 2)
    assert sum(abs(v) for v in points.values()) == pytest.approx(-points[WIN_RATE])


def test_a_blockage_is_seldom_named_by_luck() -> None:
    """Of teams of one kind, at most one in eight is told that something blocks it."""
    named = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        named += compared(sums(rng), sums(rng)).blocked is not None
    assert named <= len(SEEDS) / 8


def test_a_halved_win_rate_is_named() -> None:
    """With some 90 closings on each side it is found nine times in ten, and hardly ever another."""
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        blocked = compared(sums(rng, won=0.15, leads=1600), sums(rng, won=0.3, leads=1600)).blocked
        found.append(None if blocked is None else blocked.factor.name)
    assert found.count("win_rate") >= 0.85 * len(found)
    assert len(found) - found.count("win_rate") - found.count(None) <= 0.05 * len(found)


def test_a_higher_quota_is_a_blockage_of_its_own() -> None:
    """A quota carries no chance, but a rise of a hundredth is not worth a word."""
    other = sums(np.random.default_rng(1))
    raised = compared(other | {"quota": other["quota"] * 1.5}, other).blocked
    assert raised is not None
    assert raised.factor is QUOTA
    assert compared(other | {"quota": other["quota"] * 1.01}, other).blocked is None


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_how_unlike_people_are_is_found(spread: float) -> None:
    """Of counts with their own chance, what is left is the variance of people's rates."""
    rng = np.random.default_rng(2)
    rates = 40 * rng.lognormal(-(spread**2) / 2, spread, 400)
    leads, quotas = rng.poisson(rates), rng.lognormal(10, spread, 400)
    won = rng.binomial(30, 0.3, 400)
    each = pd.DataFrame({"reps": 1.0, "leads": leads, "quota": quotas, "closed": 30.0, "won": won})
    variance = unlike(each, (LEADS, WIN_RATE, QUOTA))
    true = np.exp(spread**2) - 1
    assert variance["leads_received"] == pytest.approx(true, rel=0.3, abs=0.01)
    assert variance["quota"] == pytest.approx(true, rel=0.4, abs=1e-9)
    assert variance["win_rate"] < 0.02


def test_people_who_differ_anyway_block_nothing() -> None:
    """What would be named by the chance of counts is not, where people differ that much."""
    other = sums(np.random.default_rng(1))
    own = other | {"leads": 0.7 * other["leads"], "opened": 0.7 * other["opened"]}
    sides = [shared(Side("", s), {"leads_received": 0.6}, 10) for s in (own, other)]
    assert compared(own, other).blocked is not None
    difference = split(*sides, chain(other), PARAMS)
    assert difference is not None
    assert difference.blocked is None or difference.blocked.factor is not LEADS


def test_nothing_is_split_where_nothing_was_won() -> None:
    """A product with a factor of 0 cannot be taken apart."""
    other = sums(np.random.default_rng(1))
    none = other | {"won": 0.0, "amount": 0.0, "squares": 0.0}
    assert split(Side("own", none), Side("others", other), chain(other), PARAMS) is None


def test_the_chain_is_what_the_tables_allow() -> None:
    """Without leads it begins with deals, without quotas it ends with amounts, or with leads."""
    names = [
        [factor.name for factor in chain(known)]
        for known in (
            {"closed": 1.0, "quota": 1.0},
            {"closed": 1.0, "leads": 1.0},
            {"leads": 1.0, "leads_ended": 1.0},
            {},
        )
    ]
    assert names == [
        ["deals_opened", "in_time", "win_rate", "deal_size", "quota"],
        ["leads_received", "deals_per_lead", "in_time", "win_rate", "deal_size"],
        ["leads_received", "in_time", "conversion_ended"],
        [],
    ]
