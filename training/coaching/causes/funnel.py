"""How leads become revenue, day by day, with effects switched on and off.

A deterministic flow (a compartment model) with the company's own rates: leads by stage, source,
age and value, deals by stage and size. It is run for each rep from the beginning of the period
before the one asked about, since deals take a while: a cause at work last period still costs now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from features.arrays import Floats, Ints
from training.coaching.causes.funnel_rates import AGE_DAYS, Rates
from training.coaching.causes.stocks import Stocks, Window


@dataclass(frozen=True)
class Effects:
    """What is at work in scenarios: by scenario and period (the one before, the one asked about).

    Attributes:
        rep: of each scenario.
        qualifying: log factor of conversions.
        first: log factor of the first move of leads.
        later: log factor of the moves after it.
        ripe: log factor of the moves to the ripest stage, on top of these.
        closing: log factor of the odds that a deal goes on.
        advance: log factor of going on, per day.
        waiting: log factor of leaving the stages in which sold deals wait.
        amount: log factor of the amounts of deals opened then.
        arrivals: factor of new leads, by scenario, period and source.
    """

    rep: Ints
    qualifying: Floats
    first: Floats
    later: Floats
    ripe: Floats
    closing: Floats
    advance: Floats
    waiting: Floats
    amount: Floats
    arrivals: Floats


def revenue(
    rates: Rates, window: Window, stocks: Stocks, effects: Effects
) -> tuple[Floats, Floats]:
    """Run the flow.

    Deals are kept in three pools, by when they were opened: before the window, in the period
    before the one asked about, and in that one; a cause that shrinks amounts shrinks those of the
    deals that are opened while it is at work.

    Returns:
        Of each scenario, the revenue of the period asked about, and of all days of the window
        that lie before the moment asked about.
    """
    rep = effects.rep
    leads = stocks.leads[rep]
    pools = [stocks.deals[rep], *(np.zeros_like(stocks.deals[rep]) for _ in range(2))]
    total, so_far = np.zeros(len(rep)), np.zeros(len(rep))
    aging = np.append(1 / np.diff(AGE_DAYS, prepend=0.0), 0.0)
    chances = [_daily(rates, effects, now) for now in (0, 1)]
    factors = [np.ones(len(rep)), *(np.exp(effects.amount[:, now]) for now in (0, 1))]
    ways, last = np.argwhere(rates.next > 0).tolist(), rates.next.shape[1] - 1
    for day in range(window.days):
        now, rush = int(window.is_now[day]), int(window.is_rush[day])
        flow = chances[now]
        converted = leads * flow.convert
        moved = [leads[:, stage] * chance for stage, _, chance in flow.moves]
        leads = leads - leads * flow.out
        for (_, after, _), came in zip(flow.moves, moved, strict=True):
            leads[:, after] += came
        older = leads * aging[:, None]
        leads = leads - older
        leads[:, :, :, 1:] += older[:, :, :, :-1]
        if window.is_past[day]:
            leads += stocks.taken_leads[rep, now]
            pools[0] += stocks.taken_deals[rep, now]
        leads[:, rates.first, :, 0] += stocks.arrivals[rep, now] * effects.arrivals[:, now, :, None]
        money = np.zeros(len(rep))
        for place, (leave, keep) in enumerate(flow.deals[rush]):
            gone = pools[place] * leave
            on = gone * keep
            pools[place] = pools[place] - gone
            for stage, after in ways:
                share = rates.next[stage, after]
                if after == last:
                    money += (on[:, stage] @ rates.amount) * (share * factors[place])
                else:
                    pools[place][:, after] += on[:, stage] * share
        opened = converted.sum(axis=(1, 2, 3))[:, None, :] * rates.deal_first[None, :, None]
        pools[1 + now] += opened
        total += money * now
        so_far += money * window.is_past[day]
    return total, so_far


@dataclass(frozen=True)
class _Chances:
    """Chances of a day, by scenario: of leads, and of deals by rush and pool.

    The moves are those that happen: from which stage to which, and the chances.
    """

    convert: Floats
    out: Floats
    moves: list[tuple[int, int, Floats]]
    deals: list[list[tuple[Floats, Floats]]]


def _daily(rates: Rates, effects: Effects, now: int) -> _Chances:
    """Return the chances of a day in one of the two periods."""
    count = len(effects.rep)
    wide = (slice(None), None, None, None)
    convert = rates.convert[None] * np.exp(effects.qualifying[:, now])[wide]
    work = np.broadcast_to(effects.later[:, now, None], (count, len(rates.convert))).copy()
    work[:, rates.first] = effects.first[:, now]
    move = rates.move[None] * np.exp(work)[:, :, None, None, None]
    move[:, :, rates.ripe] *= np.exp(effects.ripe[:, now])[wide]
    out = convert + rates.lose[None] + move.sum(axis=2)
    # Rates become chances of a day: all ways out share what leaves.
    share = -np.expm1(-out) / np.maximum(out, 1e-12)
    shifts = [np.zeros(count), effects.amount[:, 0], effects.amount[:, 1]]
    deals = [
        [_deal_chances(rates, effects, now, rush, shift) for shift in shifts] for rush in (0, 1)
    ]
    move = move * share[:, :, None]
    pairs = np.argwhere(rates.move.any(axis=(2, 3))).tolist()
    moves = [(stage, after, move[:, stage, after, ..., None]) for stage, after in pairs]
    return _Chances((convert * share)[..., None], (out * share)[..., None], moves, deals)


def _deal_chances(
    rates: Rates, effects: Effects, now: int, rush: int, shift: Floats
) -> tuple[Floats, Floats]:
    """Return the chance to leave and the share that goes on, by scenario, stage and band."""
    leave = rates.leave[None, :, :, rush]
    odds = logit(rates.keep[None, :, :, rush])
    if shift.any():
        # Smaller deals leave and pass stages as smaller deals do.
        gap = shift[:, None, None]
        leave = leave * np.exp(_slope(np.log(np.maximum(leave, 1e-9)), rates.amount) * gap)
        odds = odds + _slope(odds, rates.amount) * gap
    waits = rates.waiting[None, :, None]
    faster = np.where(
        waits, effects.waiting[:, now, None, None], effects.advance[:, now, None, None]
    )
    leave = leave * (1 + expit(odds) * np.expm1(faster))
    odds = odds + faster + np.where(waits, 0.0, effects.closing[:, now, None, None])
    return -np.expm1(-leave), expit(odds)


def _slope(values: Floats, amount: Floats) -> Floats:
    """Return how fast values rise with the log of the amount, over the bands."""
    x = np.log(np.maximum(amount, 1.0))
    x = x - x.mean()
    rise = ((values - values.mean(axis=-1, keepdims=True)) * x).sum(axis=-1, keepdims=True)
    return np.asarray(rise / max(float((x**2).sum()), 1e-9))
