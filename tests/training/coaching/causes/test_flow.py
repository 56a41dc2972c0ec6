"""The company's daily rates, what each rep had, and the flow that turns both into revenue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from lives import (
    ANN,
    BOB,
    CLEO,
    PARAMS,
    QUARTER,
    Life,
    company,
    drawn_deals,
    drawn_leads,
    observed,
    us,
)

from training.coaching.causes.company import Company
from training.coaching.causes.funnel_rates import AGE_DAYS, BANDS, Rates, band_of, rates_of
from training.coaching.causes.rows import waiting_stages
from training.coaching.causes.sizes import FIELDS, Candidate, Flow, sizes
from training.coaching.causes.stocks import stocks_of, window_of

RUSH = PARAMS.rush_days


def small(
    seed: int = 1, *, scale: float = 1.0, as_of: float | None = None, periods: int = 2
) -> Company:
    """Make a company of three reps with drawn leads and deals."""
    leads = drawn_leads(seed, 60, (0.03, 0.02, 0.02))
    deals = drawn_deals(seed + 1, 60, (0.7, 0.6, 0.6))
    scaled = [[replace(life, value=life.value * scale) for life in each] for each in (leads, deals)]
    return company(*scaled, reps=3, as_of=as_of, periods=periods)


def flow_of(known: Company) -> Flow:
    """Make the flow of a company in which nothing lasts."""
    seen = observed(known)
    rates, window = rates_of(seen), window_of(seen, RUSH)
    base = {name: np.zeros((len(known.reps), 2)) for name in FIELDS}
    return Flow(rates, window, stocks_of(seen, rates, window), base)


def cause(rep: int, shifts: Mapping[str, float], arrivals: float = 0.0) -> Candidate:
    """Return a cause that shifts fields in both periods."""
    mean = {name: np.full(2, shift) for name, shift in shifts.items()} or {"first": np.zeros(2)}
    draws = {name: np.stack([values * 0.8, values, values * 1.2]) for name, values in mean.items()}
    factor = np.full((2, 2), arrivals) if arrivals else None
    return Candidate(rep, "closing", 1.0, 0, mean, draws, factor)


def revenue(flow: Flow, rep: int = ANN, **shifts: float) -> float:
    """Return a rep's revenue with fields shifted in both periods."""
    return float(flow.run([(rep, [(cause(rep, shifts), None)])])[0])


@pytest.mark.parametrize("seed", range(3))
def test_a_known_daily_rate_is_found_again(seed: int) -> None:
    """Of 900 leads that convert at 0.03 a day and are lost at a thirtieth, both rates are near."""
    rates = rates_of(observed(company(drawn_leads(seed, 300, (0.03, 0.03, 0.03)), reps=3)))
    young = rates.convert[1, :, :3].mean(), rates.lose[1, :, :3].mean()
    assert young == pytest.approx((0.03, 1 / 30), rel=0.25)


def test_rates_of_cells_nobody_is_in_are_those_of_their_stage() -> None:
    """A source without leads at some age borrows: no rate is 0 where its stage has one."""
    rates = rates_of(observed(small()))
    assert (rates.convert[1] > 0).all()
    assert (rates.convert[3] == 0).all()


@pytest.mark.parametrize("seed", range(2))
def test_chances_and_shares_are_within_their_bounds(seed: int) -> None:
    """Whatever was drawn: rates are not negative, shares are shares, ways on add up to 1 or 0."""
    rates = rates_of(observed(small(seed)))
    for part in (rates.convert, rates.lose, rates.move, rates.leave, rates.amount):
        assert (part >= 0).all()
    assert ((rates.keep > 0) & (rates.keep < 1)).all()
    totals = rates.next.sum(axis=1)
    assert np.isin(np.round(totals, 9), (0.0, 1.0)).all()
    assert rates.deal_first.sum() == pytest.approx(1.0)


def test_names_of_stages_and_behaviour_tell_where_sold_deals_wait() -> None:
    """A stage that hardly loses a deal is one, and one that is called so; others are not."""
    seen = observed(small())
    assert waiting_stages(seen.company, seen.deals, PARAMS) == (2,)
    called = replace(seen.company, deal_stages=("talk", "Legal review", "x"))
    assert waiting_stages(called, seen.deals, PARAMS) == (1, 2)
    few = replace(seen.deals.take(seen.deals.place < 2))
    assert waiting_stages(called, few, PARAMS) == ()


def test_bands_hold_a_quarter_each_and_the_unknown_are_in_the_second() -> None:
    """Values at an edge go up; what has no value is taken as usual."""
    edges = np.array([10.0, 20.0, 30.0])
    values = np.array([1.0, 10.0, 29.0, 30.0, 1e9, np.nan])
    assert band_of(values, edges).tolist() == [0, 1, 2, 3, 3, 1]
    rates = rates_of(observed(small()))
    leads = small().leads.value
    assert np.bincount(band_of(leads, rates.edges)) == pytest.approx(np.full(BANDS, 45))


def test_the_window_is_the_last_period_and_the_one_before() -> None:
    """Its days, those of the last period, and the last days of each."""
    window = window_of(observed(small()), RUSH)
    assert (window.days, window.first, window.start) == (2 * QUARTER, 0, 0)
    assert window.is_now.sum() == QUARTER
    assert window.is_rush.sum() == 2 * RUSH
    assert window.is_past.all()


def test_a_first_period_is_a_window_of_its_own() -> None:
    """There is none before: all days are of the period asked about."""
    window = window_of(observed(company(periods=1)), RUSH)
    assert window.days == QUARTER
    assert window.is_now.all()


def test_days_after_the_moment_are_not_past() -> None:
    """A third of the last period has gone by: so many days are past."""
    window = window_of(observed(small(as_of=120)), RUSH)
    assert window.is_past.sum() == 120


def test_stocks_count_what_was_open_and_what_came() -> None:
    """By hand: two leads from before, one of them handed on half-way, and three that came."""
    leads = [
        Life(ANN, 50, 150, stages=((50, 0),)),
        Life(ANN, 80, 130, stages=((80, 0),), handed=((110, BOB),)),
        *(Life(BOB, day, 179, stages=((day, 0),), source=1) for day in (100, 120, 140)),
    ]
    known = company(leads, periods=3, as_of=180)
    seen = observed(replace(known, quotas=known.quotas[known.quotas["start"] < us(180)]))
    later = observed(replace(known, as_of=us(180)))
    rates, window = rates_of(later), window_of(later, RUSH)
    stocks = stocks_of(later, rates, window)
    assert window.first == 1
    assert stocks.leads[ANN].sum() == pytest.approx(0 + 1 + 20 / 40)
    assert stocks.leads[BOB].sum() == 0
    assert stocks.taken_leads[BOB].sum() * QUARTER == pytest.approx(1)
    assert stocks.arrivals[BOB, 0].sum() * QUARTER == pytest.approx(3)
    assert stocks.arrivals[BOB, 0, 0].sum() == 0
    whole = stocks_of(seen, rates_of(seen), window_of(seen, RUSH))
    assert whole.arrivals[ANN].sum() * QUARTER == pytest.approx(1 + 30 / 50)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_counted_twice_or_lost(seed: int) -> None:
    """Of leads that nobody hands on, each is in the stock or in what came, once."""
    known = small(seed)
    seen = observed(known)
    stocks = stocks_of(seen, rates_of(seen), window_of(seen, RUSH))
    came = stocks.arrivals.sum() * QUARTER
    assert came + stocks.leads.sum() == pytest.approx(len(np.unique(seen.leads.place)))
    assert stocks.taken_leads.sum() == stocks.taken_deals.sum() == 0


def test_reps_are_run_each_alone() -> None:
    """A scenario gives the same in company and alone; one without a lead or deal gives nothing."""
    flow = flow_of(small())
    together = flow.run([(ANN, []), (BOB, []), (CLEO, [])])
    assert together == pytest.approx([float(flow.run([(rep, [])])[0]) for rep in (ANN, BOB, CLEO)])
    assert flow.run([]).shape == (0,)
    idle = flow_of(company(drawn_leads(1, 40, (0.03,)), drawn_deals(1, 40, (0.7,)), reps=2))
    assert idle.run([(BOB, [])]).tolist() == [0.0]


def test_revenue_is_in_the_currency_of_amounts() -> None:
    """A company in cents flows as one in euros, a hundred times as much."""
    one, two = flow_of(small()), flow_of(small(scale=100.0))
    assert revenue(two) == pytest.approx(100 * revenue(one), rel=1e-6)


@pytest.mark.parametrize("field", FIELDS)
def test_less_of_anything_never_brings_more(field: str) -> None:
    """Each field, from twice to nothing: revenue never rises as it falls."""
    flow = flow_of(small())
    money = [revenue(flow, **{field: shift}) for shift in (0.7, 0.3, 0.0, -0.3, -1.0, -3.0)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(money))
    if field in ("qualifying", "closing", "advance", "waiting", "amount"):
        assert money[-1] < money[0]


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_revenue_is_a_line_in_what_arrives(factor: float) -> None:
    """What new leads bring on top of the stock grows in proportion to them."""
    flow = flow_of(small(periods=3))
    none = replace(flow, stocks=replace(flow.stocks, arrivals=flow.stocks.arrivals * 0))
    some = replace(flow, stocks=replace(flow.stocks, arrivals=flow.stocks.arrivals * factor))
    stock, usual = revenue(none), revenue(flow)
    assert usual > stock > 0
    assert revenue(some) - stock == pytest.approx(factor * (usual - stock))


def test_a_cause_on_arrivals_does_what_fewer_arrivals_do() -> None:
    """Half of the leads by a cause is half of the leads in the stock's arrivals."""
    flow = flow_of(small())
    halved = replace(flow, stocks=replace(flow.stocks, arrivals=flow.stocks.arrivals / 2))
    by_cause = flow.run([(ANN, [(cause(ANN, {}, arrivals=float(np.log(0.5))), None)])])
    assert by_cause == pytest.approx(halved.run([(ANN, [])]))


def test_what_flows_by_the_moment_is_part_of_what_flows() -> None:
    """With all days past, both periods count; without a past day nothing has come yet."""
    flow = flow_of(small())
    total, so_far = flow.run_all([(ANN, [])])
    assert so_far[0] > total[0] > 0
    unseen = replace(flow, window=replace(flow.window, is_past=flow.window.is_past & False))
    assert unseen.run_all([(ANN, [])])[1].tolist() == [0.0]


@pytest.mark.parametrize("seed", range(3))
def test_the_flow_is_near_what_really_came(seed: int) -> None:
    """Where every deal comes from a lead, the company's flow brings what it won, by a fifth."""
    leads = drawn_leads(seed, 200, (0.03, 0.03, 0.03))
    known = company(leads, drawn_deals(seed, 0, (0.7, 0.7, 0.7), leads), reps=3)
    _, so_far = flow_of(known).run_all([(rep, []) for rep in range(3)])
    won = known.deals.final[known.deals.is_won & (known.deals.ended < known.as_of)].sum()
    assert so_far.sum() == pytest.approx(won, rel=0.2)


def test_sizes_of_one_cause_are_the_whole_difference() -> None:
    """Alone, a cause costs the revenue without it less that with it; draws lie about its mean."""
    flow = flow_of(small())
    (size,) = sizes(flow, [cause(ANN, {"closing": -0.5})])
    assert size.mean == pytest.approx(revenue(flow) - revenue(flow, closing=-0.5))
    assert size.draws.mean() == pytest.approx(size.mean)
    assert (np.diff(size.draws) > 0).all()


def test_sizes_are_split_and_no_other_rep_takes_part() -> None:
    """Two causes of one rep add up to what both cost; a third of another rep changes neither."""
    flow = flow_of(small())
    two = [cause(ANN, {"closing": -0.5}), cause(ANN, {"amount": -0.3})]
    alone = sizes(flow, two)
    both = revenue(flow) - revenue(flow, closing=-0.5, amount=-0.3)
    assert sum(size.mean for size in alone) == pytest.approx(both)
    first, _, second = sizes(flow, [two[0], cause(BOB, {"closing": -2.0}), two[1]])
    assert (first.mean, second.mean) == pytest.approx((alone[0].mean, alone[1].mean))


def test_alike_causes_cost_alike_and_one_that_does_nothing_costs_nothing() -> None:
    """The laws that Shapley values are known for: symmetry, and a null player's 0."""
    flow = flow_of(small())
    twin = cause(ANN, {"qualifying": -0.4})
    one, two, idle = sizes(flow, [twin, twin, cause(ANN, {"closing": 0.0})])
    assert one.mean == pytest.approx(two.mean)
    assert one.mean > 0
    assert idle.mean == pytest.approx(0.0, abs=1e-9)
    assert sizes(flow, []) == []


@pytest.mark.parametrize("shift", [-0.5, -0.2, 0.3])
def test_who_gets_fewer_leads_ripe_wins_less(shift: float) -> None:
    """Half of the leads come to the stage that they convert from, the others are lost before."""
    ripe = [
        Life(ANN, day, day + 9, won=True, stages=((day, 0), (day + 2, 1), (day + 6, 2)))
        for day in range(0, 170, 2)
    ]
    lost = [Life(ANN, day, day + 9, stages=((day, 0), (day + 2, 1))) for day in range(0, 170, 2)]
    lives = [*ripe, *lost]
    flow = flow_of(company(lives, drawn_deals(1, 0, (0.7,), lives)))
    assert flow.rates.ripe > flow.rates.first
    assert (revenue(flow, ripe=shift) > revenue(flow)) == (shift > 0)


def test_what_the_quota_asks_for_less_is_not_missed() -> None:
    """A cause whose quota allows for it costs less by the share of revenue not asked for."""
    flow = flow_of(small())
    poor = replace(cause(ANN, {"amount": -0.2}), share=0.9)
    (whole,), (allowed,) = sizes(flow, [cause(ANN, {"amount": -0.2})]), sizes(flow, [poor])
    assert whole.mean - allowed.mean == pytest.approx(0.1 * revenue(flow))


def test_a_company_without_leads_or_deals_has_rates_and_no_revenue() -> None:
    """Nothing is known of it, and nothing is made up."""
    flow = flow_of(company())
    rates: Rates = flow.rates
    assert np.isfinite(rates.convert).all()
    assert rates.convert.shape[-1] == len(AGE_DAYS) + 1
    assert flow.run([(ANN, []), (BOB, [])]).tolist() == [0.0, 0.0]
