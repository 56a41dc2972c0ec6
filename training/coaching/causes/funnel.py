"""How leads become revenue, day by day, with effects switched on and off.

A deterministic flow (a compartment model) with the company's own rates: leads by stage, source,
age and value, deals by stage and size. It is run for each rep from the beginning of the period
before the one asked about, since deals take a while: a cause at work last period still costs now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.rows import Observed
from training.coaching.causes.company import Entities
from training.coaching.causes.stays import AGES, LOST, MOVES, STAYS, WON, Stays

AGE_DAYS = (3.0, 14.0, 30.0, 90.0)
"""Days since creation that separate classes of age; each is one of `stays.AGES`."""
BANDS = 4
"""Bands of value."""


@dataclass(frozen=True)
class Rates:
    """Daily rates of the company.

    Attributes:
        convert: of leads, by stage, source and age.
        lose: the same.
        move: by stage, next stage, source and age.
        leave: of deals, by stage, band and whether it is the period's last days: to leave.
        keep: the share that goes on of those that leave.
        next: by stage, the share of those that go on by their next stage; the last is "won".
        amount: mean amount won, by band.
        first: the stage that leads are created in.
        deal_first: the share of new deals by stage.
        edges: values that separate bands.
        waiting: whether a deal stage is one in which a sold deal waits.
    """

    convert: Floats
    lose: Floats
    move: Floats
    leave: Floats
    keep: Floats
    next: Floats
    amount: Floats
    first: int
    deal_first: Floats
    edges: Floats
    waiting: Bools


@dataclass(frozen=True)
class Window:
    """The period asked about and the one before it.

    Attributes:
        days: of the two together.
        is_now: of each day, whether it lies in the period asked about.
        is_rush: of each day, whether it is one of the last of its period.
        is_past: of each day, whether it lies before the moment asked about.
        first: number of the earlier period.
        start: in microseconds.
    """

    days: int
    is_now: Bools
    is_rush: Bools
    is_past: Bools
    first: int
    start: int


@dataclass(frozen=True)
class Effects:
    """What is at work in scenarios: by scenario and period (the one before, the one asked about).

    Attributes:
        rep: of each scenario.
        qualifying: log factor of conversions.
        first: log factor of the first move of leads.
        later: log factor of the moves after it.
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
    closing: Floats
    advance: Floats
    waiting: Floats
    amount: Floats
    arrivals: Floats


@dataclass(frozen=True)
class Stocks:
    """What each rep had at the beginning of the window, and what came.

    Attributes:
        leads: by rep, stage, source, age and band.
        deals: by rep, stage and band.
        arrivals: new leads a day, by rep, period, source and band.
        taken_leads: leads taken over a day, by rep, period, stage, source, age and band.
        taken_deals: deals taken over a day, by rep, period, stage and band.
    """

    leads: Floats
    deals: Floats
    arrivals: Floats
    taken_leads: Floats
    taken_deals: Floats


def window_of(observed: Observed, rush_days: float) -> Window:
    """Lay out the days of the last period and the one before."""
    periods = observed.periods
    first = max(len(periods) - 2, 0)
    start, now, end = (int(periods.borders[k]) for k in (first, len(periods) - 1, len(periods)))
    count = max(int(round((end - start) / DAY_US)), 1)
    at = start + np.arange(count) * DAY_US
    until = np.where(at < now, now, end)
    is_rush = (until - at) / DAY_US <= rush_days
    return Window(count, at >= now, is_rush, at < observed.company.as_of, first, start)


def rates_of(observed: Observed) -> Rates:
    """Learn the company's daily rates from all stays."""
    company, leads = observed.company, observed.leads
    stages, sources = len(company.lead_stages) + 1, len(company.sources)
    value = company.leads.value[np.isfinite(company.leads.value)]
    amounts = company.deals.value[np.isfinite(company.deals.value)]
    pool = value if len(value) >= BANDS else amounts
    edges = np.quantile(pool, np.arange(1, BANDS) / BANDS) if len(pool) else np.zeros(BANDS - 1)
    age = _age(leads)
    shape = (stages, sources, len(AGE_DAYS) + 1)
    cell = np.ravel_multi_index((leads.stage + 1, company.leads.source[leads.place], age), shape)
    at_risk = np.bincount(cell, leads.days, np.prod(shape)).reshape(shape)

    def per_day(events: Bools) -> Floats:
        counts = np.bincount(cell, events, np.prod(shape)).reshape(shape)
        # Cells that are hardly met borrow the rate of their stage.
        stage = counts.sum(axis=(1, 2), keepdims=True) / np.maximum(
            at_risk.sum(axis=(1, 2), keepdims=True), 1.0
        )
        return np.asarray((counts + 50 * stage) / (at_risk + 50))

    move = np.zeros((stages, stages, *shape[1:]))
    for after in range(stages):
        move[:, after] = per_day((leads.end == MOVES) & (leads.after + 1 == after))
    first = observed.first + 1
    return Rates(
        per_day(leads.end == WON),
        per_day(leads.end == LOST),
        move,
        *_deal_rates(observed, edges),
        first=first,
        deal_first=_first_deal_stage(company.deals, len(company.deal_stages) + 1),
        edges=edges,
        waiting=np.isin(np.arange(len(company.deal_stages) + 1) - 1, observed.waiting),
    )


def _deal_rates(observed: Observed, edges: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    company, deals = observed.company, observed.deals
    stages = len(company.deal_stages) + 1
    band = band_of(company.deals.value, edges)[deals.place]
    shape = (stages, BANDS, 2)
    cell = np.ravel_multi_index((deals.stage + 1, band, deals.is_rush.astype(np.int64)), shape)
    size = int(np.prod(shape))
    at_risk = np.bincount(cell, deals.days, size).reshape(shape)
    left = np.bincount(cell, deals.end != STAYS, size).reshape(shape)
    lost = np.bincount(cell, deals.end == LOST, size).reshape(shape)
    usual = left.sum(axis=1, keepdims=True) / np.maximum(at_risk.sum(axis=1, keepdims=True), 1.0)
    leave = (left + 30 * usual) / (at_risk + 30)
    gone = lost.sum(axis=1, keepdims=True) / np.maximum(left.sum(axis=1, keepdims=True), 1.0)
    keep = 1 - (lost + 5 * gone) / (left + 5)
    onward = np.zeros((stages, stages + 1))
    moved = deals.end == MOVES
    np.add.at(onward, (deals.stage[moved] + 1, deals.after[moved] + 1), 1.0)
    won = deals.end == WON
    np.add.at(onward, (deals.stage[won] + 1, np.full(int(won.sum()), stages)), 1.0)
    total = onward.sum(axis=1, keepdims=True)
    onward = np.where(total > 0, onward / np.maximum(total, 1), 0.0)
    is_won = company.deals.is_won & (company.deals.ended < company.as_of)
    money = company.deals.final
    every = band_of(company.deals.value, edges)
    amount = np.bincount(every[is_won], money[is_won], BANDS) / np.maximum(
        np.bincount(every[is_won], minlength=BANDS), 1
    )
    return leave, np.clip(keep, 0.01, 0.99), onward, amount


def _first_deal_stage(deals: Entities, stages: int) -> Floats:
    first = deals.stage.drop_duplicates("place", keep="first")
    counts = np.bincount(first["stage"] + 1, minlength=stages).astype(np.float64)
    if counts.sum() == 0:
        counts[0] = 1.0
    counts[counts < 0.05 * counts.sum()] = 0.0  # noqa: PLR2004 - deals that were there before the log
    return np.asarray(counts / counts.sum())


def band_of(value: Floats, edges: Floats) -> Ints:
    """Return the band of each value; unknown ones are in the second."""
    return np.where(np.isfinite(value), np.searchsorted(edges, value, side="right"), 1)


def _age(stays: Stays) -> Ints:
    """Turn the fine classes of age into those of the flow."""
    fine = np.searchsorted(AGE_DAYS, (0.0, *AGES), side="right")
    return np.asarray(fine[stays.age])


def stocks_of(observed: Observed, rates: Rates, window: Window) -> Stocks:
    """Count what each rep had at the window's start, and what came a day.

    A lead or deal that changes hands within the window counts for its first owner there by the
    share of its days, and for those who take it over from then on.
    """
    company, reps = observed.company, observed.shape[0]
    past = [max(int((window.is_past & (window.is_now == now)).sum()), 1) for now in (False, True)]
    per_day = 1 / np.array(past, dtype=np.float64)
    stays = _in_window(observed.leads, window)
    first, share, taken = _owners(stays)
    band = band_of(company.leads.value, rates.edges)
    shape = (len(company.lead_stages) + 1, len(company.sources), len(AGE_DAYS) + 1, BANDS)
    source = company.leads.source
    here = np.array([stays.stage + 1, source[stays.place], _age(stays), band[stays.place]])
    is_old = company.leads.created[stays.place] < window.start
    leads = _counted((reps, *shape), [stays.rep, *here], first & is_old, share)
    which = _which(observed, stays, window)
    new = first & ~is_old
    arrivals = _counted(
        (reps, 2, shape[1], BANDS), [stays.rep, which, here[1], here[3]], new, share
    )
    moved = _counted((reps, 2, *shape), [stays.rep, which, *here], taken, np.ones(len(share)))
    stays = _in_window(observed.deals, window)
    first, share, taken = _owners(stays)
    size = band_of(company.deals.value, rates.edges)[stays.place]
    cell = [stays.stage + 1, size]
    shape = (len(company.deal_stages) + 1, BANDS)
    is_old = company.deals.created[stays.place] < window.start
    deals = _counted((reps, *shape), [stays.rep, *cell], first & is_old, share)
    which = _which(observed, stays, window)
    ones = np.ones(len(share))
    over = _counted((reps, 2, *shape), [stays.rep, which, *cell], taken, ones)
    return Stocks(
        leads,
        deals,
        arrivals * per_day[:, None, None],
        moved * per_day[:, None, None, None, None],
        over * per_day[:, None, None],
    )


def _in_window(stays: Stays, window: Window) -> Stays:
    return stays.take((stays.period >= window.first) & (stays.rep >= 0))


def _which(observed: Observed, stays: Stays, window: Window) -> Ints:
    """Return 0 for stays in the period before, 1 for those in the period asked about."""
    return (stays.period == len(observed.periods) - 1).astype(np.int64)


def _owners(stays: Stays) -> tuple[Bools, Floats, Bools]:
    """Tell which stays are the first of their lead or deal, and which the first of a later owner.

    The share is that of the first owner in all its days.
    """
    is_first = np.append(True, stays.place[1:] != stays.place[:-1])[: len(stays.place)]
    changed = np.append(False, stays.rep[1:] != stays.rep[:-1])[: len(stays.place)]
    taken = ~is_first & changed
    owners = np.cumsum(is_first | taken)
    ordinal = owners - np.maximum.accumulate(np.where(is_first, owners, 0))
    size = int(stays.place.max(initial=-1)) + 1
    total = np.bincount(stays.place, stays.days, size)
    own = np.bincount(stays.place, stays.days * (ordinal == 0), size)
    return is_first, (own / np.maximum(total, 1e-9))[stays.place], taken


def _counted(shape: tuple[int, ...], cell: Sequence[Ints], which: Bools, weights: Floats) -> Floats:
    counts = np.zeros(shape)
    np.add.at(counts, tuple(part[which] for part in cell), weights[which])
    return counts


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
    for day in range(window.days):
        now, rush = int(window.is_now[day]), int(window.is_rush[day])
        flow = chances[now]
        converted = leads * flow.convert
        leads = leads - leads * flow.out + np.einsum("bskav,bstka->btkav", leads, flow.move)
        older = leads * aging[:, None]
        leads = leads - older
        leads[:, :, :, 1:] += older[:, :, :, :-1]
        if window.is_past[day]:
            leads += stocks.taken_leads[rep, now]
            pools[0] += stocks.taken_deals[rep, now]
        leads[:, rates.first, :, 0] += stocks.arrivals[rep, now] * effects.arrivals[:, now, :, None]
        money = np.zeros(len(rep))
        for pool, factor, (leave, keep) in zip(pools, factors, flow.deals[rush], strict=True):
            gone = pool * leave
            on = gone * keep
            money += (np.einsum("bsv,s->bv", on, rates.next[:, -1]) @ rates.amount) * factor
            pool += np.einsum("bsv,st->btv", on, rates.next[:, :-1]) - gone
        opened = converted.sum(axis=(1, 2, 3))[:, None, :] * rates.deal_first[None, :, None]
        pools[1 + now] += opened
        total += money * now
        so_far += money * window.is_past[day]
    return total, so_far


@dataclass(frozen=True)
class _Chances:
    """Chances of a day, by scenario: of leads, and of deals by rush and pool."""

    convert: Floats
    out: Floats
    move: Floats
    deals: list[list[tuple[Floats, Floats]]]


def _daily(rates: Rates, effects: Effects, now: int) -> _Chances:
    """Return the chances of a day in one of the two periods."""
    count = len(effects.rep)
    wide = (slice(None), None, None, None)
    convert = rates.convert[None] * np.exp(effects.qualifying[:, now])[wide]
    work = np.broadcast_to(effects.later[:, now, None], (count, len(rates.convert))).copy()
    work[:, rates.first] = effects.first[:, now]
    move = rates.move[None] * np.exp(work)[:, :, None, None, None]
    out = convert + rates.lose[None] + move.sum(axis=2)
    # Rates become chances of a day: all ways out share what leaves.
    share = -np.expm1(-out) / np.maximum(out, 1e-12)
    shifts = [np.zeros(count), effects.amount[:, 0], effects.amount[:, 1]]
    deals = [
        [_deal_chances(rates, effects, now, rush, shift) for shift in shifts] for rush in (0, 1)
    ]
    return _Chances(
        (convert * share)[..., None], (out * share)[..., None], move * share[:, :, None], deals
    )


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
